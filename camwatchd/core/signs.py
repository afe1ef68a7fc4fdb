# SPDX-License-Identifier: MIT
# ruff: noqa: E501  # a row stays on one line
"""Owns the signs that a camera gets worse before it fails: its numbers of each day, against those of the weeks before.

The method is the EWMA control chart (S. W. Roberts, Control Chart Tests Based on Geometric Moving Averages,
Technometrics 1, 1959; NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.4), one-sided, for only what rises is
bad. The days are standardised by mean and deviation of the weeks before, which are estimated as they go.

    EWMA(t) = LAMBDA * z(t) + (1 - LAMBDA) * EWMA(t - 1);  a sign: EWMA > limit * sqrt(LAMBDA / (2 - LAMBDA))

LAMBDA is 0.2, as the handbook has it (0.2 to 0.3), and Montgomery (Introduction to Statistical Quality Control, 9.2,
with limits of 2.6 to 3). The limits are wider here: theirs are for known means and for days that are independent of
each other, while mean and deviation are but estimated here, the days of a camera resemble the day before (light,
weather, what applications do), and a fleet has many cameras. A latency's days resemble each other most: with an
autocorrelation of 0.7 the EWMA scatters by 1.9 times as much as that of independent days does, hence 8.

A day counts for at most some deviations: one bad day, of which the alerts have told, is no sign. Days are 24 hours in
which the daemon has run, however many boots and restarts these were spread over; no clock is asked. Whole days, since
a night has longer exposures, and so longer latencies, than a day. Signs inform; nothing acts on them.

How often that is wrong, and how soon it is right, is measured by `python -m tests.bench.signs`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

LAMBDA = 0.2
LEARN = 14  # days until it is known what is usual
MEMORY = 28  # days that what is usual is taken from; after so many of a sign they are the new usual
ABSURD = 1e12  # no number of a camera is as large
_DOUBT = 0.5  # of the limit: from there on a day is not learnt from, or what creeps up would become usual


class Sign(StrEnum):
    """What is followed. The names are in the journal, in JSON and in the ledger."""

    FAILURES = "failures"
    RECOVERIES = "recoveries"
    DROPS = "drops"
    LATENCY = "latency"
    REOPENING = "reopening"


@dataclass(frozen=True, slots=True)
class Rule:
    """How a sign is judged and told. `limit`, `most`: in deviations, of the EWMA and of what one day counts for."""

    title: str
    remedy: str
    limit: float
    most: float
    least: float = 0.0  # of the mean: less is no deviation worth speaking of, however steady a camera is
    counted: bool = False  # a number of events: they scatter by chance at least as Poisson has it

    @property
    def bound(self) -> float:
        """What the EWMA of a usual camera hardly ever exceeds."""
        return self.limit * math.sqrt(LAMBDA / (2 - LAMBDA))


_COUNT = 5.5, 3.0
_LEVEL = 8.0, 5.0
_WORN = "then look at cable, connector and power supply"
# fmt: off
RULES: Mapping[Sign, Rule] = MappingProxyType({
    Sign.FAILURES:   Rule("failed captures a day", f"camwatchctl logs  # which faults; {_WORN}", *_COUNT, counted=True),
    Sign.RECOVERIES: Rule("recoveries a day", f"camwatchctl history  # which faults; {_WORN}", *_COUNT, counted=True),
    Sign.DROPS:      Rule("dropped frames a day", "camwatchctl health  # look for load, heat and little memory; or ask for fewer frames a second", *_LEVEL, least=0.10, counted=True),
    Sign.LATENCY:    Rule("capture latency", "camwatchctl health  # look for load and heat; less light makes exposures longer, too", *_LEVEL, least=0.10),
    Sign.REOPENING:  Rule("time to open the camera", f"camwatchctl health  # look for load; {_WORN}", *_LEVEL, least=0.10),
})
# fmt: on


@dataclass(frozen=True, slots=True)
class Chart:
    """One sign of one camera. `mean`, `variance`: of the last weeks; `ewma` in deviations above the mean."""

    sign: Sign
    days: int = 0
    mean: float = 0.0
    variance: float = 0.0
    ewma: float = 0.0
    shown: int = 0  # days for which it has been a sign; 0: it is none
    value: float = 0.0  # of the last day

    @property
    def rule(self) -> Rule:
        """Of its sign."""
        return RULES[self.sign]

    @property
    def deviation(self) -> float:
        """At least that of chance: of counts, as Poisson has it, and never below 0.4."""
        if self.rule.counted:
            return max(math.sqrt(max(self.variance, self.mean, 0.16)), self.rule.least * self.mean)
        return max(math.sqrt(self.variance), self.rule.least * self.mean, 1e-9)

    @property
    def is_sound(self) -> bool:
        """Whether it can be gone on with, wherever it comes from."""
        numbers = (
            self.days,
            self.mean,
            math.sqrt(max(self.variance, 0.0)),  # of numbers as large as the mean may be
            min(self.variance, 1.0),
            self.shown,
            self.value,
            self.ewma + self.rule.bound * 1e3,
        )
        return all(0 <= number < ABSURD for number in numbers)

    def add(self, value: float) -> "Chart":
        """Another day. While it is learnt what is usual nothing is judged, and in doubt nothing is learnt."""
        if self.days < LEARN:
            return self.learn(value, value)
        rule = self.rule
        z = min((value - self.mean) / self.deviation, rule.most)
        ewma = LAMBDA * z + (1 - LAMBDA) * self.ewma
        judged = replace(self, ewma=ewma, shown=self.shown + 1 if ewma > rule.bound else 0, value=value)
        if judged.shown > MEMORY:
            return Chart(self.sign)
        if ewma > _DOUBT * rule.bound:
            return judged
        return judged.learn(self.mean + z * self.deviation, value)

    def learn(self, counted: float, value: float) -> "Chart":
        """Welford's mean and variance, with a memory of some weeks."""
        days = min(self.days + 1, MEMORY)
        gap = counted - self.mean
        mean = self.mean + gap / days
        variance = self.variance + (gap * (counted - mean) - self.variance) / days
        return replace(self, days=days, mean=mean, variance=max(0.0, variance), value=value)

    @property
    def text(self) -> str:
        """What rises, since when, and compared to what."""
        value, usual = (self._written(number) for number in (self.value, self.mean))
        usual = f"usually {usual} (mean of the {self.days} days before)"
        return f"{self.rule.title}: {value}, {usual}; rising for {_days(self.shown)} now"

    def _written(self, value: float) -> str:
        if not self.rule.counted:
            return f"{1000 * value:.0f} ms"
        return f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"
