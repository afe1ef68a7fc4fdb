# SPDX-License-Identifier: MIT
"""Owns the proof that nobody removes what another test run still uses; it needs no machine."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .cache import REPOSITORY, built

_USER = """
import sys
from pathlib import Path
from tests.vm.cache import built
built("thing", "old", lambda folder: (folder / "disk").touch(), Path(sys.argv[1]))
print("built", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_user(folder: Path) -> Iterator[None]:
    """Another process that was given the folder for the inputs of old, and has not ended."""
    command = [sys.executable, "-c", _USER, str(folder)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == b"built\n"
        yield
        user.communicate(timeout=30)


def test_what_another_uses_is_not_removed(tmp_path: Path) -> None:
    """Other inputs build another folder; the older one goes when nobody that was given it is left."""
    with another_user(tmp_path):
        new = built("thing", "new", lambda folder: None, tmp_path)
        assert (tmp_path / "thing-old" / "disk").exists()
    newer = built("thing", "newer", lambda folder: None, tmp_path)

    assert {new, newer} == set(tmp_path.iterdir()), "what this process was given stays with it"


def test_what_nobody_uses_is_replaced(tmp_path: Path) -> None:
    """An unfinished folder of a run that was killed goes as well."""
    for name in ("thing-old", "thing-unfinished", "other-old"):
        (tmp_path / name).mkdir()

    new = built("thing", "new", lambda folder: None, tmp_path)

    assert {new, tmp_path / "other-old"} == set(tmp_path.iterdir())
