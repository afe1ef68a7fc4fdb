# SPDX-License-Identifier: MIT
"""Owns the processes of the running service: which, what they are there for, what memory they hold."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from camwatchd.adapters.host import RECORDER_COMM
from camwatchd.doctor.place import UNIT, Place

_CGROUP = f"sys/fs/cgroup/system.slice/{UNIT}"
_WORKER = b"camwatchd.worker"


@dataclass(frozen=True, slots=True)
class Task:
    """One process."""

    pid: int
    role: str  # supervisor, recorder, worker or other
    bytes: int  # resident in memory


def ours(place: Place) -> frozenset[int]:
    """The processes of the service; none where it is not a unit of systemd's."""
    words = (place.read(f"{_CGROUP}/cgroup.procs") or "").split()
    return frozenset(int(word) for word in words if word.isdecimal())


def tasks(place: Place) -> tuple[Task, ...]:
    """The same with what they hold."""
    return tuple(task for pid in sorted(ours(place)) for task in _task(place, pid))


def killed_for_memory(place: Place) -> int:
    """How many of them the kernel has killed because there was none left, since the service was started."""
    lines = (place.read(f"{_CGROUP}/memory.events") or "").splitlines()
    counts = dict(line.partition(" ")[::2] for line in lines)
    return int(counts.get("oom_kill", "0"))


def _task(place: Place, pid: int) -> Iterator[Task]:
    fields = (place.read(f"proc/{pid}/statm") or "").split()
    if len(fields) > 1:
        yield Task(pid, _role(place, pid), int(fields[1]) * os.sysconf("SC_PAGE_SIZE"))


def _role(place: Place, pid: int) -> str:
    if place.read(f"proc/{pid}/comm") == RECORDER_COMM:
        return "recorder"
    if place.host.stuck_tasks(pid):
        return "other"  # reading its command line could hang, too
    words = (place.read(f"proc/{pid}/cmdline") or "").encode().split(b"\0")
    if _WORKER in words:
        return "worker"
    return "supervisor" if any(word.endswith(b"/camwatchd") for word in words) else "other"
