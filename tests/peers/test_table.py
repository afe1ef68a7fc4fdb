# SPDX-License-Identifier: MIT
"""Proves that the table of the peers says of each cell what was measured, and invents nothing."""

from .cell import Cell, Line
from .faults import FAULTS
from .programs import PROGRAMS
from .table import row

FAULT, OTHER, OURS = FAULTS[0], PROGRAMS[0], PROGRAMS[-1]
_ALERT = Line(4.51, "CAMERA_ISSUE: capture_failure: cam0: frames-stopped", "alert.capture_failure")


def cell(*lines: Line, noticed: float | None, good: float | None, said: float | None = None) -> Cell:
    """With nothing else of interest."""
    return Cell(FAULT.name, "", "1", 5.0, noticed, good, said, None, lines, 0.5)


def columns(text: str) -> list[str]:
    """Of a row, without the program."""
    return [column.strip() for column in text.strip("|").split("|")][1:]


def test_a_cell_that_was_not_run_is_marked() -> None:
    """Nothing is claimed of it."""
    assert columns(row(FAULT, OTHER, None)) == ["not run", "not run", "not run", "", ""]


def test_a_program_that_never_came_back_needed_a_human() -> None:
    """Neither noticed nor back nor a word about it."""
    assert columns(row(FAULT, OTHER, cell(noticed=None, good=None))) == [
        "never",
        "never",
        "**yes**",
        "nothing",
        "0.5",
    ]


def test_the_first_complaint_is_the_reason() -> None:
    """What came later may be about something else; no bar in it breaks the table."""
    lines = (Line(1.0, "select() error | Success", ""), Line(2.0, "other", ""))

    text = row(FAULT, OTHER, cell(*lines, noticed=1.0, good=0.25))

    assert columns(text) == ["1.00 s", "0.25 s", "no", "`select() error / Success`", "0.5"]


def test_camwatchd_counts_as_back_when_it_says_so() -> None:
    """Three healthy frames in a row come after the first one, and its alert after the first late frame."""
    text = row(FAULT, OURS, cell(_ALERT, noticed=0.1, good=0.05, said=0.12))

    assert columns(text)[:3] == ["0.10 s; fault 4.51 s", "0.12 s", "no"]


def test_a_program_complains_in_its_own_way() -> None:
    """An entry of the journal that only informs is no complaint; a recovery is none either."""
    ustreamer = next(program for program in PROGRAMS if program.name == "ustreamer")

    assert ustreamer.complains({"MESSAGE": "-- ERROR [1.0 stream] -- Mainloop select() error: Success"})
    assert not ustreamer.complains({"MESSAGE": "-- INFO  [1.0 stream] -- Capturing ..."})
    assert OURS.complains({"MESSAGE": "CAMERA_ISSUE: ...", "EVENT": "alert.capture_failure"})
    assert not OURS.complains({"MESSAGE": "CAMERA_RECOVERY: ...", "EVENT": "alert.recovery"})
