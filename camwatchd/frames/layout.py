# SPDX-License-Identifier: MIT
"""Owns the binary layout of a ring of frames in shared memory, version 1: what a reader in any language relies on.

The file is a memfd that comes as a descriptor (SCM_RIGHTS) with the answer to `Attach` on the control socket. It can
only be mapped for reading, and as a whole: its size (fstat) is sealed, so whoever maps it never gets SIGBUS. All
numbers are little-endian and naturally aligned. Offsets are in bytes, those of a slot from the slot's beginning:

    header     0  char[8]   magic: "camframe"
               8  u32       version of this layout; another number is another layout
              12  u32       generation: a change of format or size makes another file, with a higher number
              16  u32       slots: a power of two
              20  u32       metadata_room
              24  u64       slot_size: from one slot to the next; slot s begins at 16384 + s * slot_size
              32  u64       data_room: what the data of a frame may take
              64  u32 *     head: the newest whole frame; 0: none yet. Also the futex that readers sleep on
              72  u64       written: the same in full, for the next writer
             128  u32 *     readers, as the supervisor counts them; at 0 nothing is written
             192  u32 *     closed: not 0 once there is, or will be, a newer generation
    slot       0  u32 *     sequence: 2n while it holds frame n whole; 2n - 1 while frame n is written
               8  u64       number n of the frame, from 1 in each generation; it is in slot n modulo `slots`
              16  i64       sensor_timestamp: ns, of the camera's clock
              24  i64       taken_at: ns of CLOCK_MONOTONIC, when the frame was there
              32  f64       wall: the same in seconds since 1970
              40  u32       width, pixels
              44  u32       height, pixels
              48  u32       stride: bytes from row to row of the first plane; 0: encoded
              52  u32       size of the data
              56  char[16]  format as picamera2 names it (of 3 bytes RGB888 has blue first), padded with NUL
              72  u32       metadata_size
             128  bytes     metadata: a JSON object, UTF-8; a frame whose own had no room has none (size 0)
    data  128 + metadata_room, rounded up to a multiple of 16384

Words marked * change while they are read. They have 32 bits, so that one load or store of any processor is whole (on
32-bit ARM those of 64 bits are not), and count modulo 2**32. The rest of the header, but `written`, never changes.

Order. The writer, of which there is one at a time: sequence := 2n - 1; fence; everything else of the slot; fence;
sequence := 2n; fence; written, head := n; futex(FUTEX_WAKE). A reader: loads sequence; only if it is 2n: fence;
copies; fence; loads sequence again; only if it is still 2n, the copy is whole and frame n. Before it uses `size` and
`metadata_size` to copy it checks them against the rooms: until the second look they may be of two frames. A fence
orders all loads and stores before it before all that follow, on every processor: x86 keeps the order of stores by
itself, arm64 and ARM do not, and there it is `dmb ish` (C11: atomic_thread_fence(memory_order_seq_cst)); Python has
camwatchd.frames.futex. A writer killed in mid-copy leaves an odd sequence, and the next one writes that frame anew.

To wait: futex(&head, FUTEX_WAIT without FUTEX_PRIVATE_FLAG, the head that was seen), with a time-out of a second or
less; a read-only mapping is enough. After each waking look at `closed`: if it is not 0, send `Attach` again on the
same connection, take the new file and unmap this one. If the connection ends the daemon has gone: connect anew.

How long a view is valid. Data that is used where it lies, without a copy, is that of frame n until the writer begins
frame n + slots: at the earliest (slots - 1) frame durations after n became the newest, for `slots` = 4 at 30 frames
a second 100 ms. It also ends when nobody is attached any more. Nothing faults then: the bytes change. So whoever
computes with a view looks afterwards whether sequence is still 2n (after a fence) and throws the result away if not.
"""

import struct
from dataclasses import dataclass

MAGIC = b"camframe"
VERSION = 1
PAGE = 16384  # the largest of the kernels of Pis; memory is given back in pages
MOST_SLOTS = 64
MOST_DATA = 1 << 30  # bytes of one frame: `size` has 32 bits, and no camera has more
WORD = 1 << 32

HEAD, WRITTEN, READERS, CLOSED = 64, 72, 128, 192  # offsets in the header
SEQUENCE, METADATA = 0, 128  # offsets in a slot

_HEADER = struct.Struct("<8sIIIIQQ")
_FACTS = struct.Struct("<QqqdIIII16sI")  # of a slot, from offset 8 on
_FACTS_AT = 8
METADATA_ROOM = 4096 - METADATA


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
        if not 1 <= self.data_room <= MOST_DATA or self.metadata_room < 0:
            raise LayoutError(f"data_room: 1 to {MOST_DATA} bytes, not {self.data_room}")

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
