# SPDX-License-Identifier: MIT
"""Owns `camwatchctl ladder`: the remedies in their order, with the numbers that hold where none are configured."""

import argparse
import json
import sys

from camwatchd.cli.table import table
from camwatchd.cli.verb import Verb, only_json
from camwatchd.core.ladder import LADDER, Rung, RungPolicy
from camwatchd.core.plain import to_plain
from camwatchd.core.settings import Supervision
from camwatchd.errors import ExitStatus

HEAD = ("rung", "attempts", "timeout", "settle", "backoff", "cures")


def cells(row: RungPolicy) -> tuple[str, ...]:
    """One row for humans; a dash where the rung has no such number."""
    attempts = str(row.attempts)
    if row.rung is Rung.RETRY:
        attempts = f"until {Supervision().max_consecutive_failures} failures"
    return row.rung, attempts, *map(_seconds, (row.timeout, row.settle, row.backoff)), row.cures


def _seconds(value: float) -> str:
    return f"{value:g} s" if value else "-"


def _run(options: argparse.Namespace) -> int:
    text = json.dumps(to_plain(LADDER), indent=2) if options.json else table(HEAD, map(cells, LADDER))
    sys.stdout.write(f"{text}\n")
    return ExitStatus.EX_OK


VERB = Verb("ladder", "show the remedies, weakest first, and what each of them cures", only_json, _run)
