# SPDX-License-Identifier: MIT
"""Owns the way up: an incident opens, the next rung is chosen, its action ordered or waited for."""

from dataclasses import replace

from camwatchd.core import events as ev
from camwatchd.core import lastrungs, lease
from camwatchd.core.events import Effect, Event
from camwatchd.core.faults import ABSENT, FAULTS, Fault, Issue
from camwatchd.core.ladder import Rung
from camwatchd.core.state import REAP_BOUND, Milestone, Phase, Policy, State, Step

# Faults that another program or a human ends; only the first is no reason to call anybody.
_SOMEBODY_ELSE = "busy"
# Its node appears if it is plugged in again, and ends the wait. Looked for before, it would not be found, and the
# standby would be spent on that.
_UNPLUGGED = "device-gone"

_NOT_ON_USB = "the camera is not on USB"
_NEVER_OPENED = "the camera was not opened yet, so it is not known whether it is on USB"


def open_incident(policy: Policy, state: State, event: Event, now: float) -> Step:
    assert isinstance(event, ev.Faulted | ev.WorkerExited)
    state = forgiven(policy, state, now)
    noticed = None if state.last_healthy is None else now - state.last_healthy
    opened_at = state.opened_at if state.phase is Phase.RETRYING else now
    state = replace(
        state, fault=event.fault, opened_at=opened_at, noticed_after=noticed, healthy_since=None, streak=0,
        failures=max(state.failures, 1), lease_until=0.0,
    )  # fmt: skip
    state, effects = climb(policy, state, now)
    return state, (ev.SayFault(event.fault, event.evidence, noticed), *effects)


def forgiven(policy: Policy, state: State, now: float) -> State:
    """Only health without a break for `stable_after` takes the ladder back to its foot."""
    stable = state.healthy_since is not None and now - state.healthy_since >= policy.supervision.stable_after
    return replace(state, floor=Rung.RETRY, used=(0,) * len(Rung)) if stable else state


def climb(policy: Policy, state: State, now: float) -> Step:
    """Choose the next attempt: the lowest rung from the fault's entry and our own floor with attempts left."""
    fault = FAULTS[state.fault]
    said: tuple[Effect, ...] = ()
    if fault.entry is Rung.RESTART_SERVICE and lastrungs.service_restart_left(policy, state):
        return lastrungs.ask(policy, state, Rung.RESTART_SERVICE, now)
    if fault.hold is not None:
        return hold(policy, state, fault, now)
    entry = max(fault.entry, state.floor, key=lambda rung: rung.height)
    rungs = [r for r in lease.rungs_from(policy, entry) if lease.attempts_left(policy, state, r)]
    if rungs == [Rung.RESET_DEVICE] and not state.place:
        rungs = []
        state, said = skip(state, _NOT_ON_USB if state.place is not None else _NEVER_OPENED)
    if not rungs:
        state, effects = exhausted(policy, state, now)
        return state, (*said, *effects)
    rung = rungs[0]
    state = replace(state, floor=rung, rung=rung, attempt=state.used[rung.height] + 1, exhausted=False)
    # Every attempt shortens what remains, so within one climb this never moves the end of the lease.
    state = replace(state, lease_until=max(state.lease_until, now + lease.remaining(policy, state)))
    return _wait_or_act(policy, state, now, _backoff(policy, state, fault))


def skip(state: State, reason: str) -> tuple[State, tuple[Effect, ...]]:
    """There is no device to reset: no failure, and told once in an incident."""
    if state.skip_said:
        return state, ()
    return replace(state, skip_said=True), (ev.SaySkipped(Rung.RESET_DEVICE, reason),)


def _backoff(policy: Policy, state: State, fault: Fault) -> float:
    """Before the first attempt only a camera that may come back by itself is waited for."""
    if state.attempt == 1 and fault.entry.height >= state.rung.height and fault.name != _UNPLUGGED:
        return 0.0
    return lease.backoff(policy, state.rung, state.attempt)


