# SPDX-License-Identifier: MIT
"""Owns the proof that whatever becomes of the helper that resets a device is an outcome, and blocks nobody."""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from camwatchd.core.ladder import Outcome
from camwatchd.loop import Loop
from camwatchd.resetting import Resetting
from tests.adapters.test_host import found_left_over
from tests.process.daemon import PATIENCE, children

PLACE = "simulated:cam0"


@dataclass
class Desk:
    """Whoever asks for resets, and hears how they ended."""

    folder: Path
    ahead: float = 0.0
    heard: list[tuple[Outcome, str]] = field(default_factory=list)
    loop: Loop = field(default_factory=Loop)

    def __post_init__(self) -> None:
        self.resetting = Resetting(
            self.loop, self.clock, os.environ, str(self.folder), lambda *told: self.heard.append(told)
        )

    def clock(self) -> float:
        return time.monotonic() + self.ahead

    def shows(self, answer: str) -> None:
        """How the simulated device meets a reset."""
        (self.folder / "usb-cam0").write_text(answer)

    def until_heard(self, count: int) -> None:
        """Let the loop run until so many outcomes were told."""
        while len(self.heard) < count:
            self.loop.turn(20)

    def until_gone(self) -> None:
        """Let the loop run until the helper was reaped."""
        while self.resetting.busy:
            self.loop.turn(20)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    rig = Desk(tmp_path)
    yield rig
    rig.resetting.end()
    rig.until_gone()


def test_the_helpers_report_is_the_outcome(desk: Desk) -> None:
    """Absent, then present: each reset is told once, and nothing is due afterwards."""
    desk.resetting.begin(PLACE, 20)
    desk.until_heard(1)
    desk.shows("answers")
    desk.resetting.begin(PLACE, 20)
    desk.until_heard(2)

    assert [Outcome.NOT_APPLICABLE, Outcome.SUCCEEDED] == [outcome for outcome, _ in desk.heard]
    assert (False, float("inf")) == (desk.resetting.busy, desk.resetting.deadline)


def test_a_helper_that_hangs_is_given_up(desk: Desk) -> None:
    """At its deadline the outcome is told before the helper is gone; it is reaped when it is."""
    desk.shows("hangs")
    desk.resetting.begin(PLACE, 20)
    patience = desk.resetting.deadline - desk.clock()
    desk.resetting.tick()
    told = desk.heard.copy(), desk.resetting.busy, desk.resetting.deadline
    desk.until_gone()

    assert 19 < patience <= 20
    assert (
        [(Outcome.FAILED, "it did not return within 20 s; going on without it")],
        True,
        float("inf"),
    ) == told
    assert 1 == len(desk.heard)


def test_while_one_cannot_be_killed_there_is_no_other(desk: Desk) -> None:
    """A helper that hangs in the kernel stays; a further reset fails at once instead of joining it."""
    desk.shows("hangs")
    desk.resetting.begin(PLACE, 20)
    desk.resetting.tick()
    desk.resetting.begin(PLACE, 20)

    assert "still hangs in the kernel" in desk.heard[1][1]
    assert Outcome.FAILED is desk.heard[1][0]


def test_a_camera_that_comes_with_a_reload_joins_no_reset_either(desk: Desk) -> None:
    """The former camera's helper still hangs at the place: the new one's reset is an outcome, after which it may."""
    desk.shows("hangs")
    desk.resetting.begin(PLACE, 20)
    until_locked(desk.folder / f"reset-{PLACE}.lock")
    other = Desk(desk.folder, loop=desk.loop)
    other.resetting.begin(PLACE, 20)
    other.until_heard(1)
    desk.resetting.end()
    desk.until_gone()
    desk.shows("answers")
    other.resetting.begin(PLACE, 20)
    other.until_heard(2)

    assert [Outcome.FAILED, Outcome.SUCCEEDED] == [outcome for outcome, _ in other.heard]
    assert "has not returned yet" in other.heard[0][1]


def until_locked(path: Path) -> None:
    """Wait until a helper has the lock of its place: from there on it only waits for the device."""
    end = time.monotonic() + PATIENCE
    while not locked(path):
        assert time.monotonic() < end
        time.sleep(0.01)


def locked(path: Path) -> bool:
    """Whether somebody holds the lock of this file."""
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, BlockingIOError) as error:
        return isinstance(error, BlockingIOError)
    return False


def test_a_helper_that_hangs_is_no_leftover_worker(desk: Desk) -> None:
    """The next start, which finds it in its control group, lets every camera be opened all the same."""
    desk.shows("hangs")
    before = children()
    desk.resetting.begin(PLACE, 20)
    (child,) = children() - before
    until_locked(desk.folder / f"reset-{PLACE}.lock")

    assert [] == found_left_over(desk.folder, child)


def test_nobody_hears_of_one_that_was_ended(desk: Desk) -> None:
    """Whoever goes another way is not told; the process is killed all the same."""
    desk.shows("hangs")
    desk.resetting.begin(PLACE, 20)
    desk.resetting.end()
    desk.until_gone()

    assert [] == desk.heard


def test_a_helper_that_dies_has_failed(desk: Desk) -> None:
    """Killed, it leaves no report; a place that it refuses it reports."""
    desk.shows("hangs")
    before = children()
    desk.resetting.begin(PLACE, 20)
    (child,) = children() - before
    os.kill(child, signal.SIGKILL)
    desk.until_heard(1)
    desk.resetting.begin("../..", 20)
    desk.until_heard(2)

    assert [
        (Outcome.FAILED, "the helper failed: b''"),
        (Outcome.FAILED, "'../..' names no USB port"),
    ] == desk.heard


def test_without_a_process_it_has_failed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """No memory, no process, no descriptor: an outcome with its reason."""
    monkeypatch.setattr(sys, "executable", "/nonexistent/python3")
    desk.resetting.begin(PLACE, 20)

    assert Outcome.FAILED is desk.heard[0][0]
    assert "could be executed: [Errno 2]" in desk.heard[0][1]
    assert not desk.resetting.busy
