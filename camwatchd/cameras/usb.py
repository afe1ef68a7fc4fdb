# SPDX-License-Identifier: MIT
"""Owns the way from a camera's device numbers to the USB port that it is plugged into, as sysfs shows it."""

import os
from collections.abc import Iterable
from pathlib import Path

from camwatchd.core.usb import is_place


def place_of(devices: Iterable[int], sysfs: Path = Path("/sys")) -> str:
    """The place of the USB device behind one of these device numbers (dev_t), see core.usb; empty: there is none."""
    for number in devices:
        node = sysfs / "dev" / "char" / f"{os.major(number)}:{os.minor(number)}"
        # A node's device is an interface of the USB device, which is the folder above it.
        device = (node / "device").resolve().parent
        if is_place(device.name) and (device / "devnum").exists():
            return device.name
    return ""
