# SPDX-License-Identifier: MIT
"""Owns the tests of how a worker is ended: the signals, their times, and that no step is left out or repeated."""

import signal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from camwatchd.core import killing
from camwatchd.core.killing import HURRIED_STEPS, STEPS, Step
from camwatchd.core.state import REAP_BOUND
from camwatchd.supervisor import DOWN_WITHIN

IN_ORDER = [signal.SIGTERM, signal.SIGABRT, signal.SIGKILL]


def play(steps: tuple[Step, ...], looks: list[float]) -> list[tuple[float, signal.Signals]]:
    """What is sent, and when, if the killing begins at 0 and is looked at at these times."""
    state, sent = killing.begin(0.0, steps), []
    for now in looks:
        state, number = killing.advance(state, now)
        if number is not None:
            sent.append((now, number))
    return sent


def due(steps: tuple[Step, ...], count: int) -> list[float]:
    """The first deadlines, if each is met exactly."""
    state, times = killing.begin(0.0, steps), []
    for _ in range(count):
        times.append(state.deadline)
        state, _ = killing.advance(state, state.deadline)
    return times


def test_the_steps_and_their_times() -> None:
    """SIGTERM at once, SIGABRT after 2 s, SIGKILL after 4 s, the verdict after 19 s, then a look every second."""
    times = due(STEPS, 6)

    assert [0, 2, 4, 19, 20, 21] == times
    assert list(zip(times, IN_ORDER, strict=False)) == play(STEPS, times)


def test_the_hurried_steps_and_their_times() -> None:
    """On the way out: SIGKILL after 2.5 s, so that all is down within the time that systemd allows."""
    times = due(HURRIED_STEPS, 4)

    assert [0, 1.5, 2.5, 4] == times
    assert times[-1] <= DOWN_WITHIN < 5


def test_the_ladder_waits_longer_than_the_killing() -> None:
    """The verdict "unkillable" falls before the restart of the worker counts as hanging."""
    assert due(STEPS, 4)[-1] < REAP_BOUND


@pytest.mark.parametrize("steps", [STEPS, HURRIED_STEPS])
def test_the_kernels_own_time_outs_are_waited_for(steps: tuple[Step, ...]) -> None:
    """The last step is SIGKILL; in the patient order it waits longer than the 3.5 s that a USB camera may take."""
    assert IN_ORDER == [step.signal for step in steps]
    assert STEPS[-1].patience > 3.5


@given(st.sampled_from([STEPS, HURRIED_STEPS]), st.lists(st.floats(0, 5), max_size=60))
@example(STEPS, [0.012895603627864906, 2.0, 2.0])
def test_however_often_one_looks(steps: tuple[Step, ...], pauses: list[float]) -> None:
    """Each signal is sent once, in order, never before the patience of the one before is over."""
    looks, now = [], 0.0
    for pause in pauses:
        now += pause
        looks.append(now)
    sent = play(steps, looks)

    assert IN_ORDER[: len(sent)] == [number for _, number in sent]
    for (before, _), (at, _), step in zip(sent, sent[1:], steps, strict=False):
        assert at - before >= step.patience - 1e-9  # the sums of floats are rounded


@given(st.sampled_from([STEPS, HURRIED_STEPS]), st.floats(0, 1e9), st.integers(0, 30))
def test_there_is_always_a_next_deadline(steps: tuple[Step, ...], began: float, looks: int) -> None:
    """Meeting a deadline sets a later one: the loop neither spins nor forgets a worker that does not die."""
    state = killing.begin(began, steps)
    for _ in range(looks):
        after, _ = killing.advance(state, state.deadline)
        assert after.deadline >= state.deadline + 0.9
        state = after

    assert state.overdue_is_final == (looks >= len(steps))
