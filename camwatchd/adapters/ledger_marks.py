# SPDX-License-Identifier: MIT
"""Owns the marks in the ledger: one sequence of all that decides about a reboot, and what the budget counts in it."""

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from camwatchd.core.budget import WEEK

_KEEP = 2000  # marks; what a verdict needs is kept whatever its age


class Mark(StrEnum):
    """What is marked."""

    BOOT = "boot"  # seen for the first time
    START = "start"  # of the service
    HEALTHY = "healthy"  # a camera gave proof of health
    INTENT = "intent"  # a reboot was granted
    OBSERVED = "observed"  # ... would have been, but for mode = "observe"
    SERVICE_RESTART = "service-restart"  # a restart on purpose was granted
    REVOKED = "revoked"  # what was granted last to the camera is void
    CLEAN_STOP = "clean-stop"
    SET_ASIDE = "set-aside"  # this ledger took the place of another, and nobody knows what that had counted


@dataclass(frozen=True, slots=True)
class Source:
    """Where a mark comes from: the record's serial within this start, and its moment."""

    serial: int
    at: float
    wall: str


class Marks:
    """The marks of all boots; new ones are of this boot and start."""

    def __init__(self, db: sqlite3.Connection, boot: str, start: str) -> None:
        self._db, self._boot, self._start = db, boot, start

    def add(
        self, kind: Mark, source: Source, camera: str = "", fault: str = "", voids: int | None = None
    ) -> None:
        """Append one."""
        self._db.execute(
            "INSERT INTO marks (boot, start, serial, at, wall, kind, camera, fault, voids)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self._boot, self._start, source.serial, source.at, source.wall, kind, camera, fault, voids),
        )

    def add_healthy(self, camera: str, source: Source) -> None:
        """Only the newest of a boot counts: a camera that flaps must not fill the ledger."""
        self._db.execute(
            "DELETE FROM marks WHERE kind = 'healthy' AND boot = ? AND camera = ?", (self._boot, camera)
        )
        self.add(Mark.HEALTHY, source, camera)

    def revoke(self, camera: str, source: Source) -> None:
        """Void what was granted last to the camera in this boot."""
        row = self._db.execute(
            "SELECT max(number) FROM marks WHERE boot = ? AND camera = ?"
            " AND kind IN ('intent', 'observed', 'service-restart')",
            (self._boot, camera),
        ).fetchone()
        self.add(Mark.REVOKED, source, camera, voids=row[0])

    def granted_by(self, serial: int) -> Mark | None:
        """What a record of this start was granted before, if its answer was lost on the way."""
        row = self._db.execute(
            "SELECT kind FROM marks WHERE start = ? AND serial = ?"
            " AND kind IN ('intent', 'observed', 'service-restart')",
            (self._start, serial),
        ).fetchone()
        return Mark(row[0]) if row else None

    def healthy_cameras(self) -> tuple[str, ...]:
        """Every camera that was ever healthy here."""
        rows = self._db.execute("SELECT DISTINCT camera FROM marks WHERE kind = 'healthy' ORDER BY camera")
        return tuple(camera for (camera,) in rows)

    def unhelpful(self, camera: str, kind: Mark) -> int:
        """How many intents (or observed ones) no healthy frame of this camera followed."""
        row = self._db.execute(
            "SELECT count(*) FROM asked WHERE kind = ? AND camera = ? AND number > coalesce("
            "(SELECT max(number) FROM marks WHERE kind = 'healthy' AND camera = ?), 0)",
            (kind, camera, camera),
        ).fetchone()
        return int(row[0])

    def times(self, kind: Mark, since: float) -> list[float]:
        """When there were intents (or observed ones) for any camera, oldest first."""
        rows = self._db.execute("SELECT at FROM asked WHERE kind = ? AND at > ? ORDER BY at", (kind, since))
        return [at for (at,) in rows]

    def set_aside_at(self) -> float:
        """When this ledger took the place of one that was set aside; long ago, if it did not."""
        (at,) = self._db.execute("SELECT max(at) FROM marks WHERE kind = 'set-aside'").fetchone()
        return float("-inf") if at is None else float(at)

    def waiting_reboot(self, camera: str) -> str:
        """The fault of the last reboot of which it is not known yet whether it helped this camera; empty: none."""
        row = self._db.execute(
            "SELECT fault FROM asked WHERE kind = 'intent' AND camera = ? AND boot != ? AND number > coalesce("
            "(SELECT max(number) FROM marks WHERE kind = 'healthy' AND camera = ?), 0)"
            " ORDER BY number DESC LIMIT 1",
            (camera, self._boot, camera),
        ).fetchone()
        return row[0] if row else ""

    def prune(self, now: float, horizon: float) -> None:
        """Forget what is old or too much, but nothing that a verdict still counts."""
        self._db.execute(
            """
            DELETE FROM marks WHERE (at < :horizon OR number <= (SELECT max(number) FROM marks) - :keep)
            AND number NOT IN (SELECT max(number) FROM marks WHERE kind = 'healthy' GROUP BY camera)
            AND NOT (kind IN ('intent', 'observed', 'revoked', 'set-aside') AND (at > :week OR number > coalesce(
                (SELECT max(h.number) FROM marks AS h WHERE h.kind = 'healthy' AND h.camera = marks.camera), 0)))
            """,
            {"horizon": horizon, "keep": _KEEP, "week": now - WEEK},
        )
