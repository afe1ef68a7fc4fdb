# SPDX-License-Identifier: MIT
"""Measures how often a sign is false, and how soon a true one shows: the average run lengths of the charts, in days.

    python -m tests.bench.signs [RUNS]

A run begins with a camera of which nothing is known yet; days until it is learnt what is usual are not counted.
"""

import math
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass

from camwatchd.core.signs import LAMBDA, LEARN, LIMIT, MEMORY, Chart, Sign

Days = Callable[[random.Random, int], float]  # the value of a day, counted from where it gets worse
LONGEST = 5_000  # days; a run that is longer counts as that long
BEFORE = 60  # days of a usual life before it gets worse


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of camera. `worse`: what becomes of it."""

    name: str
    sign: Sign
    usual: Days
    worse: Days


def poisson(chance: random.Random, mean: float) -> float:
    """A number of events (Knuth)."""
    if mean > 30:
        return max(0.0, round(chance.gauss(mean, math.sqrt(mean))))
    count, product, floor = 0, chance.random(), math.exp(-mean)
    while product > floor:
        count, product = count + 1, product * chance.random()
    return float(count)


def counts(mean: float, factor: float) -> tuple[Days, Days]:
    """So many a day, and then `factor` times as many."""
    return lambda r, _: poisson(r, mean), lambda r, _: poisson(r, mean * factor)


def bursts(rate: float, size: float, factor: float) -> tuple[Days, Days]:
    """Incidents at random, each of which costs several captures: not Poisson at all."""

    def day(r: random.Random, often: float) -> float:
        return sum(1 + poisson(r, size - 1) for _ in range(round(poisson(r, often))))

    return lambda r, _: day(r, rate), lambda r, _: day(r, rate * factor)


def levels(mean: float, share: float, rise: float) -> tuple[Days, Days]:
    """A mean that scatters by `share` of it, and then rises by `rise` of it a day."""
    return (
        lambda r, _: r.gauss(mean, share * mean),
        lambda r, day: r.gauss(mean * (1 + rise * day), share * mean),
    )


CASES = (
    Case("recoveries: 1 in 30 days, then 1 a day", Sign.RECOVERIES, *counts(1 / 30, 30)),
    Case("recoveries: 1 in 10 days, then 2 a day", Sign.RECOVERIES, *counts(0.1, 20)),
    Case("recoveries: 1 a day, then 4", Sign.RECOVERIES, *counts(1.0, 4)),
    Case("recoveries: 5 a day, then 10", Sign.RECOVERIES, *counts(5.0, 2)),
    Case("failures: 8 at once in 10 days, then 8 a day", Sign.FAILURES, *bursts(0.1, 8, 10)),
    Case("failures: 3 at once each day, then 4 times", Sign.FAILURES, *bursts(1.0, 3, 4)),
    Case("drops: 100 a day, then 130", Sign.DROPS, *counts(100.0, 1.3)),
    Case("latency: scatters by 2 %, rises 2 % a day", Sign.LATENCY, *levels(0.04, 0.02, 0.02)),
    Case("latency: scatters by 20 %, rises 5 % a day", Sign.LATENCY, *levels(0.04, 0.20, 0.05)),
    Case("re-opening: scatters by 15 %, rises 5 % a day", Sign.REOPENING, *levels(1.2, 0.15, 0.05)),
)


def until_a_sign(chance: random.Random, case: Case, *, worse: bool, longest: int = LONGEST) -> int:
    """Days of one run."""
    chart = Chart(case.sign)
    for _ in range(BEFORE if worse else LEARN):
        chart = chart.add(case.usual(chance, 0))
        if chart.shown:  # a false one: it goes on from there
            chart = Chart(case.sign, chart.days, chart.mean, chart.variance)
    for day in range(1, longest + 1):
        chart = chart.add((case.worse if worse else case.usual)(chance, day))
        if chart.shown:
            return day
    return longest


def run_length(case: Case, *, worse: bool, runs: int, seed: int = 1, longest: int = LONGEST) -> float:
    """The average of so many."""
    chance = random.Random(seed)
    return sum(until_a_sign(chance, case, worse=worse, longest=longest) for _ in range(runs)) / runs


def main(runs: int) -> None:
    """A table."""
    print(
        f"EWMA: lambda {LAMBDA}, limit {LIMIT} deviations, {LEARN} days learnt, {MEMORY} remembered; {runs} runs"
    )
    print(f"{'':52}{'false sign after':>18}{'true sign after':>18}")
    for case in CASES:
        false, true = (run_length(case, worse=worse, runs=runs) for worse in (False, True))
        print(f"{case.name:52}{false:13.0f} days{true:13.1f} days")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 200)
