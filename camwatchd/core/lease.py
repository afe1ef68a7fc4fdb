# SPDX-License-Identifier: MIT
"""Owns the arithmetic of the watchdog lease: how long what remains of the ladder may take, and when a ping is due.

`WATCHDOG=1` is paid for by healthy frames only. While a required camera is in an incident nothing pings; one
`WATCHDOG_USEC=` gives the ladder the time it may need, and systemd acts when that runs out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from camwatchd.core import liveness
from camwatchd.core.ladder import Rung
from camwatchd.core.state import REAP_BOUND, REPORT_SLACK, Policy, State

MARGIN = 10.0  # seconds on top of every lease, for a busy machine
SHORTEST = 1.0  # 0 would disarm the watchdog
IN_PROCESS = (Rung.RESTART_STREAM, Rung.RESTART_WORKER, Rung.RESET_DEVICE)


def rungs_from(policy: Policy, entry: Rung) -> list[Rung]:
    """The in-process rungs that may be tried from `entry` upwards, lowest first."""
    return [rung for rung in IN_PROCESS if rung.height >= entry.height and policy.row(rung).enabled]


def attempts_left(policy: Policy, state: State, rung: Rung) -> int:
    """How many attempts of a rung are not spent."""
    return max(0, policy.row(rung).attempts - state.used[rung.height])


def backoff(policy: Policy, rung: Rung, attempt: int) -> float:
    """The pause before an attempt: doubling, at most the cooldown."""
    pause = policy.row(rung).backoff * 2.0 ** min(attempt - 1, 30)
    return min(pause, policy.supervision.recovery_cooldown)


def hurry_pause(policy: Policy, state: State) -> float:
    """How long after a device has cut a pause short the next one may: doubling, at most the cooldown."""
    return min(2.0 ** min(state.hurries, 30), policy.supervision.recovery_cooldown)


def action_bound(policy: Policy, rung: Rung) -> float:
    """The longest time from ordering a rung's action to its end."""
    if rung is Rung.RESTART_STREAM:
        return policy.row(rung).timeout
    restart = REAP_BOUND + policy.supervision.import_timeout + policy.row(Rung.RESTART_WORKER).timeout
    return restart if rung is Rung.RESTART_WORKER else reset_bound(policy) + restart


def reset_bound(policy: Policy) -> float:
    """The longest time from ordering a reset of the device to its end: its worker must be gone first."""
    return REAP_BOUND + policy.row(Rung.RESET_DEVICE).timeout


def settle_time(policy: Policy, state: State) -> float:
    """The time for three healthy frames after an action; the very first start has the first frame's own time."""
    if not state.fault:
        return liveness.first_frame_deadline(state.frame_duration, policy.supervision)
    return liveness.not_below_the_floor(policy.row(state.rung).settle, state.frame_duration)


def one_round(policy: Policy, state: State, pause: float) -> float:
    """A pause and one restart of the worker, with everything at its bound."""
    proofs = (policy.row(Rung.RESTART_WORKER), policy.row(Rung.RESTART_SERVICE))  # both begin with a worker
    settle = max(*(row.settle for row in proofs), policy.supervision.first_frame_timeout)
    settle = liveness.not_below_the_floor(settle, state.frame_duration)
    return pause + action_bound(policy, Rung.RESTART_WORKER) + settle + MARGIN


def remaining(policy: Policy, state: State) -> float:
    """The worst case from here to the end of the in-process rungs, everything at its bound."""
    total = MARGIN
    if not state.fault:  # the start itself comes first
        total += action_bound(policy, Rung.RESTART_WORKER) + settle_time(policy, state)
    for rung in rungs_from(policy, state.floor):
        row, spent = policy.row(rung), state.used[rung.height]
        settle = liveness.not_below_the_floor(row.settle, state.frame_duration)
        for attempt in range(spent + 1, row.attempts + 1):
            total += backoff(policy, rung, attempt) + action_bound(policy, rung) + settle
    return total


