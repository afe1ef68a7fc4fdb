# SPDX-License-Identifier: MIT
"""Owns `camwatchctl controls`: what a camera can be told while it runs, and telling it."""

import argparse
import json
import math
from typing import Any

from camwatchd.cli import asking
from camwatchd.cli.table import table
from camwatchd.cli.verb import Verb
from camwatchd.control.protocol import Adjust, AdjustFacts
from camwatchd.errors import ExitStatus

_MOST_LISTS = 64  # in one value: a control is a number or a list of a few


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "controls",
        metavar="NAME=VALUE",
        nargs="*",
        type=_control,
        help="set it; VALUE is JSON: 10000, [1.8, 1.5]",
    )
    parser.add_argument("--camera", metavar="NAME", default="cam0", help="which one; default: %(default)s")
    asking.arguments(parser)


def _control(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    try:
        # No reader of JSON, here or there, has to find out how deep it goes.
        text = value if value.count("[") <= _MOST_LISTS else ""
        return name, json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{name}: expected a number, a list or true, got {value!r}"
        ) from None


def _no_number(word: str) -> float:
    raise ValueError(word)


def _finite(text: str) -> float:
    """ValueError: too large for a number, and infinity is no JSON."""
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _run(options: argparse.Namespace) -> int:
    facts = asking.ask(options, Adjust(options.camera, dict(options.controls)), AdjustFacts)
    asking.show(options, facts, text(facts))
    return ExitStatus.EX_OK


def text(facts: AdjustFacts) -> str:
    """For humans."""
    rows = [
        (
            name,
            str(facts.controls.get(name, "")),
            *("-" if limit is None else str(limit) for limit in limits),
        )
        for name, limits in sorted(facts.offered.items())
    ]
    return table(("control", "set", "smallest", "largest", "usual"), rows)


VERB = Verb(
    "controls", "show and set exposure, gain, focus and the like of a running camera", _arguments, _run
)