def exhausted(policy: Policy, state: State, now: float) -> Step:
    """The in-process rungs are spent: leave, park, or repeat restart-worker every cooldown.

    Each round is a move with a lease of its own.
    """
    if step := lastrungs.beyond(policy, state, now):
        return step
    rung, rounds = Rung.RESTART_WORKER, state.rounds + 1
    attempt = policy.row(rung).attempts
    critical: tuple[Effect, ...] = ()
    pause = lease.backoff(policy, rung, attempt)
    if state.failed_recoveries:  # else it flaps: the last attempt helped, and so may the next
        pause = policy.supervision.recovery_cooldown
        state, critical = lastrungs.say_critical(state, "every rung within the process was tried")
    if state.milestone is Milestone.RESETTING:
        pause = 0.0  # the reset had the worker ended: what returns meanwhile would find nobody
    floor = max(state.floor, rung, key=lambda r: r.height)
    state = replace(state, floor=floor, rung=rung, attempt=attempt, exhausted=True, rounds=rounds)
    # A fault that a higher rung is for may turn out to be a lower one's: the attempts not spent have their time.
    lease_until = now + lease.one_round(policy, state, pause) + lease.remaining(policy, state)
    state = replace(state, lease_until=lease_until)
    state, effects = _wait_or_act(policy, state, now, pause)
    return state, (*critical, *effects)


def hold(policy: Policy, state: State, fault: Fault, now: float) -> Step:
    assert fault.hold is not None
    rung = Rung.RESTART_WORKER
    # The probe may find a fault that is climbed for: its rungs are in the lease, which then need not move.
    lease_until = now + lease.one_round(policy, state, fault.hold) + lease.remaining(policy, state)
    critical: tuple[Effect, ...] = ()
    if fault.name != _SOMEBODY_ELSE:
        state, critical = lastrungs.say_critical(state, "no remedy of the ladder cures this")
    state = state.to(
        Phase.HOLDING, now, now + fault.hold, rung=rung, attempt=0, milestone=Milestone.NONE,
        rounds=state.rounds + 1, lease_until=lease_until,
    )  # fmt: skip
    pause = _cut_short(policy, state, fault.hold, now)
    if pause <= 0:
        state, effects = probe(policy, state, ev.DeviceAppeared(), now)
        return state, (*critical, *effects)
    return replace(state, deadline=now + pause), (*critical, ev.SayWaiting(rung, 0, pause))


def _wait_or_act(policy: Policy, state: State, now: float, pause: float) -> Step:
    pause = _cut_short(policy, state, pause, now)
    if pause <= 0:
        return act(policy, state, ev.TimePassed(), now)
    state = state.to(Phase.BACKOFF, now, now + pause, milestone=Milestone.NONE)
    return state, (ev.SayWaiting(state.rung, state.attempt, pause, state.exhausted),)


def _cut_short(policy: Policy, state: State, pause: float, now: float) -> float:
    """What is left of a pause for a device that appeared while an attempt was under way."""
    if not (state.device_seen and _fits(state)):
        return pause
    return min(pause, max(0.0, hurry_at(policy, state) - now))


def act(policy: Policy, state: State, event: Event, now: float) -> Step:
    """Backoff is over, or a device appeared: perform the attempt."""
    state = hurried(policy, state, now)
    used = list(state.used)
    used[state.rung.height] = min(used[state.rung.height] + 1, policy.row(state.rung).attempts)
    state = replace(state, used=tuple(used), started_at=now, device_seen=False)
    if state.rung is Rung.RESET_DEVICE:
        deadline = now + lease.reset_bound(policy)
        state = state.to(
            Phase.ACTING, now, deadline, milestone=Milestone.RESETTING, tries=state.tries + 1, symptom=""
        )
        return state, (ev.Perform(state.rung, state.attempt),)
    if state.rung is Rung.RESTART_STREAM:
        deadline = now + policy.row(state.rung).timeout
        return state.to(Phase.ACTING, now, deadline), (ev.Perform(state.rung, state.attempt),)
    return start_worker(policy, state, now, Phase.ACTING)


def probe(policy: Policy, state: State, event: Event, now: float) -> Step:
    """A held fault is tried again: the fresh worker either delivers or names the fault anew."""
    state = hurried(policy, state, now)
    state = replace(state, started_at=now, rung=Rung.RESTART_WORKER, attempt=0, device_seen=False)
    return start_worker(policy, state, now, Phase.ACTING)


