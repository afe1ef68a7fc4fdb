# SPDX-License-Identifier: MIT
"""Owns the table that a bench prints."""

from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class Row:
    """One figure: what, how much, in relation to what, and the target in the working agreement."""

    name: str
    value: str
    ratio: str = ""
    target: str = ""


def show(title: str, rows: list[Row]) -> None:
    """Print a group."""
    cells = [Row("figure", "measured", "ratio", "target"), *rows]
    widths = [max(len(cell) for cell in column) for column in zip(*map(astuple, cells), strict=True)]
    print(f"\n{title}")
    for row in cells:
        print(
            "  "
            + "  ".join(cell.ljust(width) for cell, width in zip(astuple(row), widths, strict=True)).rstrip()
        )
