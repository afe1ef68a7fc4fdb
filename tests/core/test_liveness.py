# SPDX-License-Identifier: MIT
"""Owns the proof that deadlines follow the frame duration, and that the frame duration follows the camera."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.core.ladder import LADDER, Rung
from camwatchd.core.liveness import (
    CALL_BOUNDS,
    Cadence,
    Tick,
    expected_frame_duration,
    first_frame_deadline,
    frame_deadline,
    late_after,
    no_frame_deadline,
)
from camwatchd.core.settings import Supervision

RULES = Supervision()
DURATIONS = st.floats(min_value=0.001, max_value=1000)
TIMEOUTS = st.floats(min_value=0.1, max_value=600)


def _rules(seconds: float) -> Supervision:
    return Supervision(frame_timeout=seconds, first_frame_timeout=seconds, no_frame_timeout=seconds)


@pytest.mark.parametrize(
    ("frame_duration", "expected"),
    [(1 / 30, 1.5), (0.15, 1.5), (0.3, 3.0), (0.5, 5.0), (0.8, 5.0), (1.0, 6.0), (10.0, 60.0)],
)
def test_frame_deadline_is_ten_frames_within_limits(frame_duration: float, expected: float) -> None:
    """Ten frames, at least 1.5 s and at most frame_timeout, but never less than six frames."""
    assert frame_deadline(frame_duration, RULES) == pytest.approx(expected)


def test_frame_timeout_below_the_floor_is_the_operators_word() -> None:
    """A frame_timeout shorter than 1.5 s is kept."""
    assert frame_deadline(1 / 30, _rules(0.5)) == 0.5


@given(DURATIONS, TIMEOUTS)
def test_libcamera_speaks_first(frame_duration: float, timeout: float) -> None:
    """No deadline expires before libcamera's own watchdog would at the same frame duration, five frames."""
    rules = _rules(timeout)
    deadlines = [
        rule(frame_duration, rules) for rule in (frame_deadline, first_frame_deadline, no_frame_deadline)
    ]

    assert min(deadlines) > 5 * frame_duration


@given(DURATIONS, TIMEOUTS)
def test_late_comes_before_failed(frame_duration: float, timeout: float) -> None:
    """A frame is late before its capture has failed."""
    assert late_after(frame_duration) < frame_deadline(frame_duration, _rules(timeout))


@given(TIMEOUTS, st.tuples(DURATIONS, DURATIONS).map(sorted))
def test_longer_frames_never_shorten_a_deadline(timeout: float, durations: list[float]) -> None:
    """Every deadline grows with the frame duration or stays."""
    shorter, longer = durations

    for rule in (frame_deadline, first_frame_deadline, no_frame_deadline):
        assert rule(shorter, _rules(timeout)) <= rule(longer, _rules(timeout))


def test_bounds_of_calls_fit_their_rungs() -> None:
    """A call that hangs is noticed before the rung that made it runs out of time."""
    timeouts = {row.rung: row.timeout for row in LADDER}

    assert sum(CALL_BOUNDS[call] for call in ("cancel", "stop", "start")) <= timeouts[Rung.RESTART_STREAM]
    assert CALL_BOUNDS["open"] + CALL_BOUNDS["start"] <= timeouts[Rung.RESTART_WORKER]


@pytest.mark.parametrize(("frame_rate", "expected"), [(None, 1 / 30), (50.0, 0.02), (0.1, 10.0)])
def test_the_configured_rate_counts_until_frames_tell(frame_rate: float | None, expected: float) -> None:
    """Without a frame the duration is that of frame_rate, or else a thirtieth of a second."""
    assert expected_frame_duration(frame_rate) == pytest.approx(expected)
    assert Cadence(frame_rate).frame_duration == pytest.approx(expected)


def test_the_cameras_own_duration_counts_and_the_longest_of_the_last_five() -> None:
    """A duration that the camera reports is believed, and one long frame among the last five keeps the deadline."""
    cadence = Cadence()
    seen = []
    for number, reported in enumerate([0.1, 2.0, 0.1, 0.1, 0.1, 0.1, 0.1], start=1):
        cadence.observe(number, number * 10**8, reported)
        seen.append(cadence.frame_duration)

    assert seen == [0.1, 2.0, 2.0, 2.0, 2.0, 2.0, 0.1]


@pytest.mark.parametrize("reported", [float("nan"), -1.0, 0.0])
def test_nonsense_about_the_duration_is_not_believed(reported: float) -> None:
    """A duration that is no positive number changes nothing."""
    cadence = Cadence(10.0)
    cadence.observe(1, 1, reported)

    assert cadence.frame_duration == 0.1


def test_an_endless_duration_does_not_end_the_deadlines() -> None:
    """However long a frame claims to be, some deadline remains."""
    cadence = Cadence()
    cadence.observe(1, 1, float("inf"))

    assert frame_deadline(cadence.frame_duration, RULES) == 6000.0


@given(st.lists(st.sampled_from([0, 0, 0, 1, 4, 200]), min_size=12, max_size=40), st.integers(-3, 3))
def test_duration_is_measured_through_gaps(gaps: list[int], jitter_ms: int) -> None:
    """Where the camera says nothing, timestamps give the duration, however many frames were lost between."""
    cadence, sequence = Cadence(), 0
    for number, gap in enumerate(gaps):
        sequence += 1 + gap
        jitter = jitter_ms * 10**6 if number % 2 else 0
        cadence.observe(sequence, sequence * 10**8 + jitter, 0)

    assert cadence.frame_duration == pytest.approx(0.1, abs=0.0061)


def test_a_stall_does_not_bend_the_measured_duration() -> None:
    """One gap of ten seconds among uncounted frames leaves the measured duration as it was."""
    cadence = Cadence()
    for milliseconds in (100, 200, 300, 400, 10400, 10500):
        cadence.observe(-1, milliseconds * 10**6, 0)

    assert cadence.frame_duration == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([(1, 100), (2, 200)], Tick()),
        ([(1, 100), (5, 500)], Tick(dropped=3)),
        ([(23, 230), (15, 150)], Tick(disorder="timestamp went back from 230 to 150")),
        ([(1, 100), (2, 100)], Tick(disorder="timestamp stands still at 100")),
        ([(7, 100), (7, 200)], Tick(disorder="sequence stands still at 7")),
        ([(7, 100), (6, 200)], Tick(disorder="sequence went back from 7 to 6")),
        ([(-1, 100), (-1, 200)], Tick()),
        ([(-1, 200), (-1, 100)], Tick(disorder="timestamp went back from 200 to 100")),
        ([(1, 0), (2, 0)], Tick()),
        ([(23, 230), (15, 150), (57, 570)], Tick(dropped=41)),
    ],
)
def test_frames_must_advance(frames: list[tuple[int, int]], expected: Tick) -> None:
    """Number and timestamp must advance where the camera gives them; what is missing between them was dropped."""
    cadence = Cadence()
    ticks = [cadence.observe(sequence, timestamp, 0) for sequence, timestamp in frames]

    assert ticks[-1] == expected


def test_a_restarted_stream_may_count_from_zero() -> None:
    """After restart() a lower number and an earlier timestamp are no disorder, and nothing counts as dropped."""
    cadence = Cadence()
    cadence.observe(500, 10**9, 0.1)
    cadence.restart()

    assert cadence.observe(3, 10**8, 0.1) == Tick()
    assert cadence.frame_duration == 0.1
