# SPDX-License-Identifier: MIT
"""Owns what the ledger tells of the past, as typed facts: boots and how they ended, incidents and what was tried.

Points in time are powered-on seconds since the ledger was begun, which no clock can put out of order; what is called
`wall` is the time of day as the machine had it, for display only.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from camwatchd.adapters.ledger_incidents import STEPS_KEPT
from camwatchd.core.budget import WEEK
from camwatchd.core.drills import MARK
from camwatchd.core.flight import Before, HostFacts
from camwatchd.core.plain import PlainError, from_plain, without_strangers
from camwatchd.core.timespan import DAY

_KERNEL = "kernel: "  # before the kernel's lines among the words

T = TypeVar("T")


class End(StrEnum):
    """How a boot ended, as far as can be told."""

    NOT_YET = "not-yet"  # it is this one
    CLEAN_STOP = "clean-stop"  # after camwatchd was told to stop: somebody shut the machine down
    REBOOT_ASKED = "reboot-asked"  # camwatchd had asked for it
    UNEXPLAINED = "unexplained"  # power loss, panic, hardware watchdog; or systemd's start limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A reboot that was granted; `observed`: it would have been, but for mode = "observe"."""

    camera: str
    fault: str
    at: float
    wall: str
    into_boot: float  # seconds
    observed: bool
    helped: bool | None  # whether the camera was healthy afterwards; None: that is not known yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """One boot in which the daemon ran; its length as last noted, up to ten minutes too short."""

    number: int
    id: str
    wall: str  # of the daemon's first start in it
    at: float
    uptime: float
    after: End | None  # how the boot before it ended; None: the ledger knows of none
    after_reboot: Asked | None  # ... if that was asked for
    end: End
    starts: int  # of the service
    service_restarts: int  # of them those that were asked for
    healthy: tuple[str, ...]  # cameras that were, in it
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """An incident in one line."""

    number: int
    camera: str
    boot: str
    at: float
    wall: str
    fault: str
    evidence: str
    ended: str  # how, in words; empty: it is open
    seconds: float  # until it ended, or its last step so far
    failed_attempts: int  # of the steps that were kept
    trimmed: bool  # there were more steps than are kept of an incident
    parked: bool
    drill: bool = False  # an exercise, and nothing else: nothing was wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A camera was healthy: first in a start of the service, or at the end of an incident."""

    camera: str
    at: float
    wall: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What happened within an incident. `outcome`: named (a fault), failed, succeeded, not-applicable, parked, or the
    answer to a request for a last rung: granted, observed, postponed, refused.
    """

    at: float
    after: float  # seconds since the incident began
    rung: str
    attempt: int  # 0: none
    outcome: str
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An incident and all that is known of it. `words`: what the worker wrote; None: from before that was kept."""

    headline: Headline
    boot_number: int  # 0: the boot is forgotten
    into_boot: float
    steps: tuple[Step, ...]
    kernel: tuple[str, ...]
    words: tuple[str, ...]
    before: Before | None
    host: HostFacts | None
    host_last: HostFacts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Newest first. `now`: the powered-on time that was noted last."""

    now: float
    boots: tuple[Boot, ...]
    incidents: tuple[Headline, ...]
    keep_incidents: int
    keep_days: float

    @property
    def knows_this_boot(self) -> bool:
        """Whether the daemon has run in it; without any boot there is nothing to know."""
        return not self.boots or self.boots[0].end is End.NOT_YET


def history(db: sqlite3.Connection, this_boot: str, days: float | None = None, camera: str = "") -> History:
    """Of the last so many powered-on days; incidents of one camera, if one is named."""
    (now,) = db.execute("SELECT coalesce(max(before + uptime), 0) FROM boots").fetchone()
    since = float("-inf") if days is None else now - days * DAY
    rule = db.execute("SELECT incidents, days FROM keep").fetchone()
    boots = [boot for boot in _boots(db, this_boot) if boot.at + boot.uptime >= since]
    incidents = (line for line in _headlines(db) if line.at + line.seconds >= since or not line.ended)
    return History(
        now=now, boots=tuple(reversed(boots)),
        incidents=tuple(line for line in incidents if camera in ("", line.camera)),
        keep_incidents=rule[0], keep_days=rule[1],
    )  # fmt: skip


def incident(db: sqlite3.Connection, number: int) -> Incident | None:
    """The whole of it."""
    headline = next(iter(_headlines(db, number)), None)
    if headline is None:
        return None
    row = db.execute("SELECT * FROM incidents WHERE number = ?", (number,)).fetchone()
    boot = db.execute("SELECT number, before FROM boots WHERE id = ?", (row["boot"],)).fetchone()
    lines = row["words"].splitlines()
    return Incident(
        headline=headline,
        boot_number=boot["number"] if boot else 0,
        into_boot=row["at"] - boot["before"] if boot else 0.0,
        steps=tuple(_steps(db, number, row["at"])),
        kernel=tuple(line for line in lines if line.startswith(_KERNEL)),
        words=tuple(line for line in lines if not line.startswith(_KERNEL)),
        before=_parsed(Before, row["before"]),
        host=_parsed(HostFacts, row["host"]),
        host_last=_parsed(HostFacts, row["host_last"]),
    )


def is_spent(db: sqlite3.Connection) -> bool:
    """Whether it took the place of one that was set aside, whose count of reboots is lost, within the last week."""
    found = db.execute(
        "SELECT 1 FROM marks WHERE kind = 'set-aside' AND at > (SELECT max(before + uptime) FROM boots) - ?",
        (WEEK,),
    )
    return found.fetchone() is not None


def cameras(db: sqlite3.Connection) -> tuple[str, ...]:
    """All that the ledger knows of."""
    rows = db.execute("SELECT camera FROM incidents UNION SELECT camera FROM marks WHERE camera != ''")
    return tuple(sorted(name for (name,) in rows))


def proofs(db: sqlite3.Connection) -> tuple[Proof, ...]:
    """The last one of each camera."""
    rows = db.execute(
        "SELECT camera, at, wall FROM marks WHERE number IN"
        " (SELECT max(number) FROM marks WHERE kind = 'healthy' GROUP BY camera) ORDER BY camera"
    )
    return tuple(Proof(**dict(row)) for row in rows)


def days(db: sqlite3.Connection) -> tuple[tuple[str, str], ...]:
    """What was kept last of each camera's days (core.days): its name and that."""
    return tuple(
        (row["camera"], row["state"]) for row in db.execute("SELECT camera, state FROM signs ORDER BY 1")
    )


