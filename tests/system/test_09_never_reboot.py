# SPDX-License-Identifier: MIT
"""Proves that what a reboot cannot cure is waited for, whatever was counted meanwhile: busy, permission."""

import pytest

from camwatchd.core.alerts import CRITICAL, RECOVERY

from .container import Container
from .lastrungs import SOON, STEEP, bring_back, marks, plug
from .quick import QUICK, camera

pytestmark = pytest.mark.system

BACK_WITHIN = 30  # seconds
# Devices that appear are looked at one after the other, without a rest in between.
EAGER = "[supervision]\nrecovery_cooldown = 0.1\n"
# A worker crashes after some health, and from then on the camera is not to be had.
CRASH: dict[str, object] = {"kind": "crash", "at": 6}
BUSY: dict[str, object] = {"kind": "busy", "at": 5}
REFUSED: dict[str, object] = {"kind": "missing", "at": 5, "message": "Could not open any dmaHeap device"}

# Another program has the camera, as libcamera shows it: by a lock on the media device.
VIEWER = """
touch /dev/media0 && ln -s /usr/bin/python3 /usr/local/bin/rpicam-hello
systemd-run --unit=viewer --property=Type=notify --property=NotifyAccess=all rpicam-hello -c '
import fcntl, os, signal
file = open("/dev/media0", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
os.system("systemd-notify --ready")
signal.pause()'
"""


@pytest.mark.scenario(9, "busy: its holder is named, no reboot, back within 30 s of its release", seconds=50)
def test_a_busy_camera_is_waited_for(container: Container) -> None:
    """Never-reboot faults (busy): wait, no reboot, with the holder of the camera named; released, it comes back
    within 30 s.
    """
    container.configure(QUICK, STEEP, EAGER, camera("cam0", BUSY, CRASH))
    container.drop_in(SOON)
    container.boot()
    container.run(VIEWER)
    pid = container.unit("MainPID", name="viewer")["MainPID"]

    alert = container.entry(EVENT="alert.connection_error", CAMERA="cam0", FAULT="busy")
    assert "busy: another program is using the camera" in alert.message
    assert f"held by rpicam-hello (pid {pid})" in alert["EVIDENCE"]
    container.await_unit(StatusText="cam0 .* busy; next probe in ")
    assert_waits(container)
    assert container.journal.all(MESSAGE_ID=CRITICAL.message_id) == []  # nobody need come

    container.run("systemctl stop viewer")
    bring_back(container, "cam0")
    released = container.entry("^Stopped .*viewer", UNIT="viewer.service")
    back = container.entry(MESSAGE_ID=RECOVERY.message_id, CAMERA="cam0", after=released, timeout=60)
    assert back.at - released.at < BACK_WITHIN  # by a probe: nothing else tells that somebody let go of it
    container.await_unit(StatusText="^cam0 EXCELLENT 100/100", ActiveState="^active$", NRestarts="^0$")


@pytest.mark.scenario(9, "permission: a human is called, no reboot, back with the device", seconds=25)
def test_a_camera_without_permission_is_waited_for(container: Container) -> None:
    """Never-reboot faults (permission): wait or park, no reboot."""
    container.configure(QUICK, STEEP, EAGER, camera("cam0", REFUSED, CRASH))
    container.drop_in(SOON)
    container.boot()

    alert = container.entry(EVENT="alert.connection_error", CAMERA="cam0", FAULT="permission")
    assert "is the user in group video?" in alert.message
    container.entry("permission: no remedy of the ladder cures this", MESSAGE_ID=CRITICAL.message_id)
    container.await_unit(StatusText="cam0 .* permission; next probe in ")
    assert_waits(container)

    bring_back(container, "cam0")
    container.entry(MESSAGE_ID=RECOVERY.message_id, CAMERA="cam0", after=plug(container, 9))
    container.await_unit(StatusText="^cam0 EXCELLENT 100/100", ActiveState="^active$", NRestarts="^0$")


def assert_waits(container: Container) -> None:
    """However often it is probed in vain, nobody asks to restart the service or to reboot."""
    for number in range(4):
        container.entry("a probe did not help", EVENT="ladder.attempt_failed", after=plug(container, number))
    assert container.journal.all(EVENT="ladder.leave_asked") == []
    assert marks(container, "healthy") == ["cam0"]  # else there were another reason not to reboot
    assert marks(container, "intent") == marks(container, "service-restart") == []
