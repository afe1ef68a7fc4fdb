# SPDX-License-Identifier: MIT
"""Owns the command `camwatchctl`: the table of its verbs, and the way from an argument to one of them."""

import argparse
import sys

from camwatchd import __version__
from camwatchd.cli import check_config, faults, ladder, reader, version
from camwatchd.cli.verb import Verb
from camwatchd.errors import ExitStatus

VERBS: tuple[Verb, ...] = (ladder.VERB, faults.VERB, check_config.VERB, version.VERB)


def main(argv: list[str] | None = None) -> int:
    """The command; its exit status."""
    parser = arguments()
    options = parser.parse_args(argv)
    if options.run is None:
        parser.print_help(sys.stderr)
        return ExitStatus.EX_USAGE
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        return reader.left()
    return status


def arguments() -> argparse.ArgumentParser:
    """The command line, made from the table."""
    parser = argparse.ArgumentParser(
        prog="camwatchctl", description="Asks about camwatchd, which supervises and recovers cameras."
    )
    parser.add_argument("--version", action="version", version=f"camwatchctl {__version__}")
    parser.set_defaults(run=None)
    verbs = parser.add_subparsers(title="verbs", metavar="VERB")
    for verb in VERBS:
        verb_parser = verbs.add_parser(verb.name, help=verb.summary, description=f"{verb.summary}.")
        verb.add_arguments(verb_parser)
        verb_parser.set_defaults(run=verb.run)
    return parser
