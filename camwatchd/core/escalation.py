# SPDX-License-Identifier: MIT
"""Owns every decision about a camera's way up the ladder: `step(policy, state, event, now) -> (state, effects)`.

Rule 1: whatever decides what is tried next lives in this file. Facts come in as events, orders go out as
effects, and the state names the moment (`deadline`) at which it wants to hear `TimePassed`.

    STARTING --------------------------------------------------> HEALTHY <-> RETRYING
        \\                                                            |  fault
         +--> BACKOFF -> ACTING -> SETTLING --- three frames --->----+
                 ^___________________|  failed: next attempt, next rung, or a round after the ladder is spent
    HOLDING: a fault that no rung cures is probed.   WEDGED: a process that cannot be killed is waited for.

Healthy frames end an incident in every phase: while the ladder waits, the camera stays open, and most short
stalls end by themselves. A fault says where to enter; a worse one moves up, none moves down.
"""

from collections.abc import Callable
from dataclasses import replace

from camwatchd.core import events as ev
from camwatchd.core import lease, liveness
from camwatchd.core.events import Effect, Event
from camwatchd.core.faults import FAULTS, Fault, Issue
from camwatchd.core.ladder import PROOF_FRAMES, Outcome, Rung
from camwatchd.core.state import REAP_BOUND, REPORT_SLACK, Milestone, Phase, Policy, State

_MUCH_LONGER = 1.5  # times as long as before; exposure that creeps up must not move the lease at every frame
# Faults that another program or a human ends; only the first is no reason to call anybody.
_SOMEBODY_ELSE = "busy"

Step = tuple[State, tuple[Effect, ...]]
Handler = Callable[[Policy, State, Event, float], Step]


def begin(policy: Policy, now: float, frame_duration: float = 1 / 30) -> Step:
    """Take a camera: its first worker is ordered, on a lease of its own."""
    state = State(
        phase=Phase.STARTING, since=now, deadline=now, opened_at=now, frame_duration=frame_duration
    )
    return _start_worker(policy, state, now, Phase.STARTING)


def step(policy: Policy, state: State, event: Event, now: float) -> Step:
    """What a fact means: the next state and what is to be done, in order."""
    return TABLE[type(event)][state.phase](policy, state, event, now)


# --- frames and failures ----------------------------------------------------------------------------------


def _frames(policy: Policy, state: State, event: Event, now: float) -> Step:
    assert isinstance(event, ev.FramesArrived)
    if state.in_incident and event.oldest < state.since:
        return state, ()  # a batch from before the fault, or from before the attempt, that was on its way
    state = replace(state, streak=min(state.streak + event.count, 1_000_000), last_healthy=now)
    if state.streak < PROOF_FRAMES and state.phase is not Phase.HEALTHY:
        return _unproved(policy, state, event.frame_duration, now), ()
    said, state = _good_news(state, now), replace(state, failures=0)
    if event.frame_duration > 0:
        state = replace(state, frame_duration=event.frame_duration)
    healthy_since = now if state.in_incident or state.healthy_since is None else state.healthy_since
    return _healthy(policy, state, now, healthy_since), said


def _unproved(policy: Policy, state: State, frame_duration: float, now: float) -> State:
    """Fewer than three healthy frames end nothing: a camera of which every other frame is bad is no healthy one."""
    if state.phase is Phase.RETRYING:
        # The worker waits by what the frames say; so must we, or a night that falls looks like its silence.
        state = replace(state, frame_duration=max(state.frame_duration, frame_duration))
        return replace(state, deadline=now + _report_time(policy, state))
    return _slower(policy, state, frame_duration)


def _slower(policy: Policy, state: State, frame_duration: float) -> State:
    """Frames that take much longer than was known (a night began meanwhile) get the time that they need."""
    if frame_duration < _MUCH_LONGER * state.frame_duration:
        return state
    before = lease.remaining(policy, state) + lease.settle_time(policy, state)
    state = replace(state, frame_duration=frame_duration)
    added = lease.remaining(policy, state) + lease.settle_time(policy, state) - before
    if state.phase is Phase.SETTLING:
        deadline = max(state.deadline, state.since + lease.settle_time(policy, state))
        state = replace(state, deadline=deadline)
    return replace(state, lease_until=state.lease_until + added)


