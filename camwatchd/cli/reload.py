# SPDX-License-Identifier: MIT
"""Owns `camwatchctl reload`: reads the configuration again, and shows what is wrong with it."""

import argparse

from camwatchd.cli import asking
from camwatchd.cli.verb import Verb
from camwatchd.control.protocol import Reload, ReloadFacts
from camwatchd.errors import ExitStatus

# The daemon gives a reload 10 s (camwatchd/reloading.py), and one that is under way has to end before.
_PATIENCE = 25.0  # seconds


def _run(options: argparse.Namespace) -> int:
    asking.announce(options, "reading the configuration ...")
    facts = asking.ask(options, Reload(), ReloadFacts, _PATIENCE)
    if not facts.problems:
        asking.show(options, facts, "the new configuration is in force")
        return ExitStatus.EX_OK
    if options.json:
        asking.show(options, facts, "")
    else:
        asking.complain(
            f"the new configuration is refused, the last good one stays in force:\n{facts.problems}"
        )
    return ExitStatus.EX_CONFIG


VERB = Verb(
    "reload", "have the configuration read again, and wait until it is in force", asking.arguments, _run
)