def start_worker(
    policy: Policy, state: State, now: float, phase: Phase, rung: Rung = Rung.RESTART_WORKER
) -> Step:
    """Have a worker executed, for the attempt of a rung: restart-service is proved by its first worker."""
    # The standby serves the first re-initialisation of an incident; later ones execute afresh, but for one that a
    # plugged-in device brings about: what failed before failed because the device was not there. For that one the
    # standby is kept while a camera is merely looked for.
    looked_for = state.tries > 0 or state.fault in ABSENT
    fresh = phase is Phase.STARTING or (looked_for and state.hurried_at != now)
    bound = now + REAP_BOUND + policy.supervision.import_timeout
    state = state.to(phase, now, bound, rung=rung, milestone=Milestone.REAPING, started_at=now, symptom="")
    if phase is not Phase.STARTING:
        state = replace(state, tries=state.tries + 1)
    else:
        state = replace(state, lease_until=now + lease.remaining(policy, state))
    attempt = state.attempt if rung is Rung.RESTART_WORKER else 0
    return state, (ev.Perform(Rung.RESTART_WORKER, attempt, fresh),)


def attempt_failed(policy: Policy, state: State, reason: str, now: float) -> Step:
    """An attempt did not end in health: it counts, and the ladder goes on."""
    said = ev.SayAttemptFailed(state.rung, state.attempt, reason, now - state.started_at)
    # A capture that the attempt did not even come to is a missed one too.
    failed = state.failed_recoveries + (state.rung in lease.IN_PROCESS)
    state = replace(state, failed_recoveries=failed, failures=state.failures + 1)
    state, effects = climb(policy, state, now)
    return state, (said, *effects)


# --- a device that appears --------------------------------------------------------------------------------


def appeared(policy: Policy, state: State, event: Event, now: float) -> Step:
    """A plugged-in device is probed at once, or as soon as it may be, whatever node it comes back as."""
    if not _fits(state):
        return state, ()
    state, at = replace(state, device_seen=True), hurry_at(policy, state)
    if now < at:
        return replace(state, deadline=min(state.deadline, at)), ()
    return (act if state.phase is Phase.BACKOFF else probe)(policy, state, event, now)


def hurry_at(policy: Policy, state: State) -> float:
    """At once, then more and more rarely: a device that appears anew at each open must not cancel every pause."""
    return state.hurried_at + lease.hurry_pause(policy, state)


def hurried(policy: Policy, state: State, now: float) -> State:
    """The attempt that begins is one that a device has brought about, if one is waited for no longer."""
    if not (state.device_seen and _fits(state) and now >= hurry_at(policy, state)):
        return state
    return replace(state, hurried_at=now, hurries=state.hurries + 1)


def _fits(state: State) -> bool:
    """Whether a new device may be what was waited for."""
    fault = FAULTS.get(state.fault)  # none yet where a rung was ordered for a healthy camera
    missing = (
        fault is not None and fault.issue is Issue.CONNECTION_ERROR and state.rung is Rung.RESTART_WORKER
    )
    return missing or state.phase is Phase.PARKED


def seen(policy: Policy, state: State, event: Event, now: float) -> Step:
    """What is under way may have looked too early: if it fails, the next attempt waits for nothing."""
    return replace(state, device_seen=True), ()


def seen_meanwhile(policy: Policy, state: State, event: Event, now: float) -> Step:
    """A worker that has not even looked makes room for the standby, which waits for just that; once in an attempt."""
    state = replace(state, device_seen=True)
    blind = (
        state.rung is Rung.RESTART_WORKER
        and state.milestone is Milestone.IMPORTING
        and state.fault in ABSENT
    )
    again = hurried(policy, state, now)
    if not blind or again is state or state.hurried_at >= state.started_at:
        return state, ()
    lost = now - state.started_at  # the attempt begins anew, and what remains has as long as before
    again = replace(again, device_seen=False, rounds=state.rounds + 1, lease_until=state.lease_until + lost)
    return start_worker(policy, again, now, Phase.ACTING)
