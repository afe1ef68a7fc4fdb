# SPDX-License-Identifier: MIT
"""Measures signs in simulation: how many false ones a camera has in a year, and how soon a true one is told.

    python -m tests.bench.signs [YEARS]

Days do not scatter like dice. Beside independent noise there is noise that resembles the day before (an autoregressive
process of first order, with the correlation given), a year's season, and the cycle of a day, of which a box that is
on for ten hours sees another part in each of its days. Bad weeks come and go, and incidents come in bursts.
"""

import math
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, pairwise

from camwatchd.core.circumstances import ALPHA, APART, LEAST, Circumstance, Circumstances, Sample
from camwatchd.core.signs import LAMBDA, LEARN, MEMORY, RULES, Chart, Sign

YEAR = 365
HOUR = 3600.0
LONGEST = 90  # days to wait for a true sign; one that is not told by then counts as that late
BEFORE = 60  # days of a usual life before it gets worse
CAMERAS = 5  # over which the years are spread
FRESH = 90  # days of a camera of which it has just been learnt what is usual

Days = Iterator[float]
Life = Callable[
    [random.Random, float], Days
]  # a camera's days; from `BEFORE` on so much worse, 0: not at all


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of camera. `worse`: what its days are given when it gets so, as `words` say."""

    sign: Sign
    name: str
    life: Life
    worse: float
    words: str


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured."""

    false: float  # a year of one camera
    fresh: float  # ... while it is `FRESH`
    delay: float  # days


def poisson(chance: random.Random, mean: float) -> float:
    """A number of events (Knuth)."""
    if mean > 30:
        return max(0.0, round(chance.gauss(mean, math.sqrt(mean))))
    number, product, floor = 0, chance.random(), math.exp(-mean)
    while product > floor:
        number, product = number + 1, product * chance.random()
    return float(number)


def resembling(chance: random.Random, like: float) -> Iterator[float]:
    """Noise of deviation 1, each with so much correlation to the one before."""
    value = chance.gauss(0, 1)
    while True:
        yield value
        value = like * value + math.sqrt(1 - like * like) * chance.gauss(0, 1)


def events(rate: float, size: float = 1, like: float = 0.0, spread: float = 0.0) -> Life:
    """So many a day, each of so many captures; `spread`: of good and bad weeks. Worse: times as many."""

    def days(chance: random.Random, worse: float) -> Days:
        for day, mood in enumerate(resembling(chance, like)):
            mean = (
                rate
                * math.exp(spread * mood - spread * spread / 2)
                * (worse if worse and day >= BEFORE else 1)
            )
            number = poisson(chance, mean)
            yield number if size == 1 else sum(1 + poisson(chance, size - 1) for _ in range(int(number)))

    return days


def levels(mean: float, share: float, like: float = 0.0, season: float = 0.0) -> Life:
    """A mean that scatters by `share`. Worse: it rises by so much of it a day."""

    def days(chance: random.Random, worse: float) -> Days:
        begin = chance.random() * YEAR
        for day, noise in enumerate(resembling(chance, like)):
            year = 1 + season * math.sin(2 * math.pi * (begin + day) / YEAR)
            yield mean * year * (1 + share * noise) * (1 + worse * max(0, day - BEFORE))

    return days


