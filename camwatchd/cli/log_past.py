# SPDX-License-Identifier: MIT
"""Owns what `camwatchctl logs` asks of the ledger: the incidents of a span, and why there are none to be had.

SQLite is imported only here, for the journal is mostly enough.
"""

from collections.abc import Iterator
from pathlib import Path

from camwatchd.cli import past
from camwatchd.cli.log_ledger import Incident, Step
from camwatchd.cli.when import parsed
from camwatchd.errors import ExitStatus


class Past:
    """The ledger; `known`: it was asked, and answered; `trouble`, `status`: why it did not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.known = False
        self.trouble = ""
        self.status = ExitStatus.EX_OK

    def incidents(self, since: float) -> Iterator[Incident]:
        """Those that ended, or were seen last, after this time of day; the oldest first."""
        from camwatchd.adapters import ledger_reading

        try:
            found = list(self._read())
        except ledger_reading.LedgerError as error:
            self.trouble, self.status = str(error), error.status
            return
        self.known = True
        yield from (incident for incident in reversed(found) if incident.time + incident.seconds >= since)

    def _read(self) -> Iterator[Incident]:
        from camwatchd.adapters import ledger_reading, ledger_story

        with ledger_reading.opened(self._folder) as copy:
            for line in ledger_story.history(copy.db, past.this_boot()).incidents:
                told = ledger_story.incident(copy.db, line.number)
                steps = told.steps if told else ()
                yield Incident(
                    line.camera, parsed(line.wall), line.fault, line.evidence, line.seconds, line.ended,
                    [Step(s.after, s.rung, s.attempt, s.outcome, s.reason, s.seconds) for s in steps], line.drill,
                )  # fmt: skip
