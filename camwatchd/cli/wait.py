# SPDX-License-Identifier: MIT
"""Owns `camwatchctl wait`: until the cameras are healthy, for units and scripts that need frames."""

import argparse
import json
from collections.abc import Sequence
from enum import IntEnum

from camwatchd.cli import asking, looking
from camwatchd.cli.duration import at_most
from camwatchd.cli.verb import Verb
from camwatchd.control.client import ControlError
from camwatchd.control.facts import CameraFacts, Condition, StatusFacts, condition, gating
from camwatchd.control.protocol import Reason
from camwatchd.core.state import Phase
from camwatchd.core.timespan import duration
from camwatchd.errors import ExitStatus

_LOOK_EVERY = 0.25  # seconds


class Outcome(IntEnum):
    """How the wait ended: the exit status."""

    HEALTHY = 0
    PARKED = 3  # as with `status`: a human should look
    NO_DAEMON = ExitStatus.EX_UNAVAILABLE
    TIMED_OUT = ExitStatus.EX_TEMPFAIL


_EPILOG = """\
Waits for a daemon that is starting, too. A parked camera is not waited for: it may be an hour until its next
probe, and a human should look."""


def meant(facts: StatusFacts, names: Sequence[str]) -> list[CameraFacts]:
    """The cameras that are waited for; ControlError for a name that none has."""
    known = {camera.name: camera for camera in facts.cameras}
    if unknown := [name for name in names if name not in known]:
        there = ", ".join(known) or "none"
        raise ControlError(Reason.CAMERA, f"no camera is called {unknown[0]!r:.40}; there are: {there}")
    return [known[name] for name in names] or gating(facts.cameras)


def ending(cameras: Sequence[CameraFacts]) -> Outcome:
    """How it would end, were this the last look."""
    if all(condition(camera) is Condition.HEALTHY for camera in cameras):
        return Outcome.HEALTHY
    return Outcome.PARKED if any(camera.phase == Phase.PARKED for camera in cameras) else Outcome.TIMED_OUT


def why_not(cameras: Sequence[CameraFacts]) -> str:
    """What keeps the cameras from being healthy."""
    return "; ".join(map(_obstacle, (c for c in cameras if condition(c) is not Condition.HEALTHY)))


def _obstacle(camera: CameraFacts) -> str:
    if camera.paused_for > 0:
        return f"{camera.name} paused by its operator for {duration(camera.paused_for)} more (camwatchctl resume)"
    words = ", ".join(filter(None, (camera.fault, camera.next_action)))
    return f"{camera.name} {camera.phase}{f': {words}' if words else ''}"


def judged(look: looking.Look, names: Sequence[str]) -> tuple[Outcome, str]:
    """The outcome after this look, whatever was before, and what keeps it from being a good one."""
    if not isinstance(look, StatusFacts):
        return Outcome.NO_DAEMON, look.message
    cameras = meant(look, names)
    return ending(cameras), why_not(cameras)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout", metavar="T", type=at_most(7 * 86400.0), default=float("inf"),
        help="at most so long: 90s, 10m or plain seconds; default: for ever",
    )  # fmt: skip
    asking.cameras(parser)
    asking.arguments(parser)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG


def _run(options: argparse.Namespace) -> int:
    outcome, words = Outcome.TIMED_OUT, ""
    for look in looking.looks(options, _LOOK_EVERY, options.timeout):
        outcome, words = judged(look, options.camera)
        if outcome in (Outcome.HEALTHY, Outcome.PARKED):
            break
    return _tell(options, outcome, words)


def _tell(options: argparse.Namespace, outcome: Outcome, words: str) -> int:
    name = outcome.name.lower().replace("_", "-")
    if options.json:
        asking.say(json.dumps({"outcome": name, "reason": words}))
    elif outcome is Outcome.HEALTHY:
        asking.say("healthy")
    elif outcome is Outcome.PARKED:
        asking.complain(f"parked: {words}\n  hint: camwatchctl status says why, and when it is probed again")
    else:
        asking.complain(
            f"not healthy within {duration(options.timeout)}: {words}\n  hint: see: camwatchctl status"
        )
    return int(outcome)


VERB = Verb("wait", "wait until the cameras are healthy", _arguments, _run)
