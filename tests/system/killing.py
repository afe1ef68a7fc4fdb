# SPDX-License-Identifier: MIT
"""Owns killing everything of the service at random moments, and what the ledger must still hold afterwards."""

import random
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .container import UNIT, Container
from .journal import Entry
from .lastrungs import ledger

_KILL = f"systemctl kill --kill-whom=all --signal=KILL {UNIT}"
_RESET = f"systemctl reset-failed {UNIT}"
_KEPT_STEPS = 40  # of an incident: adapters/ledger_incidents.py keeps the first 10 and the last 30
_HEALTHY = "healthy"  # of these marks only the newest of a boot and camera is kept
Row = dict[str, Any]


def seeded() -> random.Random:
    """Random moments; pytest shows the seed of a run that fails."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed of the random moments: {seed}")
    return random.Random(seed)


def started(container: Container, after: Entry | None) -> Entry | None:
    """The next start of the daemon; None: the container went down instead."""
    boot, found = container.on, list[Entry]()

    def either() -> bool:
        found[:] = container.journal.all(EVENT="daemon.started", after=after)[:1]
        return bool(found or boot.end)

    container.until(either, "the next start, or the machine's end")
    return found[0] if found else None


def kill_in(container: Container, seconds: float, *, reset: bool) -> bool:
    """Everything of the service at once, then; unless nothing of it runs, or the machine goes down meanwhile.
    `reset`: the starts so far do not add up to the start limit.
    """
    boot = container.on
    with suppress(subprocess.TimeoutExpired):
        boot.process.wait(seconds)
    command = boot.command("sh", "-c", f"{_RESET}; {_KILL}" if reset else _KILL)
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@dataclass(slots=True)
class Memory:
    """What the ledger was seen to hold, and so was durable for everybody who asked."""

    marks: dict[int, Row] = field(default_factory=dict)
    steps: dict[int, Row] = field(default_factory=dict)

    def compare(self, container: Container) -> None:
        """It opens, and holds all that it held before, but for what it forgets by rule."""
        now = ledger(container)
        marks = {mark["number"]: mark for mark in now["marks"]}
        steps = {step["number"]: step for incident in now["incidents"] for step in incident["steps"]}
        full = {i["number"] for i in now["incidents"] if len(i["steps"]) >= _KEPT_STEPS}
        healthy = {_whose(mark): number for number, mark in marks.items() if mark["kind"] == _HEALTHY}

        lost = [
            n for n, mark in self.marks.items() if marks.get(n) != mark and healthy.get(_whose(mark), 0) < n
        ]
        lost += [
            n for n, step in self.steps.items() if steps.get(n) != step and step["incident"] not in full
        ]
        assert lost == [], f"of {self} is missing: {lost}"
        self.marks, self.steps = marks, steps

    def count(self, kind: str) -> int:
        """The marks of one kind."""
        return sum(mark["kind"] == kind for mark in self.marks.values())


def _whose(mark: Row) -> tuple[str, ...]:
    """A newer mark of health takes the place of the older one of the same boot and camera; of others nothing does."""
    return (mark["boot"], mark["camera"], mark["kind"])


def granted(container: Container) -> list[Row]:
    """The reboots that were granted, without those that were revoked as nobody was there any more to do them."""
    found = ledger(container)["marks"]
    revoked = {mark["voids"] for mark in found}
    return [mark for mark in found if mark["kind"] == "intent" and mark["number"] not in revoked]
