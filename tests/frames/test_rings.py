# SPDX-License-Identifier: MIT
"""Proves what the supervisor does for readers: generations, counting, memory; it writes no frame and maps none."""

import os
import resource
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from camwatchd.control.connection import Lent
from camwatchd.control.protocol import AttachFacts, Reason, Refused
from camwatchd.core.messages import Publish
from camwatchd.core.streams import Stream
from camwatchd.frames.reader import Reader
from camwatchd.frames.writer import Writer
from camwatchd.rings import Rings
from tests.control.rig import Log, descriptors

from .rig import write_one

MEMORY = 437_216 * 1024  # of a Pi Zero 2 W
MAIN = Stream("main", "YUV420", 640, 480, 640, 460_800)
LORES = Stream("lores", "YUV420", 320, 240, 320, 115_200)


class Bench:
    """Rings, and a worker that hears of them or does not."""

    def __init__(self) -> None:
        self.log, self.hears, self.alive = Log(), True, True
        self.told: list[dict[str, int]] = []  # inode of each ring, by stream
        self.fds: dict[str, int] = {}
        self.rings = Rings("cam0", MEMORY, self.log, send=self._send, has_writer=lambda: self.alive)

    def _send(self, order: Publish, fds: Sequence[int]) -> bool:
        if self.hears:
            self.fds = dict(zip(order.streams, fds, strict=True))
            self.told.append({name: os.fstat(fd).st_ino for name, fd in self.fds.items()})
        return self.hears

    def attach(self, stream: str = "main") -> tuple[AttachFacts, Lent]:
        found = self.rings.attach(stream)
        assert isinstance(found, tuple)
        os.close(found[1].descriptor)
        return found

    def write(self, frames: int, stream: str = "main") -> None:
        """As a worker does."""
        writer = Writer(self.fds[stream])
        for _ in range(frames):
            write_one(writer, 100_000)
        writer.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.rings.close()


def test_recoveries_keep_the_rings(bench: Bench) -> None:
    """Every worker is told of the same ones as long as the camera delivers the same."""
    for _ in range(3):
        bench.rings.opened([MAIN, LORES], None)

    assert ["main", "lores"] == list(bench.told[0])
    assert bench.told[0] == bench.told[1] == bench.told[2]


def test_a_stream_that_changes_gets_another_generation(bench: Bench) -> None:
    """Whoever reads is told by the old ring; the other stream is left alone."""
    bench.rings.opened([MAIN, LORES], None)
    lent = bench.rings.attach("main")
    assert isinstance(lent, tuple)
    reader = Reader(lent[1].descriptor)
    before = reader.closed
    bench.rings.opened([replace(MAIN, format="RGB888", stride=1920, room=921_600), LORES], None)
    new, _ = bench.attach()

    assert (False, True) == (before, reader.closed)
    assert new.generation > lent[0].generation
    assert ("RGB888", 921_600) == (new.stream.format, new.stream.room)
    assert bench.told[0]["lores"] == bench.told[1]["lores"]
    assert bench.told[0]["main"] != bench.told[1]["main"]
    reader.close()
    os.close(lent[1].descriptor)


def test_other_slots_make_other_rings_at_once(bench: Bench) -> None:
    """Without a new worker; the same number, or another cause of a reload, changes nothing."""
    bench.rings.opened([MAIN], 4)
    bench.rings.resized(4)
    bench.rings.resized(8)
    facts, _ = bench.attach()

    assert 2 == len(bench.told)
    assert 8 == facts.slots


def test_a_worker_that_could_not_hear_is_told_again(bench: Bench) -> None:
    """A full link must not leave readers without frames."""
    bench.hears = False
    bench.rings.opened([MAIN], None)
    bench.hears = True
    bench.rings.started()
    bench.rings.started()

    assert 1 == len(bench.told)


