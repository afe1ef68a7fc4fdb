# SPDX-License-Identifier: MIT
"""Proves what applications get from a running daemon: whole frames, in order, through every recovery."""

import os
import signal
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest

from camwatchd.client import Camera, ControlRefusedError, DaemonMissingError, Frame, UnknownCameraError
from tests.process.daemon import QUICK, Daemon, camera, daemon


def of(daemon: Daemon, name: str = "cam0") -> Camera:
    return Camera(name, socket=str(daemon.directory / "run" / "control.sock"))


def proves(frame: Frame) -> bool:
    """The simulated camera's frames carry the checksum of what was drawn."""
    return bool(frame.metadata["Checksum"] == zlib.crc32(frame.tobytes()))


def test_frames_come_as_arrays(tmp_path: Path) -> None:
    """With shape, format, time and metadata; each time another one."""
    with daemon(tmp_path, QUICK + camera("cam0")) as running, of(running) as cam:
        success, first = cam.capture_frame_with_timeout(timeout=10)
        second = cam.capture_array()

    assert success
    assert first is not None
    assert (72, 64) == first.shape
    assert ((64, 48), "YUV420") == (first.resolution, first.format)
    assert second.number > first.number
    assert second.metadata["FrameNumber"] > first.metadata["FrameNumber"]
    assert proves(first)
    assert proves(second)
    assert first.taken_at < second.taken_at


def test_nobody_reads_and_nothing_is_copied(tmp_path: Path) -> None:
    """The ring has a number for each frame that was written: only while somebody was attached."""
    with daemon(tmp_path, QUICK + camera("cam0", frame_rate=100)) as running:
        running.event("camera.started")
        with of(running) as cam:
            last = cam.capture_array().number
        mark = len(running.lines)
        running.event("camera.summary", since=mark)
        with of(running) as cam:
            again = cam.capture_array().number

    assert again - last < 50


def test_a_missing_daemon_is_told_from_a_missing_camera(tmp_path: Path) -> None:
    """The one may come yet, the other will not."""
    nowhere = Camera("cam0", socket=str(tmp_path / "nobody"))
    with daemon(tmp_path, QUICK + camera("cam0")) as running:
        with pytest.raises(UnknownCameraError, match="no camera is called 'cam7'; there are: cam0"):
            of(running, "cam7").capture_frame_with_timeout(5)
        with pytest.raises(UnknownCameraError, match="cam0 has no stream 'lores'"):
            Camera("cam0", "lores", socket=of(running)._path).capture_array()

    assert (False, None) == nowhere.capture_frame_with_timeout(0.1)
    with pytest.raises(DaemonMissingError):
        nowhere.capture_array(0.1)
    assert isinstance(nowhere.trouble(), DaemonMissingError)


def test_every_thread_has_a_place_of_its_own(tmp_path: Path) -> None:
    """What one has taken the others get too; one that is slow takes nothing from the rest."""
    config = QUICK + camera("cam0")
    with daemon(tmp_path, config) as running, of(running) as cam, ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda pause: followed(cam, 8, pause), (0.0, 0.0, 0.0, 0.12)))

    *quick, slow = ([frame.number for frame in frames] for frames in taken)
    assert all(proves(frame) for frames in taken for frame in frames)
    assert [consecutive(numbers) for numbers in quick] == [True] * 3
    assert slow == sorted(set(slow))
    assert slow[-1] - slow[0] > 8


def followed(cam: Camera, count: int, pause: float) -> list[Frame]:
    """So many frames, every one that is still there."""
    frames = []
    for frame in islice(cam.frames(every=True, timeout=10), count):
        frames.append(frame)
        time.sleep(pause)
    return frames


def consecutive(numbers: list[int]) -> bool:
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_readers_find_a_daemon_that_was_started_anew(tmp_path: Path) -> None:
    """Another ring, other numbers: the reader goes on by itself."""
    with daemon(tmp_path, QUICK + camera("cam0")) as running, of(running) as cam:
        before = cam.capture_array()
        running.stop()
        with pytest.raises(DaemonMissingError):
            cam.capture_array(0.2)
        with daemon(tmp_path, QUICK + camera("cam0")):
            after = cam.capture_array(10)

    assert after.taken_at > before.taken_at
    assert proves(after)


def test_a_child_of_a_fork_has_a_place_of_its_own(tmp_path: Path) -> None:
    """The connection of the parent is left alone."""
    with daemon(tmp_path, QUICK + camera("cam0")) as running, of(running) as cam:
        cam.capture_array()
        child = os.fork()
        if child == 0:
            success, _ = cam.capture_frame_with_timeout(10)
            os._exit(0 if success else 1)
        _, status = os.waitpid(child, 0)
        after = cam.capture_array()

    assert 0 == status
    assert proves(after)


def test_a_change_of_size_is_followed(tmp_path: Path) -> None:
    """A reload gives the camera another size: a new ring, and the reader has its frames next."""
    with daemon(tmp_path, QUICK + camera("cam0")) as running, of(running) as cam:
        small = cam.capture_array()
        (tmp_path / "config.toml").write_text(QUICK + camera("cam0", width=128))
        running.signal(signal.SIGHUP)
        running.event("camera.opened", message="cam0: simulated is open, 128x48 YUV420")
        large = cam.capture_array(10)

    assert ((64, 48), (128, 48)) == (small.resolution, large.resolution)
    assert proves(large)


def test_controls_hold_over_recoveries(tmp_path: Path) -> None:
    """What the camera has accepted is set again in every fresh worker; what it has not is told and changes nothing."""
    with daemon(tmp_path, QUICK + camera("cam0")) as running, of(running) as cam:
        cam.capture_array()
        now = cam.set_controls({"ExposureTime": 5000})
        with pytest.raises(ControlRefusedError, match=r"AnalogueGain: expected 1\.0 to 16\.0, got 99"):
            cam.set_controls({"ExposureTime": 7000, "AnalogueGain": 99})
        with pytest.raises(ControlRefusedError, match="Exposure: no such control here"):
            cam.set_controls({"Exposure": 1})
        os.kill(running.worker(), signal.SIGKILL)
        running.event("alert.recovery")
        after = cam.capture_array(10)

    assert {"ExposureTime": 5000} == now
    assert 5000 == after.metadata["ExposureTime"]
    assert "AnalogueGain" not in after.metadata
