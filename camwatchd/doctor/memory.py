# SPDX-License-Identifier: MIT
"""Owns the checks of memory: what is free, what the service takes, what its standby and frames may take, CMA."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from camwatchd.control.client import Client, ControlError
from camwatchd.control.facts import FramesFacts, StatusFacts
from camwatchd.control.protocol import Status
from camwatchd.core import room
from camwatchd.core.settings import CameraSettings, Settings
from camwatchd.doctor.finding import Finding, failure, ok, unknown, warning
from camwatchd.doctor.place import Place, real
from camwatchd.doctor.tasks import Task, killed_for_memory, tasks
from camwatchd.standby import ENOUGH_MEMORY

NAMES = ("memory", "standby", "frames", "cma")

_PATIENCE = 2.0  # seconds for the daemon
_LITTLE, _SCARCE = 64e6, 24e6  # bytes available
_LITTLE_CMA = 16e6  # bytes free: less than a set of buffers of a sensor's full size
_SMALLER = "sudoedit /etc/camwatchd/config.toml && camwatchctl reload  # slots = 2, or smaller pictures"
_ROLES = {
    "supervisor": "supervisor",
    "recorder": "recorder",
    "worker": "workers with standby",
    "other": "others",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Bytes, from /proc/meminfo, of our processes, and of the frames for applications."""

    total: int = 0  # 0: unknown
    available: int = 0
    cma_total: int | None = None  # None: this kernel has no such memory
    cma_free: int | None = None
    tasks: tuple[Task, ...] = ()
    killed: int = 0  # of them, for want of memory
    settings: Settings | None = None
    frames: dict[str, FramesFacts] | None = None  # by camera; None: no daemon says


def find(place: Place) -> Iterator[Finding]:
    """All checks of this group."""
    facts = gather(place)
    yield memory(facts)
    yield standby(facts)
    yield frames(facts)
    yield cma(facts)


def gather(place: Place) -> Facts:
    """The facts of this machine."""
    text = place.read("proc/meminfo") or ""
    info = {
        name: int(number) * 1024 for name, number in re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE)
    }
    return Facts(
        total=info.get("MemTotal", 0),
        available=info.get("MemAvailable", 0),
        cma_total=info.get("CmaTotal") or None,
        cma_free=info.get("CmaFree"),
        tasks=tasks(place),
        killed=killed_for_memory(place),
        settings=place.settings(),
        frames=_frames(place.socket),
    )


def _frames(socket: str) -> dict[str, FramesFacts] | None:
    try:
        with Client(socket) as client:
            answer = client.ask(Status(), _PATIENCE)
    except ControlError:  # said by the check of the version
        return None
    assert isinstance(answer, StatusFacts)
    return {camera.name: camera.frames for camera in answer.cameras}


def memory(facts: Facts) -> Finding:
    """What is left, and what we take of it."""
    if not facts.total:
        return unknown("memory", "there is no /proc/meminfo")
    text = f"{_mib(facts.available)} of {_mib(facts.total)} available; {_taken(facts.tasks)}"
    remedy = "ps -eo rss,comm --sort=-rss | head  # fewer slots, or [daemon] standby = false, save some"
    if facts.killed:
        return failure(
            "memory", f"{facts.killed} processes of the service were killed for want of it; {text}", remedy
        )
    if facts.available < _SCARCE:
        return failure("memory", text, remedy)
    return warning("memory", text, remedy) if facts.available < _LITTLE else ok("memory", text)


def _taken(found: tuple[Task, ...]) -> str:
    parts = []
    for role, words in _ROLES.items():
        if mine := [task for task in found if task.role == role]:
            parts.append(
                f"{words}{f' ({len(mine)})' if len(mine) > 1 else ''} {_mb(sum(task.bytes for task in mine))}"
            )
    return f"{', '.join(parts)} (shared pages counted in each)" if parts else "the service does not run"


def standby(facts: Facts) -> Finding:
    """Whether a worker stands by, which takes memory and saves seconds."""
    if facts.settings is None or not facts.total:
        return unknown("standby", "without a valid configuration and /proc/meminfo nobody can tell")
    wanted = facts.settings.daemon.standby
    enough = facts.total >= ENOUGH_MEMORY
    rule = f"{_mib(facts.total)} of memory; worth it from {_mib(ENOUGH_MEMORY)} on"
    if wanted is True and not enough:
        text = f"[daemon] standby = true, with {rule}: a worker takes 60 to 100 MB"
        return warning(
            "standby",
            text,
            'sudoedit /etc/camwatchd/config.toml && camwatchctl reload  # [daemon] standby = "auto"',
        )
    kept = wanted is True or (wanted == "auto" and enough)
    word = f'"{wanted}"' if wanted == "auto" else str(wanted).lower()
    return ok("standby", f"{'one is kept' if kept else 'none is kept'}: [daemon] standby = {word}, {rule}")


def frames(facts: Facts) -> Finding:
    """What the frames for applications may take: slots x size."""
    if facts.frames is not None:
        if troubles := [f"{name}: {ring.trouble}" for name, ring in facts.frames.items() if ring.trouble]:
            return warning("frames", f"none for applications: {'; '.join(troubles)}", _SMALLER)
        rings = [_ring(name, ring) for name, ring in facts.frames.items() if ring.slots]
        return ok("frames", "; ".join(rings) or "no camera was opened yet")
    if facts.settings is None:
        return unknown("frames", "without a valid configuration nobody can tell")
    return ok("frames", "; ".join(_expected(camera, facts.total) for camera in facts.settings.cameras))


def _ring(name: str, ring: FramesFacts) -> str:
    streams = " + ".join(f"{stream.name} {_mb(stream.room)}" for stream in ring.streams)
    most = f"at most {ring.megabytes_most:.1f} MB, now {ring.megabytes:.1f} MB"
    return f"{name}: {ring.slots} slots x ({streams}) = {most}, {ring.readers} readers"


def _expected(camera: CameraSettings, total: int) -> str:
    size = room.expected_frame(camera)
    slots = camera.slots or room.usual_slots([size], total)
    return f"{camera.name}: {slots} slots x {_mb(size)} = about {_mb(slots * size)} once somebody reads"


def cma(facts: Facts) -> Finding:
    """The memory that cameras capture into; it is reserved at boot."""
    if facts.cma_total is None or facts.cma_free is None:
        return unknown("cma", "this kernel reserves none (CmaTotal in /proc/meminfo)")
    text = f"{_mib(facts.cma_free)} of {_mib(facts.cma_total)} free"
    if facts.cma_free < _LITTLE_CMA and facts.settings and real(facts.settings):
        remedy = "sudoedit /boot/firmware/config.txt  # dtoverlay=cma,cma-256; or a lower buffer_count"
        return warning("cma", f"{text}: a camera may find no buffers when it is opened anew", remedy)
    return ok("cma", text)


def _mib(size: int) -> str:
    """As `free -m` and the kernel count."""
    return f"{size >> 20} MiB"


def _mb(size: float) -> str:
    return f"{size / 1e6:.1f} MB" if size < 10e6 else f"{size / 1e6:.0f} MB"