def _good_news(state: State, now: float) -> tuple[Effect, ...]:
    match state.phase:
        case Phase.HEALTHY:
            return ()
        case Phase.RETRYING:
            return (ev.SayHiccup(state.attempt, now - state.opened_at),)
        case Phase.STARTING:
            return (ev.SayStarted(now - state.opened_at),)
        case Phase.ACTING | Phase.SETTLING if not state.fault:
            return (ev.SayStarted(now - state.opened_at),)
        case Phase.ACTING | Phase.SETTLING:
            return (ev.SayRecovered(state.fault, state.rung, state.attempt, now - state.opened_at),)
    return (ev.SayRecovered(state.fault, None, 0, now - state.opened_at),)


def _healthy(policy: Policy, state: State, now: float, healthy_since: float) -> State:
    return state.to(
        Phase.HEALTHY, now, now + _report_time(policy, state),
        rung=Rung.RETRY, attempt=0, milestone=Milestone.NONE, fault="", suspicion="", exhausted=False,
        failed_recoveries=0, healthy_since=healthy_since, noticed_after=None, critical_said=False,
        tries=0, hurries=0, hurried_at=float("-inf"), device_seen=False,
    )  # fmt: skip


def _report_time(policy: Policy, state: State) -> float:
    return liveness.frame_deadline(state.frame_duration, policy.supervision) + REPORT_SLACK


def _count(policy: Policy, state: State, event: Event, now: float) -> Step:
    """During an incident a failed capture is counted and ends the streak; the rung's own deadline decides."""
    assert isinstance(event, ev.CaptureFailed)
    return replace(state, failures=state.failures + 1, streak=0), ()


def _failure(policy: Policy, state: State, event: Event, now: float) -> Step:
    """A failed capture of a healthy camera: the retry rung, until the count or the clock makes it a fault."""
    assert isinstance(event, ev.CaptureFailed)
    rules, failures = policy.supervision, state.failures + 1
    opened_at = now if state.phase is Phase.HEALTHY else state.opened_at
    state = replace(state, failures=failures, streak=0, suspicion=event.fault, opened_at=opened_at)
    said = ev.SayFailure(event.fault, event.evidence, failures, rules.max_consecutive_failures)
    last_word = (state.last_healthy or now) + liveness.no_frame_deadline(state.frame_duration, rules)
    if failures >= rules.max_consecutive_failures or now >= last_word:
        state, effects = _open_incident(policy, state, ev.Faulted(event.fault, event.evidence), now)
        return state, (said, *effects)
    deadline = min(now + _report_time(policy, state), last_word)
    return state.to(Phase.RETRYING, now, deadline, rung=Rung.RETRY, attempt=failures), (said,)


def _silence(policy: Policy, state: State, event: Event, now: float) -> Step:
    """The worker itself reports a missed frame; no report at all is a failed capture of its own kind."""
    last_word = (state.last_healthy or now) + liveness.no_frame_deadline(
        state.frame_duration, policy.supervision
    )
    if state.suspicion and now >= last_word:
        return _open_incident(policy, state, ev.Faulted(state.suspicion, "no_frame_timeout"), now)
    return _failure(policy, state, ev.CaptureFailed("worker-silent", "no report from the worker"), now)


# --- the incident -----------------------------------------------------------------------------------------


def _open_incident(policy: Policy, state: State, event: Event, now: float) -> Step:
    assert isinstance(event, ev.Faulted | ev.WorkerExited)
    state = _forgive(policy, state, now)
    noticed = None if state.last_healthy is None else now - state.last_healthy
    opened_at = state.opened_at if state.phase is Phase.RETRYING else now
    state = replace(
        state, fault=event.fault, opened_at=opened_at, noticed_after=noticed, healthy_since=None, streak=0,
        failures=max(state.failures, 1), lease_until=0.0,
    )  # fmt: skip
    state, effects = _climb(policy, state, now)
    return state, (ev.SayFault(event.fault, event.evidence, noticed), *effects)


