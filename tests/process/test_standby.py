# SPDX-License-Identifier: MIT
"""Owns the proof about the standby's place: who wants one, and what becomes of one that cannot be executed."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from camwatchd.adapters import log
from camwatchd.adapters.host import Host
from camwatchd.core.settings import Daemon
from camwatchd.loop import Loop
from camwatchd.standby import ENOUGH_MEMORY, Standby
from tests.adapters.test_host import put


class Rig:
    """A standby on a machine with so much memory, a clock that is set by hand, and what was logged."""

    def __init__(self, root: Path, memory: int) -> None:
        self.now = 100.0
        self.host = put(root, proc__meminfo=f"MemTotal: {memory // 1024} kB\n")
        self._said, out = os.pipe()
        self._out = out
        os.set_blocking(self._said, False)
        self.loop = Loop()
        self.standby = Standby(
            loop=self.loop, log=log.build("json", "warning", out, {}), host=self.host,
            clock=lambda: self.now, environ=os.environ,
        )  # fmt: skip

    def said(self) -> list[str]:
        """The events logged since the last look."""
        try:
            return [json.loads(line)["event"] for line in os.read(self._said, 65536).splitlines()]
        except BlockingIOError:
            return []

    def close(self) -> None:
        self.standby.end()
        while self.standby.pid is not None:
            self.loop.turn(10)
        os.close(self._said)
        os.close(self._out)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path, ENOUGH_MEMORY)
    yield rig
    rig.close()


def test_a_standby_that_cannot_be_executed_is_said_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing exec is no fault of a camera: it is said, and tried again only after ten minutes."""
    executable = sys.executable
    monkeypatch.setattr(sys, "executable", "/nonexistent/python3")
    for _ in range(3):
        rig.standby.ensure(Daemon(standby=True), "simulated")
    refused = rig.said(), rig.standby.pid
    monkeypatch.setattr(sys, "executable", executable)
    rig.standby.ensure(Daemon(standby=True), "simulated")
    waiting = rig.standby.pid
    rig.now += 600
    rig.standby.ensure(Daemon(standby=True), "simulated")

    assert (["standby.failed"], None) == refused
    assert waiting is None
    assert rig.standby.pid is not None


def test_a_standby_that_still_imports_is_taken(rig: Rig) -> None:
    """It is ahead of any process that would be executed instead; a standby of another backend is none."""
    rig.standby.ensure(Daemon(standby=True), "simulated")
    pid = rig.standby.pid
    refused = rig.standby.take("picamera2")
    taken = rig.standby.take("simulated")

    assert taken is not None
    assert (None, pid, False) == (refused, taken.child.pid, taken.child.imported)
    taken.child.signal(signal.SIGKILL)
    taken.child.reap()


def test_the_memory_is_read_once(rig: Rig, tmp_path: Path) -> None:
    """What a machine has does not change: `ensure()`, called every turn, opens no file for it."""
    (tmp_path / "proc/meminfo").unlink()
    rig.standby.ensure(Daemon(standby="auto"), "simulated")

    assert 0 == Host(tmp_path).memory_total()
    assert rig.standby.pid is not None


def test_little_memory_is_left_to_the_cameras(tmp_path: Path) -> None:
    """ "auto" keeps no standby on a machine with less than 850 MiB; `true` does."""
    rig = Rig(tmp_path, ENOUGH_MEMORY - 1024)
    rig.standby.ensure(Daemon(standby="auto"), "simulated")
    without = rig.standby.pid
    rig.standby.ensure(Daemon(standby=True), "simulated")
    kept = rig.standby.pid
    rig.close()

    assert without is None
    assert kept is not None
