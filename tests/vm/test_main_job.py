# SPDX-License-Identifier: MIT
"""Proves the one promise on a real camera: camwatchd, as its unit, notices a stall and cures it by itself."""

import pytest

from camwatchd.core.alerts import RECOVERY, of_issue
from camwatchd.core.faults import Issue

from .install import configure
from .machine import Machine

pytestmark = pytest.mark.vm

UNIT = "camwatchd.service"
ITS_ENTRIES = f"_SYSTEMD_UNIT={UNIT}"
CAPTURE_FAILURE = of_issue(Issue.CAPTURE_FAILURE)

SUMMARY = "EVENT=camera.summary"
HEALTHY_CAPTURES = 100
STALL = 8  # s; it takes 4.5 s to notice it: three deadlines of 1.5 s
LAST_PING = "WatchdogTimestampMonotonic"  # as systemctl show calls it
NOTICED = 30  # s
RECOVERED = 60  # s

CONFIGURATION = """
[daemon]
summary_interval = 10
[camera.cam0]
backend = "picamera2"
width = 320
height = 240
format = "YUYV"
"""


@pytest.fixture
def machine(machine: Machine) -> Machine:
    """The machine with camwatchd started and its camera delivering."""
    configure(machine, CONFIGURATION)
    machine.run(f"systemctl start {UNIT}", timeout=90, check=True)
    machine.await_property(UNIT, "StatusText", "cam0 EXCELLENT")
    return machine


def await_ping(machine: Machine) -> float:
    """When systemd got the next watchdog ping, in seconds since boot."""
    last = machine.unit(UNIT, LAST_PING)[LAST_PING]
    return int(machine.await_property(UNIT, LAST_PING, rf"^(?!{last}$)\d+$")) / 1e6


def assert_undisturbed(machine: Machine) -> None:
    """The unit that was started first is still the one that runs."""
    state = machine.unit(UNIT, "ActiveState", "NRestarts")

    assert state == {"ActiveState": "active", "NRestarts": "0"}


def test_the_watchdog_is_paid_by_frames_and_a_stall_is_cured(machine: Machine) -> None:
    """One machine for both, since its start is what takes the time."""
    pays_for_the_watchdog(machine)
    notices_names_and_cures_a_stall(machine)


def pays_for_the_watchdog(machine: Machine) -> None:
    """While the journal counts 100 healthy captures, systemd is pinged and STATUS says how the camera is."""
    before = machine.await_journal(ITS_ENTRIES, SUMMARY)
    pings = [await_ping(machine), await_ping(machine)]
    after = machine.await_journal(ITS_ENTRIES, SUMMARY, after=before)

    status = machine.await_property(UNIT, "StatusText", r"cam0 EXCELLENT 100/100, [\d.]+ fps, last frame")
    print(f"journal: {before['MESSAGE']}\njournal: {after['MESSAGE']}")
    print(f"watchdog pings at {pings} s since boot, {after['WATCHDOG_PINGS']} in all\n{status}")
    assert int(after["CAPTURES"]) - int(before["CAPTURES"]) >= HEALTHY_CAPTURES
    assert pings[0] < pings[1]
    assert int(after["FAILURES"]) == 0
    assert not machine.journal(ITS_ENTRIES, f"MESSAGE_ID={CAPTURE_FAILURE.message_id}")
    assert_undisturbed(machine)


def notices_names_and_cures_a_stall(machine: Machine) -> None:
    """A camera silent for 8 s raises a named alert, and its recovery is told once frames are back."""
    machine.run(f"usb-camera -c stall; sleep {STALL}; usb-camera -c normal", check=True)

    alert = machine.await_journal(ITS_ENTRIES, f"MESSAGE_ID={CAPTURE_FAILURE.message_id}", timeout=NOTICED)
    recovery = machine.await_journal(
        ITS_ENTRIES, f"MESSAGE_ID={RECOVERY.message_id}", after=alert, timeout=RECOVERED
    )
    print(f"journal: {alert['MESSAGE']}\njournal: {recovery['MESSAGE']}")
    assert (alert["CAMERA"], alert["FAULT"]) == ("cam0", "frames-stopped")
    assert alert["MESSAGE"].startswith("CAMERA_ISSUE: capture_failure")
    assert recovery["MESSAGE"].startswith("CAMERA_RECOVERY")
    machine.await_property(UNIT, "StatusText", "cam0 EXCELLENT")
    assert_undisturbed(machine)
