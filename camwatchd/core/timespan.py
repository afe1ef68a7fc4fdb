# SPDX-License-Identifier: MIT
"""Owns how a time span is said. A module of its own: the recorder, which says some, needs nothing of the ladder."""

DAY = 86400.0


def duration(seconds: float) -> str:
    """A time span as people say it: 0.03 s, 4.0 s, 12 min, 4 h, 3 d."""
    if seconds < 10:
        return f"{max(0.0, seconds):.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    for size, unit in ((60.0, "s"), (3600.0, "min"), (DAY, "h")):
        if seconds < 2 * size:
            return f"{seconds / {'s': 1, 'min': 60, 'h': 3600}[unit]:.0f} {unit}"
    return f"{seconds / DAY:.0f} d"
