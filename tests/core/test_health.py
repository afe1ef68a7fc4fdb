# SPDX-License-Identifier: MIT
"""Owns the tests of the figures: the required score and bands, and the arithmetic of availability on told stories."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.core import events as ev
from camwatchd.core.figures import Figures
from camwatchd.core.health import Band, Tally, band, score
from camwatchd.core.ladder import Rung
from camwatchd.core.messages import Frames
from camwatchd.core.settings import Health

FAULT = ev.SayFault("frames-stopped", "", None)


def frames(count: int, dropped: int = 0, late: int = 0) -> Frames:
    return Frames(count, 0, 0, 0.1, 0.0, 0.0, late, dropped, 100.0, 20.0)


def told(*story: tuple[str, float]) -> Tally:
    """The tally after these happenings, from second 0 on."""
    tally = Tally(0.0)
    for what, now in story:
        match what:
            case "frames":
                tally = tally.healthy(10, now)
            case "failure":
                tally = tally.failed()
            case "fault":
                tally = tally.faulted()
    return tally


# fmt: off
SCORES = [
    (0, 100, Band.EXCELLENT), (1, 90, Band.EXCELLENT), (2, 80, Band.GOOD), (3, 70, Band.GOOD),
    (4, 60, Band.WARNING), (7, 30, Band.WARNING), (8, 20, Band.CRITICAL), (10, 0, Band.CRITICAL),
    (11, 0, Band.CRITICAL), (10**6, 0, Band.CRITICAL),
]
# fmt: on


@pytest.mark.parametrize(("failures", "value", "name"), SCORES)
def test_the_required_score_and_bands(failures: int, value: int, name: Band) -> None:
    """100 - 10 x consecutive failures, never below 0; 90, 70 and 30 begin the bands."""
    assert (value, name) == (score(failures), band(Health(), score(failures)))


def test_bands_begin_where_the_operator_says() -> None:
    """The thresholds of [health] count, each belonging to the better band."""
    limits = Health(excellent_score=100, good_score=50, warning_score=50)

    assert [Band.EXCELLENT, Band.GOOD, Band.GOOD, Band.CRITICAL] == [
        band(limits, value) for value in (100, 99, 50, 49)
    ]


def test_a_camera_that_never_failed() -> None:
    """The time until its first frame is an outage without a beginning: it costs availability, not reliability."""
    tally = told(("frames", 10), ("frames", 50), ("frames", 100))

    assert 0.9 == tally.availability(100)
    assert (90, 30) == (tally.uptime(100), tally.captures)
    assert (None, None) == (tally.mtbf(100), tally.mttr())


def test_an_outage_lasts_from_frame_to_frame() -> None:
    """What an application felt: from the last healthy frame before the fault to the first after it."""
    tally = told(("frames", 0), ("frames", 40), ("fault", 45), ("frames", 60), ("frames", 100))

    assert 0.8 == tally.availability(100)
    assert (80, 20) == (tally.mtbf(100), tally.mttr())


def test_means_over_several_outages() -> None:
    """MTBF is healthy time by outages, MTTR the mean length of those that ended."""
    story = [("frames", 0), ("frames", 10), ("fault", 12), ("frames", 20), ("frames", 50), ("fault", 51)]
    tally = told(*story, ("fault", 60), ("frames", 80), ("frames", 100))

    assert (2, 2) == (tally.outages, tally.recoveries)
    assert 0.6 == tally.availability(100)
    assert (30, 20) == (tally.mtbf(100), tally.mttr())


def test_an_open_outage_counts_as_it_grows() -> None:
    """Availability falls while a camera is down, and its repair is no figure before it is over."""
    tally = told(("frames", 0), ("frames", 50), ("fault", 52))

    assert (0.5, 0.25) == (tally.availability(100), tally.availability(200))
    assert (50, None) == (tally.mtbf(200), tally.mttr())


def test_a_hiccup_is_no_outage() -> None:
    """Failed captures that became no fault are counted and cost no availability."""
    tally = told(("frames", 0), ("failure", 3), ("failure", 4), ("frames", 5), ("frames", 100))

    assert (2, 0, 1.0) == (tally.failures, tally.outages, tally.availability(100))


def test_a_camera_that_never_came() -> None:
    """Without a single frame it is not available at all, and there is nothing to take a mean of."""
    tally = told(("fault", 5))

    assert (0.0, 0, None, None) == (
        tally.availability(100),
        tally.uptime(100),
        tally.mtbf(100),
        tally.mttr(),
    )
    assert 1.0 == Tally(100.0).availability(100.0)


happenings = st.lists(
    st.tuples(st.sampled_from(["frames", "failure", "fault"]), st.floats(0, 100)), max_size=30
)


@given(happenings, st.floats(0, 100))
def test_up_and_down_make_up_the_whole(story: list[tuple[str, float]], after: float) -> None:
    """Whatever happened: uptime and downtime add up to the time observed, and shares lie between 0 and 1."""
    now, timed = 0.0, []
    for what, pause in story:
        now += pause
        timed.append((what, now))
    tally, now = told(*timed), now + after

    assert now == pytest.approx(tally.uptime(now) + tally.downtime(now))
    assert 0 <= tally.availability(now) <= 1
    assert tally.recoveries <= tally.outages


# --- the running figures ----------------------------------------------------------------------------------


def test_the_rate_is_that_of_the_last_seconds() -> None:
    """Frames a second over five seconds, whatever came before."""
    figures = Figures(0.0)
    for tenth in range(100):
        figures.arrived(frames(10), tenth / 10, healthy=True)
    fast = figures.fps()
    for half in range(12):
        figures.arrived(frames(1), 10 + half / 2, healthy=True)

    assert 100 == pytest.approx(fast, rel=0.01)
    assert 2 == pytest.approx(figures.fps(), rel=0.1)


def test_one_report_makes_no_rate() -> None:
    """A rate needs a distance, and a fault begins it anew."""
    figures = Figures(0.0)
    figures.arrived(frames(10), 1.0, healthy=True)
    one = figures.fps()
    figures.arrived(frames(10), 2.0, healthy=True)
    two = figures.fps()
    figures.note(FAULT, 3.0)

    assert (0.0, 10.0, 0.0) == (one, two, figures.fps())


def test_frames_during_an_incident_prove_nothing_yet() -> None:
    """Only what the ladder calls healthy ends an outage."""
    figures = Figures(0.0)
    figures.arrived(frames(1), 1.0, healthy=True)
    figures.note(FAULT, 2.0)
    figures.arrived(frames(1), 3.0, healthy=False)
    during = figures.tally.recoveries
    figures.arrived(frames(1), 4.0, healthy=True)

    assert (0, 1, 3.0) == (during, figures.tally.recoveries, figures.tally.mttr())


def test_lost_and_late_frames_add_up() -> None:
    """The counts of all reports are summed; a report of frames ends being late."""
    figures = Figures(0.0)
    figures.late = True
    figures.arrived(frames(5, dropped=2, late=1), 1.0, healthy=True)
    figures.arrived(frames(5, dropped=3), 2.0, healthy=True)

    assert (5, 1, False) == (figures.dropped, figures.late_frames, figures.late)


def test_recoveries_are_remembered_for_a_day() -> None:
    """Each with when and by what; after 24 h it is forgotten."""
    figures = Figures(0.0)
    figures.note(ev.SayRecovered("frames-stopped", Rung.RESTART_STREAM, 1, 3.0), 1000.0)
    figures.note(ev.SayRecovered("frames-stopped", None, 0, 3.0), 5000.0)

    assert ((1000.0, "restart-stream"), (5000.0, "by itself")) == figures.recent(87400.0)
    assert ((5000.0, "by itself"),) == figures.recent(87401.0)
    assert () == figures.recent(100000.0)


def test_a_frame_that_is_late_is_as_old_as_it_is() -> None:
    """Its report came a moment ago; the frame itself is what the next one is waited for since."""
    figures = Figures(0.0)
    early = figures.last_frame(10.0)
    figures.waits(0.1, 10.02)

    assert 10.0 == early
    assert pytest.approx(9.92) == figures.last_frame(10.0)
    assert figures.last_frame(None) is None
    figures.arrived(frames(1), 10.1, healthy=True)
    assert 10.1 == figures.last_frame(10.1)
