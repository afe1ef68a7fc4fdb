# SPDX-License-Identifier: MIT
"""Proves what `camwatchctl` does with frames that it cannot write, or not decode: frames of the test's own."""

import io
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from camwatchd import cli
from camwatchd.client import to_jpeg, to_rgb
from camwatchd.client.convert import UndecodableError
from tests.client.host import Ring, host
from tests.client.rig import frame

CTL = (sys.executable, "-c", "import sys; from camwatchd.cli import main; sys.exit(main())", "--socket")
PICTURE = 64 * 48 * 3 // 2
Served = tuple[str, Ring]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """The socket, and the ring behind it."""
    with host(tmp_path) as (found, ring, _):
        yield str(found.path), ring


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.full((48, 64, 3), 77, np.uint8)).save(out, "JPEG")
    return out.getvalue()


@pytest.mark.parametrize("arguments", [["stream", "--format", "raw"], ["snapshot", "-"]], ids=repr)
def test_an_output_without_room(served: Served, arguments: list[str]) -> None:
    """Said in words, once, and not as a traceback, at exit neither."""
    path, ring = served
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with ring.writing(), Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*CTL, path, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=buffered,
        )
    said = [line for line in done.stderr.splitlines() if not line.startswith("camwatchctl: for ffmpeg")]

    assert (74, ["camwatchctl: standard output: No space left on device"]) == (done.returncode, said)


def test_a_terminal_gets_no_frames() -> None:
    """It is said where they may go; nobody is asked for one."""
    ours, theirs = pty.openpty()
    with open(ours), open(theirs, "wb") as terminal:
        done = subprocess.run(
            [*CTL, "/nobody", "stream", "--format", "raw"],
            stdout=terminal,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert (done.returncode, "camwatchctl stream > FILE" in done.stderr) == (2, True)


def test_a_damaged_picture_is_left_out_of_a_stream(served: Served) -> None:
    """Every second one is: the others come, and it is said once."""
    path, ring = served
    command = [*CTL, path, "stream", "--format", "y4m"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with (
        ring.writing(jpeg()[:-300], jpeg()),
        subprocess.Popen(command, **pipes) as process,  # type: ignore[call-overload]
    ):
        head = process.stdout.readline()
        data = process.stdout.read(8 * (PICTURE + 6))
        process.stdout.close()
        said = process.stderr.read().decode()

    assert head.startswith(b"YUV4MPEG2 W64 H48 ")
    assert {b"FRAME\n"} == {data[at : at + 6] for at in range(0, len(data), PICTURE + 6)}
    assert 1 == said.count("camwatchctl: ") == said.count("is no whole JPEG: ")
    assert said.endswith("; such pictures are left out\n")


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", jpeg()[:-300], b"no picture at all"])
def test_a_damaged_picture_has_an_error_of_its_own(data: bytes) -> None:
    """Whatever Pillow calls it; as a JPEG file it is given as it is."""
    damaged = frame(np.frombuffer(data, np.uint8), "MJPEG", (64, 48), 0)
    with pytest.raises(UndecodableError, match="frame 1 is no whole JPEG: "):
        to_rgb(damaged)

    assert data == to_jpeg(damaged)


def test_a_snapshot_follows_no_link(served: Served, tmp_path: Path) -> None:
    """Nothing that was there is written to, whatever it is called, and the file has the mode of any new one."""
    path, ring = served
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "precious").write_text("kept")
    for name in ("a.jpg", "a.jpg.new", ".a.jpg.new"):
        (folder / name).symlink_to("precious")
    before = os.umask(0o027)
    try:
        with ring.writing():
            status = cli.main(["--socket", path, "snapshot", str(folder / "a.jpg")])
    finally:
        os.umask(before)

    assert (0, "kept") == (status, (folder / "precious").read_text())
    assert (False, 0o640) == ((folder / "a.jpg").is_symlink(), (folder / "a.jpg").stat().st_mode & 0o777)
    with Image.open(folder / "a.jpg") as picture:
        assert "JPEG" == picture.format
    assert [".a.jpg.new", "a.jpg", "a.jpg.new", "precious"] == sorted(names(folder))


def test_a_snapshot_that_fails_leaves_nothing(
    served: Served, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What has the name already is a folder."""
    path, ring = served
    (tmp_path / "pictures" / "a.jpg").mkdir(parents=True)
    with ring.writing():
        status = cli.main(["--socket", path, "snapshot", str(tmp_path / "pictures" / "a.jpg")])

    assert 69 == status
    assert "a.jpg: Is a directory" in capfd.readouterr().err
    assert ["a.jpg"] == names(tmp_path / "pictures")


@pytest.mark.parametrize("timeout", ["nan", "-1", "soon"])
@pytest.mark.parametrize("verb", [["snapshot", "a.jpg"], ["stream"]])
def test_a_time_out_is_a_duration(capfd: pytest.CaptureFixture[str], verb: list[str], timeout: str) -> None:
    """What is none is a wrong argument."""
    with pytest.raises(SystemExit) as raised:
        cli.main([*verb, f"--timeout={timeout}"])

    assert 2 == raised.value.code
    assert f"argument --timeout: '{timeout}' is no duration; expected 90s, 10m" in capfd.readouterr().err
