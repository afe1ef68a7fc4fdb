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

A mean of few days is itself off, and a chart with such limits is wrong far more often (C. P. Quesenberry, The Effect
of Sample Size on Estimated Limits for X-bar and X Control Charts, Journal of Quality Technology 25, 1993; L. A. Jones,
C. W. Champ and S. E. Rigdon, The Performance of Exponentially Weighted Moving Average Charts with Estimated Parameters,
Technometrics 43, 2001). The variance of a mean of n days is 1/n of a day's, so the limits have a term of 1/n: they are
by 59 % wider after 14 days (39 % where a day counts for 3 at most, or nothing would reach them), by 24 % after 28, and
as above from 55 on: what a memory that fades by 1/28 a day is worth.

What is usual is not learnt from a sign, or it would soon be one no more. But what stays must become usual: the days of
a sign are learnt apart, 14 and 14. Where the latter are not above the former by more than chance (two standard
errors, the two-sample test of the e-Handbook, 7.3.1) both are the new usual; else it rises still, and so on from there.

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
MEMORY = 28  # days that what is usual is taken from; after so many of a sign that rises no more they are the usual
ABSURD = 1e12  # no number of a camera is as large
SETTLED = 2 * MEMORY - 1  # days of equal weight that know the mean as well as a memory that fades does
_ROUGH = 30.0  # 11 for the mean, if days correlate by 0.7; and 14 of these scatter by a quarter too little
_WIDEST = 0.85  # of what a day counts for: nine of the worst days are a sign, however little is known
_ERRORS = 2.0  # standard errors: less is chance
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
    """One sign of one camera. `mean`, `variance`: of the last weeks; `ewma` in deviations above the mean.

    `halves`: what the days of a sign have learnt, `LEARN` of them each.
    """

    sign: Sign
    days: int = 0  # that were learnt from, up to `SETTLED`
    mean: float = 0.0
    variance: float = 0.0
    ewma: float = 0.0
    shown: int = 0  # days for which it has been a sign; 0: it is none
    value: float = 0.0  # of the last day
    halves: tuple["Chart", ...] = ()

    @property
    def rule(self) -> Rule:
        """Of its sign."""
        return RULES[self.sign]

    @property
    def deviation(self) -> float:
        """Of one day from the mean; less than a share of the mean is none worth speaking of."""
        return max(math.sqrt(self.scatter), self.rule.least * self.mean, 1e-9)

    @property
    def scatter(self) -> float:
        """The variance, at least that of chance: of counts, as Poisson has it, and never below 0.4 squared."""
        return max(self.variance, self.mean, 0.16) if self.rule.counted else self.variance

    @property
    def bound(self) -> float:
        """The rule's, wider while what is usual was taken from few days, and is but roughly known."""
        few = 1 / max(self.days, LEARN) - 1 / SETTLED
        return min(self.rule.bound * math.sqrt(1 + _ROUGH * few), _WIDEST * self.rule.most)

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
        sound = all(half.sign is self.sign and not half.halves and half.is_sound for half in self.halves)
        return sound and len(self.halves) <= 2 and all(0 <= number < ABSURD for number in numbers)

    def add(self, value: float) -> "Chart":
        """Another day. While it is learnt what is usual nothing is judged, and in doubt nothing is learnt."""
        if self.days < LEARN:
            return self.learn(value, value)
        z = min((value - self.mean) / self.deviation, self.rule.most)
        ewma = LAMBDA * z + (1 - LAMBDA) * self.ewma
        bound = self.rule.bound if self.shown else self.bound  # a sign does not come and go
        judged = replace(self, ewma=ewma, shown=self.shown + 1 if ewma > bound else 0, value=value)
        if ewma > _DOUBT * self.bound:
            return judged.lasting() if judged.shown or self.halves else judged
        return replace(judged, halves=()).learn(self.mean + z * self.deviation, value)

    def learn(self, counted: float, value: float) -> "Chart":
        """Welford's mean and variance, with a memory of some weeks."""
        days = min(self.days + 1, SETTLED)
        gap, weight = counted - self.mean, 1 / min(days, MEMORY)
        mean = self.mean + gap * weight
        variance = self.variance + (gap * (counted - mean) - self.variance) * weight
        return replace(self, days=days, mean=mean, variance=max(0.0, variance), value=value)

    def lasting(self) -> "Chart":
        """What does not rise any further in `MEMORY` days is the usual by now; what does stays a sign."""
        halves = self.halves
        if not halves or halves[-1].days >= LEARN:
            halves = (*halves, Chart(self.sign))
        last = halves[-1].learn(self.value, self.value)
        halves = (*halves[:-1], last)
        if len(halves) < 2 or last.days < LEARN:
            return replace(self, halves=halves)
        return replace(self, halves=(last,)) if self._rises(*halves) else _joined(*halves)

    def _rises(self, first: "Chart", last: "Chart") -> bool:
        """By more than chance, and by what was worth speaking of before: of what it is by now that would be more."""
        error = math.sqrt((first.scatter + last.scatter) / LEARN)
        return last.mean - first.mean > max(_ERRORS * error, self.rule.least * self.mean)

    @property
    def text(self) -> str:
        """What is above the usual, for how long, and what that was."""
        value, usual = (self._written(number) for number in (self.value, self.mean))
        told = f"{self.rule.title}: {value} on the last day, usual before that: {usual}"
        return f"{told}; the mean of the last days has been above the usual for {_days(self.shown)}"

    def _written(self, value: float) -> str:
        if not self.rule.counted:
            return f"{1000 * value:.0f} ms"
        return f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")


def _joined(first: Chart, last: Chart) -> Chart:
    """One to which the days of both are the usual."""
    apart = (last.mean - first.mean) / 2
    variance = (first.variance + last.variance) / 2 + apart * apart
    return Chart(last.sign, MEMORY, (first.mean + last.mean) / 2, variance, value=last.value)


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"
