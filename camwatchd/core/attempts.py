# SPDX-License-Identifier: MIT
"""Owns the attempts: how far a restart has come, how it ends, and what goes wrong on the way."""

from dataclasses import replace

from camwatchd.core import events as ev
from camwatchd.core import lease, liveness
from camwatchd.core.climbing import attempt_failed, climb, skip, start_worker
from camwatchd.core.events import Effect, Event
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import PROOF_FRAMES, Outcome, Rung
from camwatchd.core.state import RUNS, Milestone, Phase, Policy, State, Step


def importing(policy: Policy, state: State, event: Event, now: float) -> Step:
    if state.milestone is not Milestone.REAPING:
        return state, ()
    return _run(policy, state, Milestone.IMPORTING, now), ()


def opening(policy: Policy, state: State, event: Event, now: float) -> Step:
    if state.milestone not in (Milestone.REAPING, Milestone.IMPORTING):
        return state, ()
    return _run(policy, state, Milestone.OPENING, now), ()


def _run(policy: Policy, state: State, milestone: Milestone, now: float) -> State:
    """The first deadline is the one at which it is told that this is slow."""
    slow, bound = liveness.SLOW_OPEN, policy.row(Rung.RESTART_WORKER).timeout
    if milestone is Milestone.IMPORTING:
        slow, bound = liveness.SLOW_IMPORT, policy.supervision.import_timeout
    deadline = now + min(slow, bound)
    return state.to(state.phase, now, deadline, milestone=milestone, run_until=now + bound)


def settling(policy: Policy, state: State, event: Event, now: float) -> Step:
    if (
        state.phase is Phase.ACTING
        and state.milestone in (Milestone.NONE, Milestone.RESETTING)
        and isinstance(event, ev.StreamStarted)
    ):
        return state, ()  # a restart of the stream, or a reset, is over when its outcome says so
    bound = lease.settle_time(policy, state)
    return state.to(Phase.SETTLING, now, now + bound, milestone=Milestone.NONE, streak=0), ()


def action_ended(policy: Policy, state: State, event: Event, now: float) -> Step:
    assert isinstance(event, ev.ActionEnded)
    if state.rung is Rung.RESET_DEVICE and state.milestone is Milestone.RESETTING:
        return _reset_ended(policy, state, event, now)
    if state.rung is not Rung.RESTART_STREAM:
        return state, ()
    if event.outcome is Outcome.SUCCEEDED:
        return settling(policy, state, event, now)
    return _failed(policy, state, "capture-error", event.detail or event.outcome.value, now)


def _failed(policy: Policy, state: State, fault: str, reason: str, now: float) -> Step:
    """An action failed; one that was ordered for a healthy camera is the first that goes wrong with it."""
    if not state.fault:
        return _no_start(policy, state, fault, reason, now)
    return attempt_failed(policy, state, reason, now)


def _reset_ended(policy: Policy, state: State, event: ev.ActionEnded, now: float) -> Step:
    """A fresh worker proves it: what had the device open before holds a dead object."""
    if event.outcome is Outcome.SUCCEEDED:
        began = state.started_at  # the attempt is the reset and its proof
        state, effects = start_worker(policy, state, now, Phase.ACTING, Rung.RESET_DEVICE)
        return replace(state, started_at=began), effects
    if event.outcome is Outcome.NOT_APPLICABLE and not state.fault:
        return start_worker(policy, state, now, Phase.ACTING)  # it was well until somebody ordered this
    if event.outcome is Outcome.NOT_APPLICABLE:
        state, said = skip(state, event.detail)
        state, effects = climb(policy, state, now)
        return state, (*said, *effects)
    return _failed(policy, state, "init-failed", event.detail or event.outcome.value, now)


def located(policy: Policy, state: State, event: Event, now: float) -> Step:
    """Remembered over restarts of the service too: what is reset is the place, whatever is called how by then."""
    assert isinstance(event, ev.Located)
    return replace(state, place=event.place), ()


def _no_start(policy: Policy, state: State, fault: str, evidence: str, now: float) -> Step:
    """The start failed: the incident that was open since then gets its name."""
    state = replace(state, fault=fault, failures=max(state.failures, 1))
    state, effects = climb(policy, state, now)
    return state, (ev.SayFault(fault, evidence, None), *effects)


