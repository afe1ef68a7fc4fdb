# SPDX-License-Identifier: MIT
"""Owns what the state directory lies on: a budget kept in memory, or below an overlay, is fresh after each boot."""

import os
import re
from pathlib import Path

# Names as in /proc/filesystems. On a Pi the overlay is what raspi-config calls the overlay file system.
_FORGETFUL = {"tmpfs", "ramfs", "rootfs", "devtmpfs", "overlay", "overlayfs", "aufs"}
_READ_ONLY = {"squashfs", "erofs", "iso9660", "cramfs"}
_ESCAPED = re.compile(r"\\([0-7]{3})")


def untrusted(folder: Path, mountinfo: Path = Path("/proc/self/mountinfo")) -> str:
    """Why nothing kept there proves anything after a boot; empty: it does."""
    kind = file_system(folder, mountinfo)
    if kind in _FORGETFUL:
        return f"{folder} is on {kind}, which a boot empties"
    if kind in _READ_ONLY:
        return f"{folder} is on {kind}, which cannot be written"
    return "" if kind else f"what {folder} lies on cannot be told"


def file_system(folder: Path, mountinfo: Path) -> str:
    """The type of the file system that a folder, there or still to be made, lies on; empty: cannot be told."""
    try:
        lines = mountinfo.read_text(errors="replace").splitlines()
        place = os.path.realpath(folder)
    except OSError:
        return ""
    best, found = "", ""
    for line in lines:
        point, kind = _mount(line)
        # Of two mounts on one point the later one covers the earlier.
        if _is_below(place, point) and len(point) >= len(best):
            best, found = point, kind
    return found


def _mount(line: str) -> tuple[str, str]:
    """Mount point and type: 36 35 98:0 /root /mount/point opts optional... - ext4 /dev/root opts, see proc(5)."""
    front, _, back = line.partition(" - ")
    fields, kind = front.split(), back.split()
    if len(fields) < 5 or not kind:
        return "", ""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4]), kind[0]


def _is_below(place: str, point: str) -> bool:
    return bool(point) and (place == point or place.startswith(point.rstrip("/") + "/"))
