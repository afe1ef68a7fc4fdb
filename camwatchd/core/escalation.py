# SPDX-License-Identifier: MIT
"""Owns every decision about a camera's way up the ladder: `step(policy, state, event, now) -> (state, effects)`.

Rule 1: whatever decides what is tried next lives here and in the five files of handlers below. Facts come in as
events, orders go out as effects, and the state names the moment (`deadline`) at which it wants to hear `TimePassed`.

    STARTING --------------------------------------------------> HEALTHY <-> RETRYING
        \\                                                            |  fault
         +--> BACKOFF -> ACTING -> SETTLING --- three frames --->----+
                 ^___________________|  failed: next attempt, next rung, or a round after the ladder is spent
    LEAVING: a restart of the service or a reboot is asked for.   PARKED: it may not be, and a probe follows.
    HOLDING: a fault that no rung cures is probed.   WEDGED: a process that cannot be killed is waited for.
    PAUSED: the operator has the camera.

Healthy frames end an incident in every phase: while the ladder waits, the camera stays open, and most short
stalls end by themselves. A fault says where to enter; a worse one moves up, none moves down.
"""

from collections.abc import Callable
from dataclasses import replace

from camwatchd.core import drills, lastrungs, lease, orders
from camwatchd.core import events as ev
from camwatchd.core.attempts import (
    action_ended,
    importing,
    late,
    located,
    opening,
    settling,
    worse,
    worse_while_waiting,
)
from camwatchd.core.climbing import (
    act,
    appeared,
    climb,
    hurry_at,
    open_incident,
    probe,
    seen,
    seen_meanwhile,
    start_worker,
)
from camwatchd.core.counting import count, failure, frames, silence
from camwatchd.core.events import Event
from camwatchd.core.ladder import Rung
from camwatchd.core.lastrungs import PAUSE_GRACE, ask_again, wedged
from camwatchd.core.state import Milestone, Phase, Policy, State, Step

Handler = Callable[[Policy, State, Event, float], Step]


def begin(policy: Policy, now: float, frame_duration: float = 1 / 30) -> Step:
    """Take a camera: its first worker is ordered, on a lease of its own."""
    return start_worker(policy, _new(now, frame_duration), now, Phase.STARTING)


def resume(policy: Policy, saved: State, now: float) -> Step:
    """Go on with an incident after the service was restarted for it: our first worker is that rung's proof."""
    state = lastrungs.spend_service_restart(policy, saved)
    state, effects = start_worker(policy, state, now, Phase.ACTING, Rung.RESTART_SERVICE)
    lease_until = now + lease.one_round(policy, state, 0.0) + lease.remaining(policy, state)
    # The attempt began when it was asked for.
    return replace(state, lease_until=lease_until, rounds=state.rounds + 1, started_at=saved.since), effects


def pause(policy: Policy, now: float, seconds: float, frame_duration: float = 1 / 30) -> Step:
    """Leave a camera alone: its operator has it."""
    return _pause(policy, _new(now, frame_duration), ev.Paused(seconds), now)


def step(policy: Policy, state: State, event: Event, now: float) -> Step:
    """What a fact means: the next state and what is to be done, in order."""
    state, said = drills.overdue(state, now)
    state, effects = TABLE[type(event)][state.phase](policy, state, event, now)
    return state, (*said, *effects)


def _new(now: float, frame_duration: float) -> State:
    return State(phase=Phase.STARTING, since=now, deadline=now, opened_at=now, frame_duration=frame_duration)


# --- the answer to a request, and what follows a park ------------------------------------------------------


def _refused(policy: Policy, state: State, event: Event, now: float) -> Step:
    assert isinstance(event, ev.LeaveRefused)
    if state.ordered and not state.wedged:
        return orders.refused(policy, state, event, now)
    if state.rung is Rung.REBOOT:
        return lastrungs.park(policy, state, event, now)
    said = ev.SayRefused(state.rung, event.name, event.detail, 0.0, False)  # it is not asked for again
    state, effects = climb(policy, lastrungs.spend_service_restart(policy, state), now)
    return state, (said, *effects)


def _unanswered(policy: Policy, state: State, event: Event, now: float) -> Step:
    text = f"no answer within {now - state.since:.0f} s; without a record nobody leaves"
    return _refused(policy, state, ev.LeaveRefused("recorder-silent", text), now)


def _parked_long_enough(policy: Policy, state: State, event: Event, now: float) -> Step:
    """The camera is looked at again, or else another answer may be had now."""
    if now < state.probe_at:
        return ask_again(policy, state, event, now)
    return probe(policy, state, event, now)


def _plugged(policy: Policy, state: State, event: Event, now: float) -> Step:
    """No device is missed while parked, at most waited for: the next regular probe may be an hour away."""
    at = hurry_at(policy, state)
    if now >= at:
        return appeared(policy, state, event, now)
    return replace(state, device_seen=True, probe_at=at, deadline=min(state.deadline, at)), ()


