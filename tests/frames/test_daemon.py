# SPDX-License-Identifier: MIT
"""Proves what a daemon does for readers: memory that comes and goes, controls that stay, no hang that spreads."""

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from camwatchd.client import Camera
from camwatchd.control.client import Client
from camwatchd.control.facts import CameraFacts, StatusFacts
from camwatchd.control.protocol import Pause, Status
from tests.process.daemon import PATIENCE, QUICK, Daemon, camera, daemon

from .reading import Gauges, gauges

VGA = camera("cam0", width=640, height=480)


def socket_of(daemon: Daemon) -> Path:
    return daemon.directory / "run" / "control.sock"


def of(daemon: Daemon, stream: str = "main") -> Camera:
    return Camera("cam0", stream, socket=str(socket_of(daemon)))


def facts(daemon: Daemon) -> CameraFacts:
    with Client(socket_of(daemon)) as client:
        answer = client.ask(Status())
    assert isinstance(answer, StatusFacts)
    return answer.cameras[0]


def until(daemon: Daemon, fits: Callable[[CameraFacts], bool]) -> CameraFacts:
    """The first status that fits."""
    end = time.monotonic() + PATIENCE
    while not fits(now := facts(daemon)):
        assert time.monotonic() < end, now
        time.sleep(0.05)
    return now


