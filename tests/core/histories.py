# SPDX-License-Identifier: MIT
"""Owns the histories that hypothesis tells of a camera, the policies it is judged by, and how they are played."""

from dataclasses import replace

from hypothesis import strategies as st

from camwatchd.core import escalation
from camwatchd.core import events as ev
from camwatchd.core.events import Effect, Event
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import LADDER, Outcome, Rung
from camwatchd.core.settings import Supervision
from camwatchd.core.state import Policy, State

faults = st.sampled_from(sorted(FAULTS))
durations = st.sampled_from([0.0, 1 / 120, 1 / 30, 0.5, 5.0, 30.0])
happenings: st.SearchStrategy[Event] = st.one_of(
    st.sampled_from(
        [ev.WorkerStarted(), ev.WorkerImported(), ev.StreamStarted(), ev.WorkerReaped(), ev.TimePassed()]
    ),
    st.sampled_from([ev.Located("1-1.3"), ev.Located("1-1.3"), ev.Located("")]),
    st.builds(ev.FramesArrived, st.integers(1, 8), durations),
    st.builds(ev.CaptureFailed, faults),
    st.builds(ev.Faulted, faults),
    st.builds(ev.ActionEnded, st.sampled_from(Outcome)),
    st.builds(ev.WorkerExited, st.sampled_from(["worker-exited", "worker-crashed", "missing-package"])),
    st.builds(ev.WorkerUnkillable, st.sampled_from(["worker-unkillable", "leftover-worker"])),
    st.builds(ev.DeviceAppeared),
    st.builds(
        ev.LeaveRefused, st.sampled_from(["did-not-help", "others-at-work"]), st.just(""),
        st.sampled_from([0.0, 10.0, 5000.0]), st.booleans(),
    ),
    st.sampled_from([ev.Paused(600.0), ev.Resumed()]),
    st.builds(ev.RecoveryOrdered, st.sampled_from(Rung)),
)  # fmt: skip
_some = st.tuples(st.floats(0, 1.2), happenings)
_late = st.just((1.0, ev.TimePassed()))  # most of what happens to a camera that is not well
histories = st.one_of(
    st.lists(_some, max_size=60), st.lists(st.one_of(_late, _late, _some), min_size=15, max_size=60)
)
policies = st.builds(
    Policy,
    supervision=st.builds(
        Supervision,
        max_consecutive_failures=st.integers(1, 5),
        recovery_cooldown=st.sampled_from([1.0, 30.0]),
        frame_timeout=st.sampled_from([0.5, 5.0]),
        stable_after=st.sampled_from([10.0, 300.0]),
        max_recovery_attempts=st.integers(1, 6),
        system_reboot_threshold=st.integers(1, 12),
    ),
    ladder=st.tuples(*[st.booleans()] * 4, *[st.integers(1, 3)] * 3).map(
        lambda x: (
            LADDER[0],
            replace(LADDER[1], enabled=x[0], attempts=x[4]),
            replace(LADDER[2], attempts=x[5]),
            replace(LADDER[3], enabled=x[1], attempts=x[6]),
            replace(LADDER[4], enabled=x[2]),
            replace(LADDER[5], enabled=x[3]),
        )
    ),
    required=st.booleans(),
)


Told = tuple[float, State, Event, State, tuple[Effect, ...]]


def play(policy: Policy, history: list[tuple[float, Event]]) -> list[tuple[float, State, Event, State]]:
    """Every step of a history, without its effects."""
    return [told[:4] for told in tell(policy, history)]


def tell(policy: Policy, history: list[tuple[float, Event]]) -> list[Told]:
    """Every step of a history. A pause is a share of the time to the deadline: what is due comes first."""
    now = 100.0
    state, _ = escalation.begin(policy, now)
    steps = []
    for share, event in history:
        pause = (state.deadline - now) * share
        if share >= 1:
            pause, event = state.deadline - now, ev.TimePassed()
        elif isinstance(event, ev.TimePassed):
            pause = state.deadline - now
        now += max(0.0, pause)
        after, effects = escalation.step(policy, state, event, now)
        steps.append((now, state, event, after, effects))
        state = after
    return steps
