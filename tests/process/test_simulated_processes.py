# SPDX-License-Identifier: MIT
"""Owns the proof of scripted faults that end, block or drown a process: in a worker as small as can be."""

import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from camwatchd.core.plain import to_plain
from camwatchd.core.settings import ScriptedFault

from .test_simulated import PATIENCE, SILENCE, fault, settings

FRAME, NOTHING = b"frame\n", b"nothing\n"

# Says something ten times a second at least, unless it hangs.
WORKER = """
import faulthandler, json, select, sys
from camwatchd.cameras.simulated import create
from camwatchd.core.plain import from_plain
from camwatchd.core.settings import CameraSettings
faulthandler.enable()
camera = create(from_plain(CameraSettings, json.loads(sys.argv[1])), sys.argv[2])
camera.open()
camera.start()
while True:
    camera.request()
    if select.select([camera], [], [], 0.1)[0]:
        frame = camera.take()
        frame.release()
        print("frame", flush=True)
    else:
        camera.cancel()
        print("nothing", flush=True)
"""


@contextmanager
def worker(directory: Path, *script: ScriptedFault) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", WORKER, json.dumps(to_plain(settings(*script))), str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def frames_of(process: subprocess.Popen[bytes], number: int) -> int:
    """How many frames it delivered until that number was reached or it ended."""
    frames = 0
    while frames < number and (line := _line(process)):
        frames += line == FRAME
    return frames


@pytest.mark.parametrize(
    ("script", "status"),
    [
        (fault("crash", at_frame=5), -signal.SIGSEGV),
        (fault("crash", at_frame=5, signal="SIGABRT"), -signal.SIGABRT),
        (fault("exit", at_frame=5, amount=3.0), 3),
    ],
)
def test_worker_ends_once(tmp_path: Path, script: ScriptedFault, status: int) -> None:
    """A crash or an exit ends the worker as scripted; the next worker of the same camera lives on."""
    with worker(tmp_path, script) as process:
        assert frames_of(process, 100) <= 5
        assert process.wait(PATIENCE) == status
    with worker(tmp_path, script) as process:
        assert frames_of(process, 20) == 20


def test_crash_that_lasts_meets_every_worker(tmp_path: Path) -> None:
    """With a duration the crash strikes each new worker."""
    for _ in range(3):
        with worker(tmp_path, fault("crash", duration=3600.0)) as process:
            assert process.wait(PATIENCE) == -signal.SIGSEGV


@pytest.mark.parametrize("refuse", [False, True])
def test_hanging_worker_refuses_signals_only_if_told_to(tmp_path: Path, refuse: bool) -> None:
    """A hang blocks the next call for ever; SIGTERM ends it, unless it is to be one that only SIGKILL ends."""
    with worker(tmp_path, fault("hang", at_frame=3, refuse_signals=refuse)) as process:
        _await_silence(process)
        assert _ignores(process.pid, signal.SIGABRT) == refuse
        if refuse:
            process.send_signal(signal.SIGABRT)
            process.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(SILENCE)
            process.kill()
        else:
            process.terminate()
        assert process.wait(PATIENCE) == -(signal.SIGKILL if refuse else signal.SIGTERM)


def test_libcamera_speaks_on_stderr(tmp_path: Path) -> None:
    """Lines come in libcamera's format, ready-made ones untouched, and after a front-end time-out no frame comes."""
    ready = "[1:02:03.123456789] [42]  WARN V4L2 v4l2_videodevice.cpp:2095 Dequeue timer of 1000000.00us has expired!"
    message = f"{ready}\nCamera frontend has timed out!"
    with worker(tmp_path, fault("stderr", message=message, at_frame=3)) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline().decode() for _ in range(2)]
        told = [_line(process) for _ in range(10)]

    assert lines[0] == f"{ready}\n"
    assert re.fullmatch(
        r"\[\d+:\d\d:\d\d\.\d{9}\] \[\d+\] ERROR RPI pipeline_base\.cpp:\d+ Camera frontend has timed out!\n",
        lines[1],
    )
    assert told.count(FRAME) <= 3
    assert told[-5:] == [NOTHING] * 5


def test_flood_is_as_long_as_scripted(tmp_path: Path) -> None:
    """A flood writes its amount of megabytes to stderr, and the camera goes on."""
    with worker(tmp_path, fault("flood", at_frame=3, amount=0.3)) as process:
        assert process.stderr is not None
        flood = process.stderr.read(300_000)
        assert frames_of(process, 20) == 20

    assert len(flood) == 300_000
    assert b"\n" in flood[:4096]


def test_memory_survives_being_killed_at_any_time(tmp_path: Path) -> None:
    """Whenever the worker is killed, the next one finds a whole memory and goes on from it."""
    memory, frames = tmp_path / "simulated-cam0.json", 0
    for number in range(1, 6):
        with worker(
            tmp_path, *[fault("slow", at_frame=frame, duration=0.0) for frame in range(40)]
        ) as process:
            frames_of(process, number)
        remembered = json.loads(memory.read_text())["frames"]
        assert remembered >= frames
        frames = remembered

    assert frames > 0


def _ignores(pid: int, number: signal.Signals) -> bool:
    ignored = int(re.findall(r"SigIgn:\s+(\w+)", Path(f"/proc/{pid}/status").read_text())[0], 16)
    return bool(ignored >> (number - 1) & 1)


def _line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


def _await_silence(process: subprocess.Popen[bytes]) -> None:
    """Until it has said nothing for so long that it hangs; the pipe is read without a buffer of Python's own."""
    assert process.stdout is not None
    # On a busy machine the frame at which it hangs may be due before it has said anything.
    select.select([process.stdout], [], [], PATIENCE)
    while select.select([process.stdout], [], [], 5 * SILENCE)[0]:
        assert os.read(process.stdout.fileno(), 65536), "it ended instead of hanging"
