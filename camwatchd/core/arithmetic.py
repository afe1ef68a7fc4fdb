# SPDX-License-Identifier: MIT
"""Owns the arithmetic of systemd's start limit: it only reboots if BURST starts that all hang fit into its interval.

A start may hang until the lease runs out that it was given for the whole in-process ladder; then systemd stops it
and starts the next. What a supervisor that works adds to its lease later (rounds after the ladder, probes, pauses,
parks) is not in the sum: it shows that the supervisor does not hang.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from camwatchd.core import lease, liveness
from camwatchd.core.budget import BURST
from camwatchd.core.ladder import LADDER, Rung
from camwatchd.core.settings import CameraSettings, Contradiction, Settings, Supervision
from camwatchd.core.state import Phase, Policy, State

# As the unit file has them; a test compares. Seconds.
START_LIMIT_INTERVAL = 5100.0
TIMEOUT_START = 60.0
TIMEOUT_STOP = 15.0
TIMEOUT_ABORT = 10.0
RESTART = 15.0

_ROW = ("enabled", "attempts", "timeout", "settle", "backoff")  # of a rung, what a configuration can set


@dataclass(frozen=True, slots=True)
class Unit:
    """What the unit adds to each start that hangs; drop-ins can change it. Seconds."""

    timeout_start: float = TIMEOUT_START
    timeout_stop: float = TIMEOUT_STOP
    timeout_abort: float = TIMEOUT_ABORT
    restart: float = RESTART

    @property
    def stopping(self) -> float:
        """Until systemd gives up on a daemon that hangs in the kernel and survives SIGABRT and SIGKILL.

        It waits for TimeoutAbortSec, then three times for TimeoutStopSec (tested with systemd 252 and 257).
        """
        return self.timeout_abort + 3 * self.timeout_stop


SHIPPED = Unit()


@dataclass(frozen=True, slots=True)
class Part:
    """A share of the time between two starts: what it is for, and seconds."""

    name: str
    seconds: float


def between_starts(settings: Settings, unit: Unit = SHIPPED) -> tuple[Part, ...]:
    """The worst case from one start of a service that hangs to the next, in its parts; () if no camera is required."""
    if not (camera := _slowest(settings)):
        return ()
    return (
        Part("until READY", unit.timeout_start),
        *_leased(settings, camera),
        Part("until a hanging daemon is given up", unit.stopping),
        Part("RestartSec", unit.restart),
    )


def total(parts: tuple[Part, ...]) -> float:
    """Their sum."""
    return sum(part.seconds for part in parts)


def contradictions(settings: Settings) -> list[Contradiction]:
    """A configuration whose ladder takes so long that a hanging service never reaches the start limit."""
    parts = between_starts(settings)
    if settings.reboot.mode != "armed" or BURST * total(parts) <= START_LIMIT_INTERVAL:
        return []
    shares = " + ".join(f"{part.seconds:.0f} s {part.name}" for part in parts)
    expected = (
        f"{BURST} starts that hang to fit into systemd's start limit of {START_LIMIT_INTERVAL:.0f} s; each may take "
        f"{shares} = {total(parts):.0f} s, together {BURST * total(parts):.0f} s"
    )
    hint = 'lower attempts or times, set required = false for the camera, or do without reboots: [reboot] mode = "off"'
    return [Contradiction(_drivers(settings) or ("reboot.mode",), expected, hint)]


def _leased(settings: Settings, camera: CameraSettings) -> tuple[Part, ...]:
    """The lease of a start, in what the first worker and each rung take of it."""
    whole = _lease(settings, camera)
    rungs = tuple(
        Part(str(row.rung), whole - _lease(_with_row(settings, row.rung, enabled=False), camera))
        for row in settings.ladder
        if row.enabled and row.rung in lease.IN_PROCESS
    )
    return Part(f"first worker of {camera.name}", whole - total(rungs)), *rungs


def _lease(settings: Settings, camera: CameraSettings) -> float:
    """What escalation.begin asks for."""
    duration = liveness.expected_frame_duration(camera.frame_rate)
    start = State(phase=Phase.STARTING, since=0.0, deadline=0.0, frame_duration=duration)
    return lease.remaining(Policy(supervision=settings.supervision, ladder=settings.ladder), start)


def _with_row(settings: Settings, rung: Rung, **changes: Any) -> Settings:
    rows = (replace(row, **changes) if row.rung is rung else row for row in settings.ladder)
    return replace(settings, ladder=tuple(rows))


def _slowest(settings: Settings) -> CameraSettings | None:
    required = (camera for camera in settings.cameras if camera.required)
    return max(required, key=lambda camera: _lease(settings, camera), default=None)


def _drivers(settings: Settings) -> tuple[str, ...]:
    """The keys that lengthen the sum, the one that does most first: what each one's default would save."""
    camera = _slowest(settings)
    assert camera is not None
    whole = _lease(settings, camera)
    saved = {key: whole - _lease(*eased) for key, eased in _eased(settings, camera)}
    return tuple(sorted((key for key in saved if saved[key] > 0), key=lambda key: -saved[key]))


def _eased(
    settings: Settings, camera: CameraSettings
) -> Iterator[tuple[str, tuple[Settings, CameraSettings]]]:
    """Each key that could matter, and everything as it is but this key at its default."""
    for field in fields(Supervision):
        default: dict[str, Any] = {field.name: field.default}
        rules = replace(settings.supervision, **default)
        yield f"supervision.{field.name}", (replace(settings, supervision=rules), camera)
    for row in LADDER:
        for name in _ROW:
            changed = _with_row(settings, row.rung, **{name: getattr(row, name)})
            yield f"ladder.{row.rung}.{name}", (changed, camera)
    yield f"camera.{camera.name}.frame_rate", (settings, replace(camera, frame_rate=None))
