# SPDX-License-Identifier: MIT
"""Proves the arithmetic behind the soaks: a seed is a story, and a fault costs what a hand calculates."""

from itertools import pairwise

import pytest

from camwatchd.core.ladder import Rung
from camwatchd.core.state import Policy
from tests.bench.soak import plan
from tests.bench.soak.availability import limit, month, price
from tests.bench.soak.gauges import Gauges
from tests.bench.soak.mix import MIX, Kind, Onset, Shows, draw
from tests.bench.soak.recoveries import Look, grown
from tests.bench.soak.run import longest_silence
from tests.bench.soak.virtual import Costs, Life
from tests.process.daemon import Note

COSTS = Costs(imports=4.0, open=1.0, first=0.5, restart=0.8, end=0.3, service=17.0, boot=45.0, frame=0.1)
PROOF = 0.2  # s from the first frame to the third
NOTICED = 3 * 1.5  # s: three captures at the shortest deadline
HUNG = 3 * 2.0  # s: three reports, each half a second later than that
HOUR = 3600.0


def kind(
    shows: Shows, *, cure: Rung | None = None, lasts: tuple[float, float] | None = None, name: str = "it"
) -> Kind:
    return Kind(name, shows, 1.0, lasts, cure, "")


def cost(
    shows: Shows, *, lasts: float | None = None, cure: Rung | None = None, standby: bool = True
) -> float:
    """What one fault costs a camera that was healthy for long."""
    life = Life(Policy(), COSTS, standby=standby)
    share = life.live([Onset(HOUR, kind(shows, cure=cure), lasts)], 2 * HOUR)
    (outage,) = life.outages
    assert share == pytest.approx(1 - outage.seconds / (2 * HOUR))
    return outage.seconds


# --- stories ----------------------------------------------------------------------------------------------


def test_a_seed_is_a_story() -> None:
    """The same seed gives the same faults, another one others: for months, for nights, for recoveries in a row."""
    assert draw(7, MIX, 1e-4, 50) == draw(7, MIX, 1e-4, 50) != draw(8, MIX, 1e-4, 50)
    assert plan.night("7/cam0", 300, 10) == plan.night("7/cam0", 300, 10) != plan.night("7/cam1", 300, 10)
    assert plan.recoveries(7, 40) == plan.recoveries(7, 40) != plan.recoveries(8, 40)


def test_another_rate_is_the_same_story_told_faster() -> None:
    """Twice the rate: the same faults, each at half the time."""
    slow, fast = draw(3, MIX, 1e-4, 20), draw(3, MIX, 2e-4, 20)

    assert [(o.kind, o.lasts) for o in slow] == [(o.kind, o.lasts) for o in fast]
    assert [o.at / 2 for o in slow] == pytest.approx([o.at for o in fast])


def test_every_kind_of_recovery_comes() -> None:
    """Of twenty recoveries in a row each kind has its share, and none begins before the last is surely over: a reset
    that hangs comes with the stall for which it is ordered."""
    script = plan.recoveries(1, 20)
    kinds = {(fault["kind"], fault.get("until")) for fault in script}
    frames = sorted({int(str(fault["at_frame"])) for fault in script})
    (unheard,) = (fault["at_frame"] for fault in script if fault["kind"] == "reset-hangs")

    assert {"stall", "crash", "hang", "gone", "reset-hangs"} == {kind for kind, _ in kinds}
    assert {"restart-stream", "restart-worker", "reset-device", None} == {
        until for kind, until in kinds if kind == "stall"
    }
    assert [unheard, unheard] == [fault["at_frame"] for fault in script if fault["at_frame"] == unheard]
    assert 20 == len(frames)
    assert 45 <= min(b - a for a, b in pairwise([0, *frames]))


def test_a_night_resets_devices() -> None:
    """What only a reset cures comes, and what a reset meets then: it succeeds, hangs or is refused."""
    script = plan.night("7/cam0", 3600, 5)

    assert {"reset-hangs", "reset-refused"} <= {fault["kind"] for fault in script}
    assert "reset-device" in {fault.get("until") for fault in script}


# --- what a fault costs -----------------------------------------------------------------------------------


def test_a_life_without_faults_is_healthy_for_all_of_it() -> None:
    """Nothing happens: 100 %, and no outage."""
    life = Life(Policy(), COSTS)

    assert (1.0, []) == (life.live([], 30 * 24 * HOUR), life.outages)


@pytest.mark.parametrize(("lasts", "proof"), [(0.5, 0.0), (2.0, PROOF), (4.4, PROOF)])
def test_a_short_stall_costs_what_it_lasts(lasts: float, proof: float) -> None:
    """Nobody acts on it; the next frame ends it, or the third if a capture had failed."""
    assert lasts + COSTS.frame + proof == pytest.approx(cost(Shows.SILENCE, lasts=lasts))


def test_a_longer_stall_is_over_when_it_ends() -> None:
    """A restart of the stream in the middle of it does no harm: after that the camera only waits."""
    assert 8.0 + 0.1 + PROOF == pytest.approx(cost(Shows.SILENCE, lasts=8.0))


