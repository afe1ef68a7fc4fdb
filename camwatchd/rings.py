# SPDX-License-Identifier: MIT
"""Owns one camera's rings of frames in the supervisor: they outlive workers, and know how many readers there are.

Only their first pages are mapped here; what is in the frames is no business of the supervisor's.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from camwatchd.control.connection import Lent
from camwatchd.control.facts import FramesFacts
from camwatchd.control.protocol import AttachFacts, Reason, Refused
from camwatchd.core import room
from camwatchd.core.messages import Publish
from camwatchd.core.streams import Stream
from camwatchd.frames.layout import PAGE, Layout
from camwatchd.frames.memory import Memory
from camwatchd.ports import EventLog

Send = Callable[[Publish, Sequence[int]], bool]


class Rings:
    """`opened()` when the camera was; `attach()` for each reader, who leaves through what it was lent."""

    def __init__(
        self, camera: str, memory_total: int, log: EventLog, *, send: Send, has_writer: Callable[[], bool]
    ) -> None:
        self._camera, self._memory_total, self._log = camera, memory_total, log
        self._send, self._has_writer = send, has_writer
        self._streams: dict[str, Stream] = {}
        self._wanted: int | None = None
        self._slots = 0
        self._rings: dict[str, Memory] = {}
        self._readers: Counter[str] = Counter()
        self._generation = 0
        self._trouble = ""  # why there is no ring for each stream
        self._told = True  # the worker knows of all of them

    # --- what becomes of the camera -----------------------------------------------------------------------

    def opened(self, streams: Sequence[Stream], slots: int | None) -> None:
        """What the camera delivers to a worker that is fresh; a stream that has changed gets another generation."""
        self._shape(streams, slots)
        if self._rings:
            self._tell()

    def resized(self, slots: int | None) -> None:
        """The configuration was read again."""
        if self._streams and slots != self._wanted:
            self._shape(tuple(self._streams.values()), slots)
            self._tell()

    def started(self) -> None:
        """The worker hears: tell it which rings there are, if it could not be told."""
        if not self._told:
            self._tell()

    def unwritten(self) -> None:
        """There is no worker, which would give back the memory that nobody reads any more."""
        for name in [name for name, ring in self._rings.items() if not ring.readers and ring.used > PAGE]:
            self._retire(name)
        self._make_missing()

    def close(self) -> None:
        """There are no frames any more; whoever reads is told."""
        self._streams = {}
        for name in list(self._rings):
            self._retire(name)

    # --- readers ------------------------------------------------------------------------------------------

    def attach(self, name: str) -> tuple[AttachFacts, Lent] | Refused | None:
        """One reader more; None: the camera was not opened yet. OSError: no descriptor is left."""
        if not self._streams:
            return None
        if (stream := self._streams.get(name)) is None:
            known = ", ".join(self._streams)
            text = f"{self._camera} has no stream {name!r:.40}; there is {known}"
            return Refused(Reason.STREAM, text, "a second one is called lores; see lores in its table")
        if (ring := self._rings.get(name)) is None:
            return Refused(Reason.MEMORY, f"{self._camera} has no frames for applications: {self._trouble}")
        lent = Lent(ring.for_readers(), f"{self._camera}/{name}", ring, partial(self._count, name, -1))
        self._count(name, 1)
        return AttachFacts(self._camera, stream, ring.layout.generation, ring.layout.slots), lent

    def facts(self) -> FramesFacts:
        """For whoever asks how things are."""
        rings = self._rings.values()
        return FramesFacts(
            readers=self._readers.total(), slots=self._slots, streams=tuple(self._streams.values()),
            megabytes=_megabytes(sum(ring.used for ring in rings)),
            megabytes_most=_megabytes(sum(ring.layout.size for ring in rings)), trouble=self._trouble,
        )  # fmt: skip

    # --- inside -------------------------------------------------------------------------------------------

    def _shape(self, streams: Sequence[Stream], slots: int | None) -> None:
        sizes = [stream.room for stream in streams]
        self._wanted, self._slots = slots, slots or room.usual_slots(sizes, self._memory_total)
        kept = [s.name for s in streams if self._streams.get(s.name) == s and self._fits(s.name)]
        self._streams = {stream.name: stream for stream in streams}
        self._trouble = room.objection(room.of_rings(sizes, self._slots), self._memory_total)
        for name in self._rings.keys() - (() if self._trouble else kept):
            self._retire(name)
        self._make_missing()
        if self._trouble:
            text = f"{self._camera}: no frames for applications: {self._trouble}"
            self._log.warning("frames.unavailable", message=text, camera=self._camera)

    def _tell(self) -> None:
        self._told = self._send(Publish(tuple(self._rings)), [ring.fd for ring in self._rings.values()])

    def _fits(self, name: str) -> bool:
        return name in self._rings and self._rings[name].layout.slots == self._slots

    def _make_missing(self) -> None:
        """Supervision does not depend on readers: what cannot be made is said, and left."""
        if self._trouble:
            return
        try:
            for name, stream in self._streams.items():
                self._rings[name] = self._rings.get(name) or self._made(stream)
        except OSError as error:
            self._trouble = f"{error.strerror or error}"

    def _made(self, stream: Stream) -> Memory:
        self._generation += 1
        layout = Layout(self._generation, self._slots, stream.room)
        ring = Memory(f"camwatchd-{self._camera}-{stream.name}", layout)
        ring.readers = self._readers[stream.name]
        return ring

    def _retire(self, name: str) -> None:
        ring = self._rings.pop(name)
        ring.retire()
        ring.close()

    def _count(self, name: str, change: int) -> None:
        self._readers[name] += change
        if name in self._rings:
            self._rings[name].readers = self._readers[name]
        if not self._has_writer():
            self.unwritten()


def _megabytes(size: int) -> float:
    return round(size / 1e6, 1)