# --- boots --------------------------------------------------------------------------------------------------


def _boots(db: sqlite3.Connection, this_boot: str) -> Iterator[Boot]:
    last: Boot | None = None
    for row in db.execute("SELECT * FROM boots ORDER BY number").fetchall():
        marks = db.execute(
            "SELECT kind, camera FROM marks WHERE boot = ? ORDER BY number", (row["id"],)
        ).fetchall()
        kinds = [mark["kind"] for mark in marks]
        asked = tuple(_asked(db, row))
        last = Boot(
            number=row["number"], id=row["id"], wall=row["wall"], at=row["before"], uptime=row["uptime"],
            after=last.end if last else None, after_reboot=_reason(last) if last else None,
            end=End.NOT_YET if row["id"] == this_boot else _end(kinds, asked),
            starts=kinds.count("start"), service_restarts=kinds.count("service-restart"),
            healthy=tuple(sorted({mark["camera"] for mark in marks if mark["kind"] == "healthy"})),
            asked=asked,
        )  # fmt: skip
        yield last


def _reason(boot: Boot) -> Asked | None:
    """The reboot that ended it, if one that was asked for did."""
    return [one for one in boot.asked if not one.observed][-1] if boot.end is End.REBOOT_ASKED else None


def _end(kinds: list[str], asked: tuple[Asked, ...]) -> End:
    """As the daemon says it at its next start (adapters.ledger_boots)."""
    decisive = [kind for kind in kinds if kind in ("start", "intent", "clean-stop")]
    if decisive and decisive[-1] == "clean-stop":
        return End.CLEAN_STOP
    return End.REBOOT_ASKED if any(not one.observed for one in asked) else End.UNEXPLAINED


