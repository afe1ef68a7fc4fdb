# SPDX-License-Identifier: MIT
"""Proves that a host controller that hangs for good ends in a real reboot of the machine, and that it is explained."""

import pytest

from .scene import NOTICED, UNIT, Scene, at, camera

pytestmark = pytest.mark.vm

UNKILLABLE_NAMED = 20.0  # s after SIGKILL
LEFT = 120.0  # s until the machine is reset: four starts, each of which leaves at once, and the shutdown
BACK = 40.0  # s from the camera's return in the new boot: the daemon starts later than it and imports
WATCHDOG = 30  # s
# Straight to SIGKILL, and a machine that was up for long enough.
CONFIGURATION = """
[ladder.restart-stream]
enabled = false
[reboot]
min_uptime_before_reboot = 0
"""
# In place of 15 s each: systemd waits so long for what SIGKILL did not end, several times at each of the starts.
BRIEFLY = "[Service]\nRestartSec=1\nTimeoutStopSec=2\n"
# Without this the shutdown ends the camera, and with it whatever waits for its answer. The @ makes it one of those
# that the last part of a shutdown spares; systemd's own words for it: file system daemons.
OUTLIVES = """
[Service]
KillMode=none
ExecStart=
ExecStart=@/usr/local/bin/usb-camera @usb-camera -j /usr/local/share/usb-camera
"""
HARDWARE_WATCHDOG = f"[Manager]\nRebootWatchdogSec={WATCHDOG}\n"


@pytest.mark.scenario("host controller wedged for good: reboot")
def test_rebooted(scene: Scene) -> None:
    """Asked for by the ledger, done by systemd's start limit, explained after the boot."""
    hangs_for_good(scene)
    by_watchdog = scene.machine.await_reboot(timeout=LEFT)

    assert scene.machine.rebooted_orderly()
    assert not by_watchdog
    helped(scene)


@pytest.mark.scenario("host controller wedged for good, the reboot hangs too: hardware watchdog")
def test_the_reboot_hangs(scene: Scene) -> None:
    """What cannot be killed keeps the shutdown from its end; the watchdog that systemd has armed for it ends it."""
    machine = scene.machine
    machine.run("systemctl stop usb-camera", check=True)  # as it is stopped now: no more once it outlives
    machine.write("/etc/systemd/system.conf.d/watchdog.conf", HARDWARE_WATCHDOG.encode())
    machine.write("/etc/systemd/system/usb-camera.service.d/outlives.conf", OUTLIVES.encode())
    machine.run("systemctl daemon-reexec && systemctl start usb-camera", check=True)
    machine.run("udevadm wait --timeout=20 /dev/video0 && udevadm settle", check=True)
    hangs_for_good(scene)
    by_watchdog = machine.await_reboot(timeout=LEFT + 2 * WATCHDOG)

    assert by_watchdog
    assert not machine.rebooted_orderly()
    helped(scene)


def hangs_for_good(scene: Scene) -> None:
    """Until the reboot is asked for."""
    scene.drop_in(BRIEFLY)
    scene.start(camera(), CONFIGURATION)
    scene.machine.await_property(UNIT, "StartLimitAction", "^reboot$")
    begun = scene.order("deaf")
    first = scene.fault("frames-stopped", "capture_failure", since=begun, within=NOTICED)
    killed = scene.entry("EVENT=worker.signalled", "SIGNAL=SIGKILL", after=first)
    named = scene.fault(
        "worker-unkillable", "capture_failure", since=at(killed), within=UNKILLABLE_NAMED, after=killed
    )
    scene.entry("EVENT=service.leaving", "RUNG=reboot", "FAULT=worker-unkillable", after=named)


def helped(scene: Scene) -> None:
    """In the new boot: the camera delivers, and the daemon says why there was a reboot, and that it helped."""
    boot = f"_BOOT_ID={scene.machine.boot_id().replace('-', '')}"
    started = scene.entry(boot, "EVENT=camera.started", timeout=120)
    plugged = scene.machine.await_journal(boot, "_COMM=usb-camera", pattern="plugged in")
    scene.measured("after the boot healthy after", at(started) - at(plugged), BACK)
    story = scene.entry(boot, "EVENT=ledger.story")
    assert "reboot that camwatchd asked for" in story["MESSAGE"]
    assert "for cam0 (worker-unkillable)" in story["MESSAGE"]
    scene.entry(boot, "EVENT=ledger.note", pattern="cam0 gives healthy frames after the reboot")
    (incident,) = scene.machine.ledger()["incidents"]
    assert incident["ended"] == "the reboot for cam0 (worker-unkillable); it helped"
