# SPDX-License-Identifier: MIT
"""Owns `camwatchctl drill`: a harmless alarm exercise on the running daemon, followed to its end, and its report."""

import argparse
import json
import os
import signal
import sys
import time

from camwatchd.cli import asking, colour, looking, when
from camwatchd.cli.drill_text import Practised, document, exit_status, lost, report, said
from camwatchd.cli.verb import Verb
from camwatchd.control.client import PATIENCE, ControlError
from camwatchd.control.facts import DrillFacts, StatusFacts
from camwatchd.control.protocol import Drill, Reason, Status
from camwatchd.core.drills import EXERCISES, LASTS
from camwatchd.core.timespan import duration
from camwatchd.errors import ExitStatus

_LOOK = 0.2  # seconds between two looks at the status
_INTERRUPTED = 128 + signal.SIGINT
_RUNNING = "running"
_RESTARTED = "lost sight of: camwatchd was restarted"

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
    done: list[Practised] = []
    wanted = [(name, exercise) for name in names for exercise in exercises]
    status = _all(options, wanted, done)
    _tell(options, done, facts, len(wanted) - len(done))
    return status or exit_status(done)


def _all(options: argparse.Namespace, wanted: list[tuple[str, str]], done: list[Practised]) -> int:
    """One after the other; what ends them early leaves what is done to be told: its exit status."""
    try:
        for name, exercise in wanted:
            done.append(
                _practise(options, name, exercise, alone=len(wanted) == 1)
            )  # each is there when the next one fails
    except ControlError as error:
        if not done:
            raise
        return asking.failed(options, error)
    except KeyboardInterrupt:
        asking.complain(
            f"the drill under way goes on, and is over within {duration(LASTS)}\n"
            "  hint: how it goes: camwatchctl status --watch"
        )
        if not done:
            raise
        return _INTERRUPTED
    return ExitStatus.EX_OK


def _tell(options: argparse.Namespace, done: list[Practised], facts: StatusFacts, left: int) -> None:
    where = f"{os.uname().nodename}, {when.stamp(when.now())}"
    plain = {
        "host": os.uname().nodename,
        "release": facts.daemon.version,
        "drills": [document(drill) for drill in done],
    }
    shown = json.dumps(plain, indent=2) if options.json else colour.painted(report(done, facts, where, left))
    sys.stdout.write(f"{shown}\n")


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


def _practise(options: argparse.Namespace, camera: str, exercise: str, *, alone: bool) -> Practised:
    """One drill to its end. Of several, one that there cannot be is told in the report."""
    asking.announce(options, f"{camera}: drill {exercise}: {EXERCISES[exercise].human} ...")
    try:
        begun = asking.ask(options, Drill(camera, exercise), DrillFacts)
    except ControlError as error:
        if alone or error.reason not in (Reason.INAPPLICABLE, Reason.UNFIT):
            raise
        asking.announce(options, f"  none: {error.message}")
        applicable = error.reason is Reason.UNFIT
        return Practised(camera, exercise, refused=error.message, applicable=applicable, made=False)
    try:
        found, trouble = _followed(options, camera, begun)
    except ControlError as error:  # a drill ends with its daemon
        found, trouble = None, f"lost sight of: {error.message}"
    if trouble:
        asking.announce(options, f"  {trouble}")
    return Practised(camera, exercise, found, refused=trouble)


def _followed(options: argparse.Namespace, name: str, begun: DrillFacts) -> tuple[DrillFacts | None, str]:
    """What came of it, told step by step; or why that is not known. A daemon that is busy is asked again."""
    until, last, pid = time.monotonic() + LASTS + PATIENCE, "", 0
    while time.monotonic() < until:
        look = looking.once(options)
        if isinstance(look, StatusFacts):
            pid = pid or look.daemon.pid
            if trouble := _RESTARTED if look.daemon.pid != pid else lost(look, name, begun):
                return None, trouble
            last, drill = _told(options, look, name, last)
            if drill.outcome != _RUNNING:
                return drill, ""
        elif look.reason is Reason.UNREACHABLE:
            raise look
        time.sleep(_LOOK)
    return None, f"its end was not seen within {duration(LASTS + PATIENCE)}"


def _told(options: argparse.Namespace, look: StatusFacts, name: str, last: str) -> tuple[str, DrillFacts]:
    """The line about it, said if it is another than the last one; and how it stands."""
    camera = next(camera for camera in look.cameras if camera.name == name)
    assert camera.last_drill is not None
    if (line := said(camera)) != last:
        asking.announce(options, f"  {line}")
    return line, camera.last_drill


VERB = Verb(
    "drill", "practise an alarm: a fault is pretended, noticed, cured and reported", _arguments, _run
)
