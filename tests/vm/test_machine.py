# SPDX-License-Identifier: MIT
"""Proves the machine itself: what picamera2 sees here is what camwatchd is judged by."""

from pathlib import Path

import pytest

from .machine import Machine

pytestmark = pytest.mark.vm

_HERE = Path(__file__).parent
_UNIT = "camera-proof.service"
_ITS_LINES = f"_SYSTEMD_UNIT={_UNIT}"


def test_picamera2_captures_stalls_and_recovers_under_a_hardened_unit(machine: Machine) -> None:
    """Frames arrive, a stall is a TimeoutError, and after a flush the stream goes on by itself."""
    machine.push(_HERE / "camera_proof.py", "/usr/local/lib/testbed/camera_proof.py")
    machine.push(_HERE / _UNIT, f"/etc/systemd/system/{_UNIT}")
    machine.run(f"systemctl daemon-reload && systemctl start {_UNIT}", check=True)
    machine.await_journal(_ITS_LINES, pattern="healthy: 100 frames")

    machine.camera("stall")
    machine.await_journal(_ITS_LINES, pattern="stalled: TimeoutError")
    machine.camera("normal")
    machine.await_journal(_ITS_LINES, pattern="recovered: at attempt")

    machine.await_journal(_ITS_LINES, pattern='"closed"')
    machine.await_journal(f"UNIT={_UNIT}", pattern="Deactivated successfully")
