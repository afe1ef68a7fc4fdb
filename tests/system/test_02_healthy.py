# SPDX-License-Identifier: MIT
"""Proves who pays for the watchdog, by what systemd itself says about every datagram that it gets."""

import itertools

import pytest

from .container import UNIT, Container
from .journal import Entry
from .quick import QUICK, WATCHDOG, camera

pytestmark = pytest.mark.system

STALL: dict[str, object] = {"kind": "stall", "at": 10, "until": "restart-worker"}
A_REPORT = (
    0.4  # seconds: workers report healthy captures four times a second; and the journal has its own pace
)
PING = r"^camwatchd\.service: Got notification message from PID \d+.*\bWATCHDOG=1\b"


@pytest.mark.scenario(2, "healthy for three watchdog intervals: pings after healthy frames only", seconds=50)
def test_healthy_frames_pay_for_the_watchdog(container: Container) -> None:
    """Healthy for three watchdog intervals: no restart, pings only after healthy frames."""
    container.configure(QUICK, camera("cam0", STALL))
    container.drop_in(WATCHDOG)
    container.boot()
    container.run("systemctl log-level debug")  # systemd tells of each datagram

    fault = container.entry(EVENT="alert.capture_failure", CAMERA="cam0")
    healthy_again = container.entry(EVENT="alert.recovery", CAMERA="cam0", after=fault)
    interval = float(container.unit("WatchdogUSec")["WatchdogUSec"].removesuffix("s"))
    container.stays_on(3 * interval)

    times = [ping.at for ping in container.journal.all(PING, UNIT=UNIT)]
    last_frame = fault.at - float(fault["NOTICED_AFTER"])
    silent = [time for time in times if last_frame + A_REPORT < time < healthy_again.at - A_REPORT]
    assert len([time for time in times if time < last_frame]) >= 3
    assert len(silent) <= 1  # paid for by frames from before
    assert [time for time in silent if time > fault.at + A_REPORT] == []
    assert largest_gap(times, healthy_again) < interval / 2
    container.await_unit(ActiveState="^active$", NRestarts="^0$")


def largest_gap(pings: list[float], since: Entry) -> float:
    """Between one ping and the next, after an entry."""
    times = [since.at, *(ping for ping in pings if ping > since.at)]
    return max(later - earlier for earlier, later in itertools.pairwise(times))
