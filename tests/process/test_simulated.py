# SPDX-License-Identifier: MIT
"""Owns the proof that the simulated camera misbehaves as its script says, as far as one process can show it."""

import re
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from camwatchd.cameras.base import CameraError, Frame
from camwatchd.cameras.jpeg import EOI, SOI
from camwatchd.cameras.pictures import counter
from camwatchd.cameras.simulated import SimulatedCamera
from camwatchd.core.ladder import Rung
from camwatchd.core.messages import ProtocolError, decode_report
from camwatchd.core.settings import CameraSettings, ScriptedFault

RATE = 100.0  # frames a second
PATIENCE = 10.0  # s; only waited for in full by a test that fails
SILENCE = 0.2  # s, 20 frames: long enough to say that none comes


def fault(kind: str, **keys: object) -> ScriptedFault:
    return ScriptedFault(kind=kind, **keys)  # type: ignore[arg-type]


def settings(*script: ScriptedFault, **keys: object) -> CameraSettings:
    return CameraSettings(backend="simulated", frame_rate=RATE, fault=script, **keys)  # type: ignore[arg-type]


@contextmanager
def streaming(directory: Path, *script: ScriptedFault, **keys: object) -> Iterator[SimulatedCamera]:
    camera = SimulatedCamera(settings(*script, **keys), str(directory))
    try:
        camera.open()
        camera.start()
        yield camera
    finally:
        camera.close()


def arrives(camera: SimulatedCamera, seconds: float = PATIENCE) -> bool:
    camera.request()
    if select.select([camera], [], [], seconds)[0]:
        return True
    camera.cancel()
    return False


def picture(camera: SimulatedCamera) -> tuple[Frame, bytes]:
    """The next frame, given back, and its bytes."""
    assert arrives(camera), "no frame arrived"
    frame = camera.take()
    shown = frame.sample.tobytes() if frame.sample is not None else bytes(frame.encoded or b"")
    frame.release()
    return frame, shown


def test_frames_keep_the_time_of_the_sensor(tmp_path: Path) -> None:
    """Timestamps lie on an exact grid, however late the worker was: the sensor does not drift."""
    with streaming(tmp_path) as camera:
        frames = [picture(camera)[0] for _ in range(30)]
    start = frames[0]
    places = [(frame.sensor_timestamp - start.sensor_timestamp) * RATE / 1e9 for frame in frames]

    assert places == pytest.approx([frame.sequence - start.sequence for frame in frames], abs=1e-3)


def test_frames_differ_and_are_numbered(tmp_path: Path) -> None:
    """No two frames are the same, and each shows in its top rows how many the camera exposed before it."""
    with streaming(tmp_path) as camera:
        shown = [picture(camera)[1] for _ in range(20)]
    numbers = [counter(np.frombuffer(one, np.uint8).reshape(480, 640)) for one in shown]

    assert len(set(shown)) == 20
    assert 0 <= numbers[0] <= numbers[-1] - 19
    assert numbers == sorted(numbers)


def test_camera_starves_when_its_buffers_are_kept(tmp_path: Path) -> None:
    """With every buffer in the worker's hands no frame comes, and those that could not be stored are lost."""
    with streaming(tmp_path, buffer_count=2) as camera:
        kept = []
        for _ in range(2):
            assert arrives(camera)
            kept.append(camera.take())
        assert not arrives(camera, SILENCE)
        for frame in kept:
            frame.release()
        after, _ = picture(camera)

    assert after.sequence > kept[-1].sequence + 1


def test_stall_ends_by_itself(tmp_path: Path) -> None:
    """During a stall no frame comes; after its duration they come again."""
    with streaming(tmp_path, fault("stall", at_frame=3, duration=5 * SILENCE)) as camera:
        taken = 0
        while arrives(camera, SILENCE):
            camera.take().release()
            taken += 1
        assert taken <= 3  # a busy machine misses some
        picture(camera)


