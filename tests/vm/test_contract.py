# SPDX-License-Identifier: MIT
"""Proves that the picamera2 backend keeps the contract of camera backends, on a real kernel camera."""

import re
from pathlib import Path

import pytest

from .machine import Machine

pytestmark = pytest.mark.vm

_SUITE = Path(__file__).parent.parent / "process" / "test_camera_contract.py"
_RUN = (
    "cd /root && LIBCAMERA_PIPELINES_MATCH_LIST=uvcvideo CAMWATCHD_CONTRACT_BACKEND=picamera2"
    " CAMWATCHD_CONTRACT_FORMAT={format} python3 -m pytest -q -p no:cacheprovider contract.py"
)


@pytest.mark.parametrize("format_", ["YUYV", "MJPEG"])
def test_the_picamera2_backend_keeps_the_contract(machine: Machine, format_: str) -> None:
    """The suite that the simulated camera passes, without a skip, against real picamera2 and libcamera."""
    machine.push(_SUITE, "/root/contract.py")
    done = machine.run(_RUN.format(format=format_), timeout=240)
    last = done.stdout.strip().splitlines()[-1]
    print(f"{format_}: {last}")

    assert re.match(r"\d+ passed(, \d+ warnings?)? in ", last), done.stdout[-3000:]
