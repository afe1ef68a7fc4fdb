# SPDX-License-Identifier: MIT
"""Proves that an application is told why there is no frame, in the time it gave, and each reason apart."""

import os
import signal
import socket
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from camwatchd.client import (
    Camera,
    CameraParkedError,
    CameraPausedError,
    ControlRefusedError,
    DaemonMissingError,
    FrameError,
    FrameTimeoutError,
    NotPermittedError,
    UnknownCameraError,
)
from tests.client.rig import PARKING, become_nobody, healthy, in_a_child, of, pause, times_out
from tests.process.daemon import QUICK, camera, daemon
from tests.process.side_by_side import SideBySide

together = SideBySide()

LATE = 1.0  # s that a time-out may last longer on a busy machine


@together
def test_a_missing_daemon(tmp_path: Path) -> None:
    """The time-out is kept, and the hint says where to look."""
    cam, began = Camera(socket=str(tmp_path / "nobody")), time.monotonic()
    answer = cam.capture_frame_with_timeout(0.3)
    took = time.monotonic() - began

    assert (False, None) == answer
    assert 0.3 <= took < 0.3 + LATE
    with pytest.raises(
        DaemonMissingError, match=r"camwatchd is not running: nobody listens at .*nobody\n  hint: systemctl"
    ):
        cam.capture_array(0)
    for question in (
        cam.status,
        cam.controls,
        lambda: cam.latest(0),
        lambda: next(cam.frames(timeout=0)),
    ):
        with pytest.raises(DaemonMissingError):
            question()
    assert isinstance(cam.trouble(), DaemonMissingError)


