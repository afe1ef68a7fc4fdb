# SPDX-License-Identifier: MIT
"""Owns the contract of camwatchd.cameras.base, kept by every backend alike.

Without more it runs against the simulated camera, and against picamera2 where that and a camera are there.
CAMWATCHD_CONTRACT_BACKEND=picamera2 runs that backend alone, and then a missing camera is a failure;
CAMWATCHD_CONTRACT_FORMAT sets the format of its pictures, e.g. MJPEG.
"""

import gc
import importlib.util
import os
import select
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from camwatchd.cameras.base import Camera, Frame, create, load
from camwatchd.core.settings import CameraSettings

FRAME_DEADLINE = 10.0  # s; an emulated machine needs some of it for a first frame
CYCLES = 50  # far more than any camera has buffers

# picamera2's event loop uses Thread.setDaemon.
pytestmark = pytest.mark.filterwarnings("ignore:setDaemon:DeprecationWarning")

WANTED = os.environ.get("CAMWATCHD_CONTRACT_BACKEND")
KINDS = {
    "simulated": CameraSettings(backend="simulated", frame_rate=100.0),
    "simulated-MJPEG": CameraSettings(backend="simulated", frame_rate=100.0, format="MJPEG"),
    "picamera2": CameraSettings(
        backend="picamera2", format=os.environ.get("CAMWATCHD_CONTRACT_FORMAT", "auto")
    ),
}


@pytest.fixture(params=[name for name in KINDS if WANTED in (None, KINDS[name].backend)])
def settings(request: pytest.FixtureRequest) -> CameraSettings:
    chosen = KINDS[request.param]
    if chosen.backend == "picamera2" and WANTED is None:
        if importlib.util.find_spec("picamera2") is None:
            pytest.skip("picamera2 is not installed")
        if not load("picamera2").Picamera2.global_camera_info():
            pytest.skip("picamera2 is installed but lists no camera")
    return chosen


@pytest.fixture
def camera(settings: CameraSettings, tmp_path: Path) -> Iterator[Camera]:
    camera = create(settings, str(tmp_path))
    yield camera
    camera.close()


@pytest.fixture
def streaming(camera: Camera) -> Camera:
    camera.open()
    camera.start()
    return camera


def arrived(camera: Camera, seconds: float = FRAME_DEADLINE) -> bool:
    return bool(select.select([camera], [], [], seconds)[0])


def next_frame(camera: Camera) -> Frame:
    camera.request()
    assert arrived(camera), "no frame arrived"
    return camera.take()


def descriptors() -> int:
    gc.collect()  # picamera2's objects are cycles; they hold descriptors until they are collected
    return len(list(Path("/proc/self/fd").iterdir()))


def test_identity_says_what_the_frames_are(camera: Camera, settings: CameraSettings) -> None:
    """`open()` names the camera and the real size and format of its frames."""
    identity = camera.open()

    assert identity.camera_id
    assert (identity.width, identity.height) == (settings.width, settings.height)
    assert settings.format in ("auto", identity.format)


def test_time_and_sequence_advance(streaming: Camera) -> None:
    """Timestamps and sequence numbers increase from frame to frame."""
    frames = []
    for _ in range(20):
        frame = next_frame(streaming)
        frames.append((frame.sequence, frame.sensor_timestamp))
        frame.release()

    assert frames == sorted(set(frames))
    assert len({sequence for sequence, _ in frames}) == len({timestamp for _, timestamp in frames}) == 20


def test_picture_is_a_view_or_a_whole_jpeg(camera: Camera) -> None:
    """A raw frame is seen in the camera's own memory, an encoded one only as far as it was written."""
    identity = camera.open()
    camera.start()
    frame = next_frame(camera)
    if identity.format == "MJPEG":
        assert frame.sample is None
        assert frame.encoded is not None
        assert bytes(frame.encoded[:2]) == b"\xff\xd8"
        assert bytes(frame.encoded).rstrip(b"\0")[-2:] == b"\xff\xd9"
    else:
        assert frame.encoded is None
        assert frame.sample is not None
        assert not frame.sample.flags.owndata
        assert frame.sample.dtype == np.uint8
        rows, columns = frame.sample.shape
        assert 0 < rows <= identity.height
        assert columns * identity.height == pytest.approx(rows * identity.width, rel=0.05)
    frame.release()


