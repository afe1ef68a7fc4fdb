# SPDX-License-Identifier: MIT
"""Proves that the time of day decides nothing: neither a watchdog nor a budget follows it by ten years."""

import time

import pytest

from . import clock
from .container import Container
from .shortcut import WATCHDOG
from .twocameras import STALLS, goes_on, intents, marks, now, refused

pytestmark = pytest.mark.system

ONE_REBOOT = "[reboot]\nmax_reboots_per_day = 1\n"


@pytest.mark.scenario(
    13, "wall clock back ten years and forward: runs, pings, the budget stays spent", seconds=50
)
def test_the_time_of_day_decides_nothing(container: Container) -> None:
    """Wall clock set back ten years and forward: runs, pings, and no reboot without a budget it can prove."""
    clock.install(container)
    container.configure(*STALLS, ONE_REBOOT)
    container.drop_in(WATCHDOG + clock.ENVIRONMENT)
    container.boot()
    container.entry(EVENT="camera.started", CAMERA="lost")
    goes_on(container)
    clock.set_back(container, years=10)
    goes_on(container)
    container.entry(EVENT="service.leaving", CAMERA="lost", RUNG="reboot")  # the budget allows one
    clock.set_back(container, years=-10)
    container.await_reboot()

    begun = now(container)
    parked = refused(container, begun, "daily-limit")
    assert parked["REASON"] == "1 reboots in 24 powered-on hours, max_reboots_per_day = 1"
    clock.set_back(container, years=10)
    goes_on(container)
    assert intents(container) == ["lost"]
    assert [-10, 10] == [years_off(container, kind) for kind in ("intent", "healthy")]


def years_off(container: Container, kind: str) -> int:
    """By how much the service's clock was off when it made the newest such mark: so it did see it."""
    (*_, newest) = (mark for mark in marks(container) if mark["kind"] == kind and mark["camera"] == "lost")
    seen = time.mktime(time.strptime(newest["wall"], "%Y-%m-%d %H:%M:%S"))
    return round((seen - time.time()) / clock.YEAR)