def _forgive(policy: Policy, state: State, now: float) -> State:
    """Only health without a break for `stable_after` takes the ladder back to its foot."""
    stable = state.healthy_since is not None and now - state.healthy_since >= policy.supervision.stable_after
    return replace(state, floor=Rung.RETRY, used=(0,) * len(Rung)) if stable else state


def _climb(policy: Policy, state: State, now: float) -> Step:
    """Choose the next attempt: the lowest rung from the fault's entry and our own floor with attempts left."""
    fault = FAULTS[state.fault]
    if fault.hold is not None:
        return _hold(policy, state, fault, now)
    entry = max(fault.entry, state.floor, key=lambda rung: rung.height)
    rung = next((r for r in lease.rungs_from(policy, entry) if lease.attempts_left(policy, state, r)), None)
    if rung is None:
        return _exhausted(policy, state, now)
    state = replace(state, floor=rung, rung=rung, attempt=state.used[rung.height] + 1, exhausted=False)
    # Every attempt shortens what remains, so within one climb this never moves the end of the lease.
    state = replace(state, lease_until=max(state.lease_until, now + lease.remaining(policy, state)))
    return _wait_or_act(policy, state, now, _backoff(policy, state, fault))


def _backoff(policy: Policy, state: State, fault: Fault) -> float:
    """Before the first attempt only a camera that may come back by itself is waited for."""
    if state.attempt == 1 and fault.entry.height >= state.rung.height:
        return 0.0
    return lease.backoff(policy, state.rung, state.attempt)


def _exhausted(policy: Policy, state: State, now: float) -> Step:
    """The ladder is spent: restart-worker repeats every cooldown. Each round is a move with a lease of its own."""
    rung, rounds = Rung.RESTART_WORKER, state.rounds + 1
    attempt = policy.row(rung).attempts
    critical: tuple[Effect, ...] = ()
    pause = lease.backoff(policy, rung, attempt)
    if state.failed_recoveries:  # else it flaps: the last attempt helped, and so may the next
        pause = policy.supervision.recovery_cooldown
        state, critical = _say_critical(state, "every rung of the ladder was tried")
    state = replace(
        state, floor=rung, rung=rung, attempt=attempt, exhausted=True, rounds=rounds,
    )  # fmt: skip
    # A fault that a higher rung is for may turn out to be a lower one's: the attempts not spent have their time.
    lease_until = now + lease.one_round(policy, state, pause) + lease.remaining(policy, state)
    state = replace(state, lease_until=lease_until)
    state, effects = _wait_or_act(policy, state, now, pause)
    return state, (*critical, *effects)


def _hold(policy: Policy, state: State, fault: Fault, now: float) -> Step:
    assert fault.hold is not None
    rung = Rung.RESTART_WORKER
    # The probe may find a fault that is climbed for: its rungs are in the lease, which then need not move.
    lease_until = now + lease.one_round(policy, state, fault.hold) + lease.remaining(policy, state)
    critical: tuple[Effect, ...] = ()
    if fault.name != _SOMEBODY_ELSE:
        state, critical = _say_critical(state, "no remedy of the ladder cures this")
    state = state.to(
        Phase.HOLDING, now, now + fault.hold, rung=rung, attempt=0, milestone=Milestone.NONE,
        rounds=state.rounds + 1, lease_until=lease_until,
    )  # fmt: skip
    if state.device_seen and _may_hurry(policy, state, now):
        state, effects = _appeared(policy, state, ev.DeviceAppeared(), now)
        return state, (*critical, *effects)
    return state, (*critical, ev.SayWaiting(rung, 0, fault.hold))


def _say_critical(state: State, reason: str) -> tuple[State, tuple[Effect, ...]]:
    if state.critical_said:
        return state, ()
    return replace(state, critical_said=True), (ev.SayCritical(state.fault, reason),)


def _wait_or_act(policy: Policy, state: State, now: float, pause: float) -> Step:
    if pause > 0 and state.device_seen and _may_hurry(policy, state, now):
        pause, state = 0.0, replace(state, hurried_at=now, hurries=state.hurries + 1)
    if pause <= 0:
        return _act(policy, state, ev.TimePassed(), now)
    state = state.to(Phase.BACKOFF, now, now + pause, milestone=Milestone.NONE)
    return state, (ev.SayWaiting(state.rung, state.attempt, pause, state.exhausted),)


