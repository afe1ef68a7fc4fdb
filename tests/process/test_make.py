# SPDX-License-Identifier: MIT
"""Owns the proof that Ctrl-C ends `make demo` without a traceback before the demo itself can hear it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.process.daemon import PATIENCE

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")

_ROOT = Path(__file__).parents[2]
# An interpreter that has all that it needs, and is at its imports or at work for as long as it is let.
_BUSY = f"""#!{sys.executable}
import subprocess, sys, time
if sys.argv[1] == "-c":
    sys.exit(0)
if sys.argv[1:3] == ["-m", "venv"]:
    import pathlib
    pathlib.Path(".venv").mkdir()
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open("begun", "w").close()
time.sleep(60)
"""


class Make:
    """`make demo` in a folder of its own, and in a session of its own as a terminal has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("Makefile", "pyproject.toml"):
            shutil.copy(_ROOT / name, folder)
        self.busy = self.executable(folder / "busy")

    def executable(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_BUSY)
        path.chmod(0o755)
        return path

    def interrupted(self) -> tuple[int, str]:
        """Ctrl-C as soon as Python runs; the status and what was said."""
        command = ["make", "demo", f"PYTHON={self.busy}"]
        # Who has it ignored, as a shell's job in the background, would hand that down.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        process = subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        signal.signal(signal.SIGINT, before)
        end = time.monotonic() + PATIENCE
        while not (self.folder / "begun").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=PATIENCE)  # whoever is left keeps the pipe open
        return process.returncode, output


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return Make(tmp_path)


def test_ctrl_c_ends_the_first_set_up(make: Make) -> None:
    """One line in place of tracebacks, nothing is left of it, neither processes nor half of .venv."""
    status, output = make.interrupted()

    assert status != 0
    assert "Traceback" not in output
    assert "interrupted; the next make sets up again" in output
    assert not (make.folder / ".venv").exists()


def test_ctrl_c_ends_a_demo_whose_interpreter_only_starts(make: Make) -> None:
    """Before the demo has its handlers in place Ctrl-C ends the interpreter, and what was installed stays."""
    make.executable(make.folder / ".venv" / "bin" / "python")
    (make.folder / ".venv" / ".installed").touch()
    status, output = make.interrupted()

    assert status != 0
    assert "Traceback" not in output
    assert (make.folder / ".venv" / ".installed").exists()
