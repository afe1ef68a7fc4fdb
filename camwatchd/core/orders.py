# SPDX-License-Identifier: MIT
"""Owns what an operator may order of the ladder: which rung may be tried now, and why another may not.

An order spends none of the ladder's own attempts, and what it begins goes on like everything else: by proof of
frames, or up the ladder. The last two rungs are asked for as ever; a refusal changes nothing.
"""

from collections.abc import Iterator
from dataclasses import replace

from camwatchd.core import events as ev
from camwatchd.core import lastrungs, lease
from camwatchd.core.climbing import act, climb, forgiven
from camwatchd.core.events import Event
from camwatchd.core.ladder import PROOF_FRAMES, Rung
from camwatchd.core.state import Phase, Policy, State, Step
from camwatchd.core.timespan import duration

WELL = (Phase.HEALTHY, Phase.RETRYING)  # an order disturbs a camera that delivers
_LEAVING = (Rung.RESTART_SERVICE, Rung.REBOOT)
_UNDER_WAY = (Phase.STARTING, Phase.ACTING, Phase.SETTLING, Phase.LEAVING)

_DOES = {
    Rung.RETRY: "nothing",
    Rung.RESTART_STREAM: "the stream is stopped and started again in the same process",
    Rung.RESTART_WORKER: "the capture process is ended, and a fresh one opens the camera",
    Rung.RESET_DEVICE: "the capture process is ended, the USB port reset, and a fresh process opens the camera",
    Rung.RESTART_SERVICE: "if the budget grants it, the daemon leaves, and systemd starts it afresh",
    Rung.REBOOT: "if the budget grants it, the daemon leaves, and systemd reboots the machine",
}


def ordered(policy: Policy, state: State, event: Event, now: float) -> Step:
    """The rung is tried at once; what there is an objection to is not done at all."""
    assert isinstance(event, ev.RecoveryOrdered)
    rung = event.rung
    if objection(policy, state, rung, streams=True, now=now):
        return state, ()
    state, said = _in_earnest(state), ev.SayOrdered(rung)
    if rung in _LEAVING:
        aside = state.phase in (Phase.PARKED, Phase.WEDGED)  # there a refusal means what it always does
        state, effects = lastrungs.ask(policy, state, rung, now, ordered=not aside)
        return state, (said, *effects)
    state, effects = _attempt(policy, state, rung, now)
    return state, (said, *effects)


def _in_earnest(state: State) -> State:
    """What a drill has begun, and left behind, is an incident like any other from here on."""
    return state if state.drill is not None else replace(state, drilled=False)


def _attempt(policy: Policy, state: State, rung: Rung, now: float) -> Step:
    if state.phase in WELL:  # no fault: as with a start, the first thing that goes wrong gives one
        state = replace(
            forgiven(policy, state, now), opened_at=now, healthy_since=None, streak=0, noticed_after=None
        )
    spent = state.used
    attempt = min(spent[rung.height] + 1, policy.row(rung).attempts)
    state = replace(
        state, rung=rung, attempt=attempt, exhausted=False, rounds=state.rounds + 1, lease_until=0.0
    )
    own = lease.action_bound(policy, rung) + lease.one_round(policy, state, 0.0)
    lease_until = now + own + lease.remaining(policy, state)
    state, effects = act(policy, replace(state, lease_until=lease_until), ev.TimePassed(), now)
    return replace(state, used=spent), effects


def refused(policy: Policy, state: State, refusal: ev.LeaveRefused, now: float) -> Step:
    """The ladder goes on where the order has interrupted it."""
    said = ev.SayRefused(state.rung, refusal.name, refusal.detail, 0.0, False)
    state, effects = climb(policy, replace(state, rounds=state.rounds + 1), now)
    return state, (said, *effects)


# --- what is to be said before --------------------------------------------------------------------------------


def objection(policy: Policy, state: State, rung: Rung, *, streams: bool, now: float) -> str:
    """Why this rung may not be tried now; empty: it may. `streams`: the camera is open and started."""
    return next(_objections(policy, state, rung, streams, now), "")


def _objections(policy: Policy, state: State, rung: Rung, streams: bool, now: float) -> Iterator[str]:
    if rung is Rung.RETRY:
        yield "to capture again is no order: it is done all the time"
    if state.phase is Phase.PAUSED:
        yield "it is paused"
    if state.phase in _UNDER_WAY:
        left = duration(max(0.0, state.ends_by - now))
        yield f"{state.rung} is under way, and ends within {left}"
    if state.phase is Phase.WEDGED and rung is not Rung.REBOOT:
        yield "a process that cannot be killed holds the camera; nothing below a reboot helps"
    if not policy.row(rung).enabled:
        yield f"[ladder.{rung}] enabled = false"
    if rung is Rung.RESTART_STREAM and not streams:
        yield "its stream does not run; restart-worker opens the camera"
    if rung is Rung.RESET_DEVICE and not state.place:
        yield "it was not opened yet" if state.place is None else "it is not on USB"
    if rung in _LEAVING:
        yield from _objections_to_leaving(policy, state, rung)


def _objections_to_leaving(policy: Policy, state: State, rung: Rung) -> Iterator[str]:
    state = _in_earnest(state)
    if state.phase in WELL:
        yield f"it is healthy, and there is nothing that {rung} would cure"
    elif rung is Rung.REBOOT:
        if own := lastrungs.own_refusal(policy, state):
            yield f"{own.name}: {own.detail}"
    elif not lastrungs.service_restart_left(policy, state):
        yield f"it does not cure {state.fault}, was tried already, or the camera is optional"


def forbidden(mode: str, rung: Rung) -> str:
    """Why the configuration lets nobody do this, however the camera is; empty: it does. `mode`: of [reboot]."""
    return f'[reboot] mode = "{mode}", so nothing reboots' if rung is Rung.REBOOT and mode != "armed" else ""


def plan(policy: Policy, state: State, rung: Rung, mode: str = "armed") -> tuple[str, ...]:
    """What an order would do: the action, its proof, and what follows if it does not help."""
    if rung is Rung.RETRY or forbidden(mode, rung):
        return ()
    if rung in _LEAVING:
        return f"{rung}: {_DOES[rung]}", "if it is refused, the ladder goes on as before"
    bound, settle = lease.action_bound(policy, rung), lease.settle_time(policy, replace(state, rung=rung))
    proof = (
        f"it has {duration(bound)} to end; {PROOF_FRAMES} healthy frames within {duration(settle)} prove it"
    )
    return tuple(filter(None, (f"{rung}: {_DOES[rung]}", proof, _if_not(policy, state, rung, mode))))


def _if_not(policy: Policy, state: State, rung: Rung, mode: str) -> str:
    """What follows one that does not help, as far as it is known now."""
    above = [row.rung for row in policy.ladder if row.rung.height > rung.height and row.enabled]
    not_here = [Rung.RESET_DEVICE] * (state.place == "") + [*_LEAVING] * (not policy.required)
    wanted = [one for one in above if one not in not_here]
    never = next(filter(None, (forbidden(mode, one) for one in wanted)), "")
    left = [one for one in wanted if not forbidden(mode, one)]
    leaving = " and ".join(one for one in left if one in _LEAVING)
    budget = f"{leaving} only within the budget" if leaving else ""
    follows = "; ".join(filter(None, (", ".join(left), budget, never)))
    return f"if that does not help: {follows}" if follows else ""
