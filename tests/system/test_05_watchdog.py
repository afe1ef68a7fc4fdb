# SPDX-License-Identifier: MIT
"""Proves that withheld pings alone are enough: systemd kills, restarts and reboots, and the guard ends it."""

import pytest

from .container import UNIT, Container
from .quick import QUICK, WATCHDOG, camera
from .sabotage import assert_reboots_end, sabotage, worked_before

pytestmark = pytest.mark.system


@pytest.mark.scenario(5, "a stopped supervisor: killed and restarted by the watchdog, nothing left over")
def test_a_stopped_supervisor(container: Container) -> None:
    """The supervisor is SIGSTOPped: systemd kills and restarts it by the watchdog and nothing is left over."""
    container.configure(QUICK, camera("cam0"))
    container.drop_in(WATCHDOG)
    container.boot()
    supervisor = container.await_unit(StatusText="EXCELLENT", MainPID=".")["MainPID"]
    before, mark = processes(container), container.journal.last()
    container.run(f"kill -STOP {supervisor}")

    container.entry("Watchdog timeout", after=mark, UNIT=UNIT)
    failed = container.entry("Failed with result", after=mark, UNIT=UNIT)
    container.entry(EVENT="daemon.started", after=failed)
    container.await_unit(StatusText="EXCELLENT", NRestarts="^1$")
    assert failed["UNIT_RESULT"] == "watchdog"
    assert supervisor in before
    assert len(before) == len(processes(container)) >= 3  # supervisor, worker, recorder
    assert before & processes(container) == set()
    assert container.journal.all("left-over process|remains running", UNIT=UNIT) == []


@pytest.mark.scenario(
    5, "a supervisor that hangs at every start: two reboots by the watchdog, then none", seconds=40
)
def test_a_supervisor_that_hangs_at_every_start(container: Container) -> None:
    """It hangs on every start: repeated watchdog kills lead to the reboot by the start limit, and the guard ends it
    after max_boots_without_health boots.
    """
    worked_before(container)
    sabotage(container, "hangs after READY", "WatchdogSec=1")
    assert_reboots_end(container, "watchdog")


def processes(container: Container) -> set[str]:
    """All of the daemon's user, in whatever control group they are."""
    command = "find /proc -maxdepth 1 -name '[0-9]*' -user camwatchd -printf '%f\n'"
    return set(container.run(command).stdout.split())
