# SPDX-License-Identifier: MIT
"""Owns the proof that the daemon tells the alerts that its log has kept back: in its loop, and before it ends."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from camwatchd.__main__ import _run
from camwatchd.adapters import log
from camwatchd.core import alerts
from camwatchd.errors import ExitStatus
from camwatchd.ports import EventLog, LimitedLog
from camwatchd.supervisor import Supervisor
from tests.process.test_handover import having, supervising

_BURST = 10


def storm(events: EventLog) -> None:
    """One recovery more than the limit lets pass."""
    for number in range(_BURST + 1):
        log.say(events, alerts.RECOVERY, f"{number}", camera="cam0")


def told(file: Path) -> list[dict[str, Any]]:
    """The recoveries in the log so far."""
    lines = map(json.loads, file.read_text().splitlines())
    return [line for line in lines if line["event"] == alerts.RECOVERY.event]


def test_what_was_kept_back_is_a_deadline_of_the_loop(tmp_path: Path) -> None:
    """With nothing else to do the loop wakes when the limit allows the last alert, and it is told."""
    with supervising(tmp_path, having()) as supervisor:
        storm(supervisor.world.log)
        assert _BURST == len(told(tmp_path / "log"))
        assert supervisor._deadline() <= supervisor.clock() + 10
        supervisor.clock.ahead += 9.8
        supervisor.until(lambda: len(told(tmp_path / "log")) > _BURST)

    assert 10 <= told(tmp_path / "log")[-1]["delayed"] < 15


@dataclass
class Ending:
    """What the composition root knows of a supervisor; this one has said a lot, and ends one way or the other."""

    log: LimitedLog
    damaged: bool

    def __post_init__(self) -> None:
        self.world = SimpleNamespace(log=self.log)

    def run(self) -> ExitStatus:
        storm(self.log)
        if self.damaged:
            raise ValueError("damage")
        return ExitStatus.EX_OK


@pytest.mark.parametrize(("damaged", "status"), [(False, ExitStatus.EX_OK), (True, ExitStatus.EX_TEMPFAIL)])
def test_nothing_is_kept_back_beyond_the_end(tmp_path: Path, damaged: bool, status: ExitStatus) -> None:
    """However the daemon ends, its last word about a camera stands in the log."""
    with (tmp_path / "log").open("w") as said:
        events = log.build("json", "info", said.fileno(), {})
        assert status == _run(cast("Supervisor", Ending(events, damaged)))

    assert _BURST + 1 == len(told(tmp_path / "log"))
