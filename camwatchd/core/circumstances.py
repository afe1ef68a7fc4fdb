# SPDX-License-Identifier: MIT
"""Owns what goes along with a camera's incidents: weak power, a throttled processor, heat; more than by chance?

Of each incident it is noted how the machine did in the minute before, and every hour how it does without one. What
was there in N of the last M incidents is a sign if that is hardly chance: by the exact binomial test, one-sided, with
the hourly share as its probability (NIST/SEMATECH e-Handbook, 1.3.6.6.18 and 7.2.4). Hours and incidents close to
each other resemble each other, so an incident counts only hours after the one that was counted before it. Heat is
what the machine has in one hour of ten: what is hot differs with board, case and place.

It informs; nothing acts on it. `python -m tests.bench.signs` measures how often it is wrong, and how soon right.
"""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from camwatchd.core.flight import HostFacts
from camwatchd.core.timespan import duration

ALPHA = 0.0005  # the chance at which it begins to be a sign
GONE = 0.02  # ... and beyond which it is none any more
LEAST = 3  # incidents with it
MOST = 8  # incidents that are remembered, the last ones
APART = 12 * 3600.0  # seconds between two incidents that count
MEMORY = 28 * 86400.0  # seconds that an incident is remembered for
_HOURS = 28 * 24  # samples that what is usual is taken from
_KNOWN = 7 * 24  # samples, as they count by then, until it is known what is usual: 194 hours
_RAREST = 0.01  # what was never seen without an incident may yet be no rarer than this
_HOT = 0.1  # the share of hours that are hot
_WEAK, _SLOWED = (
    0x1,
    0xE,
)  # bits of the firmware: under-voltage; clock capped, throttled, soft temperature limit
_BINS = tuple(range(30, 101, 2))  # degrees Celsius: the lower ends; what is colder is in none


class Circumstance(StrEnum):
    """What is followed. The names are in the journal, in JSON and in the ledger."""

    UNDER_VOLTAGE = "under-voltage"
    THROTTLED = "throttling"
    HEAT = "heat"


