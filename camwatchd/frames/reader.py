# SPDX-License-Identifier: MIT
"""Owns reading from a ring: sleeping until a frame is there, and never taking a torn one."""

import mmap
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from camwatchd.frames import futex
from camwatchd.frames.layout import (
    CLOSED,
    HEAD,
    METADATA,
    PAGE,
    SEQUENCE,
    WORD,
    Facts,
    LayoutError,
    read_layout,
    unpack_facts,
)

Pixels = npt.NDArray[np.uint8]

_SLICE = 0.25  # s: how long one sleep lasts at most, so that whoever waits can look whether the daemon lives
_HALF = WORD // 2


@dataclass(frozen=True, slots=True)
class Raw:
    """One frame as it is in the ring; `data` is flat."""

    facts: Facts
    metadata: bytes
    data: Pixels


class Reader:
    """One reader. It changes nothing in the ring, and nobody notices how slow it is."""

    def __init__(self, fd: int) -> None:
        size = os.fstat(fd).st_size
        if size < PAGE:
            raise LayoutError("this is no ring of frames: too short")
        self._map = mmap.mmap(fd, size, prot=mmap.PROT_READ)
        self._buffer = memoryview(self._map)
        self.layout = read_layout(self._buffer[:PAGE], size)
        self._words = self._buffer.cast("I")
        self._bytes = np.frombuffer(self._map, np.uint8)
        self._head_address = self._bytes.ctypes.data + HEAD

    @property
    def head(self) -> int:
        """The newest frame's number, modulo 2**32; 0 before the first."""
        return self._words[HEAD // 4]

    @property
    def closed(self) -> bool:
        """Whether there is, or will be, a newer generation."""
        return self._words[CLOSED // 4] != 0

    def wait(self, seen: int, until: float) -> bool:
        """Sleep until there is another frame than `seen`, at most a moment and until a monotonic time; is there?

        Returns at once when the ring was closed.
        """
        if self.head == seen and not self.closed:
            futex.wait(self._head_address, seen, max(0.0, min(_SLICE, until - time.monotonic())))
        return self.head != seen

    def next_after(self, seen: int) -> int:
        """The oldest frame after `seen` that is surely whole: the slot after the newest may be being written.

        What was given back while nobody read is passed over; the newest is told even if it is gone too.
        """
        head = self.head
        oldest = (head - self.layout.slots + 2) % WORD
        behind = (oldest - seen) % WORD
        number = (seen + 1) % WORD if behind == 0 or behind >= _HALF else oldest
        while 0 < (head - number) % WORD < self.layout.slots and self._look(number) is None:
            number = (number + 1) % WORD
        return number

    def is_gone(self, head: int) -> bool:
        """Whether the newest frame is still `head`, and is not there: its memory was given back."""
        futex.fence()  # what is looked at next was written before the head
        return self._look(head) is None and self.head == head

    def copy(self, number: int) -> Raw | None:
        """A copy of a frame; None if it is no longer there, or not yet."""
        return self._read(number, np.ndarray.copy)

    def view(self, number: int) -> Raw | None:
        """The same without a copy of the data: whole only as long as `is_whole(number)` says so afterwards."""
        return self._read(number, lambda data: data)

    def is_whole(self, number: int) -> bool:
        """Whether what was read of this frame so far was its own."""
        futex.fence()
        return self._sequence(number) == 2 * number % WORD

    def _read(self, number: int, take: Callable[[Pixels], Pixels]) -> Raw | None:
        found = self._look(number)
        if found is None:
            return None
        facts, at = found
        slot = self.layout.slot_at(number)
        metadata = bytes(self._buffer[slot + METADATA : slot + METADATA + facts.metadata_size])
        data = take(self._bytes[at : at + facts.size])
        return Raw(facts, metadata, data) if self.is_whole(number) else None

    def _look(self, number: int) -> tuple[Facts, int] | None:
        if self._sequence(number) != 2 * number % WORD:
            return None
        futex.fence()
        slot = self.layout.slot_at(number)
        facts = unpack_facts(self._buffer, slot)
        if not self._plausible(facts, number):
            return None  # of two frames, or a slot that was never written
        return facts, slot + self.layout.data_at

    def _plausible(self, facts: Facts, number: int) -> bool:
        fits = facts.size <= self.layout.data_room and facts.metadata_size <= self.layout.metadata_room
        return fits and facts.number > 0 and facts.number % WORD == number % WORD

    def _sequence(self, number: int) -> int:
        return self._words[(self.layout.slot_at(number) + SEQUENCE) // 4]

    def close(self) -> None:
        """Let the memory go; with views of it still in use it goes when the last of them does."""
        del self._bytes
        self._words.release()
        self._buffer.release()
        try:
            self._map.close()
        except BufferError:
            self._map = None  # type: ignore[assignment]
