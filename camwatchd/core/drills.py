# SPDX-License-Identifier: MIT
"""Owns the alarm drills: what can be practised on a running camera, what is expected, and when a drill is over.

A worker pretends that its camera fails; the ladder does not know, and does what it always does. Only the last two
rungs are out of reach for its incident, also if that outlasts the drill, for a while or until an operator orders a
recovery; and what it has spent of the others is given back.
"""

from dataclasses import dataclass, replace

from camwatchd.core import events as ev
from camwatchd.core.climbing import forgiven
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import Rung, RungPolicy
from camwatchd.core.settings import Checks
from camwatchd.core.state import NEVER, Drill, Policy, State, Step

LASTS = 120.0  # seconds; a camera that is not back by then fails for real, and the rungs are tried afresh
# Seconds after that in which nobody leaves for what the drill has begun: a human is called, and may order what he likes.
# Not for ever: by then whatever is wrong is no exercise, and there may be no human. The third probe of a park is later.
SPARED = 1200.0
PRETENDED = 60.0  # seconds after which a worker gives it up if nobody has noticed
MARK = "DRILL"  # in sentences; the journal has the field DRILL=1
_LONGEST_CHECK = 40.0  # seconds until a picture may fail for what it shows, for a drill to see it


@dataclass(frozen=True, slots=True)
class Exercise:
    """One row: what the worker pretends, the fault that is expected of it, and the lowest rung that cures it."""

    name: str
    fault: str
    cure: Rung
    human: str
    # Names that are as good: the true camera, which nobody empties meanwhile, may complain itself.
    also: tuple[str, ...] = ()


_STARVED = ("frontend-timeout",)

# fmt: off
_ROWS: tuple[Exercise, ...] = (
    Exercise("stall",    "frames-stopped",   Rung.RESTART_STREAM, "frames stop, and nothing says why", _STARVED),
    Exercise("error",    "capture-error",    Rung.RESTART_STREAM, "a capture raises an error"),
    Exercise("buffer",   "buffer-queue",     Rung.RESTART_STREAM, "frames stop, and libcamera complains about a buffer", _STARVED),
    Exercise("frontend", "frontend-timeout", Rung.RESTART_STREAM, "libcamera says that the sensor gives no data"),
    Exercise("frozen",   "frozen-picture",   Rung.RESTART_STREAM, "the picture stands still"),
    Exercise("black",    "black-picture",    Rung.RESTART_STREAM, "the picture is black"),
    Exercise("crash",    "worker-crashed",   Rung.RESTART_WORKER, "the capture process is killed by a signal"),
    Exercise("hang",     "worker-silent",    Rung.RESTART_WORKER, "the capture process hangs and does not end when asked", _STARVED),
    Exercise("open",     "init-failed",      Rung.RESTART_WORKER, "the camera fails, and cannot be opened at the first attempt"),
)
# fmt: on
EXERCISES: dict[str, Exercise] = {row.name: row for row in _ROWS}
_SHOWN = {"frozen-picture": "frozen_after", "black-picture": "on_black", "saturated-picture": "on_saturated"}


def misnamed(exercise: str, fault: str) -> bool:
    """Whether a fault was noticed that is not the one that was pretended."""
    row = EXERCISES[exercise]
    return fault not in (row.fault, *row.also)


def unseen(checks: Checks, fault: str) -> str:
    """Why this fault is none as these checks are set; empty: it is one."""
    key = _SHOWN.get(fault, "")
    ignored = key and getattr(checks, key) in (0, "ignore", "warn")
    return f"as [camera.<name>.checks] {key} is set, {fault} is no fault" if ignored else ""


def too_slow(checks: Checks, fault: str, detection: float) -> str:
    """Why a drill would be over before the fault is noticed; empty: it would not. `detection`: of missing frames."""
    wait = {"frozen-picture": checks.frozen_after, "black-picture": checks.content_after}.get(
        fault, detection
    )
    return f"it is noticed after {wait:g} s only, longer than a drill waits" if wait > _LONGEST_CHECK else ""


def expected_cure(ladder: tuple[RungPolicy, ...], exercise: Exercise) -> Rung:
    """The lowest rung that is on and cures it."""
    rungs = (row.rung for row in ladder if row.enabled and row.rung.height >= exercise.cure.height)
    return next(rungs, Rung.RESTART_WORKER)


# --- handlers ---------------------------------------------------------------------------------------------


def begin(policy: Policy, state: State, event: ev.Event, now: float) -> Step:
    """A healthy camera; what follows is marked. What is forgiven by now must not come back with the end of the drill."""
    assert isinstance(event, ev.Drilled)
    state = forgiven(policy, state, now)
    drill = Drill(event.name, now + event.seconds, state.floor, state.used)
    return replace(state, drill=drill, drilled=True, spared_until=NEVER), ()


def ended(state: State) -> State:
    """Healthy again after the incident that was practised: the ladder is where it was before."""
    if not state.in_incident:
        return state
    if state.drill is None:
        return replace(state, drilled=False)
    return replace(state, floor=state.drill.floor, used=state.drill.used, drill=None, drilled=False)


def overdue(state: State, now: float) -> Step:
    """Its time is up. An incident that is still open is no drill any more: what was counted in it does not count."""
    if state.drill is None:
        over = state.drilled and now >= state.spared_until
        return replace(state, drilled=False) if over else state, ()
    if now < state.drill.until:
        return state, ()
    drill = state.drill
    if not (state.in_incident and state.fault):
        return replace(state, drill=None, drilled=state.in_incident), ()
    said = ev.SayFault(state.fault, "the drill is over, and the camera is not back", state.noticed_after)
    fresh = replace(
        state, drill=None, floor=drill.floor, used=drill.used, failures=1, failed_recoveries=0,
        critical_said=False, parks=0, refusal="", spared_until=now + SPARED,
    )  # fmt: skip
    return fresh, (said,)


def names() -> str:
    """For whoever asks for one that there is not."""
    return ", ".join(EXERCISES)


assert all(row.fault in FAULTS for row in _ROWS)