@pytest.mark.parametrize("until", [Rung.RESTART_STREAM, Rung.RESTART_WORKER])
def test_stall_is_cured_by_its_rung(tmp_path: Path, until: Rung) -> None:
    """A second start in one worker cures `restart-stream`; `restart-worker` takes a new worker's open."""
    script = fault("stall", at_frame=1, until=until)
    with streaming(tmp_path, script) as camera:
        picture(camera)
        assert not arrives(camera, SILENCE)
        camera.stop()
        camera.start()
        assert arrives(camera, SILENCE if until is Rung.RESTART_WORKER else PATIENCE) == (
            until is Rung.RESTART_STREAM
        )
    with streaming(tmp_path, script) as camera:
        picture(camera)


def test_hiccup_is_cured_by_asking_again(tmp_path: Path) -> None:
    """With `until = "retry"` one capture fails and the next succeeds."""
    with streaming(tmp_path, fault("error", message="boom", at_frame=20, until=Rung.RETRY)) as camera:
        picture(camera)
        rest = (picture(camera) for _ in range(20))  # a busy machine misses some
        with pytest.raises(RuntimeError, match="boom"):
            list(rest)
        picture(camera)


def test_slow_frames_come_late(tmp_path: Path) -> None:
    """`slow` stretches the time between frames to its amount, but the camera still claims its own rate."""
    with streaming(tmp_path, fault("slow", amount=5 / RATE)) as camera:
        first, second = (picture(camera)[0] for _ in range(2))

    assert second.sensor_timestamp - first.sensor_timestamp >= 5 / RATE * 1e9 * 0.999
    assert second.frame_duration == 1 / RATE


def test_dropped_frames_leave_gaps(tmp_path: Path) -> None:
    """`drop` loses its amount of every ten frames; their sequence numbers never come."""
    with streaming(tmp_path, fault("drop", amount=7.0)) as camera:
        sequences = [picture(camera)[0].sequence for _ in range(10)]

    assert {sequence % 10 for sequence in sequences} <= {7, 8, 9}


@pytest.mark.parametrize("format_", ["YUV420", "MJPEG"])
def test_frozen_picture_stays_while_time_goes_on(tmp_path: Path, format_: str) -> None:
    """A frozen camera delivers the same bytes with new sequence numbers and timestamps."""
    with streaming(tmp_path, fault("frozen", at_frame=2), format=format_) as camera:
        alive = {picture(camera)[1] for _ in range(2)}
        frozen = [picture(camera) for _ in range(10)]

    assert len(alive) == 2
    assert len({shown for _, shown in frozen}) == 1
    assert len({(frame.sequence, frame.sensor_timestamp) for frame, _ in frozen}) == 10


@pytest.mark.parametrize("format_", ["YUV420", "MJPEG"])
def test_frozen_picture_outlives_every_restart(tmp_path: Path, format_: str) -> None:
    """A restart of the stream, or a new worker, is shown the same picture for as long as the camera is frozen."""
    shown = set()
    for _ in range(2):
        with streaming(tmp_path, fault("frozen"), format=format_) as camera:
            shown |= {picture(camera)[1] for _ in range(3)}
            camera.stop()
            camera.start()
            shown.add(picture(camera)[1])

    assert len(shown) == 1


@pytest.mark.parametrize(("kind", "level"), [("black", 0), ("saturated", 255)])
def test_picture_of_one_level(tmp_path: Path, kind: str, level: int) -> None:
    """A black picture is 0 everywhere, a saturated one 255; afterwards the camera is well."""
    with streaming(tmp_path, fault(kind, until=Rung.RESTART_STREAM)) as camera:
        assert set(picture(camera)[1]) == {level}
        camera.stop()
        camera.start()
        assert len(set(picture(camera)[1])) > 100


def test_truncated_jpeg_is_delivered_and_truncated_raw_is_an_error(tmp_path: Path) -> None:
    """A JPEG cut short arrives without its end; a raw frame cut short is a buffer error and leaks no buffer."""
    script = fault("truncated", amount=10.0)
    with streaming(tmp_path, script, format="MJPEG") as camera:
        _, shown = picture(camera)
        assert shown.startswith(SOI)
        assert not shown.endswith(EOI)
    with streaming(tmp_path, script) as camera:
        for _ in range(20):
            with pytest.raises(CameraError) as caught:
                picture(camera)
            assert caught.value.fault == "buffer-queue"


