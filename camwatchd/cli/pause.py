# SPDX-License-Identifier: MIT
"""Owns `camwatchctl pause`: other programs get the cameras for a while, and hear when they are free."""

import argparse

from camwatchd.cli import asking, when
from camwatchd.cli.duration import at_most
from camwatchd.cli.verb import Verb
from camwatchd.control.client import PATIENCE
from camwatchd.control.handlers import FREE_WITHIN
from camwatchd.control.protocol import LONGEST_PAUSE, Pause, PauseFacts
from camwatchd.core.timespan import duration
from camwatchd.errors import ExitStatus


def text(facts: PauseFacts, until: str) -> str:
    """For humans: until when, which are free, and how to end it."""
    if not facts.cameras:
        return "no camera is configured: nothing is paused"
    free = [name for name in facts.cameras if name not in facts.occupied]
    lines = [f"{', '.join(facts.cameras)}: paused until {until} ({duration(facts.seconds)})"]
    lines += [f"free for other programs: {', '.join(free)}"] if free else []
    return "\n".join([*lines, "to take the camera again earlier: camwatchctl resume"])


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "duration", nargs="?", type=at_most(LONGEST_PAUSE), default=3600.0, metavar="DURATION",
        help="90s, 10m, 2h or plain seconds, at most 24h; default: 1h",
    )  # fmt: skip
    asking.cameras(parser)
    asking.arguments(parser)


def _run(options: argparse.Namespace) -> int:
    which = ", ".join(options.camera) or "every camera"
    asking.announce(options, f"pausing {which} for {duration(options.duration)} ...")
    request = Pause(options.duration, tuple(options.camera))
    facts = asking.ask(options, request, PauseFacts, FREE_WITHIN + PATIENCE)
    asking.show(options, facts, text(facts, when.in_words(facts.seconds)))
    if not facts.occupied:
        return ExitStatus.EX_OK
    asking.complain(
        f"not free: {', '.join(facts.occupied)}: its process does not end, it hangs in the kernel\n"
        "  hint: see: camwatchctl status"
    )
    return ExitStatus.EX_TEMPFAIL


VERB = Verb("pause", "release the cameras for other programs, and say when they are free", _arguments, _run)