def _act(policy: Policy, state: State, event: Event, now: float) -> Step:
    """Backoff is over, or a device appeared: perform the attempt."""
    used = list(state.used)
    used[state.rung.height] = min(used[state.rung.height] + 1, policy.row(state.rung).attempts)
    state = replace(state, used=tuple(used), started_at=now, device_seen=False)
    if state.rung is Rung.RESTART_STREAM:
        deadline = now + policy.row(state.rung).timeout
        return state.to(Phase.ACTING, now, deadline), (ev.Perform(state.rung, state.attempt),)
    return _start_worker(policy, state, now, Phase.ACTING)


def _probe(policy: Policy, state: State, event: Event, now: float) -> Step:
    """A held fault is tried again: the fresh worker either delivers or names the fault anew."""
    state = replace(state, started_at=now, rung=Rung.RESTART_WORKER, attempt=0, device_seen=False)
    return _start_worker(policy, state, now, Phase.ACTING)


def _start_worker(policy: Policy, state: State, now: float, phase: Phase) -> Step:
    # The standby serves the first re-initialisation of an incident; later ones execute afresh.
    fresh = phase is Phase.STARTING or state.tries > 0
    bound = now + REAP_BOUND + policy.supervision.import_timeout
    state = state.to(
        phase, now, bound, rung=Rung.RESTART_WORKER, milestone=Milestone.REAPING, started_at=now
    )
    if phase is not Phase.STARTING:
        state = replace(state, tries=state.tries + 1)
    else:
        state = replace(state, lease_until=now + lease.remaining(policy, state))
    return state, (ev.Perform(Rung.RESTART_WORKER, state.attempt, fresh),)


# --- the milestones of a worker ---------------------------------------------------------------------------


def _importing(policy: Policy, state: State, event: Event, now: float) -> Step:
    if state.milestone is not Milestone.REAPING:
        return state, ()
    deadline = now + policy.supervision.import_timeout
    return state.to(state.phase, now, deadline, milestone=Milestone.IMPORTING), ()


def _opening(policy: Policy, state: State, event: Event, now: float) -> Step:
    if state.milestone not in (Milestone.REAPING, Milestone.IMPORTING):
        return state, ()
    deadline = now + policy.row(Rung.RESTART_WORKER).timeout
    return state.to(state.phase, now, deadline, milestone=Milestone.OPENING), ()


def _settling(policy: Policy, state: State, event: Event, now: float) -> Step:
    if (
        state.phase is Phase.ACTING
        and state.milestone is Milestone.NONE
        and isinstance(event, ev.StreamStarted)
    ):
        return state, ()  # a restart of the stream is over when its outcome says so
    bound = lease.settle_time(policy, state)
    return state.to(Phase.SETTLING, now, now + bound, milestone=Milestone.NONE, streak=0), ()


def _action_ended(policy: Policy, state: State, event: Event, now: float) -> Step:
    assert isinstance(event, ev.ActionEnded)
    if state.rung is not Rung.RESTART_STREAM:
        return state, ()
    if event.outcome is Outcome.SUCCEEDED:
        return _settling(policy, state, event, now)
    return _attempt_failed(policy, state, event.detail or event.outcome.value, now)


# --- what goes wrong on the way ---------------------------------------------------------------------------


def _attempt_failed(policy: Policy, state: State, reason: str, now: float) -> Step:
    said = ev.SayAttemptFailed(state.rung, state.attempt, reason, now - state.started_at)
    # A capture that the attempt did not even come to is a missed one too.
    failures = state.failures + 1
    state = replace(state, failed_recoveries=state.failed_recoveries + 1, failures=failures)
    state, effects = _climb(policy, state, now)
    return state, (said, *effects)


def _no_start(policy: Policy, state: State, fault: str, evidence: str, now: float) -> Step:
    """The start failed: the incident that was open since then gets its name."""
    state = replace(state, fault=fault, failures=max(state.failures, 1))
    state, effects = _climb(policy, state, now)
    return state, (ev.SayFault(fault, evidence, None), *effects)


