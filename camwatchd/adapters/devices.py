# SPDX-License-Identifier: MIT
"""Owns the watch on /dev: says when a node that may be a camera's was created."""

import ctypes
import os
import re
import struct

# Of <sys/inotify.h>.
_IN_CREATE, _IN_NONBLOCK, _IN_CLOEXEC = 0x100, os.O_NONBLOCK, os.O_CLOEXEC
_HEADER = struct.Struct("iIII")
_CAMERA = re.compile(r"(video|media|v4l-subdev)\d+$")


class DeviceWatch:
    """inotify on a folder; `fileno()` becomes readable when something was created in it (-1: no watch)."""

    def __init__(self, folder: str = "/dev") -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd: int = libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        if self._fd >= 0 and libc.inotify_add_watch(self._fd, os.fsencode(folder), _IN_CREATE) < 0:
            self.close()

    def fileno(self) -> int:
        """For the loop's selector."""
        return self._fd

    def created(self) -> list[str]:
        """The names of camera-like nodes created since the last look."""
        try:
            buffer = os.read(self._fd, 65536)
        except BlockingIOError:
            return []
        names, offset = [], 0
        while offset < len(buffer):
            *_, length = _HEADER.unpack_from(buffer, offset)
            offset += _HEADER.size
            names.append(os.fsdecode(buffer[offset : offset + length].rstrip(b"\0")))
            offset += length
        return [name for name in names if _CAMERA.match(name)]

    def close(self) -> None:
        """Give up the watch."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
