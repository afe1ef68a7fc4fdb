# SPDX-License-Identifier: MIT
"""Owns one camera's rings of frames in the supervisor: they outlive workers, and know how many readers there are.

Only their first pages are mapped here; what is in the frames is no business of the supervisor's.
"""

from collections import Counter
from collections.abc import Sequence

from camwatchd.core.streams import Stream
from camwatchd.frames.layout import Layout
from camwatchd.frames.memory import Memory

_SHARE = 8  # the part of all memory, 1/n, that the rings of one camera may take where `slots` is not set
_USUAL, _FEWEST = 4, 2


class Rings:
    """`shape()` when the camera was opened; `lend()` and `leave()` for each reader."""

    def __init__(self, camera: str, memory_total: int) -> None:
        self._camera, self._memory_total = camera, memory_total
        self._streams: dict[str, Stream] = {}
        self._rings: dict[str, Memory] = {}
        self._readers: Counter[str] = Counter()
        self._generation = 0

    def shape(self, streams: Sequence[Stream], slots: int | None) -> None:
        """What the camera delivers now; a stream that has changed gets another generation.

        OSError: no memory or descriptor was left; there are no frames for readers then.
        """
        count = self._count(streams, slots)
        kept = {s.name for s in streams if self._streams.get(s.name) == s and self._has(s.name, count)}
        for name in self._rings.keys() - kept:
            self._retire(name)
        self._streams = {stream.name: stream for stream in streams}
        for stream in streams:
            if stream.name not in kept:
                self._rings[stream.name] = self._made(stream, count)

    @property
    def published(self) -> dict[str, int]:
        """The descriptor of each ring, for the worker."""
        return {name: ring.fd for name, ring in self._rings.items()}

    @property
    def known(self) -> bool:
        """Whether it is known which streams there are: the camera was opened at least once."""
        return bool(self._streams)

    def stream(self, name: str) -> Stream | None:
        """A stream that there is."""
        return self._streams.get(name)

    def lend(self, name: str) -> tuple[Layout, int]:
        """One reader more; its layout, and a descriptor that nothing can be written through. OSError: none is left."""
        ring = self._rings[name]
        fd = ring.for_readers()
        self._count_readers(name, 1)
        return ring.layout, fd

    def leave(self, name: str) -> None:
        """One reader less."""
        self._count_readers(name, -1)

    @property
    def readers(self) -> int:
        """Of all streams."""
        return self._readers.total()

    @property
    def size(self) -> int:
        """Bytes that the rings take once somebody reads."""
        return sum(ring.layout.size for ring in self._rings.values())

    def close(self) -> None:
        """There are no frames any more."""
        for name in list(self._rings):
            self._retire(name)
        self._streams = {}

    # --- inside -------------------------------------------------------------------------------------------

    def _has(self, name: str, count: int) -> bool:
        return name in self._rings and self._rings[name].layout.slots == count

    def _made(self, stream: Stream, slots: int) -> Memory:
        self._generation += 1
        layout = Layout(self._generation, slots, stream.room)
        ring = Memory(f"camwatchd-{self._camera}-{stream.name}", layout)
        ring.readers = self._readers[stream.name]
        return ring

    def _retire(self, name: str) -> None:
        ring = self._rings.pop(name)
        ring.retire()
        ring.close()

    def _count_readers(self, name: str, change: int) -> None:
        self._readers[name] += change
        if name in self._rings:
            self._rings[name].readers = self._readers[name]

    def _count(self, streams: Sequence[Stream], slots: int | None) -> int:
        """As configured; else fewer where the usual number would take more than its share of the memory."""
        if slots is not None:
            return slots
        usual = sum(Layout(1, _USUAL, stream.room).size for stream in streams)
        return _USUAL if usual * _SHARE <= self._memory_total or not self._memory_total else _FEWEST
