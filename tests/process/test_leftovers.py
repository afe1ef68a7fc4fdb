# SPDX-License-Identifier: MIT
"""Owns the proof that nothing opens a camera while a process of a previous start may still hold one."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from camwatchd.adapters import log
from camwatchd.leftovers import PATIENCE, Leftovers
from camwatchd.loop import Loop
from tests.adapters.test_host import in_unit, task


class Told:
    """What the leftovers told, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.gone = 0
        self.stuck: list[str] = []

    def clock(self) -> float:
        return self.now

    def on_gone(self) -> None:
        self.gone += 1


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stays until it is ended."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


def looking(root: Path, pids: list[int], told: Told) -> tuple[Loop, Leftovers]:
    """Leftovers that have looked at a machine with these processes in our control group."""
    host = in_unit(root, "".join(f"{pid}\n" for pid in [*pids, os.getpid()]))
    loop = Loop()
    quiet = log.build("json", "error", 2, {}, clock=told.clock)
    leftovers = Leftovers(loop, host, quiet, told.clock)
    leftovers.look(told.on_gone, told.stuck.append)
    return loop, leftovers


def test_without_leftovers_nothing_waits(tmp_path: Path) -> None:
    """We ourselves are none: workers may start, and there is no deadline."""
    told = Told()
    _, leftovers = looking(tmp_path, [], told)

    assert (False, float("inf"), 0) == (leftovers.present, leftovers.deadline, told.gone)


def test_a_leftover_is_awaited(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    """While it lives no worker may start; its end is an event, and then they may."""
    told = Told()
    loop, leftovers = looking(tmp_path, [sleeper.pid], told)
    before = leftovers.present
    sleeper.kill()
    loop.turn(10)

    assert (True, False, 1) == (before, leftovers.present, told.gone)
    assert float("inf") == leftovers.deadline


def test_all_of_them_are_awaited(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    """The first that ends frees nothing."""
    told = Told()
    with subprocess.Popen(["sleep", "1000"]) as other:
        loop, _ = looking(tmp_path, [sleeper.pid, other.pid], told)
        other.kill()
        loop.turn(10)
        between = told.gone
        sleeper.kill()
        loop.turn(10)

    assert (0, 1) == (between, told.gone)


def test_one_that_is_gone_already_is_none(tmp_path: Path) -> None:
    """Between the list and the look a process may end."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    _, leftovers = looking(tmp_path, [process.pid], Told())

    assert not leftovers.present


def test_after_its_time_a_leftover_counts_as_unkillable(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    """After 30 s it is a fault, with what it waits for as evidence; it is awaited all the same."""
    told = Told()
    loop, leftovers = looking(tmp_path, [sleeper.pid], told)
    due = leftovers.deadline
    put_stuck(tmp_path, sleeper.pid)
    told.now = due
    leftovers.tick()
    sleeper.kill()
    loop.turn(10)

    assert 100 + PATIENCE == due
    assert ["task 77 in uvc_stop_streaming"] == told.stuck
    assert 1 == told.gone


def put_stuck(root: Path, pid: int) -> None:
    """Have the fake machine show a task of this process that hangs in the kernel."""
    task(root, 77, "D", wchan="uvc_stop_streaming")
    (root / "proc/77").rename(root / "proc" / str(pid))


def test_one_without_a_reason_counts_as_well(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    """A leftover that is merely slow is told by its pid."""
    told = Told()
    _, leftovers = looking(tmp_path, [sleeper.pid], told)
    leftovers.tick()

    assert [f"processes [{sleeper.pid}] do not end"] == told.stuck
    assert float("inf") == leftovers.deadline