def by_the_hour(mean: float, cycle: float, on: int, like: float) -> Life:
    """A level with a daily cycle, in a box that is on for so many hours a day; a day of ours is 24 of its hours."""

    def days(chance: random.Random, worse: float) -> Days:
        hours = (hour for hour in count() if hour % 24 < on)
        weather = dict[int, float]()
        noise = resembling(chance, like)
        for day in count():
            total = 0.0
            for hour in (next(hours) for _ in range(24)):
                if hour // 24 not in weather:
                    weather = {hour // 24: next(noise)}
                sun = cycle * math.sin(2 * math.pi * (hour % 24) / 24)
                total += 1 + sun + 0.05 * weather[hour // 24] + 0.05 * chance.gauss(0, 1)
            yield mean * total / 24 * (1 + worse * max(0, day - BEFORE))

    return days


CASES = (
    Case(Sign.FAILURES, "8 at once in 10 days", events(0.1, 8), 10, "10 times as often"),
    Case(Sign.FAILURES, "3 at once each day", events(1.0, 3), 4, "4 times as often"),
    Case(Sign.FAILURES, "3 at once in 5 days, in bad weeks (0.6)", events(0.2, 3, 0.6, 0.8), 8, "8 times as often"),
    Case(Sign.RECOVERIES, "1 in 30 days", events(1 / 30), 30, "1 a day"),
    Case(Sign.RECOVERIES, "1 in 10 days", events(0.1), 20, "2 a day"),
    Case(Sign.RECOVERIES, "1 a day", events(1.0), 4, "4 a day"),
    Case(Sign.RECOVERIES, "1 a day, in bad weeks (0.6)", events(1.0, 1, 0.6, 0.6), 4, "4 a day"),
    Case(Sign.DROPS, "100 a day", events(100.0), 1.5, "150 a day"),
    Case(Sign.DROPS, "100 a day, days resemble (0.7)", events(100.0, 1, 0.7, 0.3), 3, "300 a day"),
    Case(Sign.LATENCY, "2 %, independent", levels(0.04, 0.02), 0.03, "3 % a day more"),
    Case(Sign.LATENCY, "20 %, independent", levels(0.04, 0.20), 0.03, "3 % a day more"),
    Case(Sign.LATENCY, "10 %, days resemble (0.7)", levels(0.04, 0.10, 0.7), 0.03, "3 % a day more"),
    Case(Sign.LATENCY, "10 %, days resemble (0.85)", levels(0.04, 0.10, 0.85), 0.03, "3 % a day more"),
    Case(Sign.LATENCY, "5 % (0.7), season of 10 %", levels(0.04, 0.05, 0.7, 0.1), 0.03, "3 % a day more"),
    Case(Sign.LATENCY, "5 % (0.7), season of 30 %", levels(0.04, 0.05, 0.7, 0.3), 0.03, "3 % a day more"),
    Case(Sign.LATENCY, "day and night 30 %, always on", by_the_hour(0.04, 0.3, 24, 0.7), 0.03, "3 % a day more"),
    Case(Sign.LATENCY, "day and night 30 %, on 10 h a day", by_the_hour(0.04, 0.3, 10, 0.7), 0.03, "3 % a day more"),
    Case(Sign.REOPENING, "15 %, independent", levels(1.2, 0.15), 0.03, "3 % a day more"),
    Case(Sign.REOPENING, "15 %, days resemble (0.5)", levels(1.2, 0.15, 0.5), 0.03, "3 % a day more"),
)  # fmt: skip


def false_signs(case: Case, chance: random.Random, years: float) -> float:
    """How many there are in a year of one camera."""
    found = 0
    for _ in range(CAMERAS):
        chart, days = Chart(case.sign), case.life(chance, 0)
        for _ in range(LEARN + round(years * YEAR / CAMERAS)):
            chart = chart.add(next(days))
            found += chart.shown == 1
    return found / years


def fresh_signs(case: Case, chance: random.Random, years: float) -> float:
    """How many there are in a year of cameras that are all new."""
    found, cameras = 0, round(years * YEAR / FRESH)
    for _ in range(cameras):
        chart, days = Chart(case.sign), case.life(chance, 0)
        for _ in range(LEARN + FRESH):
            chart = chart.add(next(days))
            found += chart.shown == 1
    return found * YEAR / (cameras * FRESH)


def until_a_sign(case: Case, chance: random.Random) -> int:
    """Days from when it gets worse to the sign of it."""
    chart, days = Chart(case.sign), case.life(chance, case.worse)
    for _ in range(BEFORE):
        chart = chart.add(next(days))
    return next((day for day in range(1, LONGEST) if (chart := chart.add(next(days))).shown), LONGEST)


def measured(case: Case, years: float, seed: int = 1) -> Result:
    """Over so many years of a camera, and as many times that it gets worse."""
    chance = random.Random(seed)
    false, runs = false_signs(case, chance, years), max(5, round(years))
    delay = sum(until_a_sign(case, chance) for _ in range(runs)) / runs
    return Result(false, fresh_signs(case, chance, years), delay)


# --- what goes along with incidents ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Machine:
    """One kind of machine: its hours, and its incidents. `bursts` of incidents begin so often a day."""

    name: str
    sign: Circumstance
    bursts: float
    words: str


MACHINES = (
    Machine("under-voltage 2 % of the time, an incident in 5 days", Circumstance.UNDER_VOLTAGE, 0.2, "with 7 of 10"),
    Machine("under-voltage 2 % of the time, bursts each day", Circumstance.UNDER_VOLTAGE, 1.0, "with 7 of 10"),
    Machine("day and night 8 degrees, weather, season; in 5 days", Circumstance.HEAT, 0.2, "in hot hours"),
    Machine("day and night 8 degrees, weather, season; each day", Circumstance.HEAT, 1.0, "in hot hours"),
)  # fmt: skip


def hours(chance: random.Random) -> Iterator[Sample]:
    """Of a machine out of doors, whose supply is weak for some hours now and then."""
    weather, begin, weak, warm = resembling(chance, 0.8), chance.random() * YEAR, 0, 0.0
    for hour in count():
        warm = next(weather) if hour % 24 == 0 else warm
        season = 8 * math.sin(2 * math.pi * (begin + hour / 24) / YEAR)
        degrees = 55 + season + 4 * warm + 8 * math.sin(2 * math.pi * hour / 24) + chance.gauss(0, 1)
        weak = weak - 1 if weak > 0 else round(chance.expovariate(1 / 3)) if chance.random() < 0.007 else 0
        yield Sample(weak > 0, None, degrees)


def incidents(chance: random.Random, bursts: float) -> Iterator[int]:
    """In each hour so many; a burst has three more in the day after its first."""
    coming: list[int] = []
    for hour in count():
        if chance.random() < bursts / 24:
            coming += [hour, *(hour + chance.randrange(24) for _ in range(int(poisson(chance, 3))))]
        yield coming.count(hour)
        coming = [other for other in coming if other > hour]


def _tied(machine: Machine, sample: Sample, chance: random.Random, limit: float) -> Sample | None:
    """The machine when an incident comes of it; None: it does not come now."""
    if machine.sign is Circumstance.UNDER_VOLTAGE:
        return Sample(chance.random() < 0.7 or bool(sample.under_voltage), None, sample.temperature)
    return sample if (sample.temperature or 0.0) >= limit else None


def lived(machine: Machine, chance: random.Random, days: int, *, tied: bool) -> Iterator[tuple[int, bool]]:
    """Each day, and whether it is a sign then. `tied` to it the incidents are from `BEFORE` on."""
    known, recent = Circumstances(), list[float]()
    happen, waiting = incidents(chance, machine.bursts), 0
    for hour, sample in zip(range(24 * days), hours(chance), strict=False):
        recent = [*recent, sample.temperature or 0.0][-28 * 24 :]
        known = known.usual(sample)
        waiting += next(happen)
        seen: Sample | None = sample
        if waiting and tied and hour >= 24 * BEFORE:
            limit = sorted(recent)[int(0.93 * len(recent))] if machine.sign is Circumstance.HEAT else 0.0
            seen = _tied(machine, sample, chance, limit)
        if waiting and seen is not None:
            known, waiting = known.incident(seen, hour * HOUR), 0
        if hour % 24 == 23:
            known = known.judged(hour * HOUR)
            yield hour // 24, machine.sign in known.shown


def of_machine(machine: Machine, years: float, seed: int = 1) -> Result:
    """Over so many years of a camera, and as many times that incidents come of it."""
    chance, runs = random.Random(seed), max(2, round(years / 2))
    false = sum(_begun(machine, chance, round(years * YEAR / CAMERAS)) for _ in range(CAMERAS)) / years
    delay, cameras = sum(_delay(machine, chance) for _ in range(runs)) / runs, round(years * YEAR / FRESH)
    fresh = sum(_begun(machine, chance, LEARN + FRESH) for _ in range(cameras)) * YEAR / (cameras * FRESH)
    return Result(false, fresh, delay)


def _begun(machine: Machine, chance: random.Random, days: int) -> int:
    """How many false ones begin; the first weeks count, too: it is known earlier here what is usual."""
    signs = [False, *(is_sign for _, is_sign in lived(machine, chance, days, tied=False))]
    return sum(is_sign and not was for was, is_sign in pairwise(signs))


def _delay(machine: Machine, chance: random.Random) -> int:
    days = lived(machine, chance, BEFORE + LONGEST, tied=True)
    return next((day - BEFORE + 1 for day, is_sign in days if is_sign and day >= BEFORE), LONGEST)


# --- the table -------------------------------------------------------------------------------------------------


def rows(years: float) -> Iterator[tuple[str, str, str, Result]]:
    """What, which kind of camera, how it gets worse, and what was measured."""
    for case in CASES:
        yield case.sign.value, case.name, case.words, measured(case, years)
    for machine in MACHINES:
        yield machine.sign.value, machine.name, machine.words, of_machine(machine, years / 2)


def main(years: float) -> None:
    """A table."""
    limits = sorted({rule.limit for rule in RULES.values()})
    print(f"EWMA: lambda {LAMBDA}, limits {limits} deviations, {LEARN} days learnt, {MEMORY} remembered;")
    print(
        f"incidents: binomial test, alpha {ALPHA}, {LEAST} or more, {APART / HOUR:.0f} h apart; {years:g} years each"
    )
    print(f"a fresh camera: of {FRESH} days after the {LEARN} in which it was learnt what is usual")
    print(f"{'':14}{'':52}{'false signs':>12}{'of a fresh':>12}{'told':>8}")
    print(
        f"{'sign':14}{'usual scatter (correlation of the days)':52}{'in a year':>12}{'camera':>12}{'after':>8}"
        "  when it gets worse"
    )
    for sign, name, words, found in rows(years):
        print(
            f"{sign:14}{name:52}{found.false:12.2f}{found.fresh:12.2f}{found.delay:6.0f} d  {words}",
            flush=True,
        )


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 100)
