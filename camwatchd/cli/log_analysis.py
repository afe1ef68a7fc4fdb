# SPDX-License-Identifier: MIT
"""Owns what a log amounts to: faults by kind, remedies by success, latencies, and whether it gets worse.

Events come one at a time and are not kept: whatever a log holds, the memory for it is bounded.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from camwatchd.cli.log_events import Event
from camwatchd.cli.log_facts import Analysis, FaultCount, Latency, Open, RungCount, Trend
from camwatchd.cli.log_ledger import ENDED
from camwatchd.core import alerts
from camwatchd.core.histogram import Histogram
from camwatchd.core.ladder import Rung
from camwatchd.core.timespan import DAY

_ISSUES = {alert.event for alert in alerts.ALERTS} - {alerts.RECOVERY.event, alerts.CRITICAL.event}
_ERROR = 3  # syslog's priority
_KINDS = 64  # different names, of cameras or of faults, that are told apart; a log may hold anything
_OTHERS = "others"
# A new start knows of no fault, and a pause ends the incident.
OVER = (alerts.RECOVERY.event, ENDED, "camera.started", "camera.paused")
PROBE = "probe"  # a look whether what climbing cannot cure is over
_COMPARABLE = 3600.0  # seconds; a rate over less says nothing
_SIGNIFICANT = 2.0  # standard deviations


@dataclass(slots=True)
class _Tried:
    """What became of one rung's attempts."""

    cured: int = 0
    failed: int = 0
    durations: Histogram = field(default_factory=Histogram)


def _limited(known: Mapping[str, object], name: str) -> str:
    return name if name in known or len(known) < _KINDS else _OTHERS


class _Span:
    """The counts of one span."""

    def __init__(self) -> None:
        self.first, self.last = math.inf, -math.inf
        self.events = self.errors = self.kept_back = self.recoveries = self.by_itself = self.critical = 0
        self.from_ledger = self.drills = 0
        self.misses = 0  # captures that failed after a healthy one: what the rung retry is for
        self.faults: dict[str, int] = {}
        self.cameras: dict[str, set[str]] = {}
        self.latest: dict[str, float] = {}
        self.rungs = {name: _Tried() for name in (*Rung, PROBE)}
        self.latencies: dict[str, Histogram] = {}

    def add(self, event: Event, took: float | None) -> None:
        self.first, self.last = min(self.first, event.time), max(self.last, event.time)
        self.events += 1
        self.kept_back += event.kept_back
        self.from_ledger += event.source == "ledger"
        self.drills += event.drill
        if not event.drill:
            self._real(event, took)

    def _real(self, event: Event, took: float | None) -> None:
        self.errors += event.priority <= _ERROR
        self.critical += event.event == alerts.CRITICAL.event
        if event.event in _ISSUES:
            self._fault(event)
        if event.event == alerts.RECOVERY.event:
            self.recoveries += 1
            self.by_itself += not event.rung
        if event.event == "capture.failed" and event.failures == 1:
            self.misses += 1
        if event.rung in self.rungs:
            self._tried(event, took)
        if event.latencies:
            self._latency(event)

    def _fault(self, event: Event) -> None:
        name = _limited(self.faults, event.fault or "unknown")
        self.faults[name] = self.faults.get(name, 0) + 1
        cameras = self.cameras.setdefault(name, set())
        if len(cameras) < _KINDS:
            cameras.add(event.camera)
        self.latest[name] = max(event.time, self.latest.get(name, event.time))

    def _tried(self, event: Event, took: float | None) -> None:
        probe = event.attempt == 0 and event.rung != Rung.RETRY
        tried = self.rungs[PROBE if probe else event.rung]
        if event.event in (alerts.RECOVERY.event, "camera.hiccup_ended"):
            tried.cured += 1
        elif event.event == "ladder.attempt_failed":
            tried.failed += 1
        if took is not None:
            tried.durations.add(took)

    def _latency(self, event: Event) -> None:
        try:
            told = Histogram.parse(event.latencies)
        except ValueError:
            return
        self.latencies.setdefault(_limited(self.latencies, event.camera), Histogram()).merge(told)

    @property
    def failed(self) -> int:
        return sum(tried.failed for tried in self.rungs.values())