def test_readers_are_counted_where_the_writer_looks(bench: Bench) -> None:
    """Over generations too, of which the old one does not count any more."""
    bench.rings.opened([MAIN], 4)
    first = bench.attach()[1]
    second = bench.attach()[1]
    bench.rings.resized(2)
    second.leave()
    writer = Writer(bench.fds["main"])
    wanted = writer.wanted
    first.leave()

    assert (True, False) == (wanted, writer.wanted)
    assert 0 == bench.rings.facts().readers
    writer.close()


def test_before_the_camera_was_opened_there_is_nothing_to_read(bench: Bench) -> None:
    """Who asks waits; afterwards a stream that there is not is refused with those that there are."""
    before = bench.rings.attach("main")
    bench.rings.opened([MAIN], None)
    unknown = bench.rings.attach("lores")

    assert before is None
    assert isinstance(unknown, Refused)
    assert (Reason.STREAM, "cam0 has no stream 'lores'; there is main") == (unknown.reason, unknown.message)


def test_rings_that_are_too_large_are_not_made(bench: Bench) -> None:
    """The camera is supervised all the same; everybody who asks is told why."""
    bench.rings.opened([replace(MAIN, room=300_000_000)], None)
    answer = bench.rings.attach("main")
    trouble = bench.rings.facts().trouble

    assert isinstance(answer, Refused)
    assert Reason.MEMORY == answer.reason
    assert "600.0 MB would be more than a quarter of the memory, which has 447.7 MB" == trouble
    assert trouble in answer.message
    assert [f"cam0: no frames for applications: {trouble}"] == bench.log.of("frames.unavailable")


def test_a_camera_that_becomes_too_large_has_no_frames_any_more(bench: Bench) -> None:
    """Its readers are told, and nothing is left of the rings; smaller pictures bring them back."""
    bench.rings.opened([MAIN], None)
    bench.rings.opened([replace(MAIN, room=300_000_000)], None)
    most = bench.rings.facts().megabytes_most
    bench.rings.opened([MAIN], None)

    assert 0.0 == most
    assert [["main"], ["main"]] == [list(told) for told in bench.told]
    assert "" == bench.rings.facts().trouble


def test_the_memory_is_told_in_megabytes(bench: Bench) -> None:
    """Nearly none before anything was written, and never more than is said."""
    bench.rings.opened([MAIN, LORES], None)
    bench.attach()
    empty = bench.rings.facts()
    bench.write(10)
    full = bench.rings.facts()

    assert (0.0, 1, 4) == (empty.megabytes, empty.readers, empty.slots)
    assert 0.4 <= full.megabytes <= full.megabytes_most
    assert 2.3 < full.megabytes_most < 2.7
    assert ("main", "lores") == tuple(stream.name for stream in full.streams)


@pytest.mark.parametrize("first", ["the worker", "the reader"])
def test_without_worker_and_reader_the_memory_goes_back(bench: Bench, first: str) -> None:
    """The one who would give it back is gone: a paused camera keeps no frames that nobody reads."""
    bench.rings.opened([MAIN], None)
    _, lent = bench.attach()
    bench.write(4)
    held = bench.rings.facts().megabytes
    if first == "the reader":
        lent.leave()
    bench.alive = False
    bench.rings.unwritten()
    if first == "the worker":
        kept = bench.rings.facts().megabytes
        lent.leave()
        assert held == kept

    assert held >= 0.4
    assert bench.rings.facts().megabytes < 0.1


def test_nothing_is_left_behind(bench: Bench) -> None:
    """A hundred generations, each with a reader, leave no descriptor."""
    bench.rings.opened([MAIN], 2)
    before = descriptors()
    for slots in [4, 2] * 50:
        bench.rings.resized(slots)
        bench.attach()[1].leave()

    assert before == descriptors()


def test_what_cannot_be_made_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """No descriptor is left for a ring: the camera goes on without readers."""
    low, high = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)  # the lowest that is free: what is above may have holes
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, high))
    try:
        bench.rings.opened([MAIN], None)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (low, high))

    assert "Too many open files" == bench.rings.facts().trouble
    assert isinstance(bench.rings.attach("main"), Refused)
