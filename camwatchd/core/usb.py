# SPDX-License-Identifier: MIT
"""Owns how the place of a USB camera is written: the kernel's name of the port that it is plugged into.

`1-1.3` is bus 1, root port 1, port 3 of the hub there. It stays when the device is reset or replugged; its number
on the bus and its device nodes do not. A simulated camera's place is `simulated:NAME`; two files in the runtime
directory stand for its device: what became of it, and the mark that a reset leaves.
"""

import re

_PLACE = re.compile(r"[0-9]+-[0-9]+(\.[0-9]+)*")
_SIMULATED = re.compile(r"simulated:([a-z][a-z0-9_-]*)")


def is_place(text: str) -> bool:
    """Whether this is the name of a port, and of nothing else below /sys."""
    return _PLACE.fullmatch(text) is not None


def simulated_place(camera: str) -> str:
    """Where the simulated device of this camera is plugged in."""
    return f"simulated:{camera}"


def simulated_camera(place: str) -> str:
    """Whose simulated device is plugged in there; empty: none."""
    found = _SIMULATED.fullmatch(place)
    return found[1] if found else ""


def device_file(camera: str) -> str:
    """The name of the file that says how the simulated device answers; without it, it is unplugged."""
    return f"usb-{camera}"


def reset_mark(camera: str) -> str:
    """The name of the file that a reset of the simulated device leaves."""
    return f"usb-{camera}.reset"
