# SPDX-License-Identifier: MIT
"""What `monitor` counts: outages, of the cameras and of the daemon alike, and what of them was watched."""

from dataclasses import replace

from camwatchd.cli import monitor
from camwatchd.cli.tallying import Tally
from camwatchd.control.facts import DaemonFacts, StatusFacts, Totals
from tests.control.rig import camera


def totals(observed: float, **more: float) -> StatusFacts:
    """A daemon with one camera that has counted this."""
    counted = replace(Totals(observed=observed), **more)  # type: ignore[arg-type]
    facts = DaemonFacts(version="1", pid=1, uptime=observed, status="")
    return StatusFacts(daemon=facts, cameras=(camera(totals=counted),))


def test_a_summary_is_of_what_was_watched() -> None:
    """What was before the first look is left out; a daemon that begins anew counts from nothing."""
    tally = Tally()
    looks = [
        totals(1000, captures=30000, outages=5, recoveries=5, repairs=50, downtime=60),
        totals(1060, captures=31500, outages=6, recoveries=6, repairs=62, downtime=72),
        None,
        replace(totals(10, captures=100, downtime=2), daemon=DaemonFacts(version="1", pid=2, uptime=10, status="")),
    ]  # fmt: skip
    for at, look in zip((0.0, 60.0, 90.0, 100.0), looks, strict=True):
        tally.note(look, at)
    seen = tally.cameras["cam0"]

    assert (seen.captures, seen.outages, seen.recoveries) == (1600, 2, 2)
    assert (seen.mttr, seen.mtbf) == ((12 + 30 + 2) / 2, (60 + 30 + 10 - 12 - 30 - 2) / 2)
    assert seen.availability == 1 - 44 / 100
    assert (tally.away, tally.restarts) == (30.0, 1)
    assert "did not answer for 30 s" in monitor.summary(tally, 100.0)
    assert "camwatchd was restarted once" in monitor.summary(tally, 100.0)
    assert "available 56.000 %; captures 1600, failed 0; outages 2, recoveries 2; MTBF 28 s, MTTR 22 s" in (
        monitor.summary(tally, 100.0)
    )


def test_a_daemon_that_dies_between_two_looks_is_an_outage() -> None:
    """Nobody saw it away, but it is another one, and younger than the last look."""
    tally = Tally()
    later = replace(totals(6), daemon=DaemonFacts(version="1", pid=2, uptime=6, status=""))
    for at, look in ((0.0, totals(100)), (10.0, later)):
        tally.note(look, at)
    seen = tally.cameras["cam0"]

    assert (tally.away, seen.outages, seen.recoveries) == (4.0, 1, 1)
    assert (seen.availability, seen.mttr, seen.mtbf) == (0.6, 4.0, 6.0)


def test_a_daemon_that_hangs_for_a_while_is_counted_once() -> None:
    """What it counted itself, when it is back, is the same time over again."""
    tally = Tally()
    for at, look in ((0.0, totals(100)), (10.0, None), (20.0, totals(120, downtime=10))):
        tally.note(look, at)
    seen = tally.cameras["cam0"]

    assert (seen.observed, seen.downtime, seen.outages, seen.recoveries) == (20.0, 10.0, 1, 1)


def test_a_drill_is_marked_and_lowers_no_score() -> None:
    """What is practised is nothing that happened."""
    tally = Tally()
    drilled = StatusFacts(
        daemon=DaemonFacts(version="1", pid=1, uptime=9.0, status=""),
        cameras=(camera(drill="stall", phase="settling", health_score=60),),
    )
    tally.note(drilled, 0.0)

    assert tally.cameras["cam0"].lowest_score == 100
    assert "cam0 DRILL (stall) trouble 60/100" in monitor.line(drilled)


def test_a_camera_that_was_down_all_the_time_has_no_mean_times() -> None:
    """No outage began and none ended: both are unknown, and not because nothing failed."""
    tally = Tally()
    tally.note(totals(100, downtime=90, outages=1), 0.0)
    tally.note(totals(160, downtime=150, outages=1), 60.0)

    assert "available 0.000 %" in monitor.summary(tally, 60.0)
    assert "MTBF unknown (it was down already), MTTR unknown (nothing recovered)" in monitor.summary(
        tally, 60.0
    )
