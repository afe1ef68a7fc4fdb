# SPDX-License-Identifier: MIT
"""Proves what a program that speaks no Python gets from `camwatchctl`: pictures, streams, controls."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from camwatchd import cli
from camwatchd.cli import reader
from camwatchd.client import Frame
from camwatchd.client.writers import WRITERS, ChangedError, described, rate
from tests.client.rig import environment, frame, healthy, pause, socket_of, times_out
from tests.process.daemon import PATIENCE, QUICK, Daemon, camera
from tests.process.side_by_side import SideBySide

together = SideBySide()
start = together.from_the_start()

PICTURE = 64 * 48 * 3 // 2
CTL = (sys.executable, "-c", "import sys; from camwatchd.cli import main; sys.exit(main())")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for all that changes nothing."""
    with healthy(tmp_path_factory.mktemp("daemon")) as (found, _):
        yield found


def ctl(running: Daemon, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """`camwatchctl`, to its end."""
    return subprocess.run(
        [*CTL, *arguments], env=environment(running), capture_output=True, timeout=PATIENCE, check=False
    )


@contextmanager
def streaming(running: Daemon, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`camwatchctl stream`, whose pipe is read; it is gone afterwards."""
    command = [*CTL, "stream", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment(running), **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def read(process: subprocess.Popen[bytes], count: int) -> bytes:
    assert process.stdout
    return process.stdout.read(count)


def left(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """Close its pipe; how it ends, and what it says."""
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    return process.wait(PATIENCE), process.stderr.read()


def here(running: Daemon, *arguments: str) -> int:
    """`camwatchctl` in this process, which has numpy and Pillow already; its exit status."""
    return cli.main(["--socket", socket_of(running), *arguments])


@pytest.mark.parametrize(("name", "kind"), [("a.jpg", "JPEG"), ("a.JPEG", "JPEG"), ("a.png", "PNG")])
def test_a_snapshot(running: Daemon, tmp_path: Path, name: str, kind: str) -> None:
    """A file of the kind that its name says, and nothing beside it."""
    assert 0 == here(running, "snapshot", str(tmp_path / name))

    with Image.open(tmp_path / name) as picture:
        assert (kind, (64, 48)) == (picture.format, picture.size)
    assert [name] == [path.name for path in tmp_path.iterdir()]


def test_a_snapshot_to_a_pipe(running: Daemon) -> None:
    """A JPEG on standard output."""
    assert "JPEG" == Image.open(io.BytesIO(ctl(running, "snapshot", "-").stdout)).format


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["a.bmp"], 2, "a.bmp: expected a name that ends in .jpg or .png"),
        (["/no/such/folder/a.jpg"], 69, "/no/such/folder/a.jpg: No such file or directory"),
        (["a.jpg", "--camera", "cam7"], 2, "no camera is called 'cam7'; there are: cam0"),
        (["a.jpg", "--stream", "raw"], 2, "cam0 has no stream 'raw'"),
        (
            ["a.jpg", "--timeout", "0.2", "--socket", "/no/socket"],
            69,
            "camwatchd is not running: nobody listens at /no/socket",
        ),
    ],
)
def test_a_snapshot_that_is_not_to_be_had(
    running: Daemon, capfd: pytest.CaptureFixture[str], arguments: list[str], status: int, words: str
) -> None:
    """The exit status is an answer, and the words say why."""
    found = here(running, "snapshot", *arguments)

    assert status == found
    assert f"camwatchctl: {words}" in capfd.readouterr().err


def test_mjpeg_is_one_picture_after_the_other(running: Daemon) -> None:
    """What reads it finds the beginning of each; when it leaves, that is the end and no error."""
    with streaming(running, "--format", "mjpeg") as process:
        data = b""
        while data.count(b"\xff\xd8\xff") < 4:
            data += (some := read(process, 256))
            assert some, "it has ended"
        ended = left(process)
    pictures = [b"\xff\xd8\xff" + part for part in data.split(b"\xff\xd8\xff")[1:-1]]

    assert [(64, 48)] * len(pictures) == [Image.open(io.BytesIO(picture)).size for picture in pictures]
    assert (reader.STATUS, b"") == ended


@pytest.mark.parametrize(("limit", "rate"), [(["--max-fps", "10"], rb"10"), ([], rb"\d+")])
def test_y4m_has_its_header(running: Daemon, limit: list[str], rate: bytes) -> None:
    """Size, rate and layout; then frames of exactly that size."""
    with streaming(running, "--format", "y4m", *limit) as process:
        assert process.stdout
        head = process.stdout.readline()
        frames = [(process.stdout.readline(), read(process, PICTURE)) for _ in range(3)]
        ended = left(process)

    assert re.fullmatch(rb"YUV4MPEG2 W64 H48 F" + rate + rb":1 Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\n", head)
    assert [b"FRAME\n"] * 3 == [line for line, _ in frames]
    assert 3 == len({data for _, data in frames})
    assert (reader.STATUS, b"") == ended


def test_raw_says_what_it_is(running: Daemon) -> None:
    """Only bytes go through the pipe; how to read them goes to the terminal."""
    with streaming(running, "--format", "raw") as process:
        data = read(process, 2 * PICTURE)
        status, said = left(process)

    assert 2 * PICTURE == len(data)
    assert reader.STATUS == status
    assert b"for ffmpeg, YUV420: -f rawvideo -pixel_format yuv420p -video_size 64x48 -framerate" in said


def test_a_stream_that_nobody_reads_holds_nobody(running: Daemon, tmp_path: Path) -> None:
    """A full pipe, of a reader that stands still: another one has every frame, and the camera stays healthy."""
    with streaming(running, "--format", "raw") as stuck, streaming(running, "--format", "raw") as other:
        read(stuck, 1)
        data = read(other, 30 * PICTURE)
        status = json.loads(ctl(running, "status", "--json").stdout)

    assert 30 * PICTURE == len(data)
    assert ["healthy"] == [found["phase"] for found in status["cameras"].values()]
    assert not running.told("alert.issue")


@together
def test_a_stream_goes_on_after_a_recovery(tmp_path: Path) -> None:
    """The pipe stays open; what is wrong is said beside it. Who leaves meanwhile is noticed without a frame."""
    with (
        healthy(tmp_path) as (running, _),
        streaming(running, "--format", "raw", "--timeout", "0.1") as process,
    ):
        read(process, PICTURE)
        os.kill(running.worker(), signal.SIGKILL)
        running.event("alert.recovery")
        after = read(process, 20 * PICTURE)
        (tmp_path / "config.toml").write_text(QUICK + camera("cam0", width=32))
        running.signal(signal.SIGHUP)
        assert process.stdout
        process.stdout.read()
        ended = process.wait(PATIENCE)
        assert process.stderr
        said = process.stderr.read().decode()

    assert 20 * PICTURE == len(after)
    assert 69 == ended
    assert "the camera now gives 32x48 YUV420 and not 64x48 YUV420: begin again" in said
    assert "Traceback" not in said


@together
def test_a_stream_may_give_up(tmp_path: Path) -> None:
    """With --give-up a camera that gives no frames ends it, and the status says that it may be tried again; as an
    object to whoever wanted JSON.
    """
    with healthy(tmp_path) as (running, cam):
        pause(running)
        times_out(cam, 0.3)
        done = ctl(running, "stream", "--give-up", "--timeout", "0.2")
        told = ctl(running, "stream", "--give-up", "--timeout", "0.2", "--json")

    assert (75, 75) == (done.returncode, told.returncode)
    assert b"camwatchctl: cam0: no frame within 0.2 s: paused by its operator" in done.stderr
    assert ("not-now", 75) == tuple(json.loads(told.stdout)[key] for key in ("reason", "exit"))


@together
def test_who_has_left_is_noticed_while_there_are_no_frames(tmp_path: Path) -> None:
    """Nothing is written, so no write fails: the stream looks."""
    with healthy(tmp_path) as (running, cam):
        pause(running)
        times_out(cam, 0.3)
        with streaming(running, "--timeout", "0.1") as process:
            status, said = left(process)

    assert reader.STATUS == status
    assert b"Traceback" not in said


@together
def test_controls_are_shown_and_set(tmp_path: Path) -> None:
    """In words and in JSON; what the camera refuses is a wrong argument."""
    with healthy(tmp_path) as (running, cam):
        shown = ctl(running, "controls")
        done = json.loads(ctl(running, "controls", "ExposureTime=5000", "AnalogueGain=2.0", "--json").stdout)
        again = ctl(running, "controls")
        refused = ctl(running, "controls", "AnalogueGain=99")
        wrong = ctl(running, "controls", "AnalogueGain")
        taken = cam.capture_array(10).metadata

    assert b"ExposureTime" in shown.stdout
    assert {"ExposureTime": 5000, "AnalogueGain": 2.0} == done["controls"]
    assert re.search(rb"^ExposureTime +5000 ", again.stdout, re.MULTILINE)
    assert b"AnalogueGain: expected 1.0 to 16.0, got 99" in refused.stderr
    assert (2, 2) == (refused.returncode, wrong.returncode)
    assert b"expected NAME=VALUE, got 'AnalogueGain'" in wrong.stderr
    assert 5000 == taken["ExposureTime"]


# --- without a daemon -----------------------------------------------------------------------------------------


def grey(name: str, channels: int, metadata: bytes = b"{}", size: tuple[int, int] = (6, 4)) -> Frame:
    stride = size[0] * channels
    return frame(np.full(stride * size[1], 128, np.uint8), name, size, stride, metadata)


@pytest.mark.parametrize(
    ("name", "channels", "kind", "size"),
    [("RGB888", 3, b"C420jpeg", 36), ("XBGR8888", 4, b"C420jpeg", 36), ("YUYV", 2, b"C422", 48)],
)
def test_y4m_is_made_of_every_format(name: str, channels: int, kind: bytes, size: int) -> None:
    """What has no Y, U and V is converted; a packed one is taken apart."""
    out = io.BytesIO()
    WRITERS["y4m"](out, 25.0)(grey(name, channels))
    head, line, data = out.getvalue().split(b"\n", 2)

    assert (b"YUV4MPEG2 W6 H4 F25:1 Ip A1:1 %s XCOLORRANGE=LIMITED" % kind, b"FRAME") == (head, line)
    assert size == len(data)


def test_the_rate_is_the_cameras_own() -> None:
    """What it says of the frame, else what was measured, else the usual; at most what was asked for."""
    said = grey("RGB888", 3, b'{"FrameDuration": 33333}')
    silent = grey("RGB888", 3)
    out = io.BytesIO()
    WRITERS["y4m"](out, rate(said, 5.0, None))(said)

    assert b" F1000000:33333 " in out.getvalue()
    assert (10.0, 15.0, 30.0) == (rate(said, 5.0, 10.0), rate(silent, 14.8, None), rate(silent, 0.0, None))


@pytest.mark.parametrize("name", ["y4m", "raw"])
def test_a_format_without_words_for_a_change_ends(name: str) -> None:
    """Frames of another size would be taken for rubbish; MJPEG says its size in each."""
    write = WRITERS[name](io.BytesIO(), 30.0)
    write(grey("RGB888", 3))

    with pytest.raises(ChangedError, match="now gives 8x4 RGB888 and not 6x4 RGB888"):
        write(grey("RGB888", 3, size=(8, 4)))


def test_how_ffmpeg_is_told() -> None:
    """picamera2's names are of bits, ffmpeg's of bytes."""
    assert "RGB888: -f rawvideo -pixel_format bgr24 -video_size 6x4 -framerate 30 -i -" == described(
        grey("RGB888", 3), 30.0
    )
    assert "MJPEG: -f mjpeg -i -" == described(grey("MJPEG", 1), 30.0)
