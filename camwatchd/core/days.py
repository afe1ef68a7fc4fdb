# SPDX-License-Identifier: MIT
"""Owns what is known of a camera's days: the one that runs, the charts of those before, and the incidents in them.

All of it is plain numbers, kept as JSON in the ledger, so that what is usual is known after a restart or a boot, too.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from camwatchd.core.circumstances import REMEDIES, Circumstances
from camwatchd.core.plain import PlainError, from_plain, to_plain, without_strangers
from camwatchd.core.signs import ABSURD, Chart, Sign
from camwatchd.core.timespan import DAY

_ENOUGH = DAY / 2  # of health: of less than that the alerts have told, and a paused camera proves nothing
_DIGITS = 6  # of a number in the ledger
_LONGEST = 50_000.0  # days that a daemon may have lived for; more was never written by us


@dataclass(frozen=True, slots=True)
class Day:
    """Sums since it began; seconds. `observed`: of the daemon's life, over however many starts of it."""

    observed: float = 0.0
    healthy: float = 0.0
    failures: int = 0
    recoveries: int = 0
    drops: int = 0
    latency: float = 0.0  # summed up over the ...
    captures: int = 0
    opening: float = 0.0
    openings: int = 0

    def add(self, other: "Day") -> "Day":
        """Both together."""
        return Day(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def is_over(self) -> bool:
        """Whether it is judged now."""
        return self.observed >= DAY

    @property
    def is_sound(self) -> bool:
        """Whether it can be gone on with, wherever it comes from."""
        return all(0 <= getattr(self, name) < ABSURD for name in self.__slots__) and self.observed <= 2 * DAY

    def values(self) -> dict[Sign, float]:
        """What it says of each sign; nothing if the camera was not there for most of it."""
        if self.healthy < _ENOUGH:
            return {}
        found = {
            Sign.FAILURES: float(self.failures),
            Sign.RECOVERIES: float(self.recoveries),
            Sign.DROPS: float(self.drops),
        }
        if self.captures:
            found[Sign.LATENCY] = self.latency / self.captures
        if self.openings:
            found[Sign.REOPENING] = self.opening / self.openings
        return found


@dataclass(frozen=True, slots=True)
class Life:
    """Of one camera. `settings`: those under which it was so; `before`: seconds of all days that are over.

    `failed`: in the middle of an incident, which a restart or a boot may end.
    """

    settings: str = ""
    before: float = 0.0
    failed: bool = False
    day: Day = Day()
    charts: tuple[Chart, ...] = field(default_factory=lambda: tuple(Chart(sign) for sign in Sign))
    circumstances: Circumstances = Circumstances()

    @property
    def now(self) -> float:
        """Seconds of the daemon's life with this camera."""
        return self.before + self.day.observed

    def after(self, day: Day) -> "Life":
        """A day is over: it is judged, and the next one begins."""
        values, before = day.values(), self.before + day.observed
        charts = tuple(
            chart.add(values[chart.sign]) if chart.sign in values else chart for chart in self.charts
        )
        circumstances = self.circumstances.judged(before)
        return replace(self, before=before, day=Day(), charts=charts, circumstances=circumstances)

    def signs(self) -> Iterator[tuple[str, str, str]]:
        """What is one now: its name, a sentence, and what a human may do."""
        for chart in self.charts:
            if chart.shown:
                yield chart.sign.value, chart.text, chart.rule.remedy
        for each in self.circumstances.shown:
            yield each.value, self.circumstances.text(each, self.now), REMEDIES[each]


def written(life: Life) -> str:
    """For the ledger."""
    return json.dumps(_rounded(to_plain(life)), separators=(",", ":"))


def read(text: str, settings: str | None) -> Life | None:
    """What an earlier start has written, whatever its version; None: nothing, or of no use under these settings.

    `settings` None: whatever they were, for one who only looks back.
    """
    try:
        data: Any = json.loads(text)
        life = from_plain(Life, without_strangers(Life, data))
    except (ValueError, PlainError, TypeError, RecursionError):
        return None
    named = {chart.sign: chart for chart in life.charts}
    sound = (
        all(chart.is_sound for chart in life.charts) and life.circumstances.is_sound and life.day.is_sound
    )
    if settings not in (None, life.settings) or not sound or not 0 <= life.before <= _LONGEST * DAY:
        return None
    charts = tuple(named.get(sign) or Chart(sign) for sign in Sign)
    return replace(life, charts=charts, circumstances=life.circumstances.backed())


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