@contextmanager
def program(daemon: Daemon) -> Iterator["subprocess.Popen[str]"]:
    """A reader that is a process of its own, and has had a frame."""
    code = (
        "import sys; from camwatchd.client import Camera\n"
        "for frame in Camera('cam0', socket=sys.argv[1]).frames(): print(frame.number, flush=True)"
    )
    command = [sys.executable, "-c", code, str(socket_of(daemon))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline()
            yield process
        finally:
            process.kill()


def test_memory_is_taken_while_somebody_reads(tmp_path: Path) -> None:
    """The status has the megabytes and the readers; two seconds after the last has left the memory is back."""
    with daemon(tmp_path, QUICK + VGA) as running:
        running.event("camera.started")
        before = facts(running).frames
        with of(running) as cam:
            for _ in range(5):
                cam.capture_array()
            during = facts(running).frames
        after = until(running, lambda camera: camera.frames.megabytes < 0.1).frames

    assert (0, 4, 0.0) == (before.readers, before.slots, before.megabytes)
    assert 1 == during.readers
    assert 1.8 <= during.megabytes <= during.megabytes_most == before.megabytes_most < 3.0
    assert (0, 4) == (after.readers, after.slots)


def test_a_paused_camera_keeps_no_frames(tmp_path: Path) -> None:
    """Nobody writes and nobody reads: the supervisor gives the memory back, and all goes on afterwards."""
    with daemon(tmp_path, QUICK + VGA) as running:
        with of(running) as cam:
            cam.capture_array()
            with Client(socket_of(running)) as client:
                client.ask(Pause(600.0), PATIENCE)
            paused = until(running, lambda camera: not camera.has_worker)
        after = until(running, lambda camera: camera.frames.megabytes < 0.1)

    assert paused.frames.megabytes > 0.4
    assert after.paused_for > 0


def test_the_small_stream_has_a_ring_of_its_own(tmp_path: Path) -> None:
    """Only what is read is copied."""
    with daemon(tmp_path, QUICK + VGA) as running, of(running, "lores") as cam:
        for _ in range(6):
            frame = cam.capture_array()
        held = facts(running).frames

    assert ((320, 240), "YUV420") == (frame.resolution, frame.format)
    assert ("main", "lores") == tuple(stream.name for stream in held.streams)
    assert held.megabytes < 4 * 0.2


def test_slots_are_changed_without_a_recovery(tmp_path: Path) -> None:
    """A reload makes other rings for the worker that is there; the reader goes on with the next frame."""
    with daemon(tmp_path, QUICK + VGA) as running, of(running) as cam:
        cam.capture_array()
        worker = running.worker()
        (tmp_path / "config.toml").write_text(QUICK + VGA + "slots = 8\n")
        running.signal(signal.SIGHUP)
        until(running, lambda camera: camera.frames.slots == 8)
        cam.capture_array()
        assert worker == running.worker()
        assert [] == running.told("alert.recovery")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_controls_outlive_what_is_no_wish_of_a_human(tmp_path: Path, end: signal.Signals) -> None:
    """A service that is restarted by systemd goes on with them; one that was stopped begins anew."""
    with daemon(tmp_path, QUICK + VGA) as running, of(running) as cam:
        cam.capture_array()
        cam.set_controls({"ExposureTime": 5000})
        running.signal(end)
        running.process.wait(PATIENCE)
    with daemon(tmp_path, QUICK + VGA) as running, of(running) as cam:
        after = cam.capture_array(timeout=PATIENCE)

    assert (5000 if end is signal.SIGKILL else None) == after.metadata.get("ExposureTime")


def test_the_configuration_has_the_last_word_on_controls(tmp_path: Path) -> None:
    """Whoever writes other controls into the camera's table means them, over a crash too."""
    with daemon(tmp_path, QUICK + VGA) as running, of(running) as cam:
        cam.capture_array()
        cam.set_controls({"ExposureTime": 5000, "AnalogueGain": 2.0})
        running.signal(signal.SIGKILL)
        running.process.wait(PATIENCE)
    with (
        daemon(tmp_path, QUICK + VGA + "controls = { ExposureTime = 700 }\n") as running,
        of(running) as cam,
    ):
        after = cam.capture_array(timeout=PATIENCE)

    assert (700, None) == (after.metadata["ExposureTime"], after.metadata.get("AnalogueGain"))


def test_a_camera_that_hangs_is_no_hang_of_ours(tmp_path: Path) -> None:
    """Readers come, ask for controls and go while the worker is stuck in a call: the supervisor answers at once."""
    hang = {"kind": "hang", "at_frame": 20, "refuse_signals": True}
    with daemon(tmp_path, QUICK + camera("cam0", hang, width=640, height=480)) as running:
        running.event("alert.capture_failure")
        slowest = 0.0
        for _ in range(50):
            began = time.monotonic()
            with of(running) as cam:
                cam.capture_frame_with_timeout(0.01)
                facts(running)
            slowest = max(slowest, time.monotonic() - began)
        readers = until(running, lambda camera: camera.frames.readers == 0)

    assert slowest < 1.0
    assert 0 == readers.frames.readers


def test_a_reader_that_stops_costs_nothing_and_one_that_dies_is_let_go(tmp_path: Path) -> None:
    """The others have every frame meanwhile, and the daemon has no descriptor more than before."""
    with daemon(tmp_path, QUICK + camera("cam0", width=640, height=480, frame_rate=50)) as running:
        running.event("camera.started")
        before = calm(running.pid)
        with program(running) as stopped, program(running) as dead, of(running) as cam:
            stopped.send_signal(signal.SIGSTOP)
            dead.send_signal(signal.SIGKILL)
            frames = cam.frames(every=True)
            numbers = [next(frames).number for _ in range(100)]
            during = until(running, lambda camera: camera.frames.readers == 2)
            stopped.send_signal(signal.SIGKILL)
        until(running, lambda camera: camera.frames.readers == 0)
        after = calm(running.pid)

    assert list(range(numbers[0], numbers[0] + 100)) == numbers
    assert during.is_capturing
    assert before.descriptors == after.descriptors


def test_coming_and_going_leaves_nothing(tmp_path: Path) -> None:
    """A hundred readers and five dead workers later supervisor, worker and reader hold what they held."""
    with daemon(tmp_path, QUICK + camera("cam0", frame_rate=100)) as running, of(running) as stays:
        stays.capture_array()
        come_and_go(running, 20)
        gc.collect()  # what earlier tests left behind holds descriptors until it is collected
        before = calm(running.pid), calm(running.worker()), calm(os.getpid())
        for _ in range(5):
            come_and_go(running, 20)
            mark = len(running.lines)
            os.kill(running.worker(), signal.SIGKILL)
            running.event("alert.recovery", since=mark)
            stays.capture_array(timeout=PATIENCE)
        until(running, lambda camera: camera.frames.readers == 1)
        after = calm(running.pid), calm(running.worker()), calm(os.getpid())

    assert [each.descriptors for each in before] == [each.descriptors for each in after]
    assert all(late.memory < early.memory + 3_000 for early, late in zip(before, after, strict=True))


def calm(pid: int) -> Gauges:
    """Between two connections: somebody who has just left is still a descriptor."""
    looks = []
    for _ in range(10):
        looks.append(gauges(pid))
        time.sleep(0.05)
    return min(looks, key=lambda look: look.descriptors)


def come_and_go(daemon: Daemon, times: int) -> None:
    for _ in range(times):
        with of(daemon) as cam:
            cam.capture_array()
