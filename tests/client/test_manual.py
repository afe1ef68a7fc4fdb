# SPDX-License-Identifier: MIT
"""Proves that what the README tells an application to write does what it says, against a daemon."""

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from camwatchd import client
from camwatchd.client import Camera
from tests.client.rig import environment, healthy
from tests.process.daemon import PATIENCE, Daemon

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for all."""
    with healthy(tmp_path_factory.mktemp("daemon")) as (found, _):
        yield found


def block(language: str) -> str:
    """The only one of its kind."""
    (found,) = re.findall(rf"^ *```{language}\n(.*?)^ *```", README, re.DOTALL | re.MULTILINE)
    return textwrap.dedent(found)


def ran(running: Daemon, code: str) -> str:
    """What it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(running),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


def test_the_first_example(running: Daemon) -> None:
    """As it stands there."""
    assert "(72, 64) YUV420 None\n" == ran(running, block("python"))


def test_the_application_after_its_migration(running: Daemon) -> None:
    """The new side of the diff is a program."""
    lines = [line[1:] for line in block("diff").splitlines() if not line.startswith("-")]
    shows = "import sys\ndef show(frame):\n    print(frame.shape)\n    sys.exit()\n"

    assert "(72, 64)\n" == ran(running, shows + "\n".join(lines))


def test_the_application_before_it() -> None:
    """The old side is one as well, and has nothing that the new one has."""
    lines = [line[1:] for line in block("diff").splitlines() if not line.startswith("+")]

    compile("\n".join(lines), "before", "exec")
    assert not [line for line in lines if "camwatchd" in line]


def test_the_table_has_every_call() -> None:
    """Each method of Camera, and no other; each error is told of."""
    table = README.split("| call | gives |")[1].split("\n\n")[0]
    cells = " ".join(line.split("|")[1] for line in table.splitlines()[2:])
    told = set(re.findall(r"(\w+)\(", cells))

    assert {name for name in vars(Camera) if not name.startswith("_")} == told
    section = README.split("## Frames for applications")[1].split("\n## ")[0]
    errors = {name for name in client.__all__ if name.endswith("Error")}
    assert errors - set(re.findall(r"\w+Error", section)) == {"CameraClosedError", "ControlRefusedError"}
