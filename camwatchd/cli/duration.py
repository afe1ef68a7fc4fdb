# SPDX-License-Identifier: MIT
"""Owns how a duration is written on the command line: 90s, 10m, 2h or a plain number of the option's own unit."""

import argparse
import re
from collections.abc import Callable

_WRITTEN = re.compile(r"(\d+(?:\.\d+)?|\.\d+)([smhd]?)", re.ASCII)
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_DAYS = {"d": 86400.0}  # only where days are the unit: elsewhere a day is too long to be meant
_NAMES = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_EXAMPLES = {"d": "12h, 7d"}


def at_most(longest: float, plain: str = "s", *, none: bool = False) -> Callable[[str], float]:
    """A reader for argparse, which gives seconds; `plain` is the unit of a number without one, `none`: 0 is meant."""
    known = {**_UNITS, **(_DAYS if plain == "d" else {})}
    units = {**known, "": known[plain]}
    limit = (
        f"at most {longest / known[plain]:g}{plain}"
        if plain in ("h", "d")
        else f"at most {longest / 3600:g}h"
    )

    def read(text: str) -> float:
        match = _WRITTEN.fullmatch(text)
        seconds = float(match[1]) * units[match[2]] if match and match[2] in units else -1.0
        if 0 < seconds <= longest or (none and seconds == 0):
            return seconds
        examples = _EXAMPLES.get(plain, "90s, 10m, 2h")
        raise argparse.ArgumentTypeError(
            f"{text!r} is no duration; expected {examples} or plain {_NAMES[plain]}, {limit}"
        )

    return read
