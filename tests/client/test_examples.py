# SPDX-License-Identifier: MIT
"""Proves that the examples run as they are shipped, and that a client is light."""

import http.client
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from tests.client.rig import environment, healthy
from tests.process.daemon import PATIENCE, Daemon

# What belongs to the daemon alone, or is slow to import.
_NOT_OURS = (
    "structlog",
    "tomli",
    "sdnotify",
    "picamera2",
    "libcamera",
    "PIL",
    "cv2",
    "asyncio",
    "multiprocessing",
)
_NOT_OF_OURS = (
    "supervisor.", "adapters.", "cameras.", "worker", "recorder", "cli.", "control.server.", "control.handlers.",
)  # fmt: skip


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for all."""
    with healthy(tmp_path_factory.mktemp("daemon")) as (found, _):
        yield found


@contextmanager
def example(running: Daemon, name: str, *arguments: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    """One of the examples, with its output in a pipe; it is gone afterwards."""
    command = [sys.executable, "-m", f"camwatchd.examples.{name}", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment(running, more), **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def part(answer: http.client.HTTPResponse) -> bytes:
    """The next picture of a multipart answer."""
    size = 0
    while (line := answer.readline().strip()) or not size:
        if line.lower().startswith(b"content-length:"):
            size = int(line.split(b":")[1])
    return answer.read(size)


def test_the_streamer_streams(running: Daemon) -> None:
    """Two viewers at once, each with pictures of the camera; the page shows the stream."""
    with example(running, "cam1_stream", "--port", "0") as process:
        assert process.stdout
        port = int(process.stdout.readline().rsplit(maxsplit=1)[-1])
        viewers = [http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE) for _ in range(3)]
        for viewer, path in zip(viewers, ("/stream.mjpg", "/stream.mjpg", "/"), strict=True):
            viewer.request("GET", path)
        *streams, page = (viewer.getresponse() for viewer in viewers)
        pictures = [[part(stream) for _ in range(2)] for stream in streams]
        html = page.read()
        for viewer in viewers:
            viewer.close()

    assert ["multipart/x-mixed-replace; boundary=frame"] * 2 == [s.headers["Content-Type"] for s in streams]
    assert [(64, 48)] * 4 == [Image.open(io.BytesIO(picture)).size for each in pictures for picture in each]
    assert all(first != second for first, second in pictures)
    assert b"/stream.mjpg" in html


def test_the_streamer_does_not_wait_for_a_camera_that_will_not_come(running: Daemon) -> None:
    """A wrong name ends the viewer's connection and is said once; a camera that is down would be waited for."""
    with example(running, "cam1_stream", "--port", "0", "--camera", "cam7") as process:
        assert process.stdout
        assert process.stderr
        port = int(process.stdout.readline().rsplit(maxsplit=1)[-1])
        viewer = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        viewer.request("GET", "/stream.mjpg")
        shown = viewer.getresponse().read()
        viewer.close()
        process.kill()
        said = process.stderr.read()

    assert b"" == shown
    assert 1 == said.count("UnknownCameraError: no camera is called 'cam7'; there are: cam0")


def test_the_streamer_is_short() -> None:
    """An example is read: about sixty lines of code."""
    lines = (
        (Path(__file__).parents[2] / "camwatchd" / "examples" / "cam1_stream.py").read_text().splitlines()
    )

    assert len([line for line in lines if line.strip()]) <= 70


def test_the_recorder_records(running: Daemon, tmp_path: Path) -> None:
    """A JPEG file each time, in the folder of its day."""
    with example(running, "recorder", str(tmp_path), "--every", "0.1"):
        until = time.monotonic() + PATIENCE
        while len(found := sorted(tmp_path.glob("*/*.jpg"))) < 4 and time.monotonic() < until:
            time.sleep(0.05)

    assert all(
        re.fullmatch(r"\d{4}-\d\d-\d\d/\d{6}-\d{3}\.jpg", str(path.relative_to(tmp_path))) for path in found
    )
    assert [(64, 48)] * 3 == [Image.open(io.BytesIO(path.read_bytes())).size for path in found[:3]]


def test_the_recorder_says_why_there_is_nothing_to_record(tmp_path: Path, running: Daemon) -> None:
    """And tries again."""
    socket = {"CAMWATCHD_SOCKET": str(tmp_path / "nobody")}
    with example(running, "recorder", str(tmp_path), "--every", "0.1", **socket) as process:
        assert process.stdout
        said = [process.stdout.readline() for _ in range(2)]

    assert all("camwatchd is not running" in line for line in said)


def test_the_motion_detector(running: Daemon) -> None:
    """The simulated picture moves; without OpenCV the example says what it lacks."""
    with example(running, "motion", "--share", "0") as process:
        assert process.stdout
        assert process.stderr
        said = process.stdout.readline() or process.stderr.readline()

    assert re.search(
        r"motion: [\d.]+ % of the picture|this needs OpenCV: sudo apt install python3-opencv", said
    )


def test_a_client_is_light() -> None:
    """An application loads nothing of the daemon but its messages, and no library but numpy."""
    code = "import camwatchd.client.camera, camwatchd.client.convert, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    loaded = set(done.stdout.split())
    ours = {name.removeprefix("camwatchd.") for name in loaded if name.startswith("camwatchd.")}

    assert set() == loaded & set(_NOT_OURS)
    assert [] == [name for name in ours if f"{name}.".startswith(_NOT_OF_OURS)]


def test_the_errors_cost_nothing() -> None:
    """numpy is imported with the first name that needs it."""
    code = "from camwatchd.client import FrameError; import sys; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False\n" == done.stdout
