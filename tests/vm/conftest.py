# SPDX-License-Identifier: MIT
"""Owns the machine that each test gets, and what the report of a failed test shows of it."""

import subprocess
from collections.abc import Generator, Iterator

import pytest

from .machine import Machine
from .qemu import MachineGoneError

_MACHINE = pytest.StashKey[Machine]()
_LINES = 60
_LOGS = {
    "journal of the units under test": (
        f"journalctl -o short-monotonic -u camwatchd -u camera-proof | tail -{_LINES}"
    ),
    "kernel log of the machine": "dmesg | grep -v -e 'urb->status' -e 'unlink->seqnum' | tail -20",
}


@pytest.fixture
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A fresh machine; a test in which the rig itself lost the camera is inconclusive, whatever it found."""
    with Machine() as machine:
        request.node.stash[_MACHINE] = machine
        yield machine
        defect = machine.rig_defect()
    if defect:
        pytest.fail(f"inconclusive, run it again: the rig lost the camera by itself: {defect}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, None, None]:
    """While the machine of a failed test still runs, its logs go into the report."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    machine = item.stash.get(_MACHINE, None)
    if report.failed and report.when != "teardown" and machine:
        report.sections += [(title, _log(machine, command)) for title, command in _LOGS.items()]


def _log(machine: Machine, command: str) -> str:
    try:
        return machine.run(command).stdout
    except (MachineGoneError, subprocess.TimeoutExpired) as error:
        return str(error)
