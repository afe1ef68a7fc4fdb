# SPDX-License-Identifier: MIT
"""Owns what `camwatchctl logs` asks of the ledger: the incidents of a span, and why there are none to be had.

SQLite is imported only here, for the journal is mostly enough.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from camwatchd.cli import past
from camwatchd.cli.log_ledger import Incident, Step
from camwatchd.cli.when import now, parsed
from camwatchd.core.timespan import DAY
from camwatchd.errors import ExitStatus

if TYPE_CHECKING:
    from camwatchd.adapters.ledger_story import History
    from camwatchd.adapters.ledger_story import Incident as Told


class Past:
    """The ledger; `known`: it was asked, and answered; `trouble`, `status`: why it did not.

    `begun`: since when it would know, in seconds since 1970; `later`: how many of its incidents are of times to come,
    because the clock has jumped. Nobody knows when they were.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.known = False
        self.trouble = ""
        self.begun = math.inf
        self.later = 0
        self.status = ExitStatus.EX_OK

    def incidents(self, since: float) -> Iterator[Incident]:
        """Those that ended, or were seen last, after this time of day; the oldest first."""
        from camwatchd.adapters import ledger_reading

        try:
            begun, found = self._read()
        except ledger_reading.LedgerError as error:
            self.trouble, self.status = str(error), error.status
            return
        self.known, self.begun = True, begun
        self.later = sum(incident.time > now() for incident in found)
        for incident in reversed(found):
            if incident.time <= now() and incident.time + incident.seconds >= since:
                yield incident

    def _read(self) -> tuple[float, list[Incident]]:
        from camwatchd.adapters import ledger_reading, ledger_story

        with ledger_reading.opened(self._folder) as copy:
            history = ledger_story.history(copy.db, past.this_boot())
            told = [ledger_story.incident(copy.db, line.number) for line in history.incidents]
        return _begun(history), [_incident(one) for one in told if one]


def _incident(told: "Told") -> Incident:
    line = told.headline
    return Incident(
        line.camera, parsed(line.wall), line.fault, line.evidence, line.seconds, line.ended,
        [Step(s.after, s.rung, s.attempt, s.outcome, s.reason, s.seconds) for s in told.steps], line.drill,
    )  # fmt: skip


def _begun(history: "History") -> float:
    """When the ledger was begun, as far as it has forgotten nothing since: it keeps so many incidents, for so long."""
    if not history.boots:
        return math.inf
    known = [parsed(history.boots[-1].wall), now() - history.keep_days * DAY]
    full = len(history.incidents) >= history.keep_incidents
    return max(*known, *(parsed(line.wall) for line in history.incidents[-1:] if full))
