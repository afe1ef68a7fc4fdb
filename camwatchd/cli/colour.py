# SPDX-License-Identifier: MIT
"""Owns colours: the words that say how something is, on a terminal only, and not where NO_COLOR forbids it."""

import os
import re
import sys
from collections.abc import Mapping
from typing import TextIO

GREEN, YELLOW, RED, CYAN, DIM = "32", "33", "1;31", "36", "2"
_COLOURS = {
    "EXCELLENT": GREEN, "GOOD": GREEN, "OK": GREEN, "PASSED": GREEN, "ok": GREEN, "healthy": GREEN,
    "WARNING": YELLOW, "RECOVERING": YELLOW, "RETRYING": YELLOW, "STARTING": YELLOW, "PAUSED": YELLOW,
    "UNKNOWN": YELLOW, "trouble": YELLOW, "paused": YELLOW,
    "CRITICAL": RED, "PARKED": RED, "FAILED": RED, "OPEN": RED, "UNDER-VOLTAGE": RED, "critical": RED,
    "DRILL": CYAN,
}  # fmt: skip
_LOUD = "|".join(word for word in _COLOURS if word.isupper())
# What is no shouted word is one only where nothing else can be meant: a condition before its score, a verdict alone
# at the end of a row.
_WORDS = re.compile(
    rf"(?m)(?<![\w-])(?:({_LOUD})\b( \d+/100)?|(healthy|paused|trouble|critical)( (?:\d+|\?)/100)|(?<=  )(ok)$)"
)
_MARKED = re.compile(r"(?m)^> .*$")


def wanted(output: TextIO | None = None, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether whoever reads our output sees colours, and wants to (no-color.org)."""
    known = environ.get("TERM", "dumb") != "dumb"
    return (output or sys.stdout).isatty() and known and not environ.get("NO_COLOR")


def painted(text: str) -> str:
    """The text with its words of state in colour, if that is wanted."""
    return paint(text) if wanted() else text


def paint(text: str) -> str:
    """The same, wanted or not."""
    return _WORDS.sub(_in_its_colour, text)


def marked(text: str) -> str:
    """The text with the lines in colour that a `>` marks, if that is wanted."""
    return paint_marked(text) if wanted() else text


def paint_marked(text: str) -> str:
    """The same, wanted or not."""
    return _MARKED.sub(lambda found: coloured(found[0], YELLOW), text)


def coloured(text: str, colour: str) -> str:
    """In this colour, wanted or not."""
    return f"\x1b[{colour}m{text}\x1b[0m"


def _in_its_colour(found: re.Match[str]) -> str:
    word = found[1] or found[3] or found[5]
    return coloured(found[0], _COLOURS[word])
