# SPDX-License-Identifier: MIT
"""Owns the proof that a process that cannot be executed leaves nothing behind: no descriptor, no child."""

import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from camwatchd.adapters.child import spawn_helper, spawn_worker

SPAWNS: dict[str, Callable[[], object]] = {
    "worker": lambda: spawn_worker("simulated", os.environ),
    "helper": lambda: spawn_helper(["camwatchd.adapters.reload", "a", "b"], os.environ),
}
_TAKEN = {"worker": 4, "helper": 2}  # descriptors before the pidfd: both ends of the link, of the pipe


def what_is_open() -> tuple[list[str], str]:
    """Our descriptors with what they are, and our children."""
    # The descriptor by which they are listed is closed by the time it is looked at.
    fds = [f"{fd.name}: {fd.readlink()}" for fd in list(Path("/proc/self/fd").iterdir()) if fd.is_symlink()]
    return sorted(fds), Path(f"/proc/self/task/{os.getpid()}/children").read_text()


@contextmanager
def room_for(count: int) -> Iterator[None]:
    """Only so many more descriptors may be opened."""
    probes = [os.dup(0) for _ in range(count + 1)]
    for fd in probes:
        os.close(fd)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (probes[count], hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("kind", SPAWNS)
def test_a_failed_exec_leaves_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is nothing to execute, every descriptor made for it is closed again."""
    monkeypatch.setattr(sys, "executable", "/nonexistent/python3")
    before = what_is_open()
    with pytest.raises(FileNotFoundError):
        SPAWNS[kind]()

    assert before == what_is_open()


@pytest.mark.parametrize("kind", SPAWNS)
def test_without_descriptors_nothing_is_left(kind: str) -> None:
    """Whichever descriptor is one too many: what was opened is closed, and what was executed is reaped."""
    before = what_is_open()
    for count in range(_TAKEN[kind] + 1):
        with room_for(count), pytest.raises(OSError, match="Too many open files"):
            SPAWNS[kind]()
        assert before == what_is_open()
