# SPDX-License-Identifier: MIT
"""Owns the last rungs: when a camera asks to restart the service or to reboot, and how it is parked if it may not.

The core only asks. The recorder answers by the budget (core/budget.py) and writes a grant down before anybody
leaves; a refusal has a name, parks the camera, and the park ends by health, by a probe or by another answer.
"""

from dataclasses import replace

from camwatchd.core import events as ev
from camwatchd.core import lease
from camwatchd.core.events import Effect, Event
from camwatchd.core.faults import ABSENT, FAULTS
from camwatchd.core.ladder import Rung
from camwatchd.core.state import NEVER, Milestone, Phase, Policy, State, Step

ANSWER_BOUND = 15.0  # seconds: the recorder's 10 s to be durable, and systemd's own answer on the way
# Seconds between the probes of a parked camera, the last one for ever.
PARK_PAUSES = (60.0, 300.0, 900.0, 3600.0)
PAUSE_GRACE = 60.0  # seconds on top of the operator's pause, before systemd takes its end for a hang


def beyond(policy: Policy, state: State, now: float) -> Step | None:
    """What follows the in-process rungs; None: a threshold is still open, or the camera flaps."""
    rules, failed = policy.supervision, state.failed_recoveries
    tried = failed >= policy.row(Rung.RESTART_WORKER).attempts
    counted = state.failures >= rules.system_reboot_threshold and failed >= rules.max_recovery_attempts
    if (tried or counted) and service_restart_left(policy, state):
        return ask(policy, state, Rung.RESTART_SERVICE, now)
    return _reboot_or_park(policy, state, now) if counted else None


def max_reboots(state: State) -> int:
    """How many reboots the fault is worth. A camera that gives pictures, if bad ones, is not worth any."""
    return 0 if state.symptom and not state.wedged else FAULTS[state.fault].max_reboots


def ask(policy: Policy, state: State, rung: Rung, now: float, *, ordered: bool = False) -> Step:
    """Ask to leave. Asking is a move; the answer has a deadline like everything else."""
    attempt = state.used[rung.height] + 1
    state = state.to(
        Phase.LEAVING, now, now + ANSWER_BOUND, rung=rung, attempt=attempt, milestone=Milestone.NONE,
        rounds=state.rounds + 1, lease_until=now + ANSWER_BOUND + lease.MARGIN, ordered=ordered,
    )  # fmt: skip
    return state, (ev.Perform(rung, attempt),)


def spend_service_restart(policy: Policy, state: State) -> State:
    """It was tried, or refused: either way it is not asked for again before the camera was stable."""
    used = list(state.used)
    used[Rung.RESTART_SERVICE.height] = policy.row(Rung.RESTART_SERVICE).attempts
    return replace(state, used=tuple(used), floor=Rung.RESTART_SERVICE)


def park(policy: Policy, state: State, refusal: ev.LeaveRefused, now: float) -> Step:
    """Nothing more may be done for now. What is postponed is asked for again; everything is probed."""
    probed = now >= state.probe_at  # else it was only asked again in between
    probe_at = now + PARK_PAUSES[min(state.parks, len(PARK_PAUSES) - 1)] if probed else state.probe_at
    if state.device_seen and not state.wedged:  # the probe may have looked too early
        probe_at = min(probe_at, now + lease.hurry_pause(policy, state))
    if state.drill is not None:  # then it is no drill any more
        probe_at = min(probe_at, state.drill.until)
    ask_at = now + refusal.again_in if refusal.again_in > 0 else NEVER
    deadline = min(probe_at, ask_at)
    lease_until = (
        deadline + ANSWER_BOUND + lease.one_round(policy, state, 0.0) + lease.remaining(policy, state)
    )
    said = _say_refusal(state, refusal, probe_at - now)
    state = state.to(
        Phase.WEDGED if state.wedged else Phase.PARKED, now, deadline, rung=Rung.REBOOT,
        milestone=Milestone.NONE, refusal=refusal.name, refusal_detail=refusal.detail, ask_at=ask_at,
        probe_at=probe_at, parks=state.parks + probed, rounds=state.rounds + 1, lease_until=lease_until,
        waits_since=_waits_since(state, refusal, now), critical_said=state.critical_said or not refusal.postponed,
    )  # fmt: skip
    return state, said


def wedged(policy: Policy, state: State, event: Event, now: float) -> Step:
    """Nothing below can help; no worker may open the camera until the one that cannot be killed is gone."""
    assert isinstance(event, ev.WorkerUnkillable)
    if state.wedged:
        return state, ()  # said again while the answer is out: another request would make that answer void
    said = ev.SayFault(event.fault, event.evidence, state.noticed_after)
    opened_at = now if state.phase is Phase.HEALTHY else state.opened_at
    state = replace(
        state, fault=event.fault, opened_at=opened_at, streak=0, failures=max(state.failures, 1), wedged=True
    )  # fmt: skip
    state, critical = say_critical(state, "a process that cannot be killed holds the camera")
    state, effects = _reboot_or_park(policy, state, now)
    return state, (said, *critical, *effects)


def ask_again(policy: Policy, state: State, event: Event, now: float) -> Step:
    """The budget may have reopened, others may be done, the kernel may still hold the process."""
    return _reboot_or_park(policy, state, now)


def say_critical(state: State, reason: str) -> tuple[State, tuple[Effect, ...]]:
    """Call a human, once in an incident."""
    if state.critical_said:
        return state, ()
    return replace(state, critical_said=True), (ev.SayCritical(state.fault, reason),)


def _reboot_or_park(policy: Policy, state: State, now: float) -> Step:
    if refusal := own_refusal(policy, state):
        return park(policy, state, refusal, now)
    return ask(policy, state, Rung.REBOOT, now)


def own_refusal(policy: Policy, state: State) -> ev.LeaveRefused | None:
    """What the recorder need not be asked about."""
    if state.drilled:
        return ev.LeaveRefused("drill", "it began with an alarm drill; that alone makes nobody leave")
    if not policy.required:
        return ev.LeaveRefused("optional-camera", "only a required camera may reboot the machine")
    if not policy.row(Rung.REBOOT).enabled:
        return ev.LeaveRefused("rung-off", "[ladder.reboot] enabled = false")
    if max_reboots(state) == 0:
        return ev.LeaveRefused("no-cure", f"a reboot does not cure {state.symptom or state.fault}")
    return None


def service_restart_left(policy: Policy, state: State) -> bool:
    """Whether this rung may still be asked for. What only shows in the picture is no damage in the service.

    Nor is a USB camera that is not there: whoever restarts misses it when it comes back.
    """
    rung = Rung.RESTART_SERVICE
    if (state.fault in ABSENT and state.place) or state.drilled:
        return False
    left = policy.row(rung).enabled and lease.attempts_left(policy, state, rung) > 0
    entry = FAULTS[state.fault].entry
    cures = entry is rung or (entry.height < rung.height and max_reboots(state) > 0)
    return left and policy.required and cures


def _say_refusal(state: State, refusal: ev.LeaveRefused, seconds: float) -> tuple[Effect, ...]:
    """A refusal of the same name is no news; what is only postponed calls nobody."""
    if refusal.name == state.refusal:
        return ()
    if refusal.postponed:
        return (ev.SayRefused(Rung.REBOOT, refusal.name, refusal.detail, refusal.again_in, True),)
    return (ev.SayParked(state.fault, refusal.name, refusal.detail, seconds),)


def _waits_since(state: State, refusal: ev.LeaveRefused, now: float) -> float | None:
    if refusal.name != "others-at-work":
        return None
    return now if state.waits_since is None else state.waits_since
