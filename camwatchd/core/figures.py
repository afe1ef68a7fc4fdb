# SPDX-License-Identifier: MIT
"""Owns the running figures of one camera: rate, last frames, recoveries of the day, and the tally of its health."""

from collections import deque
from dataclasses import replace

from camwatchd.core import health
from camwatchd.core.events import Effect, SayFault, SayRecovered
from camwatchd.core.flight import Before
from camwatchd.core.histogram import Histogram
from camwatchd.core.messages import Frames
from camwatchd.core.timespan import DAY

_WINDOW = 5.0  # seconds over which the frame rate is taken
_REMEMBERED = 1000  # recoveries; a day has no room for more that anybody would count


class Figures:
    """They inform; nothing acts on them. Times in monotonic seconds, handed in."""

    def __init__(self, now: float) -> None:
        self.tally = health.Tally(now)
        self.last: Frames | None = None
        self.late = False
        self._waited_since = now
        self.dropped = 0
        self.late_frames = 0
        self.latencies = Histogram()  # since the last summary, of the last capture in each report
        self._arrivals: deque[tuple[float, int]] = deque()
        self._recoveries: deque[tuple[float, str]] = deque(maxlen=_REMEMBERED)

    def arrived(self, frames: Frames, now: float, *, healthy: bool) -> None:
        """A report of healthy captures."""
        self.last, self.late = frames, False
        self.dropped += frames.dropped
        self.late_frames += frames.late
        self.latencies.add(frames.latency)
        if healthy:
            self.tally = self.tally.healthy(frames.count, now)
        self._arrivals.append((now, frames.count))
        while self._arrivals[0][0] < now - _WINDOW and len(self._arrivals) > 2:
            self._arrivals.popleft()

    def restarted(self) -> None:
        """A stream begins: what came before it, and the time between, is none of its rate."""
        self._arrivals.clear()

    def waits(self, seconds: float, now: float) -> None:
        """A frame has been late for so long."""
        self.late, self._waited_since = True, now - seconds

    def last_frame(self, told: float | None) -> float | None:
        """When the last one came: told of up to a quarter of a second later, which a frame that is late would show."""
        return min(told, self._waited_since) if self.late and told is not None else told

    def failed(self, count: int) -> None:
        """So many more captures were missed or unhealthy."""
        self.tally = self.tally.failed(count)

    def note(self, effect: Effect, now: float) -> None:
        """Count what the ladder says."""
        if isinstance(effect, SayFault):
            self.tally = self.tally.faulted()
            self._arrivals.clear()
        elif isinstance(effect, SayRecovered):
            self._recoveries.append((now, str(effect.rung or "by itself")))

    def fps(self) -> float:
        """Healthy frames a second, over the last seconds."""
        if len(self._arrivals) < 2:
            return 0.0
        span = self._arrivals[-1][0] - self._arrivals[0][0]
        counted = sum(count for _, count in self._arrivals) - self._arrivals[0][1]
        return counted / span if span > 0 else 0.0

    def take_latencies(self) -> Histogram:
        """How long captures took since this was asked last."""
        taken, self.latencies = self.latencies, Histogram()
        return taken

    def before(self, now: float) -> Before:
        """The frames until now, for the flight recorder."""
        last, tally = self.last, self.tally
        counted = Before(
            fps=round(self.fps(), 3), captures=tally.captures, failures=tally.failures, late=self.late_frames,
            dropped=self.dropped, outages=tally.outages, availability=round(tally.availability(now), 6),
        )  # fmt: skip
        if last is None or tally.last_healthy is None:
            return counted
        return replace(
            counted, last_frame_age=round(now - tally.last_healthy, 3), sequence=last.sequence,
            frame_duration=last.frame_duration, latency=last.latency, latency_max=last.latency_max,
            brightness=last.mean, deviation=last.deviation,
        )  # fmt: skip

    def recent(self, now: float) -> tuple[tuple[float, str], ...]:
        """The recoveries of the last 24 hours: when and by what."""
        while self._recoveries and self._recoveries[0][0] < now - DAY:
            self._recoveries.popleft()
        return tuple(self._recoveries)
