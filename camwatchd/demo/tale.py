# SPDX-License-Identifier: MIT
"""Owns what the demo learns from the daemon's events: one row for each act, and whether it went as it should.

Pure: events and the camera's own record of its faults come in, rows come out; nothing is assumed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from camwatchd.cli.table import table
from camwatchd.core.timespan import duration
from camwatchd.demo.acts import Act

Event = Mapping[str, Any]

_ENDS = ("alert.recovery", "camera.hiccup_ended")
_ISSUES = ("alert.capture_failure", "alert.buffer_error", "alert.connection_error")
_COLUMNS = ("act", "fault", "noticed after", "cured by", "back after", "health", "availability")


@dataclass(slots=True)
class Row:
    """One act as the events tell it. Points in time are monotonic seconds; None: not (yet) heard of."""

    act: Act
    began: float | None = None  # by the simulated camera's record
    noticed: float | None = None
    alerted: bool = False
    fault: str = ""
    cured_by: str = ""
    back: float | None = None
    worst: int = 100
    score: int | None = None
    availability: float | None = None

    @property
    def as_it_should(self) -> bool:
        """Whether the rung that is there for this fault cured it."""
        return self.cured_by == self.act.cure

    def cells(self, number: int) -> tuple[str, ...]:
        """For the table."""
        health = "-" if self.score is None else f"{self.worst} -> {self.score}"
        share = "-" if self.availability is None else f"{100 * self.availability:.1f} %"
        return (
            str(number), self.fault or "-", self._after(self.noticed), self.cured_by or "-",
            self._after(self.back), health, share,
        )  # fmt: skip

    def _after(self, moment: float | None) -> str:
        return "-" if moment is None or self.began is None else duration(moment - self.began)


class Tale:
    """Hears the events in their order."""

    def __init__(self, acts: Sequence[Act]) -> None:
        self.rows = [Row(act) for act in acts]

    def hear(self, event: Event, began: Sequence[float | None]) -> None:
        """Take in an event; `began` is when each fault of the script began so far."""
        for known, moment in zip(self.rows, began, strict=True):
            known.began = moment
        if event["event"] == "camera.summary":
            self._sum_up(event["availability"])
        elif (row := self._current(event["monotonic"])) is not None and row.back is None:
            _follow(row, event)

    def _sum_up(self, availability: float) -> None:
        for row in self.rows:
            if row.back is not None and row.availability is None:
                row.availability = availability

    @property
    def told(self) -> int:
        """How many acts are over, with all that the table shows of them."""
        return sum(row.availability is not None for row in self.rows)

    @property
    def cured(self) -> int:
        """How many faults are over, though the table may still lack the availability."""
        return sum(row.back is not None for row in self.rows)

    @property
    def over(self) -> bool:
        """Whether nothing is left to wait for."""
        return self.told == len(self.rows)

    def complaints(self) -> list[str]:
        """What did not go as it should."""
        return [f"{row.act.title}: {_complaint(row)}" for row in self.rows if not row.as_it_should]

    def table(self) -> str:
        """The closing table: times count from the beginning of the fault, availability from the daemon's start."""
        return table(_COLUMNS, (row.cells(number) for number, row in enumerate(self.rows, 1)))

    def _current(self, now: float) -> Row | None:
        """The act whose fault began last: faults begin in the order of the script."""
        begun = [row for row in self.rows if row.began is not None and row.began <= now]
        return begun[-1] if begun else None


def _follow(row: Row, event: Event) -> None:
    name = event["event"]
    row.worst = min(row.worst, event.get("health_score", 100))
    if name == "capture.failed" and row.noticed is None:
        row.noticed, row.fault = event["monotonic"], event["suspicion"]
    elif name in _ISSUES and not row.alerted:
        # A hiccup raises no alert: there the failed capture is all there is to notice.
        row.noticed, row.fault, row.alerted = event["monotonic"], event["fault"], True
    elif name in _ENDS:
        row.back, row.score = event["monotonic"], event["health_score"]
        row.cured_by = event.get("rung") or "itself"


def _complaint(row: Row) -> str:
    if row.began is None:
        return "did not take place"
    if not row.cured_by:
        return f"was not cured; {row.act.cure} should have"
    return f"was cured by {row.cured_by}; it should have been {row.act.cure}"