@together
def test_a_daemon_that_hangs(tmp_path: Path) -> None:
    """It lets everybody in and says nothing: told as such, and not for longer than a moment."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)) as listener:
        listener.bind(str(tmp_path / "sock"))
        listener.listen()
        with Camera(socket=str(tmp_path / "sock")) as cam:
            began = time.monotonic()
            answer = cam.capture_frame_with_timeout(0.3)
            took = time.monotonic() - began
            with pytest.raises(
                DaemonMissingError, match=r"no frame within 0\.1 s: camwatchd did not answer within 0\.2 s"
            ):
                cam.capture_array(0.1)

    assert (False, None) == answer
    assert 0.3 <= took < 0.3 + LATE


@together
def test_a_missing_camera(tmp_path: Path) -> None:
    """Said at once, with the names that there are: waiting does not help."""
    with healthy(tmp_path) as (running, _), of(running, "cam7") as cam:
        for question in (
            cam.capture_frame_with_timeout,
            cam.capture_array,
            cam.latest,
            cam.status,
            cam.controls,
        ):
            with pytest.raises(UnknownCameraError, match="no camera is called 'cam7'; there are: cam0"):
                question()
        trouble = cam.trouble()

    assert isinstance(trouble, UnknownCameraError)
    assert not isinstance(trouble, FrameTimeoutError)


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user: needs root")
@together
def test_a_missing_permission(tmp_path: Path) -> None:
    """Who is in neither group gets neither frames nor controls, is told which group, and may ask for the status."""

    def child() -> bool:
        become_nobody(tmp_path / "run")
        cam = Camera(socket="control.sock")
        frames = _refusal(cam.capture_frame_with_timeout)
        controls = _refusal(lambda: cam.set_controls({"ExposureTime": 1}))
        assert "sudo usermod -aG video $USER" in frames, frames
        assert "sudo usermod -aG camwatchd $USER" in controls, controls
        return cam.status().name == "cam0"

    with healthy(tmp_path):
        good = in_a_child(child)

    assert good


def _refusal(question: object) -> str:
    assert callable(question)
    try:
        question()
    except NotPermittedError as error:
        return str(error)
    return ""


@together
def test_a_socket_that_may_not_be_opened(tmp_path: Path) -> None:
    """Another thing than a daemon that is not there."""
    if os.geteuid() != 0:
        pytest.skip("becomes another user: needs root")
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)) as listener:
        listener.bind(str(tmp_path / "sock"))
        (tmp_path / "sock").chmod(0o600)
        listener.listen()

        def child() -> bool:
            become_nobody(tmp_path)
            return "sock may not be opened" in _refusal(Camera(socket="sock").capture_array)

        tmp_path.chmod(0o755)
        good = in_a_child(child)

    assert good


@together
def test_a_paused_camera(tmp_path: Path) -> None:
    """Told apart from a failure, with the way to end it; frames go on when it is over, to whoever waits."""
    with healthy(tmp_path) as (running, cam):
        pause(running, 3.0)
        reason, trouble = times_out(cam, 0.3), cam.trouble()
        with pytest.raises(CameraPausedError):
            cam.set_controls({"ExposureTime": 1000})
        after = cam.capture_array(15)

    assert type(reason) is type(trouble) is CameraPausedError
    assert reason.message.startswith("cam0: no frame within 0.3 s: paused by its operator for ")
    assert "camwatchctl resume" in reason.hint
    assert after.valid()


@together
def test_a_parked_camera(tmp_path: Path) -> None:
    """It has never been there, so there is no ring yet: the reason comes all the same."""
    with daemon(tmp_path, PARKING) as running, of(running) as cam:
        running.note("READY=1")
        first = times_out(cam, 0.1)
        running.event("alert.critical", refusal="optional-camera")
        reason = times_out(cam, 0.2)

    assert type(first) is FrameTimeoutError
    assert type(reason) is CameraParkedError
    assert "not-found" in reason.message
    assert "a human should look" in reason.hint


@together
def test_a_short_wait_beside_a_long_one(tmp_path: Path) -> None:
    """A thread that waits for a camera which is not there keeps no other from its own time-out and reason."""
    with daemon(tmp_path, PARKING) as running, of(running) as cam:
        running.event("alert.critical", refusal="optional-camera")
        long = threading.Thread(target=cam.capture_frame_with_timeout, args=[2.0])
        long.start()
        began = time.monotonic()
        while cam._feed._sock is None and time.monotonic() < began + 2:
            os.sched_yield()
        began = time.monotonic()
        reason = times_out(cam, 0.2)
        took = time.monotonic() - began
        long.join()

    assert 0.2 <= took < 0.2 + LATE
    assert not isinstance(reason, DaemonMissingError)
    assert reason.message.startswith("cam0: no frame within 0.2 s: ")


@together
def test_a_camera_in_recovery(tmp_path: Path) -> None:
    """Neither a frame from before nor an endless wait: the time-out, what is wrong, and what is being done."""
    stall = {"kind": "stall", "at_frame": 300, "duration": 600.0}
    with healthy(tmp_path, stall, frame_rate=100) as (running, cam):
        running.event("ladder.action_started")
        began = time.monotonic()
        reason = times_out(cam, 0.4)
        took = time.monotonic() - began
        stale = cam.latest()
        age = time.monotonic() - stale.taken_at
        status = cam.status()

    assert type(reason) is FrameTimeoutError
    assert "frames-stopped" in reason.message or "start-timeout" in reason.message
    assert 0.4 <= took < 0.4 + LATE
    assert age > 0.5  # asked for
    assert not status.is_capturing


@together
def test_a_new_place_is_given_nothing_old(tmp_path: Path) -> None:
    """A thread that begins to read while the camera is down does not get the last frame as if it were new."""
    got: list[tuple[bool, object]] = []
    with healthy(tmp_path) as (running, cam):
        pause(running)
        times_out(cam, 0.3)
        thread = threading.Thread(target=lambda: got.append(cam.capture_frame_with_timeout(0.2)))
        thread.start()
        thread.join()
        with pytest.raises(FrameTimeoutError):
            next(cam.frames(every=True, timeout=0.2))

    assert [(False, None)] == got


@together
def test_a_daemon_that_is_restarted_is_a_pause(tmp_path: Path) -> None:
    """Whoever is in a long wait meanwhile, in whatever way, gets a frame of the next daemon."""
    got: list[FrameError | float] = []
    with healthy(tmp_path) as (running, cam):
        places = [cam.frames(timeout=20), cam.frames(timeout=20, every=True)]
        before = max(next(place).taken_at for place in places)
        running.stop()
        threads = [threading.Thread(target=lambda p=place: got.append(next(p).taken_at)) for place in places]
        for thread in threads:
            thread.start()
        with daemon(tmp_path, QUICK + camera("cam0")):
            for thread in threads:
                thread.join()

    assert 2 == len(got)
    assert all(isinstance(at, float) and at > before - 0.2 for at in got)


@together
def test_controls_are_checked_by_the_camera(tmp_path: Path) -> None:
    """What there is, its limits, what it refuses, and that a refusal changes nothing."""
    with healthy(tmp_path) as (running, cam):
        offered = cam.controls()
        now = cam.set_controls({"ExposureTime": 5000})
        with pytest.raises(ControlRefusedError, match=r"AnalogueGain: expected 1\.0 to 16\.0, got 99"):
            cam.set_controls({"ExposureTime": 7000, "AnalogueGain": 99})
        os.kill(running.worker(), signal.SIGKILL)
        running.event("alert.recovery")
        after = cam.capture_array(10).metadata

    assert {"ExposureTime", "AnalogueGain"} <= offered.keys()
    assert all(len(limits) == 3 for limits in offered.values())
    assert {"ExposureTime": 5000} == now
    assert (5000, None) == (after["ExposureTime"], after.get("AnalogueGain"))


@together
def test_a_camera_that_is_too_slow_is_not_called_broken(tmp_path: Path) -> None:
    """The reason says that it is healthy."""
    with healthy(tmp_path, frame_rate=2) as (_, cam):
        cam.capture_array()
        reason = times_out(cam, 0.01)

    assert "cam0: no frame within 0.01 s: the camera is " in reason.message