def _asked(db: sqlite3.Connection, boot: sqlite3.Row) -> Iterator[Asked]:
    rows = db.execute("SELECT * FROM asked WHERE boot = ? ORDER BY number", (boot["id"],)).fetchall()
    for row in rows:
        observed = row["kind"] == "observed"
        yield Asked(
            camera=row["camera"], fault=row["fault"], at=row["at"], wall=row["wall"],
            into_boot=row["at"] - boot["before"], observed=observed,
            helped=None if observed else _helped(db, row, boot["number"]),
        )  # fmt: skip


def _helped(db: sqlite3.Connection, intent: sqlite3.Row, boot: int) -> bool | None:
    """Healthy before the next reboot was asked for it. Of each boot the newest healthy mark of a camera is kept."""
    (following,) = db.execute(
        "SELECT min(number) FROM asked WHERE kind = 'intent' AND camera = ? AND number > ?",
        (intent["camera"], intent["number"]),
    ).fetchone()
    healthy = db.execute(
        "SELECT 1 FROM marks WHERE kind = 'healthy' AND camera = ? AND boot != ? AND number > ?"
        " AND (? IS NULL OR number < ?)",
        (intent["camera"], intent["boot"], intent["number"], following, following),
    ).fetchone()
    if healthy:
        return True
    (newest,) = db.execute("SELECT max(number) FROM boots").fetchone()
    return None if following is None and newest <= boot + 1 else False


# --- incidents ----------------------------------------------------------------------------------------------


def _headlines(db: sqlite3.Connection, number: int | None = None) -> Iterator[Headline]:
    rows = db.execute(
        """
        SELECT i.number, i.camera, i.boot, i.at, i.wall, i.fault, i.evidence, i.ended,
            CASE WHEN i.seconds > 0 THEN i.seconds ELSE coalesce(max(s.at) - i.at, 0) END AS seconds,
            coalesce(sum(s.outcome = 'failed'), 0) AS failed_attempts,
            coalesce(max(s.outcome = 'parked'), 0) AS parked, count(s.number) >= ?2 AS trimmed,
            i.evidence LIKE ?3 AND NOT coalesce(max(s.outcome = 'named' AND s.reason NOT LIKE ?4), 0) AS drill
        FROM incidents AS i LEFT JOIN steps AS s ON s.incident = i.number
        WHERE ?1 IS NULL OR i.number = ?1 GROUP BY i.number ORDER BY i.number DESC
        """,
        (number, sum(STEPS_KEPT), f"{MARK}: %", f"%: {MARK}: %"),
    )
    for row in rows.fetchall():
        yield Headline(**{**dict(row), **{name: bool(row[name]) for name in ("parked", "trimmed", "drill")}})


def _steps(db: sqlite3.Connection, incident: int, began: float) -> Iterator[Step]:
    rows = db.execute(
        "SELECT at, at - ? AS after, rung, attempt, outcome, reason, seconds FROM steps"
        " WHERE incident = ? ORDER BY number",
        (began, incident),
    )
    return (Step(**dict(row)) for row in rows.fetchall())


def _parsed(cls: type[T], text: str) -> T | None:
    """What was kept as JSON, by whatever version; None if that is nothing."""
    try:
        data: Any = json.loads(text) if text else None
        return None if data is None else from_plain(cls, without_strangers(cls, data))
    except (ValueError, PlainError):
        return None
