# SPDX-License-Identifier: MIT
"""Owns one camera's outlook: its numbers are summed up day by day, and what gets worse from week to week is told.

It begins anew with the daemon, and with other settings of the camera: a few floats, not worth a write to the SD card.
"""

from collections.abc import Callable
from dataclasses import dataclass

from camwatchd.core import messages as msg
from camwatchd.core.figures import Figures
from camwatchd.core.health import Tally
from camwatchd.core.signs import COUNTS, Chart, Sign
from camwatchd.core.timespan import DAY
from camwatchd.ports import EventLog

_ENOUGH = DAY / 2  # of health: of less than that the alerts have told, and a paused camera proves nothing


@dataclass(slots=True)
class _Mean:
    """Of what a day brings."""

    total: float = 0.0
    count: int = 0

    def add(self, value: float, count: int = 1) -> None:
        self.total += value * count
        self.count += count

    def value(self) -> float | None:
        return self.total / self.count if self.count else None


class Outlook:
    """Nothing acts on it. `tick()` at `deadline`, once a day since the daemon took the camera."""

    def __init__(self, camera: str, log: EventLog, clock: Callable[[], float]) -> None:
        self._camera, self._log, self._clock = camera, log, clock
        self.deadline = clock() + DAY
        self._tally, self._dropped = Tally(clock()), 0  # as of the day's beginning
        self.said: dict[Sign, str] = {}  # the signs that there are
        self.forget()

    def forget(self) -> None:
        """What was usual is not any more: the camera has other settings."""
        self._charts = {sign: Chart(sign) for sign in Sign}
        self._latency, self._opening = _Mean(), _Mean()
        self.said.clear()

    def delivered(self, frames: msg.Frames) -> None:
        """Healthy captures."""
        self._latency.add(frames.latency, frames.count)

    def opened(self, seconds: float) -> None:
        """The camera was opened."""
        self._opening.add(seconds)

    def tick(self, figures: Figures) -> None:
        """A day is over."""
        now, tally = self._clock(), figures.tally
        if tally.uptime(now) - self._tally.uptime(self.deadline - DAY) >= _ENOUGH:
            for sign, value in self._of_the_day(tally, figures.dropped).items():
                if value is not None:
                    self._judge(sign, value)
        self.deadline = now + DAY
        self._tally, self._dropped = tally, figures.dropped
        self._latency, self._opening = _Mean(), _Mean()

    def _of_the_day(self, tally: Tally, dropped: int) -> dict[Sign, float | None]:
        return {
            Sign.FAILURES: float(tally.failures - self._tally.failures),
            Sign.RECOVERIES: float(tally.recoveries - self._tally.recoveries),
            Sign.DROPS: float(dropped - self._dropped),
            Sign.LATENCY: self._latency.value(),
            Sign.REOPENING: self._opening.value(),
        }

    def _judge(self, sign: Sign, value: float) -> None:
        before = self._charts[sign]
        chart = self._charts[sign] = before.add(value)
        if chart.shown:
            self.said[sign] = f"{sign} rising: {_written(sign, value)}, usually {_written(sign, chart.mean)}"
        if chart.shown and not before.shown:
            text = f"{self._camera}: a sign of trouble to come, so far no fault: {self.said[sign]}"
            self._log.warning(
                "camera.sign", message=text, camera=self._camera, sign=sign.name.lower(), value=round(value, 6),
                usual=round(chart.mean, 6), deviation=round(chart.deviation, 6), ewma=round(chart.ewma, 3),
            )  # fmt: skip
        elif before.shown and not chart.shown:
            del self.said[sign]
            text = f"{self._camera}: {sign}: {_written(sign, value)}, as usual again or usual by now"
            self._log.info("camera.sign_ended", message=text, camera=self._camera, sign=sign.name.lower())


def _written(sign: Sign, value: float) -> str:
    if sign in COUNTS:
        return f"{value:.0f}" if value >= 10 or value == round(value) else f"{value:.1f}"
    return f"{1000 * value:.0f} ms"
