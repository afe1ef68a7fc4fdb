# SPDX-License-Identifier: MIT
"""Owns the way from a camera's device numbers to the USB port that it is plugged into, as sysfs shows it."""

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camwatchd.core.usb import is_place

_log = logging.getLogger(__name__)


def place_in(properties: Mapping[str, Any], sysfs: Path = Path("/sys")) -> str:
    """The place of the camera with these libcamera properties. Not to find it is no reason not to open the camera."""
    try:
        return place_of(properties.get("SystemDevices", ()), sysfs)
    except (OSError, TypeError, ValueError, OverflowError) as error:
        _log.warning("whether the camera is on USB cannot be found out: %s", error)
        return ""


def place_of(devices: Iterable[int], sysfs: Path = Path("/sys")) -> str:
    """The place of the USB device behind one of these device numbers (dev_t), see core.usb; empty: there is none."""
    for number in devices:
        node = sysfs / "dev" / "char" / f"{os.major(number)}:{os.minor(number)}"
        # A node's device is an interface of the USB device, which is the folder above it.
        device = (node / "device").resolve().parent
        if is_place(device.name) and (device / "devnum").exists():
            return device.name
    return ""
