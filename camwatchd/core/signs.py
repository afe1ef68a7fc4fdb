# SPDX-License-Identifier: MIT
"""Owns the signs that a camera gets worse before it fails: its numbers of each day, against those of the weeks before.

The method is the EWMA control chart (NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.4), one-sided, for only
what rises is bad. The days are standardised by mean and deviation of the weeks before, which are estimated as they go.
A day counts for at most three deviations: one bad day, of which the alerts have told, is no sign. Whole days, since a
night has longer exposures, and so longer latencies, than a day. Signs inform; nothing acts on them.

    EWMA(t) = LAMBDA * z(t) + (1 - LAMBDA) * EWMA(t - 1);  a sign: EWMA > LIMIT * sqrt(LAMBDA / (2 - LAMBDA))

How often that is wrong, and how soon it is right, is measured by `python -m tests.bench.signs`: one false sign of a
kind in five years or more of a camera whose numbers scatter at random; a true one after one or two weeks.
"""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

LAMBDA = 0.2  # the handbook: 0.2 to 0.3
LIMIT = 4.5  # the handbook: usually 3; more, as mean and deviation are but estimated, and a fleet has many cameras
LEARN = 14  # days until it is known what is usual
MEMORY = 28  # days that what is usual is taken from; after so many of a sign they are the new usual
_DOUBT = 0.5  # of the limit: from there on a day is not learnt from, or what creeps up would become usual
_MOST = 3.0  # deviations that one day counts for
_BOUND = LIMIT * math.sqrt(LAMBDA / (2 - LAMBDA))


class Sign(StrEnum):
    """What is followed."""

    FAILURES = "failed captures a day"
    RECOVERIES = "recoveries a day"
    DROPS = "dropped frames a day"
    LATENCY = "capture latency"
    REOPENING = "time to open the camera"


COUNTS = (Sign.FAILURES, Sign.RECOVERIES, Sign.DROPS)
# Less than this share of the mean is no deviation worth speaking of, however steady a camera is.
_LEAST = {Sign.LATENCY: 0.05, Sign.REOPENING: 0.10}


@dataclass(frozen=True, slots=True)
class Chart:
    """One sign of one camera. `mean`, `variance`: of the last weeks; `ewma` in deviations above the mean."""

    sign: Sign
    days: int = 0
    mean: float = 0.0
    variance: float = 0.0
    ewma: float = 0.0
    shown: int = 0  # days for which it has been a sign; 0: it is none

    @property
    def deviation(self) -> float:
        """At least that of chance: of counts, as Poisson has it, and never below a half."""
        if self.sign in COUNTS:
            return math.sqrt(max(self.variance, self.mean, 0.25))
        return max(math.sqrt(self.variance), _LEAST[self.sign] * self.mean, 1e-9)

    def add(self, value: float) -> "Chart":
        """Another day. While it is learnt what is usual nothing is judged, and in doubt nothing is learnt."""
        if self.days < LEARN:
            days, mean, variance = self._learnt(value)
            return replace(self, days=days, mean=mean, variance=variance)
        z = min((value - self.mean) / self.deviation, _MOST)
        ewma = LAMBDA * z + (1 - LAMBDA) * self.ewma
        judged = replace(self, ewma=ewma, shown=self.shown + 1 if ewma > _BOUND else 0)
        if judged.shown > MEMORY:
            return Chart(self.sign)
        if ewma > _DOUBT * _BOUND:
            return judged
        days, mean, variance = self._learnt(self.mean + z * self.deviation)
        return replace(judged, days=days, mean=mean, variance=variance)

    def _learnt(self, value: float) -> tuple[int, float, float]:
        """Welford's mean and variance, with a memory of some weeks."""
        days = min(self.days + 1, MEMORY)
        gap = value - self.mean
        mean = self.mean + gap / days
        return days, mean, self.variance + (gap * (value - mean) - self.variance) / days
