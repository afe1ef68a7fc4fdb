# SPDX-License-Identifier: MIT
"""Owns following a recovery: what is being tried, over restarts of the daemon, and how it ended."""

import argparse
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from camwatchd.cli import asking, looking
from camwatchd.control.facts import CameraFacts, Condition, StatusFacts, condition
from camwatchd.core.state import Phase
from camwatchd.core.timespan import duration
from camwatchd.errors import ExitStatus

_LOOK_EVERY = 0.2  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How it ended for one camera."""

    camera: str
    outcome: (
        str  # healthy, parked, critical, paused, under-way, refused, gone (no longer configured), no-daemon
    )
    seconds: float
    words: str


# A critical camera is still being recovered; its status is that of `camwatchctl status`, for a human should look.
_OVER = ("healthy", "parked", "paused", "refused", "gone")
_RUNNING = re.compile(r"[\d.]+ (s|min|h|d|fps)\b")  # what changes from look to look is no news
_STATUS = {
    "healthy": 0, "gone": 0, "under-way": 1, "parked": 3, "critical": 3,
    "paused": int(ExitStatus.EX_TEMPFAIL), "refused": int(ExitStatus.EX_TEMPFAIL),
}  # fmt: skip
_REFUSED = "not granted; the ladder goes on: {}; why: journalctl -u camwatchd EVENT=ladder.leave_refused"


def follow(options: argparse.Namespace, names: Sequence[str], *, leaving: bool = False) -> list[End]:
    """Tell of each camera until it has ended for all of them, or the time is over.

    `leaving`: to leave was ordered. Once that is granted this daemon answers no more, until then the camera waits.
    """
    first_pid = None
    began, presence, told = time.monotonic(), looking.Presence(), dict.fromkeys(names, "")
    ends: list[End] = []
    for look in looking.looks(options, _LOOK_EVERY, options.timeout):
        seconds = time.monotonic() - began
        if news := presence.news(look):
            asking.announce(options, f"{seconds:7.1f} s  -- {news}")
        ends = [_end(name, look, seconds) for name in names]
        if leaving and isinstance(look, StatusFacts):
            first_pid = first_pid or look.daemon.pid
            if look.daemon.pid == first_pid:
                ends = [_stayed(end, look) for end in ends]
        for end in ends:
            _tell(options, end, told)
        if all(end.outcome in _OVER for end in ends):
            break
    return ends


def verdict(end: End) -> str:
    """How it stands where it did not come to its end, and what goes on without us; empty: it has ended."""
    if end.outcome == "paused":
        return (
            f"{end.camera}: {end.words}: its recovery was ended by that\n"
            "  hint: camwatchctl resume ends the pause and takes the camera again"
        )
    if end.outcome in _OVER:
        return ""
    after = f"{end.camera}: not healthy after {duration(end.seconds)}"
    if end.outcome == "no-daemon":
        return (
            f"{after}: {end.words}; unless somebody has stopped it, systemd starts it again and the ladder goes on\n"
            "  hint: see: systemctl status camwatchd"
        )
    look = "; a human should look" if end.outcome == "critical" else ""
    return (
        f"{after}: {end.words}{look}; the recovery goes on\n  hint: how it goes: camwatchctl status --watch"
    )


def exit_status(ends: Iterable[End]) -> int:
    """The worst of them."""
    return max(_STATUS.get(end.outcome, int(ExitStatus.EX_UNAVAILABLE)) for end in ends)


def _tell(options: argparse.Namespace, end: End, told: dict[str, str]) -> None:
    key = _RUNNING.sub("", end.words)
    if end.outcome != "no-daemon" and told[end.camera] != key:
        told[end.camera] = key
        asking.announce(options, f"{end.seconds:7.1f} s  {end.camera}: {end.words}")


def _stayed(end: End, look: StatusFacts) -> End:
    """A camera that does not ask any more, in a daemon that is still there, was refused."""
    asks = any(camera.name == end.camera and camera.phase == Phase.LEAVING for camera in look.cameras)
    if asks or end.outcome not in ("under-way", "critical"):
        return end
    return replace(end, outcome="refused", words=_REFUSED.format(end.words))


def _end(name: str, look: looking.Look, seconds: float) -> End:
    if not isinstance(look, StatusFacts):
        return End(camera=name, outcome="no-daemon", seconds=seconds, words=look.message)
    camera = next((camera for camera in look.cameras if camera.name == name), None)
    if camera is None:
        return End(camera=name, outcome="gone", seconds=seconds, words="no longer configured")
    return End(camera=name, outcome=_outcome(camera), seconds=seconds, words=_words(camera))


def _outcome(camera: CameraFacts) -> str:
    found = condition(camera)
    if camera.phase == Phase.PARKED:
        return "parked"
    known = {Condition.HEALTHY: "healthy", Condition.PAUSED: "paused", Condition.CRITICAL: "critical"}
    return known.get(found, "under-way")


def _words(camera: CameraFacts) -> str:
    if condition(camera) is Condition.HEALTHY:
        by = f" by {camera.last_recovery}" if (camera.last_recovery_age or 1e9) < 2 else ""
        return f"healthy{by}, {camera.fps:.1f} fps"
    if camera.paused_for > 0:
        return f"paused, for {duration(camera.paused_for)} more"
    fault = f"{camera.fault}: " if camera.fault else ""
    return f"{fault}{camera.next_action or 'waiting for frames'}"
