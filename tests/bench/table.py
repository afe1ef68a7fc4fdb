# SPDX-License-Identifier: MIT
"""Owns the table that a bench prints."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

_CPU_TARGET = 1.05


@dataclass(frozen=True)
class Row:
    """One figure: what, how much, in relation to what, and the target in the working agreement."""

    name: str
    value: str
    ratio: str = ""
    target: str = ""


def cpu_target(ratio: float) -> str:
    """How the supervised loop's CPU per frame stands to 5 % over a loop that does nothing with the frame.

    It misses that, for it looks at each picture. What an application would notice is meant, and met: frames a second,
    and the share of the time between two frames.
    """
    return f"at most 1.05 x: {'met' if ratio <= _CPU_TARGET else 'missed'}"


def show(title: str, rows: list[Row]) -> None:
    """Print a group."""
    grid(title, [astuple(row) for row in (Row("figure", "measured", "ratio", "target"), *rows)])


def grid(title: str, rows: Sequence[tuple[str, ...]]) -> None:
    """Print a table whose first row is its head."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    print(f"\n{title}")
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"  {'  '.join(cells)}".rstrip())
