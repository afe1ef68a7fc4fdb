# SPDX-License-Identifier: MIT
"""Owns where a reader is in the stream of frames: which it has seen, and which it gets next."""

import weakref

from camwatchd.frames.layout import WORD
from camwatchd.frames.reader import Raw, Reader


class Place:
    """One reader's place; not shared between threads."""

    def __init__(self) -> None:
        self.seen = 0
        self._ring: weakref.ref[Reader] | None = None  # a thread that takes no more frames keeps no memory

    def next(self, ring: Reader, fresh_from: float, *, every: bool, viewed: bool) -> Raw | None:
        """The next frame, a copy or a view; None: there is none yet that is to be given.

        Not given is what was taken before `fresh_from`; with `every` that holds for the first one only.
        """
        began = self._enter(ring)
        if (head := ring.head) == self.seen:
            return None
        number = ring.next_after(self.seen) if every else head
        raw = ring.view(number) if viewed else ring.copy(number)
        if raw is None:
            # Overwritten meanwhile: there is a newer one. Or given back while nobody read: then the next is waited
            # for, as if this one had been seen, for waiting for another than was seen would be no sleep.
            self.seen = head if ring.is_gone(head) else self.seen
            return None
        self.seen = number
        queued = every and not began
        return raw if queued or raw.facts.taken_at / 1e9 >= fresh_from else None

    def _enter(self, ring: Reader) -> bool:
        """Whether this is the first ring: of that one only the newest frame is new, of another generation all."""
        known, self._ring = self._ring, weakref.ref(ring)
        if known is not None and known() is ring:
            return False
        self.seen = _before(ring.head) if known is None else 0
        return known is None


def _before(number: int) -> int:
    return (number - 1) % WORD if number else 0
