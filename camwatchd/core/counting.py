# SPDX-License-Identifier: MIT
"""Owns the counting: what frames and failed captures mean, in an incident and out of it."""

from dataclasses import replace

from camwatchd.core import drills, lease, liveness
from camwatchd.core import events as ev
from camwatchd.core.climbing import open_incident
from camwatchd.core.events import Effect, Event
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import PROOF_FRAMES, Rung
from camwatchd.core.state import NEVER, NEVER_BEFORE, REPORT_SLACK, Milestone, Phase, Policy, State, Step

_SILENT = "worker-silent"
_MUCH_LONGER = 1.5  # times as long as before; exposure that creeps up must not move the lease at every frame


def frames(policy: Policy, state: State, event: Event, now: float) -> Step:
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
            took = now - state.started_at
            return (ev.SayRecovered(state.fault, state.rung, state.attempt, now - state.opened_at, took),)
    return (ev.SayRecovered(state.fault, None, 0, now - state.opened_at),)


def _healthy(policy: Policy, state: State, now: float, healthy_since: float) -> State:
    return drills.ended(state).to(
        Phase.HEALTHY, now, now + _report_time(policy, state),
        rung=Rung.RETRY, attempt=0, milestone=Milestone.NONE, fault="", suspicion="", exhausted=False,
        failed_recoveries=0, healthy_since=healthy_since, noticed_after=None, critical_said=False,
        skip_said=False, tries=0, hurries=0, hurried_at=NEVER_BEFORE, device_seen=False,
        parks=0, probe_at=0.0, refusal="", refusal_detail="", ask_at=NEVER, wedged=False, symptom="", waits_since=None,
    )  # fmt: skip


def _report_time(policy: Policy, state: State) -> float:
    return liveness.frame_deadline(state.frame_duration, policy.supervision) + REPORT_SLACK


def count(policy: Policy, state: State, event: Event, now: float) -> Step:
    """During an incident a failed capture is counted and ends the streak; the rung's own deadline decides."""
    assert isinstance(event, ev.CaptureFailed)
    symptom = state.symptom if FAULTS[event.fault].max_reboots else event.fault
    return replace(state, failures=state.failures + 1, streak=0, symptom=symptom), ()


def failure(policy: Policy, state: State, event: Event, now: float) -> Step:
    """A failed capture of a healthy camera: the retry rung, until the count or the clock makes it a fault."""
    assert isinstance(event, ev.CaptureFailed)
    rules, failures = policy.supervision, state.failures + 1
    opened_at = now if state.phase is Phase.HEALTHY else state.opened_at
    state = replace(state, failures=failures, streak=0, suspicion=event.fault, opened_at=opened_at)
    said = ev.SayFailure(event.fault, event.evidence, failures, rules.max_consecutive_failures)
    last_word = (state.last_healthy or now) + liveness.no_frame_deadline(state.frame_duration, rules)
    if failures >= rules.max_consecutive_failures or now >= last_word:
        state, effects = open_incident(policy, state, ev.Faulted(event.fault, event.evidence), now)
        return state, (said, *effects)
    deadline = min(now + _report_time(policy, state), last_word)
    return state.to(Phase.RETRYING, now, deadline, rung=Rung.RETRY, attempt=failures), (said,)


def silence(policy: Policy, state: State, event: Event, now: float) -> Step:
    """The worker itself reports a missed frame; no report at all is a failed capture of its own kind."""
    last_word = (state.last_healthy or now) + liveness.no_frame_deadline(
        state.frame_duration, policy.supervision
    )
    if state.suspicion and now >= last_word:
        return open_incident(policy, state, ev.Faulted(state.suspicion, "no_frame_timeout"), now)
    if _may_only_be_late(policy, state):
        deadline = min(now + _report_time(policy, state), last_word)
        return replace(state, suspicion=_SILENT, deadline=deadline), ()
    return failure(policy, state, ev.CaptureFailed(_SILENT, "no report from the worker"), now)


def _may_only_be_late(policy: Policy, state: State) -> bool:
    """A worker that said itself why the last capture failed has one more report time before silence is the fault.

    What delays its next report by a moment is a busy machine, and a fresh worker would be started in place of the
    stream; one that does hang says nothing the next time either.
    """
    spoke = state.suspicion not in ("", _SILENT)
    return spoke and state.failures + 1 >= policy.supervision.max_consecutive_failures