def test_out_of_order_frames_go_back_in_time(tmp_path: Path) -> None:
    """Timestamps and sequence numbers fall back now and then."""
    with streaming(tmp_path, fault("out-of-order")) as camera:
        frames = [picture(camera)[0] for _ in range(20)]
    stamps = [frame.sensor_timestamp for frame in frames]

    assert stamps != sorted(stamps)


@pytest.mark.parametrize(
    ("script", "error", "cause"),
    [
        (fault("missing"), "list index out of range", None),
        (fault("missing", message="Camera(s) not found"), "__init__ sequence", "Camera(s) not found"),
        (fault("busy"), "__init__ sequence", "Failed to acquire camera: Device or resource busy"),
        (fault("gone"), "list index out of range", None),
        (fault("crash", signal="SIGSEV"), "SIGSEV", None),
    ],
)
def test_open_fails_as_picamera2_does(
    tmp_path: Path, script: ScriptedFault, error: str, cause: str | None
) -> None:
    """A camera that is absent or taken raises what picamera2 raises, and can be closed."""
    camera = SimulatedCamera(settings(script), str(tmp_path))
    with pytest.raises((IndexError, RuntimeError, CameraError), match=re.escape(error)) as caught:
        camera.open()
    camera.close()

    assert (str(caught.value.__cause__) if caught.value.__cause__ else None) == cause


def run_until_it_fails(camera: SimulatedCamera) -> None:
    while True:
        if arrives(camera, SILENCE):
            camera.take().release()


def test_unplugged_camera_is_dead_until_opened_anew(tmp_path: Path) -> None:
    """Once unplugged, asking for frames and starting fail even when the cause is over; opening again helps."""
    with streaming(tmp_path, fault("gone", at_frame=2, until=Rung.RESTART_STREAM)) as camera:
        with pytest.raises(RuntimeError, match="Failed to queue request: No such device"):
            run_until_it_fails(camera)
        camera.stop()
        with pytest.raises(RuntimeError, match="Failed to start camera: No such device"):
            camera.start()
        camera.close()
        camera.open()
        camera.start()
        picture(camera)


def test_garbage_is_no_message(tmp_path: Path) -> None:
    """What the script writes to the worker's link is a datagram that cannot be decoded, once."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        camera = SimulatedCamera(settings(fault("garbage", at_frame=2)), str(tmp_path))
        camera.link_fd = theirs.fileno()
        camera.open()
        camera.start()
        for _ in range(10):
            picture(camera)
        camera.close()
        ours.setblocking(False)
        with pytest.raises(ProtocolError):
            decode_report(ours.recv(65536))
        with pytest.raises(BlockingIOError):
            ours.recv(65536)


def test_sensor_that_dies_is_noticed(tmp_path: Path) -> None:
    """When the sensor's thread ends with an exception, the worker is woken and told, and may still close."""
    directory = tmp_path / "runtime"
    directory.mkdir()
    with streaming(directory, fault("stall", at_frame=20)) as camera:
        for file in directory.iterdir():
            file.unlink()
        directory.rmdir()
        with pytest.raises(CameraError) as caught:
            run_until_it_fails(camera)

    assert caught.value.fault == "event-loop-dead"


@pytest.mark.parametrize("wreck", ["", "{", "[]", '{"boot_id": 3}', "\xff"])
def test_ruined_memory_begins_anew(tmp_path: Path, wreck: str) -> None:
    """A memory file that is no memory does not keep the camera from opening."""
    (tmp_path / "simulated-cam0.json").write_text(wreck, encoding="latin-1")
    with streaming(tmp_path, fault("stall", at=3600.0)) as camera:
        picture(camera)


def test_camera_without_a_script_writes_nothing(tmp_path: Path) -> None:
    """Only a script needs a memory."""
    with streaming(tmp_path) as camera:
        picture(camera)

    assert list(tmp_path.iterdir()) == []
