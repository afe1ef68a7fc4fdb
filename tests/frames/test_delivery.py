# SPDX-License-Identifier: MIT
"""Proves what applications get from a running daemon: whole frames, in order, through every recovery."""

import os
import signal
import threading
import time
import zlib
from pathlib import Path

import pytest

from camwatchd.client import Camera, ControlRefusedError, DaemonMissingError, Frame, UnknownCameraError
from tests.process.daemon import QUICK, Daemon, camera, daemon

RESUMED = 0.1  # s from the first good frame to the last reader that has it
READERS = 8


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


class Watching(threading.Thread):
    """A reader in a thread of its own: takes every frame until it is told to end, and looks at each."""

    def __init__(self, cam: Camera) -> None:
        super().__init__()
        self._cam, self._enough = cam, threading.Event()
        self.wrong: list[str] = []
        self.frames = 0
        self.resumed: list[float] = []  # s from the first frame after a pause until it was here

    def run(self) -> None:
        last = None
        while not self._enough.is_set():
            success, frame = self._cam.capture_frame_with_timeout(timeout=0.2)
            if success and frame is not None:
                self._look(frame, last, time.monotonic())
                last = frame

    def _look(self, frame: Frame, last: Frame | None, now: float) -> None:
        self.frames += 1
        if not proves(frame):
            self.wrong.append(f"{frame.number} is torn")
        if last is None:
            return
        if frame.taken_at <= last.taken_at:
            self.wrong.append(f"{frame.number} after {last.number}")
        if frame.taken_at - last.taken_at > 0.3:  # six frames: a recovery
            self.resumed.append(now - frame.taken_at)

    def end(self) -> None:
        self._enough.set()
        self.join()


def test_eight_readers_through_recoveries_of_every_kind(tmp_path: Path) -> None:
    """A stall, an error, a crash, a hang, and a worker that is killed in whatever it does: nothing but pauses."""
    faults = [
        {"kind": "stall", "at_frame": 30, "until": "restart-stream"},
        {"kind": "error", "at_frame": 60, "message": "once", "until": "restart-stream"},
        {"kind": "crash", "at_frame": 90},
        {"kind": "hang", "at_frame": 120, "until": "restart-worker"},
    ]
    with daemon(tmp_path, QUICK + camera("cam0", *faults)) as running, of(running) as cam:
        readers = [Watching(cam) for _ in range(READERS)]
        for reader in readers:
            reader.start()
        mark = 0
        for _ in faults:
            mark = running.event("alert.recovery", since=mark).number + 1
        for _ in range(3):
            os.kill(running.worker(), signal.SIGKILL)
            mark = running.event("alert.recovery", since=mark).number + 1
        seen = [reader.frames for reader in readers]
        while any(reader.frames < before + 10 for reader, before in zip(readers, seen, strict=True)):
            time.sleep(0.05)
        for reader in readers:
            reader.end()

    assert [] == [wrong for reader in readers for wrong in reader.wrong]
    assert min(len(reader.resumed) for reader in readers) >= 5
    assert max(max(reader.resumed) for reader in readers) < RESUMED


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
    """What the camera has accepted is set again in every fresh worker; what it has not is told, and changes nothing."""
    with daemon(tmp_path, QUICK + camera("cam0")) as running, of(running) as cam:
        cam.capture_array()
        now = cam.set_controls({"ExposureTime": 5000})
        with pytest.raises(ControlRefusedError, match="AnalogueGain: expected 1.0 to 16.0, got 99"):
            cam.set_controls({"ExposureTime": 7000, "AnalogueGain": 99})
        with pytest.raises(ControlRefusedError, match="Exposure: no such control here"):
            cam.set_controls({"Exposure": 1})
        os.kill(running.worker(), signal.SIGKILL)
        running.event("alert.recovery")
        after = cam.capture_array(10)

    assert {"ExposureTime": 5000} == now
    assert 5000 == after.metadata["ExposureTime"]
    assert "AnalogueGain" not in after.metadata
