# SPDX-License-Identifier: MIT
"""Owns the file in memory that a ring lives in: made by the supervisor, lent to a worker, read by everybody.

The supervisor maps its first page only. A file costs no memory before something is written into it.
"""

import ctypes
import errno
import fcntl
import mmap
import os

from camwatchd.frames import futex
from camwatchd.frames.layout import CLOSED, HEAD, PAGE, READERS, Layout

_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


_NOEXEC_SEAL = 8  # linux/memfd.h; Python has no name for it


def _created(name: str) -> int:
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        return os.memfd_create(name, flags | _NOEXEC_SEAL)  # a machine may insist on it (vm.memfd_noexec)
    except OSError as error:
        if error.errno != errno.EINVAL:  # before Linux 6.3 there was no such flag
            raise
        return os.memfd_create(name, flags)


class Memory:
    """One generation of a ring, as its owner has it."""

    def __init__(self, name: str, layout: Layout) -> None:
        self.layout = layout
        self.fd = _created(name)
        os.fchmod(self.fd, 0o600)  # else whoever can read it may open it anew for writing
        try:
            self._map = self._shaped(layout)
        except OSError:
            os.close(self.fd)
            raise
        self._words = memoryview(self._map).cast("I")
        self._head = ctypes.c_uint32.from_buffer(self._map, HEAD)

    def _shaped(self, layout: Layout) -> mmap.mmap:
        os.ftruncate(self.fd, layout.size)
        os.pwrite(self.fd, layout.header(), 0)
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, _SEALS)
        return mmap.mmap(self.fd, PAGE)

    def for_readers(self) -> int:
        """A descriptor that nothing can be written through, to be closed by the caller once it was sent."""
        return os.open(f"/proc/self/fd/{self.fd}", os.O_RDONLY | os.O_CLOEXEC)

    @property
    def readers(self) -> int:
        """How many there are; the writer looks at it before each frame."""
        return self._words[READERS // 4]

    @readers.setter
    def readers(self, count: int) -> None:
        self._words[READERS // 4] = count

    @property
    def used(self) -> int:
        """Bytes of memory that it takes now."""
        return os.fstat(self.fd).st_blocks * 512

    def retire(self) -> None:
        """There will be a newer generation: tell whoever sleeps."""
        self._words[CLOSED // 4] = 1
        futex.wake(ctypes.addressof(self._head))

    def close(self) -> None:
        """Give it back; readers keep what they have mapped."""
        del self._head
        self._words.release()
        self._map.close()
        os.close(self.fd)
