# SPDX-License-Identifier: MIT
"""Owns `camwatchctl recover`: a recovery that does not wait for its time."""

import argparse

from camwatchd.cli import asking
from camwatchd.cli.verb import Verb
from camwatchd.control.protocol import Recover, RecoverFacts
from camwatchd.errors import ExitStatus


def text(facts: RecoverFacts) -> str:
    """For humans."""
    if not facts.cameras:
        return "no camera is configured: nothing is recovered"
    return f"{', '.join(facts.cameras)}: a recovery has begun; how it goes: camwatchctl status"


def _arguments(parser: argparse.ArgumentParser) -> None:
    asking.cameras(parser)
    asking.arguments(parser)


def _run(options: argparse.Namespace) -> int:
    facts = asking.ask(options, Recover(tuple(options.camera)), RecoverFacts)
    asking.show(options, facts, text(facts))
    return ExitStatus.EX_OK


VERB = Verb(
    "recover", "recover now: probe a parked camera, give a healthy one a fresh worker", _arguments, _run
)
