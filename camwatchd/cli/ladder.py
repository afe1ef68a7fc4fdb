# SPDX-License-Identifier: MIT
"""Owns `camwatchctl ladder`: the remedies in their order, who is where on them, and what a fault would come to."""

import argparse
import json
import sys
from collections.abc import Iterable

from camwatchd.cli import asking, colour, configured, simulation
from camwatchd.cli.table import table
from camwatchd.cli.verb import Verb
from camwatchd.control.client import ControlError
from camwatchd.control.facts import CameraFacts, StatusFacts
from camwatchd.control.protocol import Status
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import Rung, RungPolicy
from camwatchd.core.plain import to_plain
from camwatchd.core.settings import Settings, Supervision
from camwatchd.errors import ConfigError, ExitStatus

HEAD = ("rung", "attempts", "timeout", "settle", "backoff", "cures")
_ALL = "all"


def cells(row: RungPolicy, rules: Supervision | None = None) -> tuple[str, ...]:
    """One row for humans; a dash where the rung has no such number."""
    attempts = str(row.attempts) if row.enabled else "off"
    if row.rung is Rung.RETRY:
        attempts = f"until {(rules or Supervision()).max_consecutive_failures} failures"
    return row.rung, attempts, *map(_seconds, (row.timeout, row.settle, row.backoff)), row.cures


def _seconds(value: float) -> str:
    return f"{value:g} s" if value else "-"


def climbers(rung: Rung, cameras: Iterable[CameraFacts]) -> list[CameraFacts]:
    """The cameras that are on this rung now; one that is healthy is on none."""
    return [
        camera for camera in cameras if camera.rung == rung and (camera.fault or camera.phase == "retrying")
    ]


def text(
    rows: Iterable[RungPolicy], rules: Supervision, cameras: Iterable[CameraFacts] | None, only: str = ""
) -> str:
    """The table; below it who is where, if the daemon could be asked, or where the `only` one is that is meant."""
    drawn = table(HEAD, [cells(row, rules) for row in rows])
    if cameras is None:
        return drawn
    here = [(rung, camera) for rung in Rung for camera in climbers(rung, cameras)]
    marked = [_marked(line, [rung for rung, _ in here]) for line in drawn.splitlines()]
    where = [f"> {camera.name} is at {rung}: {camera.fault}{_step(camera)}" for rung, camera in here]
    return "\n".join([*marked, *(where or [_nobody(only)])])


def _nobody(only: str) -> str:
    if only:
        return f"{only} is not on the ladder: it is well, or paused or starting"
    return "no camera is on the ladder: all is well, or paused or starting"


def _step(camera: CameraFacts) -> str:
    return f"; {camera.next_action}" if camera.next_action else ""


def _marked(line: str, rungs: list[Rung]) -> str:
    """Its rung's name is the first word of a row."""
    return f"> {line}" if rungs and line.split("  ")[0] in rungs else f"  {line}" if rungs else line


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--simulate", metavar="FAULT", choices=[*FAULTS, _ALL],
        help="what would be tried, and when, for a camera that never returns; all: how long each fault may last",
    )  # fmt: skip
    parser.add_argument(
        "--camera", metavar="NAME", default="", help="only this one; simulated is the first if none is named"
    )
    parser.add_argument(
        "--usb", action="store_true", help="simulate it on USB, where its device can be reset"
    )
    configured.arguments(parser)
    asking.arguments(parser)


def _run(options: argparse.Namespace) -> int:
    try:
        settings = configured.settings(options)
    except ConfigError as error:
        asking.complain(str(error))
        return ExitStatus.EX_CONFIG
    if options.simulate:
        faults = tuple(FAULTS) if options.simulate == _ALL else (options.simulate,)
        return simulation.run(options, settings, faults)
    facts = _positions(options)
    found = facts.cameras if isinstance(facts, StatusFacts) else None
    remark = "" if isinstance(facts, StatusFacts) else f"\nwho is where is not known: {facts.message}"
    if wrong := _unknown(options.camera, settings, found):
        asking.complain(wrong)
        return ExitStatus.EX_USAGE
    if found and options.camera:
        found = tuple(camera for camera in found if camera.name == options.camera)
    rows = [{**to_plain(row), "cameras": _here(row.rung, found)} for row in settings.ladder]
    shown = (
        json.dumps(rows, indent=2)
        if options.json
        else colour.marked(text(settings.ladder, settings.supervision, found, options.camera)) + remark
    )
    sys.stdout.write(f"{shown}\n")
    return ExitStatus.EX_OK


def _unknown(name: str, settings: Settings, cameras: Iterable[CameraFacts] | None) -> str:
    """Why no camera is meant by this name: the daemon has none, or where it does not answer, the configuration."""
    known = simulation.known(settings) if cameras is None else [camera.name for camera in cameras]
    return "" if name in ("", *known) else simulation.nobody(name, known)


def _here(rung: Rung, cameras: Iterable[CameraFacts] | None) -> list[str] | None:
    return None if cameras is None else [camera.name for camera in climbers(rung, cameras)]


def _positions(options: argparse.Namespace) -> StatusFacts | ControlError:
    """The table is of use without the daemon, too."""
    try:
        return asking.ask(options, Status(), StatusFacts)
    except ControlError as error:
        return error


VERB = Verb(
    "ladder", "show the remedies, weakest first, what each cures, and who is where", _arguments, _run
)
