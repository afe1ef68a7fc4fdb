# SPDX-License-Identifier: MIT
"""Owns `camwatchctl resume`: the daemon takes the cameras again."""

import argparse

from camwatchd.cli import asking
from camwatchd.cli.verb import Verb
from camwatchd.control.protocol import Resume, ResumeFacts
from camwatchd.errors import ExitStatus


def text(facts: ResumeFacts) -> str:
    """For humans."""
    if not facts.cameras:
        return "nothing was paused"
    return f"{', '.join(facts.cameras)}: the pause is over, the camera is being opened"


def _arguments(parser: argparse.ArgumentParser) -> None:
    asking.cameras(parser)
    asking.arguments(parser)


def _run(options: argparse.Namespace) -> int:
    facts = asking.ask(options, Resume(tuple(options.camera)), ResumeFacts)
    asking.show(options, facts, text(facts))
    return ExitStatus.EX_OK


VERB = Verb("resume", "end a pause now", _arguments, _run)