REMEDIES = {
    Circumstance.UNDER_VOLTAGE: "camwatchctl doctor  # use the supply made for this board, a short cable, a "
    "powered hub for USB cameras",
    Circumstance.THROTTLED: "camwatchctl doctor  # look at power and temperature: supply, heat sink, fan, shade",
    Circumstance.HEAT: "camwatchctl health  # give it a heat sink, a fan or shade",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """The machine, and the minute before; None: it does not tell."""

    under_voltage: bool | None = None
    throttled: bool | None = None
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """An incident, `at` so many seconds of the daemon's life with this camera."""

    at: float
    sample: Sample


@dataclass(frozen=True, slots=True)
class Share:
    """How many of so many samples; old ones count less and less."""

    of: float = 0.0
    had: float = 0.0

    def add(self, had: bool) -> "Share":
        """Another one."""
        keep = 1 - 1 / _HOURS
        return Share(self.of * keep + 1, self.had * keep + had)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Of one camera. `hot`: of how many of these `hours` it was as hot as each bin; `shown`: what is a sign."""

    under_voltage: Share = Share()
    throttled: Share = Share()
    hours: float = 0.0
    hot: tuple[float, ...] = ()
    incidents: tuple[Seen, ...] = ()
    shown: tuple[Circumstance, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether it can be gone on with, wherever it comes from."""
        shares = (self.under_voltage, self.throttled, *(Share(self.hours, had) for had in self.hot))
        return len(self.hot) in (0, len(_BINS)) and all(0 <= share.had <= share.of for share in shares)

    def backed(self) -> "Circumstances":
        """Without a sign that no remembered incident speaks for any more: what is hot may have become hotter since."""
        backed = (
            each for each in self.shown if any(self._had(each, seen.sample) for seen in self.incidents)
        )
        return replace(self, shown=tuple(backed))

    def usual(self, sample: Sample) -> "Circumstances":
        """How the machine does without an incident; every hour."""
        found = self
        if sample.under_voltage is not None:
            found = replace(found, under_voltage=found.under_voltage.add(sample.under_voltage))
        if sample.throttled is not None:
            found = replace(found, throttled=found.throttled.add(sample.throttled))
        if (degrees := sample.temperature) is not None:
            pairs = zip(found.hot or (0.0,) * len(_BINS), _BINS, strict=True)
            shares = [Share(found.hours, had).add(degrees >= least) for had, least in pairs]
            found = replace(found, hours=shares[0].of, hot=tuple(share.had for share in shares))
        return found.backed()

    def counts(self, at: float) -> bool:
        """Whether an incident now would, or is too close to the last one."""
        return not self.incidents or at - self.incidents[-1].at >= APART

    def incident(self, sample: Sample, at: float) -> "Circumstances":
        """How it did in the minute before one."""
        if not self.counts(at):
            return self
        return replace(self, incidents=(*self.incidents, Seen(at, sample))[-MOST:]).judged(at)

    def judged(self, at: float) -> "Circumstances":
        """What is a sign now; incidents of long ago are forgotten."""
        kept = tuple(seen for seen in self.incidents if at - seen.at < MEMORY)
        found = replace(self, incidents=kept)
        return replace(found, shown=tuple(each for each in Circumstance if found.is_sign(each)))

    def text(self, each: Circumstance, now: float) -> str:
        """In how many incidents since when, and how often else."""
        had, of = self._counted(each)
        what = f"{_BINS[self._hot_bin() or 0]} degrees or more" if each is Circumstance.HEAT else each.value
        first = next(seen.at for seen in self.incidents if self._had(each, seen.sample))
        return (
            f"{what} in the minute before {had} of the last {of} incidents, the first {duration(now - first)} ago; "
            f"else at most {100 * self._chance(each):.0f} % of the time"
        )

    def is_sign(self, each: Circumstance) -> bool:
        """Whether it is one now; what has been one stays so until it is hardly one."""
        had, of = self._counted(each)
        if had < LEAST or self._share(each).of < _KNOWN:
            return False
        return tail(had, of, self._chance(each)) <= (GONE if each in self.shown else ALPHA)

    def _counted(self, each: Circumstance) -> tuple[int, int]:
        told = [had for seen in self.incidents if (had := self._had(each, seen.sample)) is not None]
        return sum(told), len(told)

    def _had(self, each: Circumstance, sample: Sample) -> bool | None:
        match each:
            case Circumstance.UNDER_VOLTAGE:
                return sample.under_voltage
            case Circumstance.THROTTLED:
                return sample.throttled
        hot = self._hot_bin()
        return None if sample.temperature is None or hot is None else sample.temperature >= _BINS[hot]

    def _share(self, each: Circumstance) -> Share:
        match each:
            case Circumstance.UNDER_VOLTAGE:
                return self.under_voltage
            case Circumstance.THROTTLED:
                return self.throttled
        hot = self._hot_bin()
        return Share() if hot is None else Share(self.hours, self.hot[hot])

    def _hot_bin(self) -> int | None:
        """The lowest that is rare enough. A machine that is never in the last one has no such limit."""
        rare = (number for number, had in enumerate(self.hot) if had <= _HOT * self.hours)
        return next(rare, None)

    def _chance(self, each: Circumstance) -> float:
        share = self._share(each)
        return max(_RAREST, (share.had + 1) / (share.of + 2))  # the rule of succession: it is but estimated


def tail(had: int, of: int, chance: float) -> float:
    """The probability that chance alone gives so many or more."""
    return math.fsum(
        math.comb(of, number) * chance**number * (1 - chance) ** (of - number)
        for number in range(had, of + 1)
    )


def sample(host: HostFacts, *, power_failed: bool) -> Sample:
    """The machine as the recorder has found it; `power_failed`: the kernel has said so in the minute before.

    Where the kernel has no sensor of the supply nothing is known, whatever its log says: it would say only one thing.
    """
    bits = _bits(host.throttled)
    weak = host.under_voltage
    if weak is not None:
        weak = weak or power_failed or bool((bits or 0) & _WEAK)
    return Sample(weak, None if bits is None else bool(bits & _SLOWED), host.temperature)


def _bits(throttled: str) -> int | None:
    """As `vcgencmd get_throttled` has them; those of since the boot, 16 higher, tell nothing of an incident."""
    try:
        return int(throttled, 16) if throttled else None
    except ValueError:
        return None
