# SPDX-License-Identifier: MIT
"""Owns colours: the words that say how something is, on a terminal only, and not where NO_COLOR forbids it."""

import os
import re
import sys

_GREEN, _YELLOW, _RED, _OFF = "\x1b[32m", "\x1b[33m", "\x1b[1;31m", "\x1b[0m"
_COLOURS = {
    "EXCELLENT": _GREEN, "GOOD": _GREEN, "OK": _GREEN, "WARNING": _YELLOW, "RECOVERING": _YELLOW,
    "RETRYING": _YELLOW, "STARTING": _YELLOW, "PAUSED": _YELLOW, "UNKNOWN": _YELLOW, "CRITICAL": _RED, "PARKED": _RED,
}  # fmt: skip
_WORDS = re.compile(rf"\b({'|'.join(_COLOURS)})\b( \d+/100)?")


def wanted() -> bool:
    """Whether whoever reads our output sees colours, and wants to (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(text: str) -> str:
    """The text with its words of state in colour, if that is wanted."""
    return _WORDS.sub(lambda found: f"{_COLOURS[found[1]]}{found[0]}{_OFF}", text) if wanted() else text
