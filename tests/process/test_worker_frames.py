# SPDX-License-Identifier: MIT
"""Owns the proof that a worker writes frames where it is told to, and that nothing about that is a camera's fault."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from camwatchd.core.exits import WorkerExit
from camwatchd.core.messages import (
    Adjust,
    Adjusted,
    CameraFailed,
    CaptureFailed,
    Frames,
    Opened,
    Publish,
    Remark,
    RestartStream,
    Stop,
    Streaming,
    encode,
)
from camwatchd.core.settings import ScriptedFault
from camwatchd.frames.layout import Layout
from camwatchd.frames.memory import Memory
from camwatchd.frames.reader import Raw, Reader
from tests.process.worker_rig import PATIENCE, WorkerRig, worker

ROOM = 640 * 720


@pytest.fixture
def memory() -> Iterator[Memory]:
    memory = Memory("test", Layout(1, 4, ROOM))
    memory.readers = 1
    yield memory
    memory.close()


@pytest.fixture
def reader(memory: Memory) -> Iterator[Reader]:
    fd = memory.for_readers()
    reader = Reader(fd)
    os.close(fd)
    yield reader
    reader.close()


def publish(rig: WorkerRig, *rings: int) -> None:
    order = Publish(("main", "lores")[: len(rings)])
    socket.send_fds(rig.link, [encode(order)], rings)


def next_frame(reader: Reader) -> Raw:
    """Another one than the newest that is there."""
    seen, end = reader.head, time.monotonic() + PATIENCE
    while not reader.wait(seen, end):
        assert time.monotonic() < end
    raw = reader.copy(reader.head) or reader.copy(reader.head)
    assert raw is not None
    return raw


def test_frames_are_written_where_the_supervisor_says(
    tmp_path: Path, memory: Memory, reader: Reader
) -> None:
    """What it opened is what is in the ring, over a restart of the stream too."""
    with worker(tmp_path) as rig:
        rig.streaming()
        [opened] = [report for report in rig.reports() if isinstance(report, Opened)]
        publish(rig, memory.fd)
        before = next_frame(reader)
        rig.order(RestartStream(1))
        rig.until(Streaming, lambda report: report.generation == 2)
        after = next_frame(reader)
        publish(rig)
        rig.order(Stop())

        assert rig.ended() == WorkerExit.CLEAN
    main = opened.streams[0]
    assert ["main", "lores"] == [stream.name for stream in opened.streams]
    assert ("YUV420", 640, 480, main.stride, ROOM) == (
        after.facts.format, after.facts.width, after.facts.height, after.facts.stride, after.facts.size,
    )  # fmt: skip
    assert after.facts.number > before.facts.number
    assert after.facts.taken_at > before.facts.taken_at


def test_a_worker_keeps_no_descriptor_of_its_rings(tmp_path: Path, memory: Memory, reader: Reader) -> None:
    """Only what it has mapped, and of former rings not even that."""
    with worker(tmp_path) as rig:
        rig.streaming()
        for _ in range(20):
            publish(rig, memory.fd)
        next_frame(reader)
        process = Path(f"/proc/{rig.process.pid}")
        links = [str(link.readlink()) for link in (process / "fd").iterdir()]
        mapped = (process / "maps").read_text().count("memfd:test")

    # Python's mmap keeps a duplicate of what it has mapped.
    assert 1 == sum("memfd:test" in link for link in links)
    assert 1 == mapped


@pytest.mark.parametrize("ring", ["too small", "none", "unreadable"])
def test_a_ring_that_does_not_do_is_no_fault_of_the_camera(tmp_path: Path, ring: str) -> None:
    """A remark says so, and healthy frames go on being reported."""
    small = Memory("small", Layout(1, 2, 100))
    small.readers = 1
    with worker(tmp_path) as rig, open(os.devnull) as nothing:
        rig.streaming()
        publish(rig, *{"too small": [small.fd], "none": [nothing.fileno()]}.get(ring, []))
        if ring == "unreadable":
            rig.order(Publish(("main",)))
        remark = rig.until(Remark)
        rig.until(Frames)
        rig.until(Frames)
    small.close()

    assert "frames-unpublished" == remark.subject
    assert not [report for report in rig.reports() if isinstance(report, CameraFailed | CaptureFailed)]


def test_controls_are_answered(tmp_path: Path, memory: Memory, reader: Reader) -> None:
    """All that are set and all that there are; refused ones change nothing, and are no fault of the camera."""
    with worker(tmp_path) as rig:
        rig.streaming(controls={"AnalogueGain": 2.0})
        publish(rig, memory.fd)
        rig.order(Adjust(1, {"ExposureTime": 700}))
        taken = rig.until(Adjusted)
        rig.order(Adjust(2, {"ExposureTime": 800, "Gain": 1}))
        refused = rig.until(Adjusted)
        next_frame(reader)
        raw = next_frame(reader)
        rig.until(Frames)

    assert (1, "", {"AnalogueGain": 2.0, "ExposureTime": 700}) == (
        taken.order,
        taken.problem,
        taken.controls,
    )
    assert [100, 1_000_000, 20_000] == list(taken.offered["ExposureTime"])
    assert (2, {}) == (refused.order, refused.controls)
    assert refused.problem.startswith("Gain: no such control here; there is AnalogueGain, ")
    assert b'"ExposureTime":700' in raw.metadata
    assert not [report for report in rig.reports() if isinstance(report, CameraFailed | CaptureFailed)]


def test_what_is_no_picture_is_given_to_nobody(tmp_path: Path, memory: Memory, reader: Reader) -> None:
    """A frame that fails its checks is a failure, and stays out of the ring."""
    cut = ScriptedFault(kind="truncated", at_frame=3, amount=10)
    with worker(tmp_path) as rig:
        rig.streaming(cut, format="MJPEG", frame_rate=20)
        publish(rig, memory.fd)
        for _ in range(5):
            rig.until(CaptureFailed)
        head = reader.head
        rig.until(CaptureFailed)

    assert reader.head == head
    assert head <= 3
