# SPDX-License-Identifier: MIT
"""Owns asking sparingly: what costs a process or a read of the card is not asked anew for every repaint."""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")
EVERY = 10.0  # seconds


class Sparing(Generic[T]):
    """An answer holds for some seconds, unless it is another question."""

    def __init__(self, every: float = EVERY, clock: Callable[[], float] = time.monotonic) -> None:
        self._every, self._clock = every, clock
        self._last: tuple[Hashable, float, T] | None = None

    def ask(self, question: Hashable, find: Callable[[], T]) -> T:
        """The answer: that of before, or a new one."""
        if self._last is not None:
            asked, at, answer = self._last
            if asked == question and self._clock() - at < self._every:
                return answer
        answer = find()
        self._last = (question, self._clock(), answer)
        return answer
