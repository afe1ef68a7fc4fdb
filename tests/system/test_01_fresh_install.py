# SPDX-License-Identifier: MIT
"""Proves what whoever installs the package sees first, with no camera anywhere."""

import re

import pytest

from .container import UNIT, Container
from .installed import INSTALL
from .quick import WATCHDOG, WATCHDOG_SECONDS

pytestmark = pytest.mark.system

ACTIVE_WITHIN = 5.0  # seconds


@pytest.mark.scenario(1, "fresh install without any camera: active, useful status, no restart")
def test_fresh_install_without_a_camera(bare_container: Container) -> None:
    """Active within 5 s, still active with no restart after three watchdog intervals, one useful line of status,
    never a reboot.
    """
    container = bare_container
    container.drop_in(WATCHDOG)
    container.boot()
    container.run(INSTALL, timeout=120)

    first = container.await_unit(ActiveState="^active$", InvocationID=".")
    assert seconds_to_active(container) < ACTIVE_WITHIN
    container.stays_on(3 * WATCHDOG_SECONDS)

    assert container.await_unit(ActiveState="^active$", NRestarts="^0$", InvocationID=first["InvocationID"])
    status = container.run(f"systemctl status {UNIT}").stdout
    assert re.search(r'Status: "cam0 .*(missing-package|not-found).*next probe in .+"', status), status
    assert container.run("systemctl is-enabled camwatchd").stdout == "enabled\n"


def seconds_to_active(container: Container) -> float:
    """From systemd's first step to READY=1."""
    times = container.unit("InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    began, ready = (int(time) / 1e6 for time in times.values())
    return ready - began