def late(policy: Policy, state: State, event: Event, now: float) -> Step:
    """The attempt's deadline is reached: an action that hangs is an outcome too. One that is only slow is told of."""
    if state.runs and now < state.run_until:
        slow = ev.SaySlow(_MISSED[state.milestone], now - state.since, state.run_until - now)
        return replace(state, deadline=state.run_until), (slow,)
    name, reason = _better_name(state), _what_is_missing(state, now - state.since)
    if not state.fault:
        return _no_start(policy, state, name, reason, now)
    state, said = _take_over(state, ev.Faulted(name, reason))
    state, effects = attempt_failed(policy, state, reason, now)
    return state, (*said, *effects)


def _what_is_missing(state: State, waited: float) -> str:
    if state.phase is Phase.SETTLING:
        return f"no {PROOF_FRAMES} healthy frames within {waited:.1f} s"
    if _stream_restart_hangs(state):
        return f"the restart of the stream did not return within {waited:.1f} s"
    return f"no end after {waited:.1f} s ({state.milestone})"


def _better_name(state: State) -> str:
    """What the attempt has shown in place of what it was made for: a picture, silence, or a call that hangs."""
    if _stream_restart_hangs(state):
        return "worker-silent"
    if state.phase is not Phase.SETTLING:
        return _MISSED[state.milestone] if state.milestone in RUNS or not state.fault else state.fault
    silent = not state.fault or (state.rung is not Rung.RESTART_STREAM and state.fault in _DISPROVED)
    return state.symptom or ("start-timeout" if silent else state.fault)


def _stream_restart_hangs(state: State) -> bool:
    """Then a call hangs, whatever the incident began with: a second order would queue behind it in that worker."""
    acting = state.phase is Phase.ACTING and state.rung is Rung.RESTART_STREAM
    return acting and state.milestone not in RUNS  # a worker that had not opened yet hangs in its start


# A camera that was opened and then gives no frames has another fault than these.
_DISPROVED = frozenset(n for n, fault in FAULTS.items() if not fault.max_reboots or fault.entry is Rung.REBOOT) | {
    "not-found", "device-gone", "init-failed", "init-timeout", "import-timeout",
}  # fmt: skip

_MISSED = {
    Milestone.NONE: "start-timeout",
    Milestone.REAPING: "worker-unkillable",
    Milestone.RESETTING: "init-timeout",
    Milestone.IMPORTING: "import-timeout",
    Milestone.OPENING: "init-timeout",
}


def worse(policy: Policy, state: State, event: Event, now: float) -> Step:
    """Direct evidence during an incident: it fails the attempt, and takes the incident over if it is worse."""
    assert isinstance(event, ev.Faulted | ev.WorkerExited)
    if state.milestone is Milestone.RESETTING:
        return state, ()  # no worker lives: these are the kernel's words on the reset, whose outcome follows
    if not state.fault:
        return _no_start(policy, state, event.fault, event.evidence, now)
    if (
        state.phase is Phase.ACTING
        and state.rung is Rung.RESTART_STREAM
        and not _is_worse(state, event.fault)
    ):
        return state, ()  # the words of the old stall may arrive while the stream is being restarted
    state, said = _take_over(state, event)
    state, effects = attempt_failed(policy, state, event.evidence or event.fault, now)
    return state, (*said, *effects)


def worse_while_waiting(policy: Policy, state: State, event: Event, now: float) -> Step:
    assert isinstance(event, ev.Faulted | ev.WorkerExited)
    higher = FAULTS[event.fault].entry.height > state.rung.height
    held = FAULTS[event.fault].hold is not None and isinstance(event, ev.Faulted)
    if event.fault == state.fault or not (higher or held):
        return state, ()
    state, said = _take_over(state, event)
    state, effects = climb(policy, state, now)
    return state, (*said, *effects)


def _take_over(state: State, event: ev.Faulted | ev.WorkerExited) -> tuple[State, tuple[Effect, ...]]:
    """The incident carries the name of the latest fault that is not weaker than its own.

    A camera that was opened has disproved whatever kept it from being opened: then any name is better.
    """
    old, new = FAULTS[state.fault], FAULTS[event.fault]
    opened = state.phase is Phase.SETTLING and state.rung is not Rung.RESTART_STREAM
    weaker = new.entry.height < old.entry.height and new.hold is None
    # A worker that runs in the place of an unkillable one, or of a refused one, has disproved that too.
    freed = old.entry.height >= Rung.RESTART_SERVICE.height and state.milestone in RUNS
    if new is old or (weaker and not (opened or freed)):
        return state, ()
    said = ev.SayFault(event.fault, event.evidence, state.noticed_after)
    return replace(state, fault=event.fault), (said,)


def _is_worse(state: State, fault: str) -> bool:
    return FAULTS[fault].entry.height > state.rung.height
