# SPDX-License-Identifier: MIT
"""Proves that a reader gets whole frames in their order, whatever becomes of writer and other readers."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator

import pytest

from camwatchd.frames.layout import Layout
from camwatchd.frames.memory import Memory
from camwatchd.frames.reader import Reader
from camwatchd.frames.writer import Writer

from .rig import GREY, picture, proves, write_one

SIZE = 300_000
SLOTS = 4
ROUNDS = 20


@pytest.fixture
def memory() -> Iterator[Memory]:
    memory = Memory("test", Layout(1, SLOTS, SIZE))
    yield memory
    memory.close()


@pytest.fixture
def writer(memory: Memory) -> Iterator[Writer]:
    writer = Writer(memory.fd)
    yield writer
    writer.close()


@pytest.fixture
def reader(memory: Memory) -> Iterator[Reader]:
    reader = reader_of(memory)
    yield reader
    reader.close()


def reader_of(memory: Memory) -> Reader:
    fd = memory.for_readers()
    try:
        return Reader(fd)
    finally:
        os.close(fd)


def test_a_frame_arrives_as_it_was_written(writer: Writer, reader: Reader) -> None:
    """Data, facts and metadata; the number is the ring's own."""
    data = picture(7, 2048)
    writer.write(data, GREY, b'{"Gain": 1.5}')
    raw = reader.copy(1)

    assert raw is not None
    assert (b'{"Gain": 1.5}', 1, 2048) == (raw.metadata, raw.facts.number, raw.facts.size)
    assert (data == raw.data).all()
    assert (1_000, 2_000, 3.5, 64, 32, 64, "YUV420") == (
        raw.facts.sensor_timestamp, raw.facts.taken_at, raw.facts.wall, raw.facts.width, raw.facts.height,
        raw.facts.stride, raw.facts.format,
    )  # fmt: skip


def test_a_frame_that_was_overwritten_is_gone(writer: Writer, reader: Reader) -> None:
    """The newest ones are there; what is asked for too late, or too early, is not made up."""
    for _ in range(SLOTS + 2):
        write_one(writer, SIZE)

    there = [number for number in range(1, SLOTS + 5) if reader.copy(number)]
    assert list(range(3, SLOTS + 3)) == there


def test_before_the_first_frame_there_is_none(reader: Reader) -> None:
    """An empty slot looks whole by its sequence alone."""
    assert (0, None, None) == (reader.head, reader.copy(0), reader.copy(1))


def test_a_view_tells_when_it_was_overwritten(writer: Writer, reader: Reader) -> None:
    """It is valid until the frame `slots` later begins, and not one longer; whoever keeps it looks afterwards."""
    write_one(writer, SIZE)
    view = reader.view(1)
    for _ in range(SLOTS - 1):
        write_one(writer, SIZE)
    last = reader.is_whole(1) and view is not None and proves(view)
    write_one(writer, SIZE)

    assert view is not None
    assert (True, False) == (last, reader.is_whole(1))
    assert not view.data.flags.writeable


def test_every_frame_in_its_order_or_the_oldest_that_is_left(writer: Writer, reader: Reader) -> None:
    """A reader that is too slow goes on with what is surely whole: not the one that is overwritten next."""
    told = []
    for seen in (0, 1, 2, 0):
        write_one(writer, SIZE)
        told.append(reader.next_after(seen))
    for _ in range(SLOTS):
        write_one(writer, SIZE)

    assert [1, 2, 3, 2] == told
    assert (6, 8, 9) == (reader.next_after(1), reader.next_after(7), reader.next_after(8))


def test_numbers_go_around(memory: Memory, writer: Writer, reader: Reader) -> None:
    """After 2**32 frames, more than four years at 30 a second."""
    writer.number = 2**32 - 2
    for _ in range(4):
        write_one(writer, SIZE)
    raw = reader.copy(2**32 + 2)

    assert raw is not None
    assert proves(raw)
    assert 2**32 + 2 == raw.facts.number
    assert (2, 1) == (reader.head, reader.next_after(0))


