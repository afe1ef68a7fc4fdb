# SPDX-License-Identifier: MIT
"""Owns `camwatchctl drill`: a harmless alarm exercise on the running daemon, followed to its end, and its report."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator

from camwatchd.cli import asking, colour, when
from camwatchd.cli.drill_text import Practised, document, report, said
from camwatchd.cli.verb import Verb
from camwatchd.control.client import PATIENCE, ControlError
from camwatchd.control.facts import CameraFacts, DrillFacts, StatusFacts
from camwatchd.control.protocol import Drill, Reason, Status
from camwatchd.core.drills import EXERCISES, LASTS
from camwatchd.errors import ExitStatus

_LOOK = 0.2  # seconds between two looks at the status
_FAILED = 1
_RUNNING = "running"

_EPILOG = """\
what can be practised, and what is expected:
{}"""


def _rows() -> str:
    return "\n".join(
        f"  {row.name:9} {row.human}: {' or '.join((row.fault, *row.also))}, cured by {row.cure}"
        for row in EXERCISES.values()
    )


def _arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("exercise", nargs="?", metavar="FAULT", choices=list(EXERCISES), help="see below")
    which.add_argument("--all", action="store_true", help="every one, one after the other")
    parser.add_argument("--yes", action="store_true", help="do not ask whether to go on")
    asking.cameras(parser)
    asking.arguments(parser)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG.format(_rows())


def _run(options: argparse.Namespace) -> int:
    facts = asking.ask(options, Status(), StatusFacts)
    names = options.camera or [camera.name for camera in facts.cameras]
    exercises = list(EXERCISES) if options.all else [options.exercise]
    if not names:
        asking.complain("no camera is configured: there is nothing to practise with")
        return ExitStatus.EX_USAGE
    if not (options.yes or _agreed(names)):
        return ExitStatus.EX_USAGE
    done = [_practise(options, name, exercise) for name in names for exercise in exercises]
    after = asking.ask(options, Status(), StatusFacts)
    where = f"{os.uname().nodename}, {when.stamp(when.now())}"
    plain = {
        "host": os.uname().nodename,
        "release": after.daemon.version,
        "drills": [document(drill) for drill in done],
    }
    shown = json.dumps(plain, indent=2) if options.json else colour.painted(report(done, after, where))
    sys.stdout.write(f"{shown}\n")
    return ExitStatus.EX_OK if all(drill.passed for drill in done) else _FAILED


def _agreed(names: list[str]) -> bool:
    """Frames pause for some seconds each time: whoever reads them should know."""
    if not sys.stdin.isatty():
        asking.complain("a drill interrupts the frames for some seconds each\n  hint: say --yes to go on")
        return False
    sys.stderr.write(
        f"this interrupts the frames of {', '.join(names)} for some seconds each; go on? [y/N] "
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _practise(options: argparse.Namespace, camera: str, exercise: str) -> Practised:
    """One drill to its end. With --all, one that there cannot be is told in the report."""
    asking.announce(options, f"{camera}: drill {exercise}: {EXERCISES[exercise].human} ...")
    try:
        asking.ask(options, Drill(camera, exercise), DrillFacts)
    except ControlError as error:
        if not options.all or error.reason not in (Reason.INAPPLICABLE, Reason.UNFIT):
            raise
        asking.announce(options, f"  none: {error.message}")
        return Practised(camera, exercise, refused=error.message, applicable=error.reason is Reason.UNFIT)
    found = None
    for facts in _followed(options, camera):
        asking.announce(options, f"  {said(facts)}")
        found = facts.last_drill
    return Practised(camera, exercise, found)


def _followed(options: argparse.Namespace, name: str) -> Iterator[CameraFacts]:
    """The camera each time there is something new, until the drill is over."""
    until, last = time.monotonic() + LASTS + PATIENCE, ""
    while time.monotonic() < until:
        camera = next(
            (c for c in asking.ask(options, Status(), StatusFacts).cameras if c.name == name), None
        )
        if camera is None or camera.last_drill is None:
            return  # the configuration has it no more, or the daemon was restarted
        over = camera.last_drill.outcome != _RUNNING
        if (line := said(camera)) != last or over:
            last = line
            yield camera
        if over:
            return
        time.sleep(_LOOK)


VERB = Verb(
    "drill", "practise an alarm: a fault is pretended, noticed, cured and reported", _arguments, _run
)