class Analyser:
    """Takes events, the span before included, and knows at any time what they amount to."""

    def __init__(self, since: float = -math.inf) -> None:
        self._since = since
        self._now, self._before = _Span(), _Span()
        self._begun: dict[str, Event] = {}
        self._open: dict[str, Event] = {}

    def add(self, event: Event) -> None:
        """One more."""
        span = self._now if event.time >= self._since else self._before
        span.add(event, self._took(event))
        if event.event in _ISSUES and not event.drill and len(self._open) < _KINDS:
            begun = self._open.get(event.camera, event)  # it may go by another name meanwhile
            self._open[event.camera] = replace(event, time=begun.time)
        else:
            self.close(event)

    def close(self, event: Event) -> None:
        """What ends an incident ends it also where only those of another fault are asked for; it counts nowhere."""
        if event.event in OVER:
            self._open.pop(event.camera, None)

    def _took(self, event: Event) -> float | None:
        """How long the attempt took that ended with this. What a recovery tells counts from the first failure."""
        if event.event in ("ladder.attempt_failed", "camera.hiccup_ended"):
            self._begun.pop(event.camera, None)
            return event.seconds
        if event.event in ("ladder.action_started", "ladder.leave_asked") and len(self._begun) < _KINDS:
            self._begun[event.camera] = event
        elif event.event == alerts.RECOVERY.event:
            begun = self._begun.pop(event.camera, None)
            if event.took is not None:
                return event.took
            return _between(begun, event) if begun and begun.rung == event.rung else None
        return None

    def result(
        self, until: float | None = None, covered: float = math.inf, broken_lines: int = 0
    ) -> Analysis:
        """What they amount to. `until`: when it was looked, else the last event; `covered`: since when it knows."""
        now, some = self._now, self._now.events > 0
        since = self._since if math.isfinite(self._since) else now.first
        until = now.last if until is None else until
        known = some or math.isfinite(self._since)
        return Analysis(
            since=since if known else None, until=until if known else None,
            events=now.events, errors=now.errors, kept_back=now.kept_back, broken_lines=broken_lines,
            from_ledger=now.from_ledger, drills=now.drills, faults=_faults(now),
            open=tuple(Open(event.camera, event.fault, event.time) for _, event in sorted(self._open.items())),
            recoveries=now.recoveries, by_itself=now.by_itself, critical=now.critical,
            rungs=tuple(_rungs(now)),
            latency=tuple(_latency(name, told) for name, told in sorted(now.latencies.items()) if len(told)),
            trend=_trend((now, self._before), min(covered, self._before.first, now.first), since, until),
        )  # fmt: skip


def _between(begun: Event, ended: Event) -> float | None:
    """By the clock that does not jump, where both events have the same; else by the time of day, if it can be."""
    same = begun.boot == ended.boot and begun.clock is not None and ended.clock is not None
    seconds = (ended.clock or 0) - (begun.clock or 0) if same else ended.time - begun.time
    return seconds if seconds >= 0 else None


def _faults(span: _Span) -> tuple[FaultCount, ...]:
    """The most frequent first."""
    names = sorted(span.faults, key=lambda name: (-span.faults[name], name))
    return tuple(
        FaultCount(
            name, _issue_of(name), span.faults[name], tuple(sorted(span.cameras[name])), span.latest[name]
        )
        for name in names
    )


def _issue_of(fault: str) -> str:
    return Event(time=0, priority=0, event="", message="", fault=fault).issue


def _rungs(span: _Span) -> Iterator[RungCount]:
    """What was tried, weakest first. Of the retries only those that cured are told of one by one."""
    for name, tried in span.rungs.items():
        ended = tried.cured + tried.failed
        attempts = max(ended, span.misses) if name == Rung.RETRY else ended
        if attempts:
            yield RungCount(
                name, attempts, tried.cured, tried.cured / attempts, tried.durations.quantile(0.5)
            )


def _latency(camera: str, told: Histogram) -> Latency:
    p50, p90, p99, most = (told.quantile(share) or 0.0 for share in (0.5, 0.9, 0.99, 1.0))
    return Latency(camera, len(told), p50, p90, p99, most)


def _trend(spans: tuple[_Span, _Span], covered: float, since: float, until: float) -> tuple[Trend, ...]:
    """Rates over the time that the log covers: what it has forgotten was not without faults."""
    now, before = spans
    days = max(0.0, until - max(since, covered)) / DAY
    days_before = max(0.0, since - covered) / DAY
    pairs = {
        "faults": (sum(now.faults.values()), sum(before.faults.values())),
        "failed attempts": (now.failed, before.failed),
        "recoveries": (now.recoveries, before.recoveries),
    }
    return tuple(_rates(what, counts, (days, days_before)) for what, counts in pairs.items())


def _rates(what: str, counts: tuple[int, int], days: tuple[float, float]) -> Trend:
    rates = [n / d if d * DAY >= _COMPARABLE else None for n, d in zip(counts, days, strict=True)]
    change = "" if None in rates else _change(counts, days)
    return Trend(what, rates[0], rates[1], change)


def _change(counts: tuple[int, int], days: tuple[float, float]) -> str:
    """Whether two counts of rare events differ by more than chance: given their sum, each is binomial."""
    total, share = sum(counts), days[0] / sum(days)
    spread = math.sqrt(total * share * (1 - share))
    surplus = counts[0] - total * share
    if abs(surplus) <= _SIGNIFICANT * spread:
        return "no clear change"
    return "rising" if surplus > 0 else "falling"
