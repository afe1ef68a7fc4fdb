# SPDX-License-Identifier: MIT
"""Owns the time of day that a human at the terminal is told; nothing is decided by it."""

import time
from datetime import UTC, datetime


def in_words(seconds: float, now: float | None = None) -> str:
    """The time of day so far from now, with the day if it is another one: 14:30, Tue 02:15."""
    now = time.time() if now is None else now
    then, today = time.localtime(now + seconds), time.localtime(now)
    same = (then.tm_year, then.tm_yday) == (today.tm_year, today.tm_yday)
    return time.strftime("%H:%M" if same else "%a %H:%M", then)


def to_the_second() -> str:
    """The time of day now, for a line among many."""
    return time.strftime("%H:%M:%S")


def now() -> float:
    """The time of day, in seconds since 1970."""
    return time.time()


def stamp(at: float) -> str:
    """A point in time as people here write it: 2026-11-23 02:15:00."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def iso(at: float) -> str:
    """A point in time for programs, in UTC to the millisecond, as in the daemon's own JSON lines."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def parsed(text: str) -> float:
    """The point in time that `stamp` wrote on this machine, as the ledger has it; 0 for anything else."""
    try:
        return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S"))
    except (ValueError, OverflowError):
        return 0.0
