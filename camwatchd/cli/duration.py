# SPDX-License-Identifier: MIT
"""Owns how a duration is written on the command line: 90s, 10m, 2h or a plain number of the option's own unit."""

import argparse
import re
from collections.abc import Callable

_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)([smh]?)", re.ASCII)
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_NAMES = {"s": "seconds", "m": "minutes", "h": "hours"}


def at_most(longest: float, plain: str = "s") -> Callable[[str], float]:
    """A reader for argparse, which gives seconds; `plain` is the unit of a number without one."""
    units = {**_UNITS, "": _UNITS[plain]}

    def read(text: str) -> float:
        match = _WRITTEN.fullmatch(text)
        seconds = float(match[1]) * units[match[2]] if match else 0.0
        if 0 < seconds <= longest:
            return seconds
        limit = f"at most {longest / 3600:g}h"
        raise argparse.ArgumentTypeError(
            f"{text!r} is no duration; expected 90s, 10m, 2h or plain {_NAMES[plain]}, {limit}"
        )

    return read
