# SPDX-License-Identifier: MIT
"""Owns what `camwatchctl logs` finds out: the facts of its analysis, for the text and for JSON alike."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaultCount:
    """One kind of fault: how often it was raised, on which cameras, and when last (seconds since 1970)."""

    fault: str
    alert: str
    count: int
    cameras: tuple[str, ...]
    last: float


@dataclass(frozen=True, slots=True)
class RungCount:
    """One rung: how often it was tried, how often it cured; `success` is their ratio."""

    rung: str
    attempts: int
    cured: int
    success: float
    median_seconds: float | None


@dataclass(frozen=True, slots=True)
class Latency:
    """From the exposure of a frame to the end of its checks, in seconds, of so many captures of one camera."""

    camera: str
    captures: int
    p50: float
    p90: float
    p99: float
    most: float


@dataclass(frozen=True, slots=True)
class Trend:
    """What there was per day, and in the span before; None: too little is known of that."""

    what: str
    per_day: float | None
    before: float | None
    change: str  # rising, falling, no clear change; empty: nothing to compare with


@dataclass(frozen=True, slots=True)
class Open:
    """A fault that no recovery followed; `since` in seconds since 1970."""

    camera: str
    fault: str
    since: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the log amounts to from `since` to `until` (seconds since 1970; None: there are no events)."""

    since: float | None
    until: float | None
    events: int
    errors: int
    kept_back: int
    broken_lines: int
    from_ledger: int
    drills: int  # events of exercises, which count for nothing below
    faults: tuple[FaultCount, ...]
    open: tuple[Open, ...]
    recoveries: int
    by_itself: int
    critical: int
    rungs: tuple[RungCount, ...]
    latency: tuple[Latency, ...]
    trend: tuple[Trend, ...]
