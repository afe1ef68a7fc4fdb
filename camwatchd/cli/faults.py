# SPDX-License-Identifier: MIT
"""Owns `camwatchctl faults`: what can be wrong with a camera, by the names that logs and alerts use."""

import argparse
import json
import sys

from camwatchd.cli.table import table
from camwatchd.cli.verb import Verb, only_json
from camwatchd.core.faults import FAULTS, Fault, Issue
from camwatchd.core.ladder import Rung
from camwatchd.core.plain import to_plain
from camwatchd.core.timespan import duration
from camwatchd.errors import ExitStatus

HEAD = ("fault", "alert", "first remedy", "what it means")


def cells(fault: Fault) -> tuple[str, ...]:
    """One row for humans."""
    return fault.name, fault.issue, _remedy(fault), fault.human


def meant(text: str) -> frozenset[str]:
    """A fault by its name, or all that raise an alert of this name; for argparse."""
    found = frozenset(name for name, fault in FAULTS.items() if text in (name, fault.issue.value))
    if found:
        return found
    raise argparse.ArgumentTypeError(
        f"no fault or alert: {text!r}; see camwatchctl faults, or one of {', '.join(Issue)}"
    )


def _remedy(fault: Fault) -> str:
    if fault.hold is not None:
        first = f"{fault.entry}, then " if fault.entry is Rung.RESTART_SERVICE else ""
        return f"{first}probe every {duration(fault.hold)}"
    return fault.entry


def _run(options: argparse.Namespace) -> int:
    known = FAULTS.values()
    text = json.dumps(to_plain(list(known)), indent=2) if options.json else table(HEAD, map(cells, known))
    sys.stdout.write(f"{text}\n")
    return ExitStatus.EX_OK


VERB = Verb(
    "faults", "show every fault by name, the alert it raises and what is tried first", only_json, _run
)