def detection_time(policy: Policy, frame_duration: float) -> float:
    """The longest time from the last healthy frame to the fault."""
    rules = policy.supervision
    reports = rules.max_consecutive_failures
    reports += reports > 1  # a worker that reported failures and then falls silent is waited for once more
    counted = reports * (liveness.frame_deadline(frame_duration, rules) + REPORT_SLACK)
    return min(counted, liveness.no_frame_deadline(frame_duration, rules) + REPORT_SLACK)


# --- the watchdog over all cameras ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Gate:
    """What the watchdog needs to know of one required camera."""

    healthy: bool  # no incident open (a hiccup is none)
    delivered: bool  # a healthy frame since the last ping
    lease_until: float
    detection: float  # longest detection time
    aside: bool = False  # parked or paused: it does not count while another required camera is healthy


@dataclass(frozen=True, slots=True)
class Watchdog:
    """What was last told to systemd. `base` is WatchdogSec in seconds; None: the unit has no watchdog."""

    base: float | None
    interval: float = 0.0
    leased_until: float | None = None
    told_at: float = float("-inf")  # the last ping or change of interval: both restart systemd's clock


@dataclass(frozen=True, slots=True)
class Ping:
    """Send WATCHDOG=1."""


@dataclass(frozen=True, slots=True)
class SetInterval:
    """Send WATCHDOG_USEC= with this many seconds."""

    seconds: float


Order = Ping | SetInterval


def steady_interval(base: float, gates: Iterable[Gate]) -> float:
    """Long exposures must not starve the watchdog: at least 4/3 of the longest detection time plus 5 s."""
    return max([base, *(4 / 3 * (gate.detection + 5) for gate in gates)])


def pay(watchdog: Watchdog, gates: Sequence[Gate], now: float) -> tuple[Watchdog, tuple[Order, ...]]:
    """What to tell systemd now, if anything. Ask after every turn of the loop, last of all."""
    if watchdog.base is None:
        return watchdog, ()
    if not gates:
        return _progress(watchdog, watchdog.base, now)
    gates = in_the_gate(gates)
    if not all(gate.healthy for gate in gates):
        return _lease(watchdog, max(gate.lease_until for gate in gates if not gate.healthy), now)
    return _steady(watchdog, gates, now)


def due(watchdog: Watchdog, gates: Sequence[Gate]) -> float:
    """When `pay` must be asked again even if nothing happens; what cameras pay for waits for their frames."""
    return float("inf") if gates or watchdog.base is None else watchdog.told_at + watchdog.base / 4


def in_the_gate(gates: Sequence[Gate]) -> Sequence[Gate]:
    """The cameras that count: one that is given up must not lengthen the lease of those that work."""
    return [gate for gate in gates if not gate.aside] if any(gate.healthy for gate in gates) else gates


def _progress(watchdog: Watchdog, base: float, now: float) -> tuple[Watchdog, tuple[Order, ...]]:
    """No camera is required: the loop's own progress renews the interval, and no ping is sent."""
    if now - watchdog.told_at < base / 4:
        return watchdog, ()
    return replace(watchdog, interval=base, leased_until=None, told_at=now), (SetInterval(base),)


def _lease(watchdog: Watchdog, until: float, now: float) -> tuple[Watchdog, tuple[Order, ...]]:
    """One message per lease: its end moves only when the ladder does, or when another camera's counts."""
    if until == watchdog.leased_until:
        return watchdog, ()
    order = SetInterval(max(until - now, SHORTEST))
    return replace(watchdog, interval=order.seconds, leased_until=until, told_at=now), (order,)


def _steady(watchdog: Watchdog, gates: Sequence[Gate], now: float) -> tuple[Watchdog, tuple[Order, ...]]:
    assert watchdog.base is not None
    interval = steady_interval(watchdog.base, gates)
    if not all(gate.delivered for gate in gates):
        return watchdog, ()
    if watchdog.leased_until is not None or interval != watchdog.interval:
        told = replace(watchdog, interval=interval, leased_until=None, told_at=now)
        return told, (SetInterval(interval), Ping())
    if now - watchdog.told_at < interval / 4:
        return watchdog, ()
    return replace(watchdog, told_at=now), (Ping(),)
