# SPDX-License-Identifier: MIT
"""Owns the machine that each test gets, what becomes of inconclusive runs, and what a failed test shows of it."""

import subprocess
from collections.abc import Generator, Iterator

import pytest
from _pytest.runner import runtestprotocol

from tests.scenario_lines import ScenarioLines, ours

from .machine import STATE, Machine
from .qemu import MachineGoneError
from .scene import Scene

_MACHINE = pytest.StashKey[Machine]()
_DEFECT = pytest.StashKey[str]()
_RUNS = 3  # of a scenario in which the rig itself loses the camera, at most
_LINES = 60
_LOGS = {
    "journal of the units under test": (
        f"journalctl -o short-monotonic -u camwatchd -u camera-proof | tail -{_LINES}"
    ),
    "kernel log of the machine": "dmesg | grep -v -e 'urb->status' -e 'unlink->seqnum' | tail -20",
    "ledger": f"python3 -m camwatchd.adapters.ledger_dump {STATE} | tail -{_LINES}",
}
_inconclusive: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    """Of this folder only."""
    config.addinivalue_line(
        "markers", "scenario(title): what happens to the camera, and what must become of it"
    )
    ScenarioLines.register(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The title goes along with each report."""
    for item in ours(items, __file__):
        if marker := item.get_closest_marker("scenario"):
            item.user_properties.append(("scenario", str(marker.args[0])))


@pytest.fixture
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A fresh machine; a test in which the rig itself lost the camera is inconclusive, whatever it found."""
    with Machine() as machine:
        request.node.stash[_MACHINE] = machine
        yield machine
        request.node.stash[_DEFECT] = machine.rig_defect()
    if defect := request.node.stash[_DEFECT]:
        pytest.fail(f"inconclusive: the rig lost the camera by itself: {defect}")


@pytest.fixture
def scene(machine: Machine, request: pytest.FixtureRequest) -> Scene:
    """The machine with camwatchd in it, and a record of what was measured."""
    return Scene(machine, request.node.user_properties)


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Whatever the rig itself has spoilt is run again, and counted."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    kept = list(item.user_properties)
    for run in range(_RUNS):
        item.stash[_DEFECT] = ""
        item.user_properties[:] = kept
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        if not item.stash[_DEFECT] or run == _RUNS - 1:
            break
        _inconclusive.append(item.nodeid)
        item._initrequest()  # type: ignore[attr-defined]  # fixtures anew
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How often the rig failed."""
    if _inconclusive:
        terminalreporter.write_line(
            f"{len(_inconclusive)} inconclusive, run again: {', '.join(_inconclusive)}"
        )


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