def test_a_successor_goes_on_where_the_writer_was_killed(memory: Memory, reader: Reader) -> None:
    """Half a frame is never seen, and the next worker writes that number anew."""
    first = Writer(memory.fd)
    write_one(first, SIZE)
    broken = memoryview(first._map).cast("I")
    broken[first.layout.slot_at(2) // 4] = 3
    broken.release()
    unseen = reader.copy(2)
    successor = Writer(memory.fd)
    write_one(successor, SIZE)
    raw = reader.copy(2)

    assert unseen is None
    assert raw is not None
    assert proves(raw)


def test_a_reader_sleeps_until_a_frame_is_there(writer: Writer, reader: Reader) -> None:
    """And is woken by it, not by the end of its patience."""
    threading.Timer(0.05, write_one, (writer, SIZE)).start()
    came = reader.wait(0, time.monotonic() + 60)

    assert came
    assert reader.copy(1) is not None


def test_a_sleep_ends_with_the_frame(memory: Memory, writer: Writer, reader: Reader) -> None:
    """Two who wait for each other's frames, twenty times: a sleep to its end (0.25 s) would be seen in the sum."""
    other = Memory("other", Layout(1, SLOTS, SIZE))
    theirs, back = Writer(other.fd), reader_of(other)

    def answer() -> None:
        for number in range(ROUNDS):
            while not reader.wait(number, time.monotonic() + 60):
                pass
            write_one(theirs, 16)

    thread, began = threading.Thread(target=answer), time.monotonic()
    thread.start()
    for number in range(ROUNDS):
        write_one(writer, 16)
        while not back.wait(number, time.monotonic() + 60):
            pass
    took = time.monotonic() - began
    thread.join()
    back.close()
    theirs.close()
    other.close()

    assert took < ROUNDS * 0.25 / 2


def test_a_sleep_ends_with_its_time(reader: Reader) -> None:
    """Twenty of 5 ms each, not of a whole 0.25 s."""
    began = time.monotonic()
    came = [reader.wait(0, time.monotonic() + 0.005) for _ in range(ROUNDS)]
    took = time.monotonic() - began

    assert [False] * ROUNDS == came
    assert ROUNDS * 0.004 < took < ROUNDS * 0.25 / 2


class Overwritten(Reader):
    """Its ring is written all over just after it has looked at a sequence for the `at`-th time."""

    def __init__(self, fd: int, writer: Writer, at: int) -> None:
        super().__init__(fd)
        self._writer, self._looks = writer, at

    def _sequence(self, number: int) -> int:
        found, self._looks = super()._sequence(number), self._looks - 1
        if self._looks == 0:
            for _ in range(SLOTS):
                write_one(self._writer, SIZE)
        return found


@pytest.mark.parametrize("reading", ["copy", "view"])
@pytest.mark.parametrize(("at", "is_there"), [(1, False), (2, True)])
def test_nothing_is_read_after_the_last_look(
    memory: Memory, writer: Writer, reading: str, at: int, is_there: bool
) -> None:
    """After the first look: none. After the second: all that was read by then, metadata too, is its own."""
    write_one(writer, SIZE)
    fd = memory.for_readers()
    reader = Overwritten(fd, writer, at)
    os.close(fd)
    raw = getattr(reader, reading)(1)

    assert is_there == (raw is not None)
    if raw is not None:
        assert b"%08x" % zlib.crc32(picture(1, SIZE).data) == raw.metadata
        assert 1 == raw.facts.number
        assert reading == "view" or proves(raw)
    del raw
    reader.close()


def test_a_reader_that_waits_is_told_of_the_end(memory: Memory, reader: Reader) -> None:
    """A new generation is not waited for in the old one."""
    threading.Timer(0.05, memory.retire).start()
    began = time.monotonic()
    came = reader.wait(0, began + 60)

    assert (False, True) == (came, reader.closed)


def test_what_is_too_large_is_refused(writer: Writer, reader: Reader) -> None:
    """Metadata without room are left out; a frame without room is a mistake of the writer's."""
    writer.write(picture(1, 16), GREY, b"x" * 5000)
    raw = reader.copy(1)

    assert raw is not None
    assert b"" == raw.metadata
    with pytest.raises(ValueError, match="300001 bytes, with room for 300000"):
        writer.write(picture(1, SIZE + 1), GREY)


@pytest.mark.parametrize("reading", ["copy", "view"])
def test_no_torn_frame_whenever_the_writer_is_killed(memory: Memory, reader: Reader, reading: str) -> None:
    """Fifty writers, each killed at some moment; what is read proves itself, none goes backwards."""
    rng, seen, read = random.Random(1), 0, 0
    with nursery(memory) as writers:
        for _ in range(50):
            writer = begin(writers)
            reader.wait(seen, time.monotonic() + 5)
            until = time.monotonic() + rng.random() * 0.01
            while time.monotonic() < until:
                number = reader.head
                raw = getattr(reader, reading)(number)
                good = raw is not None and proves(raw)
                if raw is None or (reading == "view" and not reader.is_whole(number)):
                    continue
                assert good
                assert number >= seen
                seen, read = number, read + 1
            os.kill(writer, signal.SIGKILL)

    assert read > 40


@contextlib.contextmanager
def nursery(memory: Memory) -> Iterator["subprocess.Popen[str]"]:
    """A process that makes one writer after the other."""
    command = [sys.executable, "-m", "tests.frames.rig", str(memory.fd), str(SIZE)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, pass_fds=[memory.fd], **pipes) as process:  # type: ignore[call-overload]
        yield process


def begin(nursery: "subprocess.Popen[str]") -> int:
    """The next one, once the one before is gone."""
    assert nursery.stdin
    assert nursery.stdout
    nursery.stdin.write("next\n")
    nursery.stdin.flush()
    return int(nursery.stdout.readline())
