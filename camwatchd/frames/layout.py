# SPDX-License-Identifier: MIT
"""Owns the binary layout of a ring of frames in shared memory, version 1.

All numbers are little-endian and naturally aligned. Words marked * are read while another process writes them: they
have 32 bits, so that one load or store of any processor is whole (64-bit ones are not on 32-bit ARM), and count
modulo 2**32. The file is sealed against shrinking and growing: whoever maps it can never get SIGBUS.

    the file:  header (one page), then `slots` slots of `slot_size` bytes each; `slots` is a power of two

    header     0  8 bytes  "camframe"
               8  u32      version of this layout
              12  u32      generation: a change of size or format makes another file with the next number
              16  u32      slots
              20  u32      metadata_room, bytes
              24  u64      slot_size, bytes
              32  u64      data_room, bytes
              64  u32 *    head: number of the newest whole frame; 0: none yet. Also the futex that readers sleep on
             128  u32 *    readers, as the supervisor counts them; at 0 nothing is written
             192  u32 *    closed: not 0 when there is, or will be, a newer generation

    slot       0  u32 *    sequence: 2n when it holds frame n whole; 2n - 1 while frame n is written
               8  u64      number n of the frame, from 1 in each generation; frame n is in slot n modulo `slots`
              16  i64      sensor timestamp, ns, of the camera's clock
              24  i64      when the frame was there, ns of CLOCK_MONOTONIC
              32  f64      the same as wall time, s since 1970
              40  u32 x 4  width and height in pixels, stride in bytes (0: encoded), size in bytes of the data
              56  16 bytes format, ASCII, padded with NUL
              72  u32      size in bytes of the metadata
             128           metadata, a JSON object, UTF-8
    slot + 128 + metadata_room, rounded up to a page: the data

Order. A writer stores `sequence` (odd), fence, everything else, fence, `sequence` (even), fence, `head`. A reader
loads `head`, then `sequence`; fence; copies; fence; and loads `sequence` again: only if it was even, of that frame and
is unchanged was the copy whole. A fence orders all loads and stores before it before all that follow, on every
processor (camwatchd.frames.futex). A writer killed in mid-copy leaves an odd sequence, and the next begins that
frame anew; frames never come out of order, because there is one writer at a time.
"""

import struct
from dataclasses import dataclass

MAGIC = b"camframe"
VERSION = 1
PAGE = 4096
MOST_SLOTS = 64
WORD = 1 << 32

HEAD, READERS, CLOSED = 64, 128, 192  # offsets in the header
SEQUENCE, METADATA = 0, 128  # offsets in a slot

_HEADER = struct.Struct("<8sIIIIQQ")
_FACTS = struct.Struct("<QqqdIIII16sI")  # of a slot, from offset 8 on
_FACTS_AT = 8
METADATA_ROOM = PAGE - METADATA  # with the facts it fills one page


class LayoutError(ValueError):
    """This is no ring, or one of another version."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is in one file."""

    generation: int
    slots: int
    data_room: int  # bytes of one frame, at most
    metadata_room: int = METADATA_ROOM

    def __post_init__(self) -> None:
        if not 2 <= self.slots <= MOST_SLOTS or self.slots & (self.slots - 1):
            raise LayoutError(f"slots: a power of two from 2 to {MOST_SLOTS}, not {self.slots}")
        if self.data_room < 1 or self.metadata_room < 0:
            raise LayoutError(f"no room: {self}")

    @property
    def data_at(self) -> int:
        """Of the data in its slot."""
        return _whole_pages(METADATA + self.metadata_room)

    @property
    def slot_size(self) -> int:
        """Bytes from one slot to the next."""
        return self.data_at + _whole_pages(self.data_room)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return PAGE + self.slots * self.slot_size

    def slot_at(self, number: int) -> int:
        """Where frame `number` is, or its low 32 bits."""
        return PAGE + number % self.slots * self.slot_size

    def header(self) -> bytes:
        """The first bytes of the file."""
        return _HEADER.pack(
            MAGIC, VERSION, self.generation, self.slots, self.metadata_room, self.slot_size, self.data_room
        )


def read_layout(header: bytes | memoryview, size: int) -> Layout:
    """What a file of `size` bytes says of itself; LayoutError for anything that may not be trusted."""
    if len(header) < _HEADER.size:
        raise LayoutError("this is no ring of frames: too short")
    magic, version, generation, slots, metadata_room, slot_size, data_room = _HEADER.unpack_from(header)
    if magic != MAGIC:
        raise LayoutError(f"this is no ring of frames: it begins with {magic!r}")
    if version != VERSION:
        raise LayoutError(f"the ring has version {version} of its layout, this reader knows {VERSION}")
    layout = Layout(generation, slots, data_room, metadata_room)
    if (layout.slot_size, layout.size) != (slot_size, size):
        raise LayoutError(f"the ring has {size} bytes and slots of {slot_size}; expected {layout}")
    return layout


@dataclass(frozen=True, slots=True)
class Facts:
    """What a slot says of its frame, as in the table above."""

    number: int
    sensor_timestamp: int
    taken_at: int
    wall: float
    width: int
    height: int
    stride: int
    size: int
    format: str
    metadata_size: int = 0


def pack_facts(buffer: memoryview, slot: int, facts: Facts) -> None:
    """Write them into their slot."""
    _FACTS.pack_into(
        buffer, slot + _FACTS_AT, facts.number, facts.sensor_timestamp, facts.taken_at, facts.wall,
        facts.width, facts.height, facts.stride, facts.size, facts.format.encode("ascii"), facts.metadata_size,
    )  # fmt: skip


def unpack_facts(buffer: memoryview, slot: int) -> Facts:
    """Read them from their slot. Until the sequence was looked at again they may be of two frames, or nonsense."""
    found = _FACTS.unpack_from(buffer, slot + _FACTS_AT)
    number, sensor, taken, wall, width, height, stride, size, name, metadata_size = found
    text = name.rstrip(b"\0").decode("ascii", "replace")
    return Facts(number, sensor, taken, wall, width, height, stride, size, text, metadata_size)


def _whole_pages(size: int) -> int:
    return -(-size // PAGE) * PAGE
