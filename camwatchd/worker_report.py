# SPDX-License-Identifier: MIT
"""Owns when a report is sent: failures at once, healthy captures batched, the first ones of a recovery one by one."""

from collections.abc import Callable
from functools import reduce
from typing import Any

from camwatchd.core.ladder import PROOF_FRAMES
from camwatchd.core.messages import MAX_MESSAGE, Adjusted, Frames, Report, encode
from camwatchd.worker_link import merge

BATCH_INTERVAL = 0.25  # seconds; at most four reports a second cost the supervisor next to nothing


class Reporter:
    """Batches what is healthy and passes on everything else in its order.

    No timer empties a batch: the next frame does, or else the Late that is told in its stead. A wake-up only for
    that would cost more than all checks of a frame.
    """

    def __init__(self, send: Callable[[Report], None]) -> None:
        self._send = send
        self._pending: list[Frames] = []
        self._sent_at = float("-inf")
        self._prompt = PROOF_FRAMES

    def healthy(self, frames: Frames, now: float) -> None:
        """One healthy capture; the first three after trouble are the proof of recovery and do not wait."""
        self._pending.append(frames)
        if self._prompt > 0 or now >= self._sent_at + BATCH_INTERVAL:
            self._prompt = max(0, self._prompt - 1)
            self._flush(now)

    def tell(self, report: Report, now: float) -> None:
        """Send at once, after the healthy captures that came before it."""
        self._flush(now)
        self._send(report)

    def trouble(self, report: Report, now: float) -> None:
        """Send at once; the next healthy captures are proof again."""
        self.tell(report, now)
        self._prompt = PROOF_FRAMES

    def _flush(self, now: float) -> None:
        if self._pending:
            self._send(reduce(merge, self._pending))
            self._pending.clear()
            self._sent_at = now


def adjusted(order: int, controls: dict[str, Any], offered: dict[str, Any]) -> Adjusted:
    """The answer; of a camera that offers more than a message holds, as much as there is room for."""
    while len(encode(report := Adjusted(order, "", controls, offered))) > MAX_MESSAGE and offered:
        offered = dict(list(offered.items())[: len(offered) * 9 // 10])
    return report
