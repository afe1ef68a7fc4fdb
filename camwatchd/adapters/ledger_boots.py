# SPDX-License-Identifier: MIT
"""Owns the boots in the ledger: powered-on time, which needs no clock, and how the boot before this one ended."""

import sqlite3
from dataclasses import dataclass

from camwatchd.core.timespan import duration

_KEEP = 1000  # boots


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened: seconds since this boot began, and the time of day for display only."""

    uptime: float
    wall: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How the boot before this one ended: `how` for an incident that it ended, `sentence` for a human."""

    how: str
    sentence: str


class Boots:
    """Of them the one that `boot` names is now."""

    def __init__(self, db: sqlite3.Connection, boot: str) -> None:
        self._db, self._boot = db, boot

    @property
    def is_known(self) -> bool:
        """Whether this boot was entered."""
        return self._db.execute("SELECT 1 FROM boots WHERE id = ?", (self._boot,)).fetchone() is not None

    @property
    def is_first(self) -> bool:
        """Whether no boot was ever entered."""
        return self._db.execute("SELECT 1 FROM boots").fetchone() is None

    def enter(self, start: str, moment: Moment) -> None:
        """Begin this boot. What the last one was up for after the last note of it is lost: that only makes a
        day of powered-on time longer.
        """
        self._db.execute(
            "INSERT INTO boots (id, start, before, uptime, wall) "
            "VALUES (?, ?, coalesce((SELECT before + uptime FROM boots ORDER BY number DESC LIMIT 1), 0), ?, ?)",
            (self._boot, start, moment.uptime, moment.wall),
        )

    def note(self, moment: Moment) -> None:
        """The machine is up for so long by now."""
        self._db.execute(
            "UPDATE boots SET uptime = max(uptime, ?) WHERE id = ?", (moment.uptime, self._boot)
        )

    def at(self, moment: Moment) -> float:
        """The moment in powered-on time."""
        row = self._db.execute("SELECT before FROM boots WHERE id = ?", (self._boot,)).fetchone()
        return float(row[0]) + moment.uptime

    def began_with(self, start: str) -> bool:
        """Whether this start of the service is the first one in this boot."""
        found = self._db.execute("SELECT start FROM boots WHERE id = ?", (self._boot,)).fetchone()
        return found is not None and found[0] == start

    def last_ending(self) -> Ending | None:
        """How the boot before this one ended, as far as can be told; None: there was none."""
        row = self._db.execute(
            "SELECT id, before, uptime FROM boots WHERE id != ? ORDER BY number DESC LIMIT 1", (self._boot,)
        ).fetchone()
        return None if row is None else self._ending(*row)

    def prune(self, horizon: float) -> None:
        """Forget boots that ended before `horizon`, and all but the newest."""
        self._db.execute(
            "DELETE FROM boots WHERE id != ? AND (before + uptime < ?"
            " OR number <= (SELECT max(number) FROM boots) - ?)",
            (self._boot, horizon, _KEEP),
        )

    def _ending(self, boot: str, before: float, uptime: float) -> Ending:
        if self._last_word(boot) == "clean-stop":
            text = (
                f"The last boot ended after a clean stop of camwatchd, {duration(uptime)} into it or later."
            )
            return Ending("the boot ended after a clean stop", text)
        if intent := self._intent(boot):
            camera, fault, at = intent
            text = (
                f"The last boot ended with a reboot that camwatchd asked for, {duration(at - before)} into it: "
                f"for {camera} ({fault}). Whether it helped shows when {camera} gives healthy frames."
            )
            return Ending(f"the reboot for {camera} ({fault})", text)
        text = (
            "The last boot ended without a clean stop and without a reboot asked for by camwatchd: power loss, "
            "panic or hardware watchdog (or systemd's start limit, if the service failed again and again). "
            f"It was last seen alive {duration(uptime)} into it."
        )
        return Ending("the boot ended: power loss, panic or hardware watchdog", text)

    def _last_word(self, boot: str) -> str:
        row = self._db.execute(
            "SELECT kind FROM marks WHERE boot = ? AND kind IN ('start', 'intent', 'clean-stop')"
            " ORDER BY number DESC LIMIT 1", (boot,)
        ).fetchone()  # fmt: skip
        return row[0] if row else ""

    def _intent(self, boot: str) -> tuple[str, str, float] | None:
        found: tuple[str, str, float] | None = self._db.execute(
            "SELECT camera, fault, at FROM asked WHERE boot = ? AND kind = 'intent' ORDER BY number DESC LIMIT 1",
            (boot,),
        ).fetchone()
        return found
