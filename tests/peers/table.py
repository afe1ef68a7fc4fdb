# SPDX-License-Identifier: MIT
"""Owns the table of the comparison: what was measured, in Markdown."""

import re

from .cell import Cell, Line, kept
from .faults import FAULTS, Fault
from .programs import PROGRAMS, Program

_REASON = 150  # characters


def render() -> str:
    """All cells that were run, and the others marked."""
    parts = [_table(fault) for fault in FAULTS]
    return "\n\n".join(parts) + "\n"


def _table(fault: Fault) -> str:
    head = [
        f"**{fault.title}**",
        "",
        "| program | noticed after | first good frame after | human | said | host load |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(row(fault, program, kept(fault, program)) for program in PROGRAMS)])


def row(fault: Fault, program: Program, cell: Cell | None) -> str:
    """One line of the table."""
    if cell is None:
        return f"| {program.title} | not run | not run | not run | | |"
    back = _seconds(cell.good) if cell.said_healthy is None else f"{_seconds(cell.said_healthy)}"
    if cell.node is not None:
        back += f" (device there after {_seconds(cell.node)})"
    human = "**yes**" if cell.good is None else "no"
    return f"| {program.title} | {_noticed(cell)} | {back} | {human} | {_reason(cell)} | {cell.load:g} |"


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.2f} s"


def _reason(cell: Cell) -> str:
    """The first thing that it said; camwatchd's alert, which comes after the first sign, is its reason."""
    chosen = (_alerts(cell) or list(cell.lines))[:1]
    return f"`{_shortened(chosen[0])}`" if chosen else "nothing"


def _alerts(cell: Cell) -> list[Line]:
    return [line for line in cell.lines if line.event.startswith("alert.")]


def _noticed(cell: Cell) -> str:
    """camwatchd says first that frames are late, then that there is a fault."""
    alerts = _alerts(cell)
    return _seconds(cell.noticed) + (f"; fault {_seconds(alerts[0].after)}" if alerts else "")


def _shortened(line: Line) -> str:
    text = re.sub(r"\s+", " ", line.text).replace("|", "/").replace("`", "'")
    return text if len(text) <= _REASON else f"{text[: _REASON - 3]}..."