def test_released_frame_is_gone(streaming: Camera) -> None:
    """After `release()` there is no picture left to look at, and a second release is an error."""
    frame = next_frame(streaming)
    frame.release()

    assert frame.sample is None
    assert frame.encoded is None
    with pytest.raises(RuntimeError):
        frame.release()


def test_descriptor_is_quiet_between_requests(streaming: Camera) -> None:
    """The descriptor is readable from the arrival of a frame until it is taken or given up."""
    assert not arrived(streaming, 0)
    next_frame(streaming).release()
    assert not arrived(streaming, 0)
    streaming.request()
    assert arrived(streaming)
    streaming.cancel()
    assert not arrived(streaming, 0)


def test_descriptor_stays_the_same_over_a_restart(streaming: Camera) -> None:
    """A selector may keep the descriptor while the stream is restarted; closing takes it away."""
    before = streaming.fileno()
    streaming.stop()
    streaming.start()
    assert streaming.fileno() == before >= 0

    streaming.close()
    assert streaming.fileno() == -1


def test_misuse_is_an_error(streaming: Camera) -> None:
    """A second request while one is pending, or taking what has not arrived, raises and changes nothing."""
    with pytest.raises(BlockingIOError):
        streaming.take()
    streaming.request()
    with pytest.raises(RuntimeError):
        streaming.request()

    assert arrived(streaming)
    streaming.take().release()


def test_given_up_requests_leak_nothing(streaming: Camera) -> None:
    """However often a request is given up before its frame arrives, buffers and descriptors stay."""
    next_frame(streaming).release()
    before = descriptors()
    for _ in range(CYCLES):
        streaming.request()
        streaming.cancel()

    assert descriptors() == before
    for _ in range(CYCLES):
        next_frame(streaming).release()


def test_given_up_frames_leak_nothing(streaming: Camera) -> None:
    """A frame that arrived and was given up instead of taken goes back to the camera."""
    before = descriptors()
    for _ in range(CYCLES):
        streaming.request()
        assert arrived(streaming)
        streaming.cancel()

    assert descriptors() == before
    next_frame(streaming).release()


def test_giving_up_nothing_is_harmless(streaming: Camera) -> None:
    """`cancel()` without a pending request does nothing."""
    streaming.cancel()
    next_frame(streaming).release()
    streaming.cancel()
    next_frame(streaming).release()


def test_stream_restarts(streaming: Camera) -> None:
    """After stop and start frames come again, and their time goes on."""
    frame = next_frame(streaming)
    before = frame.sensor_timestamp
    frame.release()
    for _ in range(3):
        streaming.stop()
        streaming.start()
        frame = next_frame(streaming)
        assert frame.sensor_timestamp > before
        before = frame.sensor_timestamp
        frame.release()


def test_stop_with_a_pending_request(streaming: Camera) -> None:
    """`stop()` neither waits for the pending request nor leaves it behind."""
    next_frame(streaming).release()
    streaming.request()
    streaming.stop()
    streaming.stop()
    assert not arrived(streaming, 0)

    streaming.start()
    next_frame(streaming).release()


def test_close_ends_everything(camera: Camera) -> None:
    """Closing in mid-stream, with a request pending, leaves no thread and no descriptor; again it does nothing."""
    camera.close()
    threads, found = threading.active_count(), []
    for _ in range(2):  # what libcamera keeps for the life of the process is there after the first
        camera.open()
        camera.start()
        next_frame(camera).release()
        camera.request()
        camera.close()
        camera.close()
        found.append((threading.active_count(), descriptors()))

    assert found[0] == found[1]
    assert found[0][0] == threads


def test_camera_opens_again(camera: Camera) -> None:
    """One object may be opened again after it was closed."""
    for _ in range(2):
        camera.open()
        camera.start()
        next_frame(camera).release()
        camera.close()
