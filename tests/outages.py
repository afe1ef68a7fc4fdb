# SPDX-License-Identifier: MIT
"""Owns README.md's table of the longest outages, told by the core: `python -m tests.outages` prints it anew."""

from collections.abc import Iterable, Sequence

from camwatchd.cli import simulation
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import Rung
from camwatchd.core.rehearsal import Course, End
from camwatchd.core.settings import CameraSettings, Settings
from camwatchd.core.timespan import duration

RUNGS = (Rung.RESTART_STREAM, Rung.RESTART_WORKER, Rung.RESTART_SERVICE)
HEAD = ("fault", "noticed", *RUNGS, "then")
_ENDS = {End.REBOOT: "asks for the reboot", End.PARKED: "parked"}


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as README.md writes it."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def table() -> str:
    """Faults that last equally long share a row. A required camera on a ribbon cable, by the defaults."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for fault in FAULTS:
        rows.setdefault(_cells(fault), []).append(fault)
    return markdown(HEAD, [(", ".join(faults), *cells) for cells, faults in rows.items()])


def _cells(fault: str) -> tuple[str, ...]:
    course = simulation.of(Settings(), CameraSettings(), fault, usb=False).latest
    given_up = [_given_up(course, rung) for rung in RUNGS]
    return _span(course.moments[0].after), *map(_span, given_up), _then(fault, course)


def _given_up(course: Course, rung: Rung) -> float | None:
    """When something else follows the last attempt of the ladder's own; None: it is not climbed."""
    attempts = [n for n, moment in enumerate(course.moments) if moment.rung is rung and moment.attempt]
    tried = [n for n in attempts if course.moments[n].detail != "again"]
    return course.moments[tried[-1] + 1].after if tried else None


def _then(fault: str, course: Course) -> str:
    if course.end is End.PROBED:
        return f"probed every {duration(FAULTS[fault].hold or 0)}"
    return f"{_ENDS[course.end]} at {_span(course.seconds)}"


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"


if __name__ == "__main__":
    print(table())