def _unwedged(policy: Policy, state: State, event: Event, now: float) -> Step:
    if not state.wedged:
        return state, ()
    rung = Rung.RESTART_WORKER
    floor = max(state.floor, rung, key=lambda r: r.height)
    state = replace(
        state, attempt=max(state.used[rung.height], 1), floor=floor, rounds=state.rounds + 1, wedged=False
    )
    state, effects = start_worker(policy, state, now, Phase.ACTING)
    lease_until = now + lease.one_round(policy, state, 0.0) + lease.remaining(policy, state)
    return replace(state, lease_until=lease_until), effects


# --- the operator's pause -----------------------------------------------------------------------------------


def _pause(policy: Policy, state: State, event: Event, now: float) -> Step:
    assert isinstance(event, ev.Paused)
    fresh = _new(now, state.frame_duration)
    start = lease.remaining(policy, fresh)
    paused = replace(fresh, last_healthy=state.last_healthy).to(
        Phase.PAUSED, now, now + event.seconds, milestone=Milestone.NONE, rounds=state.rounds + 1,
        lease_until=now + event.seconds + PAUSE_GRACE + start,
    )  # fmt: skip
    return paused, (ev.Release(), ev.SayPaused(event.seconds))


def _resumed(policy: Policy, state: State, event: Event, now: float) -> Step:
    state, effects = begin(policy, now, state.frame_duration)
    return state, (ev.SayResumed(isinstance(event, ev.TimePassed)), *effects)


def _nothing(policy: Policy, state: State, event: Event, now: float) -> Step:
    return state, ()


# --- the table: a row per event, a column per phase; total, and the empty cells are written down ----------

_PHASES = (
    Phase.STARTING, Phase.HEALTHY, Phase.RETRYING, Phase.BACKOFF, Phase.ACTING, Phase.SETTLING, Phase.HOLDING,
    Phase.WEDGED, Phase.LEAVING, Phase.PARKED, Phase.PAUSED,
)  # fmt: skip
_, _f, _open, _wait, _ended, _p = _nothing, frames, open_incident, worse_while_waiting, action_ended, _pause
_l, _seen, _o, _drill = located, seen_meanwhile, orders.ordered, drills.begin

# fmt: off
_ROWS: tuple[tuple[type[Event], tuple[Handler, ...]], ...] = (
    #                     STARTING   HEALTHY  RETRYING BACKOFF   ACTING     SETTLING HOLDING   WEDGED        LEAVING      PARKED               PAUSED
    (ev.WorkerStarted,    (importing, _,       _,       _,        importing, _,       _,        _,            _,           _,                   _)),
    (ev.WorkerImported,   (opening,   _,       _,       _,        opening,   _,       _,        _,            _,           _,                   _)),
    (ev.StreamStarted,    (settling,  _,       _,       _,        settling,  _,       _,        _,            _,           _,                   _)),
    (ev.Located,          (_l,        _l,      _l,      _l,       _l,        _l,      _l,       _l,           _l,          _l,                  _)),
    (ev.FramesArrived,    (_f,        _f,      _f,      _f,       _f,        _f,      _f,       _f,           _f,          _f,                  _)),
    (ev.CaptureFailed,    (count,     failure, failure, count,    count,     count,   count,    count,        count,       count,               _)),
    (ev.Faulted,          (worse,     _open,   _open,   _wait,    worse,     worse,   _,        _,            _,           _,                   _)),
    (ev.ActionEnded,      (_,         _,       _,       _,        _ended,    _,       _,        _,            _,           _,                   _)),
    (ev.WorkerExited,     (worse,     _open,   _open,   _wait,    worse,     worse,   _,        _,            _,           _,                   _)),
    (ev.WorkerUnkillable, (wedged,    wedged,  wedged,  wedged,   wedged,    wedged,  wedged,   _,            wedged,      wedged,              _)),
    (ev.WorkerReaped,     (_,         _,       _,       _,        _,         _,       _,        _unwedged,    _unwedged,   _,                   _)),
    (ev.DeviceAppeared,   (seen,      seen,    seen,    appeared, _seen,     seen,    appeared, _,            seen,        _plugged,            _)),
    (ev.LeaveRefused,     (_,         _,       _,       _,        _,         _,       _,        _,            _refused,    _,                   _)),
    (ev.Paused,           (_p,        _p,      _p,      _p,       _p,        _p,      _p,       _p,           _p,          _p,                  _p)),
    (ev.Resumed,          (_,         _,       _,       _,        _,         _,       _,        _,            _,           _,                   _resumed)),
    (ev.RecoveryOrdered,  (_,         _o,      _o,      _o,       _,         _,       _o,       _o,           _,           _o,                  _)),
    (ev.Drilled,          (_,         _drill,  _,       _,        _,         _,       _,        _,            _,           _,                   _)),
    (ev.DrillOver,        (_,         _,       _,       _,        _,         _,       _,        _,            _,           _,                   _)),
    (ev.TimePassed,       (late,      silence, silence, act,      late,      late,    probe,    ask_again,    _unanswered, _parked_long_enough, _resumed)),
)
# fmt: on
TABLE = {event: dict(zip(_PHASES, handlers, strict=True)) for event, handlers in _ROWS}