def _late(policy: Policy, state: State, event: Event, now: float) -> Step:
    """The attempt's deadline is reached: an action that hangs is an outcome too."""
    fault = _MISSED[state.milestone]
    reason = f"no end after {now - state.since:.1f} s ({state.milestone or 'stream restart'})"
    if state.phase is Phase.STARTING:
        return _no_start(policy, state, fault, reason, now)
    if state.phase is Phase.SETTLING:
        if not state.fault:
            return _no_start(policy, state, "start-timeout", "no frames after the start", now)
        reason = f"no {PROOF_FRAMES} healthy frames within {now - state.since:.1f} s"
        if state.rung is Rung.RESTART_WORKER and state.fault in _UNOPENED:
            state, said = _take_over(state, ev.Faulted("start-timeout", reason))
            state, effects = _attempt_failed(policy, state, reason, now)
            return state, (*said, *effects)
    return _attempt_failed(policy, state, reason, now)


# A camera that was opened and then gives no frames has another fault than these.
_UNOPENED = frozenset(name for name, fault in FAULTS.items() if fault.hold is not None) | {
    "not-found", "device-gone", "init-failed", "init-timeout", "import-timeout",
}  # fmt: skip

_MISSED = {
    Milestone.NONE: "start-timeout",
    Milestone.REAPING: "worker-unkillable",
    Milestone.IMPORTING: "import-timeout",
    Milestone.OPENING: "init-timeout",
}


def _worse(policy: Policy, state: State, event: Event, now: float) -> Step:
    """Direct evidence during an incident: it fails the attempt, and takes the incident over if it is worse."""
    assert isinstance(event, ev.Faulted | ev.WorkerExited)
    if not state.fault:
        return _no_start(policy, state, event.fault, event.evidence, now)
    if (
        state.phase is Phase.ACTING
        and state.rung is Rung.RESTART_STREAM
        and not _is_worse(state, event.fault)
    ):
        return state, ()  # the words of the old stall may arrive while the stream is being restarted
    state, said = _take_over(state, event)
    state, effects = _attempt_failed(policy, state, event.evidence or event.fault, now)
    return state, (*said, *effects)


def _worse_while_waiting(policy: Policy, state: State, event: Event, now: float) -> Step:
    assert isinstance(event, ev.Faulted | ev.WorkerExited)
    higher = FAULTS[event.fault].entry.height > state.rung.height
    held = FAULTS[event.fault].hold is not None and isinstance(event, ev.Faulted)
    if event.fault == state.fault or not (higher or held):
        return state, ()
    state, said = _take_over(state, event)
    state, effects = _climb(policy, state, now)
    return state, (*said, *effects)


def _take_over(state: State, event: ev.Faulted | ev.WorkerExited) -> tuple[State, tuple[Effect, ...]]:
    """The incident carries the name of the latest fault that is not weaker than its own.

    A camera that was opened has disproved whatever kept it from being opened: then any name is better.
    """
    old, new = FAULTS[state.fault], FAULTS[event.fault]
    opened = state.phase is Phase.SETTLING and state.rung is Rung.RESTART_WORKER
    weaker = new.entry.height < old.entry.height and new.hold is None
    # A worker that runs in the place of an unkillable one has disproved that too.
    freed = old.entry is Rung.REBOOT and state.milestone in (Milestone.IMPORTING, Milestone.OPENING)
    if new is old or (weaker and not (opened or freed)):
        return state, ()
    said = ev.SayFault(event.fault, event.evidence, state.noticed_after)
    return replace(state, fault=event.fault), (said,)


def _is_worse(state: State, fault: str) -> bool:
    return FAULTS[fault].entry.height > state.rung.height


def _wedged(policy: Policy, state: State, event: Event, now: float) -> Step:
    """Nothing below can help; no worker may open the camera until this one is gone."""
    assert isinstance(event, ev.WorkerUnkillable)
    said = ev.SayFault(event.fault, event.evidence, state.noticed_after)
    lease_until = state.lease_until if state.in_incident else now + lease.wedged(policy)
    state = state.to(
        Phase.WEDGED, now, now + policy.supervision.recovery_cooldown, fault=event.fault, streak=0,
        milestone=Milestone.NONE, lease_until=lease_until, failures=max(state.failures, 1),
    )  # fmt: skip
    state, critical = _say_critical(state, "a process that cannot be killed holds the camera")
    return state, (said, *critical)


