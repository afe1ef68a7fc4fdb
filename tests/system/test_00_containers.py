# SPDX-License-Identifier: MIT
"""Proves the containers themselves: what every other scenario takes for granted."""

import os

import pytest

from . import nspawn
from .container import Container

pytestmark = pytest.mark.system


@pytest.mark.scenario(0, "the containers: reboots, crashes, clocks, journal over boots, nothing left")
def test_a_container_is_a_machine(bare_container: Container) -> None:
    """It reboots by itself, can be killed whole, keeps its files and its journal, and begins each boot at 0."""
    container = bare_container
    container.boot()
    container.run("logger -t test first; echo kept > /root/kept; systemctl reboot")
    container.await_reboot()
    container.run("logger -t test second")
    second = container.entry("^second$")
    container.crash()
    container.boot(uptime=600)
    container.run("logger -t test third")
    third = container.entry("^third$", after=second)

    entries = container.journal.all("^(first|second|third)$")
    assert [entry.message for entry in entries] == ["first", "second", "third"]
    assert len({entry.boot for entry in entries}) == 3
    assert second.at < 60 < 600 <= third.at < 660
    assert float(container.run("cut -d ' ' -f 1 /proc/uptime").stdout) >= 600
    assert container.run("cat /root/kept; systemctl is-system-running").stdout == "kept\nrunning\n"
    container.power_off()
    assert [group for group in nspawn.cgroups() if f"-{os.getpid()}-" in group.name] == []
