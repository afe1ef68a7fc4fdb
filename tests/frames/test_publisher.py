# SPDX-License-Identifier: MIT
"""Proves what a worker gives to readers: nothing that nobody reads, and nothing that is kept longer than needed."""

import json
import math
import os
import time
from collections.abc import Iterator

import numpy as np
import pytest

from camwatchd.cameras.base import Frame
from camwatchd.core.streams import Stream
from camwatchd.frames.layout import Layout
from camwatchd.frames.memory import Memory
from camwatchd.frames.publisher import Publisher
from camwatchd.frames.reader import Reader

SIZE = 1_000_000
MAIN = Stream("main", "YUV420", 640, 480, 640, SIZE)


@pytest.fixture
def memory() -> Iterator[Memory]:
    memory = Memory("test", Layout(1, 4, SIZE))
    yield memory
    memory.close()


@pytest.fixture
def publisher(memory: Memory) -> Iterator[Publisher]:
    publisher = Publisher()
    publisher.streams = (MAIN,)
    publisher.use(["main"], [os.dup(memory.fd)])
    yield publisher
    publisher.use([], [])


@pytest.fixture
def reader(memory: Memory) -> Iterator[Reader]:
    fd = memory.for_readers()
    reader = Reader(fd)
    os.close(fd)
    yield reader
    reader.close()


def frame(**metadata: object) -> Frame:
    return Frame(1, 123, 1 / 30, None, None, metadata=metadata)


def publish(publisher: Publisher, times: int = 1, now: float = 0.0) -> int:
    """So many frames, if they are wanted; how many were."""
    data, written = np.full(SIZE, 7, np.uint8), 0
    for _ in range(times):
        for stream in publisher.wanted(now):
            assert "" == publisher.write(stream, data, frame(), now)
            written += 1
    return written


def test_without_readers_nothing_is_copied(memory: Memory, publisher: Publisher, reader: Reader) -> None:
    """And no memory is taken."""
    written = publish(publisher, 10)
    memory.readers = 1
    wanted = publish(publisher, 3)

    assert (0, 3) == (written, wanted)
    assert 3 == reader.head


def test_the_memory_goes_back_soon_after_the_last_reader(memory: Memory, publisher: Publisher) -> None:
    """Not at once: whoever takes a picture a second finds it warm."""
    before = memory.used
    memory.readers = 1
    publish(publisher, 8, now=10.0)
    full = memory.used
    memory.readers = 0
    publish(publisher, now=11.0)
    soon = memory.used
    publish(publisher, now=13.0)

    assert full >= 4 * SIZE
    assert full == soon
    assert memory.used <= before + 16384


def test_numbers_go_on_after_that(memory: Memory, publisher: Publisher, reader: Reader) -> None:
    """A reader that looks at a frame which has gone sees that; the next is the next, also of another worker."""
    memory.readers = 1
    publish(publisher, 8)
    memory.readers = 0
    publish(publisher, now=13.0)
    gone = [reader.copy(number) for number in range(9)]
    memory.readers = 1
    publisher.use(["main"], [os.dup(memory.fd)])
    publish(publisher)
    raw = reader.copy(9)

    assert [None] * 9 == gone
    assert 9 == reader.head
    assert raw is not None
    assert (raw.data == 7).all()


def test_a_view_knows_that_the_memory_was_given_back(
    memory: Memory, publisher: Publisher, reader: Reader
) -> None:
    """Its bytes change under it, and nothing faults."""
    memory.readers = 1
    publish(publisher)
    view = reader.view(1)
    memory.readers = 0
    publish(publisher, now=13.0)

    assert view is not None
    assert not reader.is_whole(1)
    assert not view.data.any()


def test_metadata_are_json_for_everybody(memory: Memory, publisher: Publisher, reader: Reader) -> None:
    """What JSON does not know, as it is printed; not a number, which only some read, as text."""
    memory.readers = 1
    data = np.zeros(16, np.uint8)
    publisher.write(MAIN, data, frame(Gain=1.5, Window=range(2)), 0.0)
    publisher.write(MAIN, data, frame(Lux=math.nan), 0.0)
    found = [json.loads(raw.metadata) for number in (1, 2) if (raw := reader.copy(number))]

    assert [{"Gain": 1.5, "Window": "range(0, 2)"}, {"Lux": "nan"}] == found


@pytest.mark.parametrize(
    ("data", "sensor"), [(np.zeros(SIZE + 1, np.uint8), 0), (np.zeros(16, np.uint8), 2**63)]
)
def test_what_cannot_be_written_is_said_once(
    memory: Memory, publisher: Publisher, data: np.ndarray[tuple[int], np.dtype[np.uint8]], sensor: int
) -> None:
    """A frame without room, a time that no number of the layout holds: the camera is supervised all the same."""
    memory.readers = 1
    wrong = publisher.write(MAIN, data, Frame(1, sensor, 0.1, None, None), time.monotonic())

    assert wrong.startswith("no more frames of the stream main for applications: ")
    assert [] == publisher.wanted(0.0)
