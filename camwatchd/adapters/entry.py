# SPDX-License-Identifier: MIT
"""Owns one log entry: what it says, and how often the like of it may be said."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from camwatchd.core.plain import to_plain
from camwatchd.core.timespan import duration

PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}  # syslog(3)
_NO_CONTROLS = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
LABELS = {2: "CRITICAL", 3: "ERROR", 4: "WARNING", 5: "NOTICE", 6: "INFO", 7: "DEBUG"}


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened and its facts; `wall` is for display, `monotonic` for arithmetic (both seconds)."""

    event: str
    message: str  # the sentence for a human; empty: the facts must do
    priority: int
    monotonic: float
    wall: float
    facts: Mapping[str, object]
    suppressed: int = 0  # entries like this one that the limit kept back since the last
    delayed: float = 0.0  # seconds for which the limit kept back this one
    lost: int = 0  # entries of any kind that could not be written since the last

    def sentence(self) -> str:
        """The line for a human, with what is missing around it, and nothing that would move a cursor."""
        facts = (f"{name}={as_text(value)}" for name, value in self.facts.items() if value is not None)
        text = self.message or " ".join([self.event, *facts])
        text += f" ({self.suppressed} more like this kept back)" if self.suppressed else ""
        text += f" (told {duration(self.delayed)} late)" if self.delayed else ""
        text += f" ({self.lost} entries lost before this one)" if self.lost else ""
        return readable(text)


def readable(text: str) -> str:
    """The text without anything that would move a cursor."""
    return text.translate(_NO_CONTROLS)


def cut(text: str, limit: int) -> bytes:
    """At most `limit` bytes of UTF-8 with no half character at the end (journalctl would show a blob)."""
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore").encode()


def as_text(value: object) -> str:
    """A fact as people write it: durations to the millisecond, enums by value, lists with commas."""
    value = to_plain(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and math.isfinite(value):
        return f"{round(value, 3):g}" if abs(value) < 1e5 else f"{value:.3f}"
    if isinstance(value, list):
        return ", ".join(as_text(item) for item in value)
    return str(value)


@dataclass(slots=True)
class _Bucket:
    due: float = -math.inf  # from when on the next entry may be said
    suppressed: int = 0


@dataclass(slots=True)
class Limiter:
    """A leaky bucket for each kind of entry, so that a storm of one fault cannot rotate a small journal.

    Kinds are an event, a camera, an alert and a drill: names from the code and the configuration, so they are few.
    """

    burst: int = 10
    period: float = 10.0  # seconds for each entry after the burst
    _buckets: dict[tuple[object, ...], _Bucket] = field(default_factory=dict)

    def admit(self, kind: tuple[object, ...], now: float) -> int | None:
        """None: keep this one back. Else how many like it were kept back since the last."""
        bucket = self._buckets.setdefault(kind, _Bucket())
        if now < bucket.due:
            bucket.suppressed += 1
            return None
        bucket.due = max(bucket.due, now - (self.burst - 1) * self.period) + self.period
        suppressed, bucket.suppressed = bucket.suppressed, 0
        return suppressed

    def due(self, kind: tuple[object, ...]) -> float:
        """From when on one of this kind, which was kept back, may be said."""
        return self._buckets[kind].due
