# SPDX-License-Identifier: MIT
"""Owns build/vm: what is built there, keyed by its inputs, and the progress that is told meanwhile."""

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "build" / "vm"
_KEY_LENGTH = 16
_used: dict[Path, int] = {}  # folders of this process, and the descriptors that lock them


def key(*inputs: str | Path) -> str:
    """A digest of texts, of files and of folders with all that is in them."""
    digest = hashlib.sha256()
    for entry in inputs:
        for part in _parts(entry):
            digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()[:_KEY_LENGTH]


def _parts(entry: str | Path) -> Iterator[bytes]:
    if isinstance(entry, str):
        yield entry.encode()
        return
    files = [entry] if entry.is_file() else sorted(entry.rglob("*"))
    for file in files:
        if file.is_file() and "__pycache__" not in file.parts:
            yield file.relative_to(entry.parent).as_posix().encode()
            yield file.read_bytes()


def built(name: str, inputs_key: str, build: Callable[[Path], None], within: Path = FOLDER) -> Path:
    """The folder NAME-KEY; built now if it is not there, in place of older ones of that name that nobody uses.

    It stays until this process ends: whoever was given it copies and opens its files when the lock is long released.
    """
    folder = within / f"{name}-{inputs_key}"
    if not folder.is_dir():
        for old in within.glob(f"{name}-*"):
            _remove_unused(old)
        unfinished = within / f"{name}-unfinished"
        unfinished.mkdir()
        with progress(f"building {name}"):
            build(unfinished)
        unfinished.rename(folder)
    _use(folder)
    return folder


def _use(folder: Path) -> None:
    """A lock on the folder itself, which the end of the process releases, however it ends; programs have no part."""
    if folder not in _used:
        _used[folder] = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(_used[folder], fcntl.LOCK_SH)


def _remove_unused(folder: Path) -> None:
    """What is in use stays, until something of that name is built anew."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(folder)
    finally:
        os.close(descriptor)


@contextmanager
def lock() -> Iterator[None]:
    """Two test runs must not build the same thing into the same folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n")
    with (FOLDER / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def turn() -> IO[str]:
    """The right to run a machine, until it is closed: one at a time, or so many as CAMWATCHD_MACHINES says."""
    files = [(FOLDER / f"turn-{n}").open("w") for n in range(int(os.environ.get("CAMWATCHD_MACHINES", "1")))]
    chosen = next((file for file in files if _lock_at_once(file)), files[os.getpid() % len(files)])
    fcntl.flock(chosen, fcntl.LOCK_EX)  # nothing new if it is ours already
    for file in files:
        if file is not chosen:
            file.close()
    return chosen


def _lock_at_once(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def scratch() -> "tempfile.TemporaryDirectory[str]":
    """A folder for one run; those of processes that were killed are removed first."""
    for old in FOLDER.glob("run-*"):
        owner = old.name.split("-")[1]
        if not Path("/proc", owner).exists():
            shutil.rmtree(old, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=f"run-{os.getpid()}-", dir=FOLDER)


@contextmanager
def progress(step: str) -> Iterator[None]:
    """Says what begins, and how long it took once it is done."""
    started = time.monotonic()
    print(f"vm: {step} ...", file=sys.stderr, flush=True)
    yield
    print(f"vm: {step}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
