# SPDX-License-Identifier: MIT
"""Owns the figures about a camera: score, band, uptime, availability, mean times between failures and to recovery.

They inform people; nothing acts on them.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from camwatchd.core.settings import Health


class Band(StrEnum):
    """The four words for a score."""

    EXCELLENT = "EXCELLENT"
    GOOD = "GOOD"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


def score(consecutive_failures: int) -> int:
    """100 - 10 x consecutive failures, never below 0 (the requirement's formula)."""
    return max(0, 100 - 10 * consecutive_failures)


def band(limits: Health, value: int) -> Band:
    """The band a score falls into."""
    if value >= limits.excellent_score:
        return Band.EXCELLENT
    if value >= limits.good_score:
        return Band.GOOD
    return Band.WARNING if value >= limits.warning_score else Band.CRITICAL


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted of one camera since the daemon took it; times in monotonic seconds.

    An outage lasts from the last healthy frame before it to the first after it: what an application felt.
    """

    since: float
    last_healthy: float | None = None
    outage: bool = True  # until the first frame
    down: float = 0.0  # seconds in outages that ended
    outages: int = 0  # that began after a healthy frame
    repairs: float = 0.0  # seconds of those that ended
    recoveries: int = 0  # of those that ended
    captures: int = 0
    failures: int = 0

    def healthy(self, count: int, now: float) -> "Tally":
        """`count` healthy captures arrived; an outage ends with them."""
        tally = replace(self, captures=self.captures + count, last_healthy=now)
        if not self.outage:
            return tally
        length = now - (self.since if self.last_healthy is None else self.last_healthy)
        repaired = self.last_healthy is not None
        return replace(
            tally, outage=False, down=self.down + length,
            repairs=self.repairs + length * repaired, recoveries=self.recoveries + repaired,
        )  # fmt: skip

    def failed(self, count: int = 1) -> "Tally":
        """So many captures were missed or unhealthy."""
        return replace(self, failures=self.failures + count) if count else self

    def faulted(self) -> "Tally":
        """A fault was named: an outage began with the last healthy frame."""
        if self.outage:
            return self
        return replace(self, outage=True, outages=self.outages + 1)

    def downtime(self, now: float) -> float:
        """Seconds without health so far, an open outage included."""
        if not self.outage:
            return self.down
        return self.down + now - (self.since if self.last_healthy is None else self.last_healthy)

    def availability(self, now: float) -> float:
        """The healthy share of the time since the daemon took the camera, 0 to 1."""
        observed = now - self.since
        return 1.0 if observed <= 0 else max(0.0, 1 - self.downtime(now) / observed)

    def uptime(self, now: float) -> float:
        """Seconds in health."""
        return max(0.0, now - self.since - self.downtime(now))

    def mtbf(self, now: float) -> float | None:
        """Mean healthy seconds between failures; None before the first."""
        return self.uptime(now) / self.outages if self.outages else None

    def mttr(self) -> float | None:
        """Mean seconds from the last healthy frame to the first after an outage; None before the first."""
        return self.repairs / self.recoveries if self.recoveries else None
