# SPDX-License-Identifier: MIT
"""What goes along with incidents: counted against how often it is so without one, and said only if it is no chance."""

import math
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from camwatchd.core import days
from camwatchd.core.circumstances import (
    ALPHA,
    APART,
    MEMORY,
    MOST,
    Circumstance,
    Circumstances,
    Sample,
    Share,
    sample,
    tail,
)
from camwatchd.core.flight import HostFacts

WELL = Sample(under_voltage=False, throttled=False, temperature=50.0)
WEAK = Sample(under_voltage=True, throttled=False, temperature=50.0)


def lived(hours: int = 400, *samples: Sample) -> Circumstances:
    """After so many hours of health."""
    known = Circumstances()
    for hour in range(hours):
        known = known.usual(samples[hour % len(samples)] if samples else WELL)
    return known


def struck(known: Circumstances, *samples: Sample, begin: float = 0.0) -> Circumstances:
    """Incidents, far enough from each other to count."""
    for number, each in enumerate(samples):
        known = known.incident(each, begin + number * APART)
    return known


def test_weak_power_before_incidents_is_a_sign() -> None:
    """Three of three, where it is rare else; the sentence has the numbers of both."""
    known = struck(lived(), WEAK, WEAK, WEAK)

    assert (Circumstance.UNDER_VOLTAGE,) == known.shown
    assert (
        "under-voltage in the minute before 3 of the last 3 incidents, the first 3 d ago; else at most 1 % of the time"
        == known.text(Circumstance.UNDER_VOLTAGE, 3 * 86400.0)
    )


def test_two_incidents_prove_nothing() -> None:
    """However rare it is else."""
    assert () == struck(lived(), WEAK, WEAK).shown


def test_what_is_usual_is_no_sign() -> None:
    """A machine with a weak supply half of the time has it before incidents, too, by chance."""
    assert () == struck(lived(400, WELL, WEAK), *[WEAK] * 3, WELL, WEAK).shown


def test_nothing_is_judged_before_it_is_known_what_is_usual() -> None:
    """Eight days of hours, of which old ones count less."""
    assert () == struck(lived(193), WEAK, WEAK, WEAK).shown
    assert (Circumstance.UNDER_VOLTAGE,) == struck(lived(194), WEAK, WEAK, WEAK).shown


def test_a_burst_counts_once() -> None:
    """Incidents of the same hours have the same power: they are no proof of each other."""
    known = lived()
    for number in range(10):
        known = known.incident(WEAK, 600.0 * number)

    assert 1 == len(known.incidents)
    assert () == known.shown


def test_heat_is_what_is_rare_on_this_machine() -> None:
    """Sixty degrees are nothing for one, and hot for another."""
    warm, cool = Sample(temperature=60.0), Sample(temperature=50.0)
    hot_here = struck(lived(400, *[cool] * 19, warm), *[warm] * 4)

    assert (Circumstance.HEAT,) == hot_here.shown
    assert hot_here.text(Circumstance.HEAT, 0.0).startswith(
        "52 degrees or more in the minute before 4 of the last 4"
    )
    assert () == struck(lived(400, warm, cool), *[warm] * 4).shown


def test_a_sign_ends_with_what_it_is_about() -> None:
    """With incidents that come without it, or when the last ones are long ago."""
    known = struck(lived(), WEAK, WEAK, WEAK)

    assert () == struck(known, *[WELL] * MOST, begin=10 * APART).shown
    assert () == known.judged(MEMORY + 3 * APART).shown
    assert (Circumstance.UNDER_VOLTAGE,) == known.judged(3 * APART).shown


def test_a_sign_does_not_come_and_go() -> None:
    """What would not make one begin does not end it at once; an incident without it counts."""
    rarely = lived(450, *[WELL] * 14, WEAK)
    known = struck(rarely, WEAK, WEAK, WEAK, WELL, WELL)

    assert (Circumstance.UNDER_VOLTAGE,) == known.shown
    assert "before 3 of the last 5 incidents" in known.text(Circumstance.UNDER_VOLTAGE, 0.0)
    assert () == struck(rarely, WELL, WELL, WEAK, WEAK, WEAK).shown


