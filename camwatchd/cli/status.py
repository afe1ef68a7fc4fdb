# SPDX-License-Identifier: MIT
"""Owns `camwatchctl status`: how every camera is, in words or in JSON, and in one exit status."""

import argparse
import json
import sys
from typing import Any

from camwatchd.cli import asking
from camwatchd.cli.status_text import text
from camwatchd.cli.verb import Verb
from camwatchd.control.facts import CameraFacts, Condition, StatusFacts, condition, gating
from camwatchd.control.protocol import Status
from camwatchd.core.plain import to_plain
from camwatchd.errors import ExitStatus

# The worst required camera decides; where none is required, the worst of all.
STATUS = {Condition.HEALTHY: 0, Condition.PAUSED: 1, Condition.TROUBLE: 1, Condition.CRITICAL: 3}

# What speaks for the whole stands at the top of the JSON, flat, under names that programs rely on.
_OF_THE_WORST = ("is_initialized", "is_capturing", "health_score", "consecutive_failures")
_WITHOUT_CAMERA: dict[str, Any] = {
    "is_initialized": False,
    "is_capturing": False,
    "health_score": 0,
    "consecutive_failures": 0,
}

_EPILOG = """\
exit status:
  0   every required camera is healthy
  1   a required camera is starting, in trouble, being recovered, or paused
  2   wrong arguments
  3   a required camera is critical or parked: a human should look
  69  the daemon does not answer"""


def document(facts: StatusFacts) -> dict[str, Any]:
    """What `--json` prints: the required keys of the worst required camera, the daemon, every camera by name."""
    speakers = gating(facts.cameras)
    worst = {key: getattr(speakers[0], key) for key in _OF_THE_WORST} if speakers else _WITHOUT_CAMERA
    return {
        **worst,
        "should_reboot": any(camera.should_reboot for camera in speakers),
        "daemon": to_plain(facts.daemon),
        "cameras": {camera.name: _plain(camera) for camera in facts.cameras},
    }


def _plain(camera: CameraFacts) -> dict[str, Any]:
    return {"condition": condition(camera).name.lower(), **to_plain(camera)}


def exit_status(facts: StatusFacts) -> int:
    """The one number; nothing is wrong where there is no camera."""
    return max((STATUS[condition(camera)] for camera in gating(facts.cameras)), default=ExitStatus.EX_OK)


def _arguments(parser: argparse.ArgumentParser) -> None:
    asking.arguments(parser)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG


def _run(options: argparse.Namespace) -> int:
    facts = asking.ask(options, Status(), StatusFacts)
    written = json.dumps(document(facts), indent=2) if options.json else text(facts)
    sys.stdout.write(f"{written}\n")
    return exit_status(facts)


VERB = Verb("status", "show each camera: its health, what is being tried, what comes next", _arguments, _run)
