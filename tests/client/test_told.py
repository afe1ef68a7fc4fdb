# SPDX-License-Identifier: MIT
"""Proves what `camwatchctl` tells of frames as JSON, instead of pictures or beside them: frames of the test's own."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from camwatchd import cli
from camwatchd.cli import frame_facts, reader, stream
from camwatchd.client import Camera
from tests import schemas
from tests.client.host import Ring, host
from tests.client.rig import frame
from tests.process.daemon import PATIENCE

CTL = (sys.executable, "-c", "import sys; from camwatchd.cli import main; sys.exit(main())", "--socket")
Served = tuple[str, Ring]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """The socket, and the ring behind it."""
    with host(tmp_path) as (found, ring, _):
        yield str(found.path), ring


@contextmanager
def telling(path: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`camwatchctl stream --json`, whose lines are read; it is gone afterwards."""
    command = [*CTL, path, "stream", "--json", *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def lines(process: subprocess.Popen[str], count: int) -> list[dict[str, Any]]:
    """So many, each as the schema has it."""
    assert process.stdout
    found = [json.loads(process.stdout.readline()) for _ in range(count)]
    assert [] == [wrong for line in found for wrong in wrongs(line, "stream")]
    return found


def wrongs(document: dict[str, Any], verb: str) -> list[str]:
    return schemas.mistakes(document, verb) + schemas.strangers(document, verb)


@pytest.mark.parametrize(("name", "kind"), [("a.jpg", "jpeg"), ("a.JPEG", "jpeg"), ("a.png", "png")])
def test_a_snapshot_tells_what_it_is(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, kind: str
) -> None:
    """The file as it is there, and the frame in it by the client's own names."""
    path, ring = served
    with ring.writing():
        assert 0 == cli.main(["--socket", path, "snapshot", "--json", str(tmp_path / name)])
    now = time.monotonic()
    told = json.loads(capsys.readouterr().out)

    assert [] == wrongs(told, "snapshot")
    with Image.open(tmp_path / name) as picture:
        assert (picture.format or "").lower() == told["file_format"] == kind
        assert picture.size == (told["width"], told["height"])
    assert ((tmp_path / name).stat().st_size, str(tmp_path / name)) == (told["file_bytes"], told["file"])
    assert ("cam0", "main") == (told["camera"], told["stream"])
    assert 0 <= told["age"] <= now - told["taken_at"]
    assert 1 <= told["number"] <= ring.writer.number


def test_standard_output_is_not_for_both(capsys: pytest.CaptureFixture[str]) -> None:
    """A picture and JSON would be neither: refused before anybody is asked, with the way to do it."""
    status = cli.main(["--socket", "/nobody", "snapshot", "-", "--json"])
    told = json.loads(capsys.readouterr().out)

    assert (2, 2, "usage") == (status, told["exit"], told["reason"])
    assert "camwatchctl snapshot --json picture.jpg" == told["hint"]


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (["snapshot", "a.bmp"], 2, "usage"),
        (["snapshot", "a.jpg"], 69, "unavailable"),
        (["stream", "--give-up"], 69, "unavailable"),
        (["stream", "--format", "y4m"], 2, "usage"),
    ],
)
def test_what_fails_is_an_object_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], status: int, reason: str
) -> None:
    """One, as error.json has it, and in the words that a human gets; no picture is left."""
    try:
        found = cli.main(["--socket", str(tmp_path / "nobody"), *words, "--timeout", "0.05", "--json"])
    except SystemExit as ended:
        found = int(str(ended.code))
    out, err = capsys.readouterr()
    told = json.loads(out)

    assert [] == wrongs(told, "error")
    assert (status, status, reason) == (found, told["exit"], told["reason"])
    assert told["error"] in err
    assert [] == list(tmp_path.iterdir())


