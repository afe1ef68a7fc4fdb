# SPDX-License-Identifier: MIT
"""Proves that the table in the layout's docstring is what a reader can be written after, in whatever language."""

import fcntl
import os
import re
import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from camwatchd.frames import layout
from camwatchd.frames.layout import Layout, LayoutError, read_layout
from camwatchd.frames.memory import Memory
from camwatchd.frames.writer import Writer

from .rig import GREY, picture, proves_itself, write_one

TYPES = {"u32": "<I", "u64": "<Q", "i64": "<q", "f64": "<d"}
ROOM = 5000


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    part: str
    at: int
    kind: str
    changes: bool  # while it is read


def table() -> dict[str, Row]:
    """The documented fields, by name."""
    found: dict[str, Row] = {}
    part = ""
    for line in (layout.__doc__ or "").splitlines():
        match = re.fullmatch(r"    (header|slot)? +(\d+)  (\S+)( \*)? +(\w+)\b.*", line)
        if match:
            part = match[1] or part
            found[match[5]] = Row(part, int(match[2]), match[3], bool(match[4]))
    return found


class Stranger:
    """Reads a ring by the table alone."""

    def __init__(self, file: bytes) -> None:
        self._file, self._table = file, table()

    def get(self, name: str, slot: int = 0) -> Any:
        row = self._table[name]
        at = row.at + (16384 + slot * self.get("slot_size") if row.part == "slot" else 0)
        if room := re.fullmatch(r"char\[(\d+)\]", row.kind):
            return self._file[at : at + int(room[1])].rstrip(b"\0").decode()
        if row.kind == "bytes":
            return self._file[at : at + self.get("metadata_size", slot)]
        return struct.unpack_from(TYPES[row.kind], self._file, at)[0]

    def data(self, slot: int) -> bytes:
        begin = 128 + self.get("metadata_room")
        at = 16384 + slot * self.get("slot_size") + -(-begin // 16384) * 16384
        return self._file[at : at + self.get("size", slot)]


@pytest.fixture
def ring() -> Any:
    memory = Memory("test", Layout(3, 4, ROOM))
    yield memory
    memory.close()


def contents(ring: Memory) -> bytes:
    fd = ring.for_readers()
    try:
        return os.pread(fd, os.fstat(fd).st_size, 0)
    finally:
        os.close(fd)


def test_the_table_is_complete() -> None:
    """Fields do not overlap, are aligned, and those that change have 32 bits and cache lines of their own."""
    rows = table()
    sizes = {"u32": 4, "u64": 8, "i64": 8, "f64": 8, "char[8]": 8, "char[16]": 16, "bytes": 1}

    assert 23 == len(rows)
    for part in ("header", "slot"):
        places = sorted((row.at, row.at + sizes[row.kind]) for row in rows.values() if row.part == part)
        assert all(end <= begin for (_, end), (begin, _) in pairwise(places))
    assert all(row.at % min(8, sizes[row.kind]) == 0 for row in rows.values())
    changing = [row for row in rows.values() if row.changes]
    assert {"u32"} == {row.kind for row in changing}
    assert [64, 128, 192, 0] == [row.at for row in changing]


def test_the_header_is_as_documented(ring: Memory) -> None:
    """Before the first frame."""
    stranger = Stranger(contents(ring))

    assert ("camframe", 1, 3, 4) == tuple(map(stranger.get, ("magic", "version", "generation", "slots")))
    assert (ROOM, 0, 0, 0) == tuple(map(stranger.get, ("data_room", "head", "readers", "closed")))
    assert 16384 + 4 * stranger.get("slot_size") == len(contents(ring))


def test_frames_are_as_documented(ring: Memory) -> None:
    """Facts, metadata and data of the newest, found by the table alone."""
    writer = Writer(ring.fd)
    for _ in range(6):
        write_one(writer, ROOM)
    writer.close()
    ring.readers = 2
    stranger = Stranger(contents(ring))
    slot = stranger.get("head") % stranger.get("slots")

    assert (6, 6, 2, 12) == (
        *map(stranger.get, ("head", "written", "readers")),
        stranger.get("sequence", slot),
    )
    assert (6, GREY.sensor_timestamp, GREY.taken_at, GREY.wall) == tuple(
        stranger.get(name, slot) for name in ("number", "sensor_timestamp", "taken_at", "wall")
    )
    assert (GREY.width, GREY.height, GREY.stride, ROOM, GREY.format) == tuple(
        stranger.get(name, slot) for name in ("width", "height", "stride", "size", "format")
    )
    assert picture(6, ROOM).tobytes() == stranger.data(slot)
    assert proves_itself(stranger.data(slot), stranger.get("metadata", slot))


def test_a_frame_under_way_and_a_closed_ring_are_as_documented(ring: Memory) -> None:
    """An odd sequence, as a writer that was killed leaves it; closed is not 0."""
    os.pwrite(ring.fd, struct.pack("<I", 2 * 1 - 1), ring.layout.slot_at(1))
    ring.retire()
    stranger = Stranger(contents(ring))

    assert (1, 0) == (stranger.get("sequence", 1), stranger.get("head"))
    assert stranger.get("closed")


@pytest.mark.parametrize(
    ("at", "value", "words"),
    [
        (0, b"something", "this is no ring of frames: it begins with b'somethin'"),
        (8, b"\2\0\0\0", "the ring has version 2 of its layout, this reader knows 1"),
        (16, b"\3\0\0\0", "slots: a power of two from 2 to 64, not 3"),
        (16, b"\x08\0\0\0", "the ring has 147456 bytes"),
        (32, b"\0" * 8, "data_room: 1 to 1073741824 bytes, not 0"),
        (32, b"\xff" * 8, "data_room"),
    ],
)
def test_what_is_no_ring_is_refused(ring: Memory, at: int, value: bytes, words: str) -> None:
    """Of another version, or whose numbers do not fit its size: nothing is read beyond the end."""
    header = bytearray(contents(ring)[:4096])
    header[at : at + len(value)] = value

    with pytest.raises(LayoutError, match=re.escape(words)):
        read_layout(bytes(header), ring.layout.size)


def test_too_short_is_no_ring() -> None:
    """A file of a few bytes."""
    with pytest.raises(LayoutError, match="too short"):
        read_layout(b"camframe", 8)


def test_a_ring_keeps_its_size_for_ever() -> None:
    """Whoever reads from a file that becomes shorter is killed by the kernel: nobody may do it, the owner neither."""
    memory = Memory("sealed", Layout(1, 2, 4096))
    try:
        for size in (0, memory.layout.size + 4096):
            with pytest.raises(PermissionError):
                os.ftruncate(memory.fd, size)
        seals = fcntl.fcntl(memory.fd, fcntl.F_GET_SEALS)
    finally:
        memory.close()

    assert fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW == seals & 0x7
    assert not seals & fcntl.F_SEAL_WRITE  # the next worker has to
