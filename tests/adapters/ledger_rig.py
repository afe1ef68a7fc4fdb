# SPDX-License-Identifier: MIT
"""Owns the life of a ledger in tests: boots and starts of any length, without a clock."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from camwatchd.adapters.ledger import Entry, Ledger
from camwatchd.adapters.ledger_boots import Moment
from camwatchd.adapters.ledger_file import LedgerFile
from camwatchd.core.budget import Facts, Verdict, decide_reboot, decide_restart
from camwatchd.core.ladder import Rung
from camwatchd.core.records import AskLeave, Record
from camwatchd.core.settings import Reboot

WALL = "2026-11-22 21:30:00"
FAULT = "frames-stopped"


def ask(camera: str = "cam0", rung: Rung = Rung.REBOOT, rules: Reboot | None = None) -> AskLeave:
    """A request that the supervisor could make."""
    return AskLeave(camera, FAULT, rung, 2, rules or Reboot(), starts=1, service_restarts=0)


class Start:
    """A start of the service in a boot; `uptime` goes wherever the test wants it."""

    def __init__(self, folder: Path, boot: str, name: str, uptime: float, wall: str) -> None:
        self.uptime, self.wall = uptime, wall
        self.file = LedgerFile(folder, lambda: "2026-11-22T2130")
        self.ledger = Ledger(self.file.open(), boot, name)
        self._serials = itertools.count(1)
        self.ledger.enter(self.moment, beside_old=self.file.was_set_aside)

    @property
    def moment(self) -> Moment:
        return Moment(self.uptime, self.wall)

    def write(self, *records: Record) -> list[str]:
        """Write records as they would come from the supervisor; what they mean, where that is news."""
        return self.ledger.write([Entry(next(self._serials), record, self.moment) for record in records])

    def facts(self, request: AskLeave | None = None) -> Facts:
        return self.ledger.facts(request or ask(), self.moment)

    def leave(self, request: AskLeave | None = None) -> Verdict:
        """Ask on a machine that has nothing against it."""
        request = request or ask()
        facts = self.facts(request)
        if request.rung is Rung.REBOOT:
            verdict = decide_reboot(request.rules, request.max_reboots, _with_systemd(facts))
        else:
            verdict = decide_restart(facts)
        self.ledger.settle(next(self._serials), request, verdict, self.moment)
        return verdict


def _with_systemd(facts: Facts) -> Facts:
    return replace(facts, action="reboot")


@contextmanager
def start(
    folder: Path, boot: str = "boot-1", name: str = "", *, uptime: float = 400.0, wall: str = WALL
) -> Iterator[Start]:
    """The service runs; the ledger is closed afterwards, as the end of the process would."""
    running = Start(folder, boot, name or f"{boot}-start", uptime, wall)
    try:
        yield running
    finally:
        running.ledger.close()
