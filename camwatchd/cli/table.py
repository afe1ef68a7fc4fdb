# SPDX-License-Identifier: MIT
"""Owns how a table looks as text: columns as wide as their widest cell, a line under the head."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lines without one at the end."""
    cells = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    first, *others = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
    return "\n".join([first, "-" * max(map(len, [first, *others])), *others])
