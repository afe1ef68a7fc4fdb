# SPDX-License-Identifier: MIT
"""Owns how many numbers are summed up in little memory: counted in steps of 9 %, so that quantiles stay known."""

import math
from collections.abc import Iterable

_STEPS = 8  # to each doubling: a quantile is at most 2 ** (1 / 16), or 4.4 %, off
_LIMIT = 20 * _STEPS  # from a millionth to a million; what lies beyond counts as that
_MOST = 2**53  # of one step, in a text that somebody else wrote


class Histogram:
    """Counts of positive numbers. Two of them can be put together, and one can be written as a word for each step."""

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._counts: dict[int, int] = {}
        for value in values:
            self.add(value)

    def __len__(self) -> int:
        return sum(self._counts.values())

    def add(self, value: float) -> None:
        """One more."""
        step = round(_STEPS * math.log2(value)) if value > 0 else -_LIMIT
        step = max(-_LIMIT, min(_LIMIT, step))
        self._counts[step] = self._counts.get(step, 0) + 1

    def merge(self, other: "Histogram") -> None:
        """All of the other's."""
        for step, count in other._counts.items():  # noqa: SLF001  # one of us
            self._counts[step] = self._counts.get(step, 0) + count

    def quantile(self, share: float) -> float | None:
        """What this share of them does not exceed; None if there are none."""
        left = max(1, math.ceil(share * len(self)))
        for step, count in sorted(self._counts.items()):
            left -= count
            if left <= 0:
                return float(2 ** (step / _STEPS))
        return None

    def text(self) -> str:
        """`-40:17 -39:3`: each step with its count."""
        return " ".join(f"{step}:{count}" for step, count in sorted(self._counts.items()))

    @classmethod
    def parse(cls, text: str) -> "Histogram":
        """What `text` wrote; ValueError for anything else."""
        found = cls()
        for word in text.split():
            step, count = map(int, word.split(":"))
            if not -_LIMIT <= step <= _LIMIT or not 0 < count <= _MOST:
                raise ValueError(f"no step of a histogram: {word:.40}")
            found._counts[step] = found._counts.get(step, 0) + count
        return found
