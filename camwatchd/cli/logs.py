# SPDX-License-Identifier: MIT
"""Owns `camwatchctl logs`: what happened to the cameras by journal, file or ledger, and what it amounts to."""

import argparse
from pathlib import Path

from camwatchd import STATE_DIR
from camwatchd.cli import asking, faults
from camwatchd.cli.duration import at_most
from camwatchd.cli.log_sources import UnreadableError
from camwatchd.cli.verb import Verb

_LONGEST = 24.0 * 366  # hours


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recent-errors", action="store_true", help="show only errors; all is analysed")
    parser.add_argument(
        "--hours",
        metavar="H",
        type=_hours,
        help="so far back: 2h, 90m or plain hours; default: 24, of a file all of it",
    )
    parser.add_argument(
        "--follow", action="store_true", help="show what is logged from now on, until Ctrl-C"
    )
    asking.cameras(parser)
    parser.add_argument(
        "--fault", metavar="FAULT", action="append", default=[], type=faults.meant,
        help="only this one, or those of this alert; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--file",
        metavar="FILE",
        help="instead of the journal: JSON lines, or journalctl -o json; -: standard input",
    )
    parser.add_argument(
        "--state-dir", metavar="DIR", type=Path, default=Path(STATE_DIR),
        help="where the ledger is; default: %(default)s",
    )  # fmt: skip
    asking.arguments(parser)


def _hours(text: str) -> float:
    """Plain hours, or with a unit of their own."""
    return at_most(3600 * _LONGEST, "h")(text) / 3600


def _run(options: argparse.Namespace) -> int:
    from camwatchd.cli import log_telling

    try:
        return log_telling.tell(options)
    except UnreadableError as error:
        asking.complain(str(error))
        return error.status


VERB = Verb("logs", "show what happened to the cameras, and what it amounts to", _arguments, _run)