def test_what_the_machine_does_not_tell_is_not_counted() -> None:
    """No sensor of the supply, no firmware that may be asked: neither sign nor mistake."""
    unknown = Sample()

    assert () == struck(lived(400, unknown), *[unknown] * 6).shown
    assert 0 == lived(400, unknown).hours


def test_a_sample_is_what_recorder_and_kernel_say() -> None:
    """The kernel's lines tell of the minute, its sensor of now, the firmware's bits of now and not of the boot."""
    none = HostFacts()
    sensor = HostFacts(under_voltage=False, throttled="0x50000", temperature=61.5)

    assert Sample(False, False, 61.5) == sample(sensor, power_failed=False)
    assert Sample(True, False, 61.5) == sample(sensor, power_failed=True)
    assert Sample(True, True) == sample(
        HostFacts(under_voltage=False, throttled="0x50005"), power_failed=False
    )
    assert Sample(True, False) == sample(HostFacts(under_voltage=False, throttled="0x1"), power_failed=False)
    assert Sample() == sample(none, power_failed=True)
    assert Sample() == sample(HostFacts(throttled="no such thing"), power_failed=False)


@settings(max_examples=50)
@given(of=st.integers(0, MOST), had=st.integers(0, MOST), chance=st.floats(0.01, 0.99))
def test_the_tail_is_a_probability(of: int, had: int, chance: float) -> None:
    """Of anything it is 1, of all the power, and it falls with what is asked for."""
    assert math.isclose(1.0, tail(0, of, chance))
    assert math.isclose(chance**of, tail(of, of, chance))
    assert tail(had + 1, of, chance) <= tail(had, of, chance) + 1e-12
    assert tail(3, 3, 0.01) < ALPHA < tail(3, 3, 0.2)


def test_old_hours_count_less() -> None:
    """What is usual is of the last weeks."""
    known = Share()
    for _ in range(3000):
        known = known.add(had=True)
    for _ in range(2000):
        known = known.add(had=False)

    assert known.had / known.of < 0.06


def test_a_machine_that_becomes_hotter_for_good_has_no_sign_of_heat() -> None:
    """What is rare moves beyond what the incidents had: nothing speaks for it any more, and all of it can be told."""
    known = struck(lived(), *[replace(WELL, temperature=62.0)] * MOST, begin=400 * 3600.0)
    before, at = known.shown, 400 * 3600.0 + MOST * APART
    told = []
    for hour in range(500):
        known = known.usual(replace(WELL, temperature=62.0))
        told += [known.text(each, at + hour * 3600) for each in known.shown]
        life = days.read(days.written(days.Life("s", circumstances=known)), "s")
        assert life is not None
        assert life.circumstances.shown == known.shown

    assert (before, known.shown) == ((Circumstance.HEAT,), ())
    assert told


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([None, 40.0, 55.0, 62.0, 70.0, 84.0])), max_size=60)
)
def test_whatever_is_shown_can_be_told(lives: list[tuple[bool, float | None]]) -> None:
    """In every hour of any life: what informs must never end the daemon."""
    known, at = lived(200), 200 * 3600.0
    for strikes, temperature in lives:
        lot = replace(WEAK if strikes else WELL, temperature=temperature)
        known, at = (known.incident(lot, at), at + APART) if strikes else (known, at + 3600)
        for _ in range(9):
            known = known.usual(lot)
        assert all(known.text(each, at) for each in known.shown)


def test_what_cannot_be_is_not_gone_on_with() -> None:
    """More of something than there was, or other limits of heat than there are."""
    assert Circumstances().is_sound
    assert not Circumstances(under_voltage=Share(1.0, 2.0)).is_sound
    assert not Circumstances(hours=5.0, hot=(1.0,)).is_sound