def _still_wedged(policy: Policy, state: State, event: Event, now: float) -> Step:
    """Waiting for the kernel is no progress: the lease is not renewed, and systemd acts when it runs out."""
    return state.to(Phase.WEDGED, now, now + policy.supervision.recovery_cooldown), ()


def _unwedged(policy: Policy, state: State, event: Event, now: float) -> Step:
    rung = Rung.RESTART_WORKER
    state = replace(
        state, rung=rung, attempt=max(state.used[rung.height], 1), floor=rung, rounds=state.rounds + 1
    )
    state, effects = _start_worker(policy, state, now, Phase.ACTING)
    lease_until = now + lease.one_round(policy, state, 0.0) + lease.remaining(policy, state)
    return replace(state, lease_until=lease_until), effects


def _appeared(policy: Policy, state: State, event: Event, now: float) -> Step:
    """A plugged-in device is probed at once, whatever node it comes back as."""
    if not _may_hurry(policy, state, now):
        return state, ()
    state = replace(state, hurried_at=now, hurries=state.hurries + 1)
    return (_probe if state.phase is Phase.HOLDING else _act)(policy, state, event, now)


def _may_hurry(policy: Policy, state: State, now: float) -> bool:
    """At once, then more and more rarely: a device that appears anew at each open must not cancel every pause."""
    connection = FAULTS[state.fault].issue is Issue.CONNECTION_ERROR
    rested = now - state.hurried_at >= min(
        2.0 ** min(state.hurries, 30), policy.supervision.recovery_cooldown
    )
    return connection and rested and state.rung is Rung.RESTART_WORKER


def _seen(policy: Policy, state: State, event: Event, now: float) -> Step:
    """The attempt under way may have looked too early: if it fails, the next one waits for nothing."""
    return replace(state, device_seen=True), ()


def _nothing(policy: Policy, state: State, event: Event, now: float) -> Step:
    return state, ()


# --- the table: a row per event, a column per phase; total, and the empty cells are written down ----------

_PHASES = (
    Phase.STARTING, Phase.HEALTHY, Phase.RETRYING, Phase.BACKOFF, Phase.ACTING, Phase.SETTLING, Phase.HOLDING, Phase.WEDGED,
)  # fmt: skip
_open, _wait = _open_incident, _worse_while_waiting
_, _f = _nothing, _frames

# fmt: off
_ROWS: tuple[tuple[type[Event], tuple[Handler, ...]], ...] = (
    #                     STARTING    HEALTHY   RETRYING  BACKOFF    ACTING         SETTLING HOLDING    WEDGED
    (ev.WorkerStarted,    (_importing, _,        _,        _,         _importing,    _,       _,         _)),
    (ev.WorkerImported,   (_opening,   _,        _,        _,         _opening,      _,       _,         _)),
    (ev.StreamStarted,    (_settling,  _,        _,        _,         _settling,     _,       _,         _)),
    (ev.FramesArrived,    (_f,         _f,       _f,       _f,        _f,            _f,      _f,        _f)),
    (ev.CaptureFailed,    (_count,     _failure, _failure, _count,    _count,        _count,  _count,    _count)),
    (ev.Faulted,          (_worse,     _open,    _open,    _wait,     _worse,        _worse,  _,         _)),
    (ev.ActionEnded,      (_,          _,        _,        _,         _action_ended, _,       _,         _)),
    (ev.WorkerExited,     (_worse,     _open,    _open,    _wait,     _worse,        _worse,  _,         _)),
    (ev.WorkerUnkillable, (_wedged,    _wedged,  _wedged,  _wedged,   _wedged,       _wedged, _wedged,   _still_wedged)),
    (ev.WorkerReaped,     (_,          _,        _,        _,         _,             _,       _,         _unwedged)),
    (ev.DeviceAppeared,   (_seen,      _,        _,        _appeared, _seen,         _seen,   _appeared, _)),
    (ev.TimePassed,       (_late,      _silence, _silence, _act,      _late,         _late,   _probe,    _still_wedged)),
)
# fmt: on
TABLE = {event: dict(zip(_PHASES, handlers, strict=True)) for event, handlers in _ROWS}
