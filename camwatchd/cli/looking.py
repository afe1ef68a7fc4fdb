# SPDX-License-Identifier: MIT
"""Owns looking at the daemon again and again, over its restarts, for the verbs that stay."""

import argparse
import select
import sys
import time
from collections.abc import Iterator

from camwatchd.cli import asking
from camwatchd.control.client import PATIENCE, ControlError
from camwatchd.control.facts import StatusFacts
from camwatchd.control.protocol import Reason, Status
from camwatchd.core.timespan import duration

Look = StatusFacts | ControlError  # the latter: there is nobody to ask, for the time being
# While an upgrade goes on another release may answer: the daemon is restarted soon.
_AWAY = (Reason.UNREACHABLE, Reason.SILENT, Reason.CROWDED, Reason.VERSION)
_FOREVER = float("inf")
_LEAST = 1.0  # seconds to answer in, however little time there is


def once(options: argparse.Namespace, patience: float = PATIENCE) -> Look:
    """What there is to be seen now; raises what waiting does not change."""
    try:
        return asking.ask(options, Status(), StatusFacts, patience)
    except ControlError as error:
        if error.reason in _AWAY:
            return error
        raise


def looks(options: argparse.Namespace, interval: float, lasts: float = _FOREVER) -> Iterator[Look]:
    """A look at once and one every `interval` seconds; the last when `lasts` seconds are over."""
    end, due = time.monotonic() + lasts, time.monotonic()
    while True:
        # One that hangs does not make it longer than it was to last.
        yield once(options, min(PATIENCE, max(_LEAST, round(end - time.monotonic(), 1))))
        now = time.monotonic()
        if now >= end:
            return
        due = max(due + interval, now)  # one that came late is not made up for
        _wait(min(due, end) - now)


def _wait(seconds: float) -> None:
    """Let the time pass; but whoever reads us through a pipe may leave."""
    poll, until = select.poll(), time.monotonic() + seconds
    poll.register(sys.__stdout__ or 1, 0)
    while (left := until - time.monotonic()) > 0:
        if any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(left * 1000)):
            raise BrokenPipeError


class Presence:
    """Notices that the daemon went away, came back, or is another one than before."""

    def __init__(self) -> None:
        self._pid = 0
        self._away = False

    def news(self, look: Look) -> str:
        """A sentence for a human, if there is anything new."""
        if isinstance(look, ControlError):
            was, self._away = self._away, True
            return "" if was else f"{look.message}; waiting for it"
        before, now = self._pid, look.daemon.pid
        back, self._pid, self._away = self._away, now, False
        if before and before != now:
            return f"camwatchd was restarted {duration(look.daemon.uptime)} ago: pid {before} is now {now}"
        return "camwatchd answers again" if back else ""
