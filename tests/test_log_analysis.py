# SPDX-License-Identifier: MIT
"""The analysis of a log is right where chance, restarts, boots and clocks make it easy to be wrong."""

import pytest

from camwatchd.cli.log_analysis import Analyser
from camwatchd.cli.log_events import Event
from camwatchd.cli.log_facts import Analysis
from tests.log_rig import DAY, NOON

START, CURED = "ladder.action_started", "alert.recovery"


def event(name: str, at: float, **facts: object) -> Event:
    known: dict[str, object] = {
        "camera": "cam0",
        "fault": "frames-stopped",
        "message": name,
        "priority": 6,
    } | facts
    return Event(time=NOON + at, event=name, **known)  # type: ignore[arg-type]


def analysed(*events: Event, since: float = 0.0, until: float = DAY) -> Analysis:
    analyser = Analyser(NOON + since)
    for each in events:
        analyser.add(each)
    return analyser.result(NOON + until)


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        (0, 0, "no clear change"), (0, 1, "no clear change"), (0, 4, "no clear change"), (0, 5, "rising"),
        (5, 0, "falling"), (10, 14, "no clear change"), (10, 30, "rising"), (100, 140, "rising"),
        (100, 110, "no clear change"),
    ],
)  # fmt: skip
def test_a_trend_is_more_than_chance(before: int, now: int, change: str) -> None:
    """Two days with a few faults more or less are alike; only what chance would hardly make is called a change."""
    told = [event("camera.summary", -DAY)]
    told += [event("alert.capture_failure", -60.0 - n) for n in range(before)]
    told += [event("alert.capture_failure", 60.0 + n) for n in range(now)]
    faults = analysed(*told).trend[0]

    assert (faults.before, faults.per_day, faults.change) == (before, now, change)


def test_what_the_log_does_not_cover_has_no_rate() -> None:
    """Of a minute nothing is said per day, and of a span that the log has forgotten nothing is said at all."""
    (faults, *_) = analysed(event("alert.capture_failure", 10), until=60).trend
    assert (faults.per_day, faults.before, faults.change) == (None, None, "")

    (faults, *_) = analysed(event("alert.capture_failure", DAY / 2)).trend
    assert (faults.per_day, faults.before, faults.change) == (2.0, None, "")


@pytest.mark.parametrize(
    ("begun", "ended", "seconds"),
    [
        ({"boot": "a", "clock": 100.0}, {"boot": "a", "clock": 104.0}, 4.0),
        ({"boot": "a", "clock": 100.0}, {"boot": "b", "clock": 5.0}, 64.0),  # over a reboot: the time of day
        ({}, {}, 64.0),
        ({"rung": "restart-stream"}, {}, None),  # another remedy cured
    ],
    ids=str,
)
def test_how_long_a_remedy_took(
    begun: dict[str, object], ended: dict[str, object], seconds: float | None
) -> None:
    """From its beginning to the recovery, by the clock that does not jump where it is the same one."""
    about: dict[str, object] = {"rung": "reboot", "attempt": 1}
    result = analysed(event(START, 0, **about | begun), event(CURED, 64, **about | ended, seconds=500.0))
    (rung,) = result.rungs

    assert (rung.rung, rung.attempts, rung.success) == ("reboot", 1, 1.0)
    assert rung.median_seconds == (None if seconds is None else pytest.approx(seconds, rel=0.05))


def test_a_clock_that_was_set_back_makes_no_duration() -> None:
    """A Pi has no battery clock: a remedy never took less than nothing."""
    result = analysed(event(START, 60, rung="reboot", attempt=1), event(CURED, 0, rung="reboot", attempt=1))

    assert result.rungs[0].median_seconds is None


@pytest.mark.parametrize(
    ("last", "is_open"),
    [("camera.summary", True), (CURED, False), ("camera.started", False), ("camera.paused", False)],
)
def test_a_fault_is_open_until_there_are_frames(last: str, is_open: bool) -> None:
    """A recovery ends it, and so does a new start of the daemon that delivers frames; nothing else does."""
    result = analysed(event("alert.capture_failure", 0), event(last, 60))

    assert bool(result.open) is is_open


def test_a_fault_that_changes_its_name_is_open_since_the_first() -> None:
    """As history has it: one incident, by the name that it goes by now."""
    result = analysed(
        event("alert.connection_error", 0, fault="not-found"), event("alert.capture_failure", 240)
    )

    assert [(fault.fault, fault.since) for fault in result.open] == [("frames-stopped", NOON)]


def test_one_camera_says_nothing_of_another() -> None:
    """Remedies and recoveries are of the camera that they name."""
    result = analysed(
        event("alert.capture_failure", 0, camera="a"), event("alert.capture_failure", 0, camera="b"),
        event(START, 1, camera="a", rung="restart-worker", attempt=1),
        event(CURED, 5, camera="b", rung="restart-worker", attempt=1),
    )  # fmt: skip

    assert [(fault.camera, fault.fault) for fault in result.open] == [("a", "frames-stopped")]
    assert result.rungs[0].median_seconds is None
