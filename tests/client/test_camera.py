# SPDX-License-Identifier: MIT
"""Proves what `Camera` gives while its camera is well: new frames, as many as asked for, where they lie or copied."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from camwatchd.client import Camera, CameraClosedError, Frame, FrameOverwrittenError, to_rgb
from tests.client.rig import healthy, in_a_child, of, socket_of
from tests.control.rig import descriptors
from tests.process.daemon import Daemon

RATE, SLOTS = 50, 16  # a third of a second, for readers on a busy machine


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for all: nothing here changes its camera."""
    with healthy(tmp_path_factory.mktemp("daemon"), frame_rate=RATE, slots=SLOTS) as (found, _):
        yield found


@pytest.fixture
def cam(running: Daemon) -> Iterator[Camera]:
    with of(running) as found:
        yield found


def taken(frames: Iterator[Frame], count: int) -> list[Frame]:
    return [next(frames) for _ in range(count)]


def test_a_frame_knows_when_and_how_it_was_taken(cam: Camera) -> None:
    """A copy of the application's own, whose times are those of this machine's clocks."""
    before = time.monotonic()
    success, frame = cam.capture_frame_with_timeout(timeout=5.0)

    assert success
    assert frame is not None
    assert before - 0.2 <= frame.taken_at <= time.monotonic()
    assert abs(time.time() - frame.wall_time) < 5
    assert frame.sensor_timestamp > 0
    assert ("YUV420", (64, 48)) == (frame.format, frame.resolution)
    assert frame.valid()
    assert frame.flags.writeable
    assert (48, 64, 3) == to_rgb(frame).shape


def test_every_frame_is_there_once(cam: Camera) -> None:
    """None is left out, none comes twice, whatever the reader does in between, if it is quick enough."""
    frames = taken(cam.frames(every=True), 20)
    numbers = [frame.number for frame in frames]

    assert list(range(numbers[0], numbers[0] + 20)) == numbers
    assert len({frame.metadata["FrameNumber"] for frame in frames}) == 20


def test_the_newest_is_what_a_slow_reader_gets(cam: Camera) -> None:
    """What it has missed it does not get later."""
    frames = cam.frames()
    first = next(frames)
    time.sleep(0.3)
    now = time.monotonic()
    second = next(frames)

    assert second.number - first.number > 5
    assert now - second.taken_at < 0.2


def test_at_most_so_many_a_second(cam: Camera) -> None:
    """Ten of fifty, evenly."""
    began = time.monotonic()
    taken(cam.frames(max_fps=10), 6)

    assert 0.5 <= time.monotonic() - began < 2
    with pytest.raises(ValueError, match="max_fps: expected more than 0, got 0"):
        cam.frames(max_fps=0)


def test_a_frame_is_given_once_and_the_latest_again(cam: Camera) -> None:
    """capture_array() waits for another; latest() does not wait."""
    numbers = [cam.capture_array().number for _ in range(5)]
    latest = [cam.latest().number for _ in range(2)]

    assert sorted(set(numbers)) == numbers
    assert numbers[-1] <= latest[0] <= latest[1]


def test_a_view_is_the_memory_itself(cam: Camera) -> None:
    """Nothing is copied, nobody can write into it, and it is whole when the block is left in time."""
    with cam.view() as frame:
        mean = float(np.mean(frame[:48]))
        whole = frame.valid()
        own = frame.flags.owndata

    assert whole
    assert not own
    assert mean > 0
    with pytest.raises(ValueError, match="read-only"):
        frame[0, 0] = 1


def test_a_view_that_was_overwritten_says_so(cam: Camera) -> None:
    """Sixteen slots at fifty frames a second are 320 ms: who takes longer gets no wrong result without an error."""

    def look() -> None:
        with cam.view() as frame:
            part, began = frame[:10], time.monotonic()
            while frame.valid() and time.monotonic() < began + 5:
                time.sleep(0.005)
            lasted.append(time.monotonic() - frame.taken_at)
            valid.append(part.valid())  # type: ignore[attr-defined]

    lasted: list[float] = []
    valid: list[bool] = []
    with pytest.raises(FrameOverwrittenError, match="was overwritten while it was looked at"):
        look()

    assert (SLOTS - 1) / RATE < lasted[0] < 2
    assert [False] == valid


def test_a_view_outlives_its_camera(running: Daemon) -> None:
    """The memory stays mapped as long as somebody has a view of it."""
    with of(running) as cam, cam.view() as frame:
        pass
    del cam

    assert frame.sum() >= 0


def test_an_error_in_a_view_is_the_applications_own(cam: Camera) -> None:
    """It comes through as it is."""
    with pytest.raises(ZeroDivisionError), cam.view():
        raise ZeroDivisionError


def test_each_thread_has_a_place_of_its_own(cam: Camera) -> None:
    """Four threads that take every frame: each gets every one."""
    numbers: list[list[int]] = []

    def read() -> None:
        numbers.append([frame.number for frame in taken(cam.frames(every=True), 15)])

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [list(range(each[0], each[0] + 15)) for each in numbers] == numbers
    assert len(numbers) == 4


def test_threads_that_come_and_go_leave_nothing(cam: Camera) -> None:
    """A server with a thread for each viewer has one connection, not one for each who ever came."""
    cam.capture_array()
    before = descriptors()
    for _ in range(20):
        thread = threading.Thread(target=cam.capture_array)
        thread.start()
        thread.join()

    assert before == descriptors()


def test_a_closed_camera_wakes_who_waits(running: Daemon) -> None:
    """And gives nobody anything any more."""
    cam, ended = of(running), threading.Event()

    def read() -> None:
        with pytest.raises(CameraClosedError):
            for _ in cam.frames():
                pass
        ended.set()

    thread = threading.Thread(target=read)
    thread.start()
    cam.capture_array()
    cam.close()
    thread.join(5)

    assert ended.is_set()
    with pytest.raises(CameraClosedError, match="cam0: this Camera was closed"):
        cam.capture_frame_with_timeout()


def test_a_fork_is_noticed(cam: Camera) -> None:
    """The child lets go of its parent's connection at once and makes its own; both read on."""
    cam.capture_array()
    parents = cam._feed._sock

    def child() -> bool:
        left = parents is not None and parents.fileno() == -1
        return left and [cam.capture_array().number > 0 for _ in range(3)] == [True] * 3

    good = in_a_child(child)
    after = cam.capture_array()

    assert good
    assert after.valid()
    assert cam._feed._sock is parents


def test_the_daemon_may_stand_still(running: Daemon, cam: Camera) -> None:
    """Frames go from the worker to the reader: the supervisor has no part in it."""
    cam.capture_array()
    os.kill(running.pid, signal.SIGSTOP)
    try:
        frames = taken(cam.frames(timeout=1), 10)
    finally:
        os.kill(running.pid, signal.SIGCONT)

    assert len(frames) == 10


def test_the_small_stream(tmp_path: Path) -> None:
    """Where the camera has one: a ring of its own."""
    with (
        healthy(tmp_path, width=640, height=480) as (running, large),
        Camera("cam0", "lores", socket=socket_of(running)) as small,
    ):
        frames = [small.capture_array(), large.capture_array()]

    assert frames[0].resolution < frames[1].resolution == (640, 480)


def test_nobody_keeps_what_was_not_closed(running: Daemon) -> None:
    """A Camera that is forgotten gives its descriptors back."""
    before = descriptors()
    of(running).capture_array()

    assert before == descriptors()