def test_a_stream_tells_of_each_frame(served: Served) -> None:
    """In a line at once, whatever is in it; a gap between two numbers is counted. The reader leaves: no error."""
    path, ring = served
    with ring.writing(b"no picture at all"), telling(path) as process:
        told = lines(process, 20)
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        ended = process.wait(PATIENCE), process.stderr.read()

    assert {("cam0", "main", "MJPEG", 64, 48, 17)} == {
        tuple(line[key] for key in ("camera", "stream", "format", "width", "height", "bytes"))
        for line in told
    }
    gaps = [line["number"] - told[0]["number"] - index for index, line in enumerate(told)]
    assert gaps == [line["left_out"] for line in told]
    assert [line["taken_at"] for line in told] == sorted({line["taken_at"] for line in told})
    assert (reader.STATUS, "") == ended


def test_a_stream_tells_no_more_often_than_asked(served: Served) -> None:
    """At ten of a hundred frames a second nine of ten are left out, and counted; Ctrl-C ends it without a word."""
    path, ring = served
    with ring.writing(), telling(path, "--max-fps", "10") as process:
        told = lines(process, 6)
        process.send_signal(signal.SIGINT)
        ended = process.communicate(timeout=PATIENCE)[1]

    assert told[-1]["taken_at"] - told[0]["taken_at"] >= 0.3  # half a second, less what a frame may be old
    assert told[-1]["left_out"] == told[-1]["number"] - told[0]["number"] - 5 > 0
    assert (130, "") == (process.returncode, ended)


def test_a_stream_without_pictures_may_go_to_a_terminal(served: Served) -> None:
    """It is text."""
    path, ring = served
    ours, theirs = pty.openpty()
    with (
        open(ours, "rb", buffering=0) as screen,
        open(theirs, "wb") as terminal,
        ring.writing(),
        subprocess.Popen([*CTL, path, "stream", "--json"], stdout=terminal) as process,
    ):
        seen, _, _ = select.select([screen], [], [], PATIENCE)
        begin = os.read(ours, 100) if seen else b""
        process.kill()

    assert begin.startswith(b'{"camera": "cam0", ')


# --- without anybody to ask ----------------------------------------------------------------------------------


def test_all_of_a_frame_is_told() -> None:
    """By the names and in the units of the client's frames; its age by the clock that it was taken by."""
    told = frame_facts.document(
        frame(np.zeros(24, np.uint8), "RGB888", (4, 2), 12, b'{"ExposureTime": 9}'), "cam1", "lores", 2.5
    )

    assert told == {
        "camera": "cam1", "stream": "lores", "number": 1, "format": "RGB888", "width": 4, "height": 2, "bytes": 24,
        "sensor_timestamp": 0, "taken_at": 0.0, "wall_time": 0.0, "age": 2.5, "metadata": {"ExposureTime": 9},
    }  # fmt: skip


def test_each_line_is_told_at_once() -> None:
    """Whoever waits for one has it before the next frame comes."""
    ours, theirs = os.pipe()
    with open(ours, "rb", buffering=0) as pipe, open(theirs, "w") as out, Camera("cam1", "lores") as camera:
        tell, told = stream._told(camera), []
        for _ in range(2):
            with redirect_stdout(out):
                tell(frame(np.zeros(24, np.uint8), "RGB888", (4, 2), 12))
            told.append(json.loads(pipe.read(4096)) if select.select([pipe], [], [], 0)[0] else {})

    assert [("cam1", "lores")] * 2 == [(line.get("camera"), line.get("stream")) for line in told]


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ([7, 8, 9], [0, 0, 0]),
        ([7, 10, 11, 20], [0, 2, 2, 10]),
        ([7, 9, 1, 4], [0, 1, 1, 3]),
        ([7, 7], [0, 6]),
    ],
)
def test_what_is_left_out_is_counted(taken: list[int], expected: list[int]) -> None:
    """Nothing before the first; a ring that counts anew has had those before the one that was taken."""
    left_out = frame_facts.LeftOut()

    assert expected == [left_out.note(number) for number in taken]
