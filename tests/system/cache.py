# SPDX-License-Identifier: MIT
"""Owns build/system: trees that were built once, keyed by their inputs, and the scratch folder of each run."""

import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.vm.cache import REPOSITORY

FOLDER = REPOSITORY / "build" / "system"
_KEPT = 3  # of each name: another run may still copy the one before


def built(name: str, inputs_key: str, build: Callable[[Path], None]) -> Path:
    """The folder NAME-KEY; built now if it is not there. Two runs never build the same thing at the same time."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n")
    folder = FOLDER / f"{name}-{inputs_key}"
    with (FOLDER / f".{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not folder.is_dir():
            _build(folder, name, build)
    os.utime(folder)
    return folder


def _build(folder: Path, name: str, build: Callable[[Path], None]) -> None:
    old = sorted(FOLDER.glob(f"{name}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for forgotten in old[_KEPT - 1 :]:
        shutil.rmtree(forgotten)
    unfinished = FOLDER / f".{name}.unfinished"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir()
    with progress(f"building {name}"):
        build(unfinished)
    unfinished.rename(folder)


def scratch() -> "tempfile.TemporaryDirectory[str]":
    """A folder for one run; those of processes that were killed are removed first."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("run-*"):
        owner = old.name.split("-")[1]
        if not Path("/proc", owner).exists():
            shutil.rmtree(old, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=f"run-{os.getpid()}-", dir=FOLDER)


@contextmanager
def progress(step: str) -> Iterator[None]:
    """Says how long a step took once it is done."""
    started = time.monotonic()
    yield
    print(f"system: {step}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
