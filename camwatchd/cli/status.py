# SPDX-License-Identifier: MIT
"""Owns `camwatchctl status`: how every camera is, in words or in JSON, and in one exit status."""

import argparse
import json
import sys
from pathlib import Path

from camwatchd import STATE_DIR
from camwatchd import __main__ as daemon
from camwatchd.cli import absence, asking, colour, looking, watch
from camwatchd.cli.documents import status_document
from camwatchd.cli.duration import at_most
from camwatchd.cli.status_detail import detailed
from camwatchd.cli.status_text import text
from camwatchd.cli.verb import Verb
from camwatchd.control.client import DEFAULT_SOCKET
from camwatchd.control.facts import Condition, StatusFacts, condition, gating
from camwatchd.errors import ExitStatus

# The worst required camera decides; where none is required, the worst of all.
STATUS = {Condition.HEALTHY: 0, Condition.PAUSED: 1, Condition.TROUBLE: 1, Condition.CRITICAL: 3}

_EPILOG = """\
--watch goes on until Ctrl-C and then ends with the status of the last look."""


def exit_status(facts: StatusFacts) -> int:
    """The one number; nothing is wrong where there is no camera."""
    return max((STATUS[condition(camera)] for camera in gating(facts.cameras)), default=ExitStatus.EX_OK)


def written(options: argparse.Namespace, look: looking.Look) -> str:
    """A look as it was asked for; of a daemon that does not answer, too."""
    found = look if isinstance(look, StatusFacts) else asking.absence_of(options, look, _records(options))
    if options.json:
        return json.dumps(status_document(found), indent=None if options.watch else 2)
    if isinstance(found, StatusFacts):
        return colour.painted(detailed(found) if options.detailed else text(found))
    return absence.text(found)


def _records(options: argparse.Namespace) -> absence.Records | None:
    """Where to look while nobody answers. The usual places are of the usual daemon, not of one at another socket."""
    if options.state_dir is None and options.socket != DEFAULT_SOCKET:
        return None
    given = daemon.arguments().parse_args([])
    state_dir = Path(options.state_dir or STATE_DIR)
    return absence.Records(
        state_dir, Path(options.config or given.config), Path(options.conf_dir or given.conf_dir)
    )


def outcome(look: looking.Look) -> int:
    """The exit status after this look."""
    return exit_status(look) if isinstance(look, StatusFacts) else asking.status_of(look)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--detailed", action="store_true", help="everything that is known; JSON always has it"
    )
    parser.add_argument("--watch", action="store_true", help="again and again, until Ctrl-C")
    parser.add_argument(
        "--interval", metavar="S", type=at_most(86400.0), default=2.0,
        help="between two looks with --watch: 500, 5s, 1m; default: 2 seconds",
    )  # fmt: skip
    for name, of in (("--state-dir", "the ledger"), ("--config", "the limits"), ("--conf-dir", "drop-ins")):
        metavar = "FILE" if name == "--config" else "DIR"
        parser.add_argument(
            name, metavar=metavar, help=f"while the daemon does not answer: where {of} are read"
        )
    asking.arguments(parser)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG


def _run(options: argparse.Namespace) -> int:
    if options.watch:
        return watch.run(options, lambda look: written(options, look), outcome)
    look = looking.once(options)
    if (
        isinstance(look, StatusFacts) or options.json
    ):  # who parses is told of the absence where the rest would be
        sys.stdout.write(f"{written(options, look)}\n")
    else:
        asking.complain(written(options, look))
    return outcome(look)


VERB = Verb("status", "show each camera: its health, what is being tried, what comes next", _arguments, _run)
