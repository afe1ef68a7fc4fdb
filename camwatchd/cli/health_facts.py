# SPDX-License-Identifier: MIT
"""Owns what `health` is about: daemon, machine, power and disk in one, what of it is wrong, and how badly."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from camwatchd.adapters.vitals import DiskVitals, HostVitals, PowerVitals
from camwatchd.cli import unit
from camwatchd.cli.absence import Absence
from camwatchd.cli.arming import Arming, sentence
from camwatchd.cli.documents import camera_status, cameras, status_document
from camwatchd.cli.status_text import word
from camwatchd.control.facts import CameraFacts, Condition, StatusFacts, condition, gating
from camwatchd.control.protocol import Reason
from camwatchd.core.drills import MARK
from camwatchd.core.plain import to_plain
from camwatchd.core.timespan import duration

SCHEMA = 1  # of the JSON: names are added under it, never taken away
HOT = 80.0  # degrees Celsius: at which the firmware of a Pi begins to slow the processor down
LITTLE_ROOM = 100_000_000  # bytes: what the ledger may take at most, with something left for everybody else
LITTLE_MEMORY = 0.05  # of all


class Level(IntEnum):
    """How bad it is: the exit statuses of monitoring plugins."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_LEVELS = {
    Condition.HEALTHY: Level.OK,
    Condition.PAUSED: Level.WARNING,
    Condition.TROUBLE: Level.WARNING,
    Condition.CRITICAL: Level.CRITICAL,
}
# What is known to be bad is worse than what is not known.
_BADNESS = (Level.OK, Level.WARNING, Level.UNKNOWN, Level.CRITICAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Everything that was asked."""

    found: StatusFacts | Absence
    host: HostVitals
    power: PowerVitals
    disk: DiskVitals
    arming: Arming | None = None  # None: systemd was not asked, or does not tell


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that is wrong."""

    level: Level
    text: str


def remarks(health: Health) -> list[Remark]:
    """What is wrong, the worst first."""
    found = [
        *_of_the_daemon(health.found),
        *(Remark(Level.WARNING, text) for text in sentence(health.arming)),
        *_of_power(health.power),
        *_of_the_machine(health.host, health.disk),
    ]
    return sorted(found, key=lambda remark: -_BADNESS.index(remark.level))


def level(health: Health) -> Level:
    """The one word for all of it."""
    return max((remark.level for remark in remarks(health)), key=_BADNESS.index, default=Level.OK)


def document(health: Health) -> dict[str, Any]:
    """The JSON, which camwatchd/schemas/health.json describes."""
    status = status_document(health.found)
    known = camera_status(health.found) if isinstance(health.found, StatusFacts) else _top(status)
    return {
        "schema": SCHEMA,
        "level": level(health).name.lower(),
        "remarks": [{"level": remark.level.name.lower(), "text": remark.text} for remark in remarks(health)],
        "daemon": {"running": isinstance(health.found, StatusFacts), **(status["daemon"] or {})},
        "reboots": to_plain(health.arming),
        "absence": status["absence"],
        "host": to_plain(health.host),
        "power": to_plain(health.power),
        "disk": to_plain(health.disk),
        "camera_status": {**known, "cameras": _cameras(health.found)},
    }


def _top(status: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in status.items() if key not in ("daemon", "reboots", "absence", "cameras")
    }


def _cameras(found: StatusFacts | Absence) -> dict[str, Any]:
    return cameras(found) if isinstance(found, StatusFacts) else {}


# --- what is wrong ----------------------------------------------------------------------------------------


def _of_the_daemon(found: StatusFacts | Absence) -> Iterator[Remark]:
    if isinstance(found, Absence):
        there = found.reason not in (Reason.UNREACHABLE, Reason.SILENT)
        known = unit.sentence(found.unit) if found.unit else ""
        text = "; ".join(filter(None, (found.message, known)))
        yield Remark(Level.UNKNOWN if there else Level.CRITICAL, text)
        return
    speakers = [camera.name for camera in gating(found.cameras)]
    if not speakers:
        yield Remark(Level.WARNING, "no camera is configured or found")
    for camera in found.cameras:
        badness = _LEVELS[condition(camera)]
        if badness is not Level.OK:  # an optional camera calls nobody at night
            yield Remark(badness if camera.name in speakers else Level.WARNING, _words(camera))
    if found.daemon.ledger_trouble:
        yield Remark(Level.WARNING, found.daemon.ledger_trouble)
    if found.daemon.note:
        yield Remark(Level.WARNING, found.daemon.note)


def _words(camera: CameraFacts) -> str:
    if camera.paused_for > 0:
        return f"{camera.name} paused for {duration(camera.paused_for)} more"
    then = f"; {camera.next_action}" if camera.next_action else ""
    drill = f"{MARK} ({camera.drill}): " if camera.drill else ""  # who is alarmed by it should know
    return f"{camera.name} {drill}{word(camera)}: {camera.fault or camera.phase}{then}"


def _of_power(power: PowerVitals) -> Iterator[Remark]:
    if power.under_voltage:
        yield Remark(Level.WARNING, "under-voltage now: the power supply or its cable is too weak")
    elif power.under_voltage_since_boot:
        yield Remark(Level.WARNING, "there was under-voltage since the boot: look at supply and cable")
    if power.throttled:
        yield Remark(Level.WARNING, "the firmware throttles the processor now")


def _of_the_machine(host: HostVitals, disk: DiskVitals) -> Iterator[Remark]:
    if host.temperature_celsius is not None and host.temperature_celsius >= HOT:
        yield Remark(Level.WARNING, f"the processor has {host.temperature_celsius:.0f} degrees Celsius")
    if host.memory_total_bytes and host.memory_available_bytes is not None:
        share = host.memory_available_bytes / host.memory_total_bytes
        if share < LITTLE_MEMORY:
            yield Remark(Level.WARNING, f"{100 * share:.1f} % of the memory is available")
    if disk.free_bytes is not None and disk.free_bytes < LITTLE_ROOM:
        yield Remark(Level.WARNING, f"{disk.free_bytes / 1e6:.0f} MB are free at {disk.path}")
