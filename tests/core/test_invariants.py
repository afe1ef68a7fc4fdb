# SPDX-License-Identifier: MIT
"""What holds for every history of a camera: hypothesis tells the stories."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from camwatchd.core import escalation, lease
from camwatchd.core import events as ev
from camwatchd.core.events import Event
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import Outcome, Rung
from camwatchd.core.lease import Gate, Ping, SetInterval, Watchdog
from camwatchd.core.state import Phase, Policy, State
from tests.core.histories import faults, histories, play, policies, tell


def position(state: State) -> tuple[int, int]:
    """How far an incident has moved: attempts spent, and rounds beyond the ladder."""
    return sum(state.used), state.rounds


@given(policies, histories)
def test_every_phase_has_a_deadline_ahead(policy: Policy, history: list[tuple[float, Event]]) -> None:
    """No state waits for something that may never come."""
    for now, _, event, after in play(policy, history):
        assert after.deadline > now or not isinstance(event, ev.TimePassed)
        assert after.deadline >= now


@given(policies, histories)
def test_attempts_never_exceed_their_limit(policy: Policy, history: list[tuple[float, Event]]) -> None:
    """A rung is not ordered more often than its row says, until stable health or before the ladder is spent."""
    ordered: Counter[Rung] = Counter()
    for now, before, _, after, effects in tell(policy, history):
        stable = (
            before.healthy_since is not None
            and now - before.healthy_since >= policy.supervision.stable_after
        )
        if after.phase is Phase.PAUSED or (stable and after.in_incident and not before.in_incident):
            ordered.clear()
        spent = after.exhausted or after.attempt == 0 or before.wedged or after.rounds > before.rounds
        # The worker that is to prove a reset is no attempt of restart-worker, and has no number.
        ordered.update(e.rung for e in effects if isinstance(e, ev.Perform) and e.attempt and not spent)
        for row in policy.ladder[1:4]:
            assert ordered[row.rung] <= row.attempts


@given(policies, histories)
def test_nothing_moves_down_within_an_incident(policy: Policy, history: list[tuple[float, Event]]) -> None:
    """Neither a weaker fault nor a failed attempt takes a camera to a lower rung."""
    for _, before, _, after in play(policy, history):
        if before.in_incident and after.in_incident and after.phase is not Phase.PAUSED:
            assert after.floor.height >= before.floor.height


@given(policies, histories)
def test_the_lease_is_renewed_only_by_progress(policy: Policy, history: list[tuple[float, Event]]) -> None:
    """Its end moves only with an attempt, a round, a request, a park, a pause, or with frames that take longer."""
    for _, before, event, after in play(policy, history):
        if before.in_incident and after.in_incident and after.lease_until > before.lease_until:
            moved = position(after) > position(before) or isinstance(event, ev.Paused)
            assert moved or after.frame_duration > before.frame_duration


@given(policies, histories)
def test_the_lease_covers_what_remains(policy: Policy, history: list[tuple[float, Event]]) -> None:
    """At any moment of an incident the lease outlives the present phase and every attempt that is left."""
    for now, _, _, after in play(policy, history):
        if after.in_incident:
            assert after.lease_until > now
            assert after.lease_until >= after.deadline
        if after.phase is Phase.BACKOFF and not after.exhausted:
            assert after.lease_until >= after.deadline + _left(policy, after)
        if after.phase in (Phase.PARKED, Phase.WEDGED):  # an answer, or the probe and whatever it may find
            assert after.lease_until >= after.deadline + 15 + 20 + 60 + 50 + 15 + _left(policy, after)
        if after.phase is Phase.PAUSED:
            assert after.lease_until >= after.deadline + 60


def _left(policy: Policy, state: State) -> float:
    """What the attempts not spent may take, counted here in the plainest way."""
    total = 0.0
    for row in policy.ladder[1:4]:
        if row.enabled and row.rung.height >= state.floor.height:
            bound = row.timeout + {Rung.RESTART_WORKER: 80, Rung.RESET_DEVICE: 20 + 130}.get(row.rung, 0)
            total += (row.attempts - state.used[row.rung.height]) * (bound + row.settle)
    return total


@given(policies, histories)
def test_three_healthy_frames_lead_back_from_everywhere(
    policy: Policy, history: list[tuple[float, Event]]
) -> None:
    """From any state three healthy frames end the incident, and a fault with an alert; only a pause stays."""
    steps = tell(policy, history)
    state = steps[-1][3] if steps else escalation.begin(policy, 100.0)[0]
    after, effects = escalation.step(policy, state, ev.FramesArrived(3), 1e6)

    if state.phase is Phase.PAUSED:
        assert (state, ()) == (after, effects)
        return
    assert Phase.HEALTHY is after.phase
    assert 0 == after.failures
    assert bool(state.fault) == any(isinstance(effect, ev.SayRecovered) for effect in effects)


@given(policies, histories, st.sampled_from([1 / 30, 0.5, 2.0, 8.0]))
def test_a_camera_that_works_again_becomes_healthy(
    policy: Policy, history: list[tuple[float, Event]], frame_duration: float
) -> None:
    """With every deadline running: once all orders are obeyed and frames come, however slowly, it ends healthy."""
    steps = tell(policy, history)
    now, state = (steps[-1][0], steps[-1][3]) if steps else (100.0, escalation.begin(policy, 100.0)[0])
    obedient = Obedient(policy, state, now, frame_duration)
    for _ in range(400):
        if obedient.state.phase is Phase.HEALTHY:
            return
        obedient.turn()
    raise AssertionError(obedient.state)


@dataclass
class Obedient:
    """A camera that does what it is told at once and gives a frame every `frame_duration` while it streams."""

    policy: Policy
    state: State
    now: float
    frame_duration: float
    frame_at: float = float("inf")

    def __post_init__(self) -> None:
        if self.state.phase in (Phase.STARTING, Phase.ACTING):
            self.obey(self.state.rung)
        elif self.state.wedged:
            self.feed(ev.WorkerReaped())
        elif self.state.phase is Phase.SETTLING:
            self.frame_at = self.now + self.frame_duration

    def turn(self) -> None:
        """The next thing that happens: a frame, or the deadline."""
        self.now = min(self.frame_at, max(self.now, self.state.deadline))
        if self.now < self.frame_at:
            self.feed(ev.TimePassed())
            return
        self.feed(ev.FramesArrived(1, self.frame_duration, self.now))
        self.frame_at = self.now + self.frame_duration

    def feed(self, event: Event) -> None:
        self.state, effects = escalation.step(self.policy, self.state, event, self.now)
        for effect in effects:
            if isinstance(effect, ev.Perform) and self.state.phase is not Phase.LEAVING:
                self.obey(effect.rung)

    def obey(self, rung: Rung) -> None:
        self.frame_at = float("inf")
        if rung in (Rung.RESTART_STREAM, Rung.RESET_DEVICE):  # a reset is followed by the order of a worker
            self.feed(ev.ActionEnded(Outcome.SUCCEEDED))
        else:
            for milestone in (ev.WorkerStarted(), ev.WorkerImported(), ev.StreamStarted()):
                self.feed(milestone)
        self.frame_at = self.now + self.frame_duration


@given(policies, st.integers(1, 400), faults.filter(lambda name: FAULTS[name].hold is None))
def test_flapping_stays_on_the_in_process_rungs(policy: Policy, incidents: int, fault: str) -> None:
    """However often a camera fails: while attempts bring frames back, none fails and nobody is called."""
    now, (state, _) = 100.0, escalation.begin(policy, 100.0)
    state, _ = escalation.step(policy, state, ev.FramesArrived(3), now)
    for _ in range(incidents):
        state, effects = escalation.step(policy, state, ev.Faulted(fault), now := now + 9)
        assert all(e.rung in lease.IN_PROCESS for e in effects if isinstance(e, ev.Perform))
        assert not any(isinstance(e, ev.SayCritical) for e in effects)
        state, _ = escalation.step(policy, state, ev.FramesArrived(3), now := now + 1)
        assert 0 == state.failed_recoveries
        assert Phase.HEALTHY is state.phase


# --- the gate of the watchdog -----------------------------------------------------------------------------

gates = st.builds(
    Gate,
    healthy=st.booleans(),
    delivered=st.booleans(),
    lease_until=st.floats(0, 5000),
    detection=st.floats(1, 200),
    aside=st.booleans(),
).filter(lambda gate: not (gate.healthy and gate.aside))
turns = st.lists(st.tuples(st.floats(0, 60), st.lists(gates, max_size=3)), max_size=40)


def paid(turns: list[tuple[float, list[Gate]]]) -> Iterator[tuple[list[Gate], tuple[lease.Order, ...]]]:
    """What systemd is told in each turn of the loop."""
    watchdog, now = Watchdog(60.0), 0.0
    for pause, cameras in turns:
        now += pause
        watchdog, orders = lease.pay(watchdog, cameras, now)
        yield cameras, orders


@given(turns)
@settings(max_examples=300)
def test_no_ping_without_a_healthy_frame_of_every_required_camera(
    turns: list[tuple[float, list[Gate]]],
) -> None:
    """A ping needs every camera that is not given up healthy and heard of since the last one; nobody else pays."""
    for cameras, orders in paid(turns):
        if Ping() in orders:
            counted = [camera for camera in cameras if not camera.aside]
            assert counted
            assert all(camera.healthy and camera.delivered for camera in counted)


@given(turns)
def test_an_interval_is_never_zero_and_never_below_what_detection_needs(
    turns: list[tuple[float, list[Gate]]],
) -> None:
    """0 would disarm the watchdog; a steady interval shorter than the detection would starve long exposures."""
    for cameras, orders in paid(turns):
        for order in orders:
            if isinstance(order, SetInterval):
                assert order.seconds > 0
                if cameras and all(camera.healthy for camera in cameras):
                    assert order.seconds >= max(camera.detection for camera in cameras)


@given(st.lists(st.floats(0.01, 5), min_size=1, max_size=200))
def test_pings_keep_their_distance_and_their_promise(pauses: list[float]) -> None:
    """With frames always at hand there is at most one ping per quarter of the interval, and none is forgotten."""
    watchdog, now, told = Watchdog(60.0), 0.0, []
    gate = Gate(healthy=True, delivered=True, lease_until=0.0, detection=6.0)
    for pause in pauses:
        now += pause
        watchdog, orders = lease.pay(watchdog, [gate], now)
        told += [now] if Ping() in orders else []
    gaps = [b - a for a, b in pairwise(told)]

    assert all(15 <= gap <= 15 + 5 for gap in gaps)
