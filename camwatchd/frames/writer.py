# SPDX-License-Identifier: MIT
"""Owns writing into a ring: one copy a frame, and a wake-up whose cost does not depend on who sleeps."""

import mmap
import os

import numpy as np
import numpy.typing as npt

from camwatchd.frames import futex
from camwatchd.frames.layout import (
    HEAD,
    METADATA,
    PAGE,
    READERS,
    SEQUENCE,
    WORD,
    WRITTEN,
    Facts,
    Layout,
    pack_facts,
    read_layout,
)


class Writer:
    """The one writer of a ring; goes on where one that was killed has ended."""

    def __init__(self, fd: int) -> None:
        with mmap.mmap(fd, PAGE) as header:
            size = _size(fd)
            self.layout: Layout = read_layout(header[:PAGE], size)
        self._map = mmap.mmap(fd, size)
        self._bytes = np.frombuffer(self._map, np.uint8)
        self._buffer = memoryview(self._map)
        self._words = self._buffer.cast("I")
        self._longs = self._buffer.cast("Q")
        self._head_address = self._bytes.ctypes.data + HEAD
        self.number = self._longs[WRITTEN // 8]
        self._holds = self.number > 0  # frames, perhaps: memory that can be given back

    @property
    def wanted(self) -> bool:
        """Whether anybody reads. Looking costs nothing."""
        return self._words[READERS // 4] > 0

    def write(self, data: npt.NDArray[np.uint8], facts: Facts, metadata: bytes = b"") -> None:
        """One frame, its data as a flat array; ValueError if it does not fit. The number in `facts` is set here.

        Metadata without room are left out: `metadata_size` then is 0.
        """
        if data.nbytes > self.layout.data_room:
            raise ValueError(f"a frame of {data.nbytes} bytes, with room for {self.layout.data_room}")
        number, words, self._holds = self.number + 1, self._words, True
        slot = self.layout.slot_at(number)
        metadata = metadata if len(metadata) <= self.layout.metadata_room else b""
        words[(slot + SEQUENCE) // 4] = (2 * number - 1) % WORD
        futex.fence()
        pack_facts(self._buffer, slot, _numbered(facts, number, data.nbytes, len(metadata)))
        self._buffer[slot + METADATA : slot + METADATA + len(metadata)] = metadata
        at = slot + self.layout.data_at
        np.copyto(self._bytes[at : at + data.nbytes], data)
        futex.fence()
        words[(slot + SEQUENCE) // 4] = 2 * number % WORD
        futex.fence()
        self._longs[WRITTEN // 8] = number
        words[HEAD // 4] = number % WORD
        self.number = number
        futex.wake(self._head_address)

    def empty(self) -> None:
        """Nobody reads: give the memory of all frames back. Whoever reads all the same sees that they are gone."""
        if not self._holds:
            return
        for slot in range(self.layout.slots):
            self._words[(self.layout.slot_at(slot) + SEQUENCE) // 4] = 0
        futex.fence()
        begin = -(-PAGE // mmap.PAGESIZE) * mmap.PAGESIZE
        self._map.madvise(mmap.MADV_REMOVE, begin, self.layout.size - begin)
        self._holds = False

    def close(self) -> None:
        """Let the memory go."""
        del self._bytes
        self._words.release()
        self._longs.release()
        self._buffer.release()
        self._map.close()


def _numbered(facts: Facts, number: int, size: int, metadata_size: int) -> Facts:
    return Facts(
        number, facts.sensor_timestamp, facts.taken_at, facts.wall, facts.width, facts.height, facts.stride,
        size, facts.format, metadata_size,
    )  # fmt: skip


def _size(fd: int) -> int:
    return os.fstat(fd).st_size
