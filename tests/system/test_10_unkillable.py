# SPDX-License-Identifier: MIT
"""Proves what becomes of a worker that hangs in the kernel: it is named, and only a reboot is tried against it."""

import pytest

from .container import UNIT, Container
from .hanging import lend_hanging_file
from .journal import Entry
from .shortcut import WATCHDOG

pytestmark = pytest.mark.system

NAMED_WITHIN = 20.0  # seconds after SIGKILL
LEFT_OVER_AFTER = 30.0  # seconds that a start waits for the processes of the one before
# systemd waits so long for what SIGKILL did not end, twice for each start. The daemon itself goes down within 5 s.
STOPS = "TimeoutStopSec=5\n"
BRIEFLY = "TimeoutStopSec=1\n"  # once the daemon leaves, at each of the starts that lead to the reboot


@pytest.mark.scenario(
    10, "a worker stuck in the kernel: named, straight to the reboot rung, rebooted", seconds=65
)
def test_a_worker_that_cannot_be_killed(container: Container) -> None:
    """A worker in real uninterruptible sleep (a FUSE file that never answers, a multi-threaded worker): named
    within 20 s of the kill, straight to the reboot rung, rebooted.
    """
    lend_hanging_file(container)
    container.drop_in(WATCHDOG + STOPS)
    container.boot()

    killed = container.entry(EVENT="worker.signalled", SIGNAL="SIGKILL")
    named = unkillable(container, "worker-unkillable", killed)
    assert named.at - killed.at <= NAMED_WITHIN
    states = container.run(f"grep -h State: /proc/{killed['PID']}/task/*/status").stdout
    assert "D (disk sleep)" in states
    assert "Z (zombie)" in states  # its leader: it has several threads
    assert_reboots_for(container, named)


@pytest.mark.scenario(
    10, "the same across systemctl restart: leftover-worker, not busy; rebooted", seconds=80
)
def test_it_is_left_over_by_a_restart(container: Container) -> None:
    """The same across a systemctl restart: leftover-worker, not busy."""
    lend_hanging_file(container)
    container.drop_in(WATCHDOG + STOPS)
    container.boot()

    hangs = container.entry(EVENT="capture.failed", SUSPICION="worker-silent")
    container.run(f"systemctl restart {UNIT}")
    named = unkillable(container, "leftover-worker", hangs)
    assert container.journal.all("^SIGTERM: ending the workers$", after=hangs)
    assert [] == container.journal.all(FAULT="busy")
    assert_reboots_for(container, named)


def unkillable(container: Container, fault: str, after: Entry) -> Entry:
    """A process is named that no signal reaches; the kernel says where it waits."""
    within = LEFT_OVER_AFTER + 10
    named = container.entry(EVENT="alert.capture_failure", FAULT=fault, after=after, timeout=within)
    assert "request_wait_answer" in named["EVIDENCE"]
    return named


def assert_reboots_for(container: Container, named: Entry) -> None:
    """Nothing else is tried, the machine reboots, and the ledger knows why."""
    leaves = container.entry(EVENT="service.leaving", FAULT=named["FAULT"], RUNG="reboot", after=named)
    assert [] == container.journal.all(EVENT="ladder.action_started", after=named)
    container.entry(
        "^camwatchd.service: Main process exited, code=exited, status=75", UNIT=UNIT, after=leaves
    )
    container.drop_in(WATCHDOG + BRIEFLY)
    container.await_reboot(timeout=60)
    told = container.entry(
        "^The last boot ended with a reboot that camwatchd asked for", EVENT="ledger.story"
    )
    assert f"for cam0 ({named['FAULT']})" in told.message
    container.entry("^cam0 gives healthy frames after the reboot", EVENT="ledger.note")
