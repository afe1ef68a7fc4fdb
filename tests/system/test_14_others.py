# SPDX-License-Identifier: MIT
"""Proves that a reboot waits for whoever else is at work on the machine, and says for whom."""

import re

import pytest

from .container import Container
from .journal import Entry
from .shortcut import LOST, QUICK, SHORTCUT, WATCHDOG

pytestmark = pytest.mark.system

LOOKED_AGAIN = 10  # seconds: between two looks at who is at work (core.budget.LOOK_AGAIN)
AT_MOST = 15  # seconds: [reboot] wait_for_others, where it is to be seen to end

# A real package whose installation takes as long as the test wants: until somebody writes into the pipe.
SLOW_PACKAGE = """
mkdir -p /root/slow/DEBIAN && cd /root/slow/DEBIAN && mkfifo /root/go
printf 'Package: slow\\nVersion: 1\\nArchitecture: all\\nMaintainer: test\\nDescription: slow\\n' > control
printf '#!/bin/sh\\necho configuring; read -r go < /root/go\\n' > postinst && chmod 755 postinst
dpkg-deb --build /root/slow /root/slow.deb
systemd-run --unit=installs dpkg --install /root/slow.deb
"""
INHIBIT = (
    "systemd-run --unit=inhibits systemd-inhibit --what=shutdown --mode=block --who=backup --why=uploads"
)


@pytest.mark.scenario(
    14, "a package operation under way: the reboot waits, says for what, and comes after it", seconds=45
)
def test_a_reboot_waits_for_a_package_operation(container: Container) -> None:
    """A package operation under way: the reboot waits, and says for what."""
    container.configure(QUICK, SHORTCUT, LOST)
    container.drop_in(WATCHDOG)
    container.boot()
    container.run(SLOW_PACKAGE)
    container.entry("^configuring$")

    waits = postponed(container)
    assert re.search(
        r"others-at-work\): package operation by dpkg \(pid \d+\); waiting .* at most 900 s", waits.message
    )
    told = container.run("camwatchctl status", check=False).stdout
    assert "not granted: others-at-work: package operation by dpkg (pid" in told
    container.await_unit(StatusText=r"reboot not before .* from now \(others-at-work\)", NRestarts="^0$")
    container.stays_on(LOOKED_AGAIN + 3)

    container.run("echo go > /root/go")
    container.entry(EVENT="service.leaving", RUNG="reboot", timeout=LOOKED_AGAIN + 5)
    assert container.run("dpkg --status slow | grep Status").stdout == "Status: install ok installed\n"
    container.await_reboot()


@pytest.mark.scenario(14, "a block inhibitor: the reboot waits, says for what, but not for ever", seconds=45)
def test_a_reboot_waits_for_an_inhibitor(container: Container) -> None:
    """A block inhibitor under way: the reboot waits, and says for what; bounded by [reboot] wait_for_others."""
    container.configure(QUICK, SHORTCUT, f"[reboot]\nwait_for_others = {AT_MOST}\n", LOST)
    container.drop_in(WATCHDOG)
    container.boot()
    container.run(f"{INHIBIT} sleep 1000")

    waits = postponed(container)
    assert (
        f"shutdown inhibited by backup (uploads); waiting for it at most {AT_MOST} s more" in waits.message
    )
    container.await_unit(StatusText=r"reboot not before .* from now \(others-at-work\)", NRestarts="^0$")
    leaves = container.entry(EVENT="service.leaving", RUNG="reboot", after=waits)
    assert container.run("systemctl is-active inhibits").stdout == "active\n"
    assert AT_MOST <= leaves.at - waits.at < AT_MOST + 5
    container.await_reboot()


def postponed(container: Container) -> Entry:
    """The camera is lost, and its reboot has to wait for others."""
    return container.entry(
        EVENT="ladder.leave_refused", CAMERA="cam0", RUNG="reboot", REFUSAL="others-at-work"
    )
