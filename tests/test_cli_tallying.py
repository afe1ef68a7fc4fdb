# SPDX-License-Identifier: MIT
"""What `monitor` counts: outages, of the cameras and of the daemon alike, and what of them was watched."""

from dataclasses import replace

import pytest

from camwatchd.cli import monitor
from camwatchd.cli.tallying import Seen, Tally
from camwatchd.control.facts import DaemonFacts, StatusFacts, Totals
from tests.control.rig import camera


def totals(observed: float, **more: float) -> StatusFacts:
    """A daemon with one camera that has counted this."""
    counted = replace(Totals(observed=observed), **more)  # type: ignore[arg-type]
    facts = DaemonFacts(version="1", pid=1, uptime=observed, status="")
    return StatusFacts(daemon=facts, cameras=(camera(totals=counted),))


def another(facts: StatusFacts, uptime: float) -> StatusFacts:
    """The same of a daemon that was started anew."""
    return replace(facts, daemon=DaemonFacts(version="1", pid=2, uptime=uptime, status=""))


def ill(facts: StatusFacts, phase: str = "acting") -> StatusFacts:
    """The same while its camera delivers nothing."""
    return replace(facts, cameras=tuple(replace(each, phase=phase) for each in facts.cameras))


def tallied(*looks: tuple[float, StatusFacts | None]) -> Tally:
    """What was counted by these looks, each with its second."""
    tally = Tally()
    for at, look in looks:
        tally.note(look, at)
    return tally


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


def test_each_look_adds_what_is_new() -> None:
    """From look to look, for each camera of its own; the lowest score stays."""
    cameras = [
        tuple(camera(name, health_score=score, totals=Totals(observed=at, captures=frames))
              for name, frames in (("cam0", 30 * at), ("cam1", 10 * at)))
        for at, score in ((100, 90), (110, 40), (120, 100))
    ]  # fmt: skip
    looks = [(float(n), replace(totals(0), cameras=each)) for n, each in enumerate(cameras)]
    seen = tallied(*looks).cameras

    assert [(s.captures, s.observed, s.lowest_score) for s in seen.values()] == [
        (600, 20, 40),
        (200, 20, 40),
    ]


def test_a_camera_that_is_taken_anew_counts_from_nothing() -> None:
    """A change of the configuration, or another daemon, which may have counted more than the one before."""
    changed = tallied((0, totals(100, captures=3000)), (60, totals(50, captures=1500))).cameras["cam0"]
    restarted = tallied((0, totals(5, captures=150)), (60, another(totals(50, captures=1500), 50)))

    assert (changed.captures, changed.observed) == (1500, 50)
    assert (restarted.cameras["cam0"].captures, restarted.cameras["cam0"].observed) == (1500, 60)


def test_a_daemon_that_was_never_there_was_away_since_the_first_look() -> None:
    """Not since the clock began, and no camera is known that could have been down."""
    tally = tallied((1000, None), (1030, None), (1060, totals(100)))

    assert (tally.away, tally.restarts) == (30, 0)
    assert tally.cameras["cam0"] == Seen()


def test_a_daemon_that_was_silent_is_counted_once() -> None:
    """As the time before it answered, which is then not in its own totals too; what follows is all its own."""
    hung = tallied((0, totals(100)), (10, None), (20, totals(120)), (30, totals(130)))
    new = tallied((0, totals(100)), (10, None), (20, another(totals(18), 18)), (30, another(totals(28), 28)))

    for tally in (hung, new):
        seen = tally.cameras["cam0"]
        assert (tally.away, seen.observed, seen.downtime) == (10, 30, 10)
        assert (seen.outages, seen.recoveries, seen.mttr) == (1, 1, 10)


def test_a_daemon_that_is_older_than_the_last_look_was_not_away() -> None:
    """Two clocks differ by a little."""
    tally = tallied((0, totals(100)), (10, another(totals(10), 10.5)))

    assert (tally.away, tally.cameras["cam0"].observed) == (0, 10)


@pytest.mark.parametrize("phase", ["acting", "paused", "parked"])
def test_an_outage_of_the_daemon_is_none_of_a_camera_that_was_down(phase: str) -> None:
    """It had begun before; its time is down all the same."""
    seen = tallied((0, ill(totals(100), phase)), (10, None), (20, None)).cameras["cam0"]

    assert (seen.outages, seen.observed, seen.downtime, seen.availability) == (0, 20, 20, 0)


def test_it_lasts_until_the_camera_is_well_again() -> None:
    """A daemon that is back has not recovered a camera yet; once it has, that is counted once."""
    looks = [
        (0, totals(100)), (10, None), (20, None), (24, another(ill(totals(4, downtime=4)), 4)),
        (30, another(totals(10, downtime=6), 10)), (40, another(totals(20, downtime=6), 20)),
    ]  # fmt: skip
    before, after = tallied(*looks[:4]).cameras["cam0"], tallied(*looks).cameras["cam0"]

    assert (before.outages, before.recoveries, before.mttr) == (1, 0, None)
    assert (after.outages, after.recoveries, after.mttr, after.downtime) == (1, 1, 26, 26)
    assert after.mtbf == 40 - 26


def test_two_outages_have_two_repairs() -> None:
    """The mean is of those that ended."""
    looks = [(0, totals(100)), (10, None), (20, totals(120)), (50, None), (90, totals(190)), (91, None)]
    seen = tallied(*looks).cameras["cam0"]

    assert (seen.outages, seen.recoveries, seen.mttr) == (3, 2, (10 + 30) / 2)
    assert (seen.observed, seen.mtbf) == (91, (91 - 41) / 3)


def test_what_nothing_is_known_of_is_none() -> None:
    """Not zero; and no share is below nothing, whatever two clocks make of it."""
    assert (Seen().availability, Seen().mtbf, Seen().mttr) == (None, None, None)
    assert (Seen(observed=10.0, downtime=10.5).availability, Seen(observed=0.5).availability) == (0.0, 1.0)
    assert Seen(outages=2, recoveries=1, repairs=4.0).mttr == 4.0
    assert Seen(outages=1).mttr is None