def test_a_restart_of_the_stream_is_done_when_it_is_noticed() -> None:
    """Silence takes three deadlines to notice, the front end's own words one second."""
    restart = COSTS.restart + PROOF

    assert NOTICED + restart == pytest.approx(cost(Shows.SILENCE, cure=Rung.RESTART_STREAM))
    assert 1.0 + restart == pytest.approx(cost(Shows.TIMEOUT, cure=Rung.RESTART_STREAM))


@pytest.mark.parametrize(("standby", "imports"), [(True, 0.0), (False, 4.0)])
def test_a_crash_costs_a_worker(standby: bool, imports: float) -> None:
    """It is noticed at once; from standby the imports are free."""
    expected = imports + COSTS.open + COSTS.first + PROOF

    assert expected == pytest.approx(cost(Shows.CRASH, standby=standby))


def test_what_only_a_fresh_worker_cures_has_seen_two_restarts_of_the_stream() -> None:
    """Both settle for five seconds in vain; the worker waits its two and is then asked to end."""
    streams = 2 * (COSTS.restart - COSTS.first + 5.0)
    worker = 2.0 + COSTS.end + COSTS.open + COSTS.first + PROOF

    assert NOTICED + streams + worker == pytest.approx(cost(Shows.SILENCE, cure=Rung.RESTART_WORKER))


def test_a_worker_that_hangs_is_killed() -> None:
    """Three reports are missed; SIGTERM and SIGABRT have two seconds each."""
    expected = HUNG + 4.0 + COSTS.open + COSTS.first + PROOF

    assert expected == pytest.approx(cost(Shows.HANG, cure=Rung.RESTART_WORKER))


def test_a_frozen_picture_is_known_after_its_time() -> None:
    """Ten seconds of the same picture and three captures of it; the restart of the stream cures it."""
    expected = 10.0 + 2 * COSTS.frame + COSTS.restart + PROOF

    assert expected == pytest.approx(cost(Shows.PICTURE, cure=Rung.RESTART_STREAM))


def test_what_only_a_reboot_cures_is_rebooted_once() -> None:
    """The rungs below are tried, the service is restarted once, systemd's start limit reboots, and it is over."""
    life = Life(Policy(), COSTS)
    life.live([Onset(HOUR, kind(Shows.SILENCE, cure=Rung.REBOOT), None)], 2 * HOUR)

    assert (1, 1, 1) == (len(life.reboots), len(life.restarts), len(life.outages))


def test_an_unkillable_worker_is_rebooted_without_trying_anything_else() -> None:
    """Noticed, signalled for 19 seconds, and then as many exits as the start limit asks for."""
    signalled = 2.0 + 2.0 + 15.0
    leaving = 0.05 + 4 * COSTS.service + COSTS.boot  # one start is of this hour already
    start = COSTS.imports + COSTS.open + COSTS.first + PROOF

    assert HUNG + signalled + leaving + start == pytest.approx(cost(Shows.STUCK, cure=Rung.REBOOT))


# --- the figures ------------------------------------------------------------------------------------------


def test_a_month_is_the_same_month_again() -> None:
    """The figure is a function of the seed, and faults cost something."""
    first = month(COSTS, 1, 30, standby=True)

    assert 0.99 < first < 1
    assert first == month(COSTS, 1, 30, standby=True) != month(COSTS, 2, 30, standby=True)


def test_the_limit_is_where_the_target_is_spent() -> None:
    """99.9 % are 86.4 seconds a day: as many faults as that pays for."""
    fault = kind(Shows.SILENCE, lasts=(2.0, 2.0))
    (each,) = {round(seconds, 6) for seconds in price(COSTS, fault, 1)}

    assert 2.3 == pytest.approx(each)
    assert limit(COSTS, (fault,), 1) == pytest.approx(86.4 / each, rel=0.02)


# --- what must not grow, and who must not be silent -------------------------------------------------------


def test_growth_is_named() -> None:
    """One descriptor, process or three percent of memory more is growth; less is none."""
    small, big = Gauges(20, 1, 26000, 19000), Gauges(21, 1, 26800, 19000)
    warm = Look(20, small, small, 4, 50)

    assert [] == grown(warm, Look(200, small, small, 4, 500))
    assert [] == grown(Look(20, big, big, 5, 50), warm)
    found = grown(warm, Look(200, big, small, 5, 50))
    assert ["descriptors of the supervisor", "processes", "memory of the supervisor"] == [
        text.split(": ")[1] for text in found
    ]


def test_silence_is_measured_by_the_interval_in_force() -> None:
    """A lease of 100 s makes a minute's pause short; the same pause later is longer than the interval."""
    lease, steady = "WATCHDOG_USEC=100000000", "WATCHDOG_USEC=10000000"
    story = [(0, "READY=1"), (5, "WATCHDOG=1"), (6, lease), (66, steady), (70, "WATCHDOG=1")]
    notes = [Note(number, float(at), text) for number, (at, text) in enumerate(story)]

    assert 0.6 == pytest.approx(longest_silence(notes, base=10.0))
    assert 1.5 == pytest.approx(longest_silence([*notes, Note(5, 85.0, "WATCHDOG=1")], base=10.0))
