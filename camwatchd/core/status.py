# SPDX-License-Identifier: MIT
"""Owns the one line that `systemctl status` shows: how each camera is, and in trouble what comes next and when."""

from collections.abc import Sequence
from dataclasses import dataclass

from camwatchd.core.faults import FAULTS
from camwatchd.core.health import Band
from camwatchd.core.ladder import Rung
from camwatchd.core.state import NEVER, Phase
from camwatchd.core.timespan import duration


@dataclass(frozen=True, slots=True)
class CameraView:
    """What the line tells of one camera; points in time are monotonic seconds."""

    name: str
    phase: Phase
    band: str
    score: int
    fps: float
    last_frame: float | None
    late: bool
    fault: str
    rung: Rung
    attempt: int
    attempts: int  # how many the rung has
    exhausted: bool
    step: str  # what an attempt under way is doing
    deadline: float
    recoveries: tuple[tuple[float, str], ...]  # when and by what, the last 24 h
    refusal: str = ""  # why there is no reboot, if one was asked for
    ask_at: float = NEVER  # when it is asked for again
    drill: str = ""  # what is practised
    critical: bool = False  # a human was called


def line(views: Sequence[CameraView], now: float, note: str = "") -> str:
    """Cameras in trouble first, and a note before those that are well: the line is cut at 200 characters."""
    ordered = sorted(views, key=_is_well)
    parts = [_camera(view, now) for view in ordered] or ["no camera configured"]
    if note:
        parts.insert(max(1, sum(not _is_well(view) for view in views)), note)
    return "; ".join(parts)


def _is_well(view: CameraView) -> bool:
    return view.phase is Phase.HEALTHY and not view.late


def key(views: Sequence[CameraView]) -> tuple[object, ...]:
    """What makes a line worth sending at once: everything but the running numbers."""
    return tuple(
        (
            v.name,
            v.phase,
            v.band,
            v.late and v.phase is Phase.HEALTHY,
            v.fault,
            v.rung,
            v.attempt,
            v.step,
            v.refusal,
            v.drill,
            len(v.recoveries),
        )
        for v in views
    )


def _camera(view: CameraView, now: float) -> str:
    name = f"{view.name} DRILL ({view.drill})" if view.drill else view.name
    head = f"{name} {_word(view)} {view.score}/100"
    if view.phase is Phase.HEALTHY:
        return f"{head}{_rate(view, now)}{_past(view, now)}"
    if view.phase is Phase.PAUSED:
        return (
            f"{view.name} paused by its operator, {duration(view.deadline - now)} left (camwatchctl resume)"
        )
    if not view.fault:
        return f"{name} {_beginning(view)}"
    step = f"{head}: {view.fault}; {next_step(view, now)}"
    return f"{step}; {_advice(view)}" if view.phase is Phase.PARKED and view.ask_at >= NEVER else step


def _advice(view: CameraView) -> str:
    """What a human may look at: the table's sentence ends with it."""
    return FAULTS[view.fault].human.rpartition("; ")[2]


def _word(view: CameraView) -> str:
    """The band, but nothing that sounds like praise while an incident is open: its first failures cost little.

    As cli.status_text has it.
    """
    if view.phase is Phase.PARKED:
        return "PARKED"
    if view.critical:
        return "CRITICAL"
    praise = view.fault and view.band in (Band.EXCELLENT, Band.GOOD)
    return "RECOVERING" if praise else view.band


def _rate(view: CameraView, now: float) -> str:
    age = now - (now if view.last_frame is None else view.last_frame)
    late = " (late)" if view.late else ""
    return f", {view.fps:.1f} fps, last frame {duration(age)} ago{late}"


def _past(view: CameraView, now: float) -> str:
    if not view.recoveries:
        return ""
    when, how = view.recoveries[-1]
    count = len(view.recoveries)
    noun = "recovery" if count == 1 else "recoveries"
    return f"; {count} {noun} in 24 h (last: {how}, {duration(now - when)} ago)"


def _beginning(view: CameraView) -> str:
    if view.phase is Phase.RETRYING:
        return f"{view.band} {view.score}/100: a capture failed, trying again"
    return f"starting ({view.step or 'waiting for the first frames'})"


def next_step(view: CameraView, now: float) -> str:
    """What is being tried or comes next, and when."""
    left = duration(view.deadline - now)
    which = f"{view.rung} again" if view.exhausted else f"{view.rung} {view.attempt}/{view.attempts}"
    which = which if view.attempt else "probe"
    match view.phase:
        case Phase.BACKOFF:
            return f"{which} in {left}"
        case Phase.HOLDING:
            return f"next probe in {left}"
        case Phase.WEDGED:
            return f"the kernel keeps the process; {_reboot(view, now)}; a power cycle frees it"
        case Phase.LEAVING:
            return f"asking whether {view.rung} is allowed, {left} left"
        case Phase.PARKED:
            probe = f", next probe in {left}" if view.deadline < view.ask_at else ""
            return f"parked, {_reboot(view, now)}{probe}"
        case Phase.SETTLING:
            return f"{which} done, waiting for frames, {left} left"
    return f"{which} under way{f' ({view.step})' if view.step else ''}, {left} left"


def _reboot(view: CameraView, now: float) -> str:
    """Why there is none, and from when on there may be one."""
    if view.ask_at < NEVER:
        return f"reboot not before {duration(view.ask_at - now)} from now ({view.refusal})"
    again = f", asked again in {duration(view.deadline - now)}" if view.phase is Phase.WEDGED else ""
    return f"no reboot ({view.refusal}){again}"
