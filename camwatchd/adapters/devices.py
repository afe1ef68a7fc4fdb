# SPDX-License-Identifier: MIT
"""Owns the watch on /dev: says when a node that may be a camera's was created, or removed."""

import ctypes
import os
import re
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from camwatchd.core.usb import is_place

# Of <sys/inotify.h>.
_IN_ATTRIB, _IN_CREATE, _IN_DELETE = 0x4, 0x100, 0x200
_IN_NONBLOCK, _IN_CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
# The kernel creates a node for root alone; udev gives it its group up to half a second later (measured, emulated).
# What changes later is no camera that comes: each login changes the access lists of its seat's cameras.
_COMES = _IN_CREATE | _IN_ATTRIB
_UDEV_SECONDS = 10.0
# Seconds of quiet before a plugged-in camera is probed: it has several nodes. Those that we may not open yet will be
# heard of again; where nobody gives them to a group, that is not waited for. Of a USB camera the media node is the
# last (uvc_driver.c, uvc_probe): with that, nothing more is to come, but udev has yet to note that it is done with it,
# and libcamera knows of no other devices.
_QUIET, _COMPLETE_QUIET, _REFUSED_QUIET = 0.2, 0.05, 2.0
_HEADER = struct.Struct("iIII")
_CAMERA = re.compile(r"(video|media|v4l-subdev)\d+$")


def may_open(node: Path) -> bool:
    """Whether we may open it, or there is nothing to be opened any more."""
    return os.access(node, os.R_OK | os.W_OK) or not node.exists()


class DeviceWatch:
    """inotify on a folder; `fileno()` becomes readable when something comes into it (-1: no watch)."""

    def __init__(
        self, folder: str = "/dev", events: int = _COMES, clock: Callable[[], float] = time.monotonic, *,
        openable: Callable[[Path], bool] = may_open,
    ) -> None:  # fmt: skip
        self._folder, self._clock, self._may_open = Path(folder), clock, openable
        self._new: dict[str, float] = {}  # until when udev may be at work with them
        self._newest = ""
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd: int = libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        if self._fd >= 0 and libc.inotify_add_watch(self._fd, os.fsencode(folder), events) < 0:
            self.close()

    def fileno(self) -> int:
        """For the loop's selector."""
        return self._fd

    def created(self) -> list[str]:
        """The names of camera-like nodes created, or given to their group, since the last look."""
        now, names = self._clock(), []
        self._new = {name: until for name, until in self._new.items() if now < until}
        for event, name in self._events():
            if event & _IN_CREATE:
                self._new[name], self._newest = now + _UDEV_SECONDS, name
            if name in self._new:
                names.append(name)
        return list(dict.fromkeys(names))

    def quiet(self) -> float:
        """How many seconds after the last look what came may be probed, unless more comes."""
        came = [self._folder / name for name in self._new]
        if not all(self._may_open(path) for path in came):
            return _REFUSED_QUIET
        return _COMPLETE_QUIET if self._newest.startswith("media") else _QUIET

    def _events(self) -> Iterator[tuple[int, str]]:
        try:
            buffer = os.read(self._fd, 65536)
        except BlockingIOError:
            return
        offset = 0
        while offset < len(buffer):
            _, event, _, length = _HEADER.unpack_from(buffer, offset)
            offset += _HEADER.size
            name = os.fsdecode(buffer[offset : offset + length].rstrip(b"\0"))
            offset += length
            if _CAMERA.match(name):
                yield event, name

    def close(self) -> None:
        """Give up the watch."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class LossWatch(DeviceWatch):
    """`fileno()` becomes readable when something is removed; `lost()` says which of these nodes it was."""

    def __init__(self, nodes: Iterable[str], folder: str = "/dev") -> None:
        super().__init__(folder, _IN_DELETE)
        self._nodes = frozenset(nodes)

    def lost(self) -> str:
        """The first of them that was removed since the last look; empty: none."""
        return next((name for _, name in self._events() if name in self._nodes), "")


def nodes_of_usb(place: str, sysfs: Path = Path("/sys")) -> set[str]:
    """The video nodes of the USB device at this place, as core.usb writes it; none of a camera that is not on USB."""
    if not is_place(place):
        return set()
    return {path.name for path in (sysfs / "bus/usb/devices" / place).glob("*/video4linux/video*")}
