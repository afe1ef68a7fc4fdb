# SPDX-License-Identifier: MIT
"""Owns the ledger's meaning: which rows a record becomes, all of them durable on return, and what a verdict counts.

Every method may raise sqlite3.Error or OSError; then nothing of what it was to do was done.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from camwatchd.adapters.ledger_boots import Boots, Moment
from camwatchd.adapters.ledger_incidents import Incidents, OfIncident
from camwatchd.adapters.ledger_marks import Mark, Marks, Source
from camwatchd.adapters.ledger_schema import transaction
from camwatchd.core import records as rec
from camwatchd.core.budget import DAY, WEEK, Facts, Kind, Verdict
from camwatchd.core.flight import HostFacts
from camwatchd.core.ladder import Rung

_HORIZON = 400 * DAY  # of powered-on time; marks and boots that are older are forgotten
_NO_SIGNS: Mapping[str, str] = {}
_VERDICTS = {
    Mark.INTENT: Verdict(Kind.GRANTED),
    Mark.SERVICE_RESTART: Verdict(Kind.GRANTED),
    Mark.OBSERVED: Verdict(Kind.OBSERVED, "observe", "it was answered so before"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A record as it came."""

    serial: int
    record: rec.Record
    moment: Moment


class Ledger:
    """An open ledger in this boot and in this start of the service; `look` tells how the machine does."""

    def __init__(
        self, db: sqlite3.Connection, boot: str, start: str, look: Callable[[], HostFacts] = HostFacts
    ) -> None:
        self._db, self._start, self._look = db, start, look
        self._boots, self._marks, self._incidents = (
            Boots(db, boot),
            Marks(db, boot, start),
            Incidents(db, boot),
        )

    def enter(self, moment: Moment, *, beside_old: bool = False) -> None:
        """Begin this boot, unless it was begun before; what the last one left open ended with it.

        `beside_old`: others lie there that were set aside. Whatever a new ledger's predecessor had counted is lost.
        """
        if self._boots.is_known:
            return
        with transaction(self._db):
            forgets = beside_old and self._boots.is_first
            if ending := self._boots.last_ending():
                self._incidents.close_all(ending.how)
            self._boots.enter(self._start, moment)
            source = Source(0, self._boots.at(moment), moment.wall)
            self._marks.add(Mark.BOOT, source)
            if forgets:
                self._marks.add(Mark.SET_ASIDE, source)
            self._prune(source.at)

    def write(self, entries: Iterable[Entry], signs: Mapping[str, str] = _NO_SIGNS) -> list[str]:
        """Write them in their order, each once however often it comes; for each what it means, where that is news.

        `signs`, here and below: by camera what is known of its days, which takes the place of what was.
        """
        taken = list(entries)
        about = any(isinstance(entry.record, OfIncident) for entry in taken)
        host = self._look() if about else HostFacts()  # before the file is locked: it may take a second
        with transaction(self._db):
            delivered = self._delivered()
            notes = ["" if e.serial <= delivered else self._write(e, host) for e in taken]
            if taken:
                self._keep_signs(signs, self._boots.at(taken[-1].moment))
            # What can go on without end, more often than the powered-on time is noted; deletes nothing, mostly.
            if any(isinstance(entry.record, rec.Begin | rec.IncidentClosed) for entry in taken):
                self._prune(self._boots.at(taken[-1].moment))
            return notes

    def note(self, moment: Moment, signs: Mapping[str, str] = _NO_SIGNS) -> float:
        """Note the powered-on time, which it gives, and forget what is too old."""
        with transaction(self._db):
            self._boots.note(moment)
            now = self._boots.at(moment)
            self._keep_signs(signs, now)
            self._prune(now)
        return now

    def story(self) -> tuple[str, ...]:
        """How the boot before this one ended, for the first start in this one."""
        ending = self._boots.last_ending() if self._boots.began_with(self._start) else None
        return () if ending is None else (ending.sentence,)

    def healthy_cameras(self) -> tuple[str, ...]:
        """Every camera that was ever healthy here."""
        return self._marks.healthy_cameras()

    def given(self, serial: int) -> Verdict | None:
        """The answer that this request was granted before, if the answer was lost on the way."""
        mark = self._marks.granted_by(serial)
        return None if mark is None else _VERDICTS[mark]

    def facts(self, ask: rec.AskLeave, moment: Moment) -> Facts:
        """What the ledger and the request itself know; the machine's part is left out."""
        now, kind = self._boots.at(moment), _reboot_mark(ask)
        facts = Facts(
            ever_healthy=ask.camera in self._marks.healthy_cameras(),
            unhelpful=self._marks.unhelpful(ask.camera, kind),
            uptime=moment.uptime, starts=ask.starts, service_restarts=ask.service_restarts,
            waited_for_others=ask.waited_for_others,
        )  # fmt: skip
        day, week = self._marks.times(kind, now - DAY), self._marks.times(kind, now - WEEK)
        return replace(
            facts,
            in_a_day=len(day), day_frees_in=day[0] + DAY - now if day else 0.0,
            in_a_week=len(week), week_frees_in=week[0] + WEEK - now if week else 0.0,
            forgotten_frees_in=max(0.0, self._marks.set_aside_at() + WEEK - now),
        )  # fmt: skip

    def since_set_aside(self, moment: Moment) -> float:
        """Powered-on seconds since it took the place of one that was set aside; without end, if it did not."""
        return self._boots.at(moment) - self._marks.set_aside_at()

    def settle(self, serial: int, ask: rec.AskLeave, verdict: Verdict, moment: Moment) -> None:
        """Make an answer durable; without that nobody may act on it."""
        granted = verdict.kind in (Kind.GRANTED, Kind.OBSERVED)
        if not granted and not self._incidents.is_news(ask.camera, verdict):
            return
        with transaction(self._db):
            source = self._source(Entry(serial, ask, moment))
            if granted:
                mark = _reboot_mark(ask) if ask.rung is Rung.REBOOT else Mark.SERVICE_RESTART
                self._marks.add(mark, source, ask.camera, ask.fault)
            self._incidents.answer(ask.camera, ask.fault, ask.rung, verdict, ask.words, source)

    def signs(self, camera: str) -> str:
        """What was kept last of the camera's days; empty: nothing."""
        row = self._db.execute("SELECT state FROM signs WHERE camera = ?", (camera,)).fetchone()
        return row[0] if row else ""

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _write(self, entry: Entry, host: HostFacts) -> str:
        source, record = self._source(entry), entry.record
        if isinstance(record, OfIncident):
            self._incidents.write(record, source, host)
            return ""
        match record:
            case rec.Begin():
                self._marks.add(Mark.START, source)
            case rec.Keep():
                self._incidents.keep(record)
            case rec.CleanStop():
                self._marks.add(Mark.CLEAN_STOP, source)
            case rec.Revoke(camera):
                self._marks.revoke(camera, source)
            case rec.CameraHealthy(camera):
                return self._write_healthy(camera, source)
        return ""

    def _write_healthy(self, camera: str, source: Source) -> str:
        fault = self._marks.waiting_reboot(camera)
        self._marks.add_healthy(camera, source)
        self._incidents.end_left(camera, source)
        if not fault:
            return ""
        self._incidents.helped(camera)
        return f"{camera} gives healthy frames after the reboot that was asked for it ({fault}): the reboot helped"

    def _keep_signs(self, signs: Mapping[str, str], now: float) -> None:
        for camera, state in signs.items():
            self._db.execute(
                "INSERT INTO signs (camera, at, state) VALUES (?, ?, ?)"
                " ON CONFLICT (camera) DO UPDATE SET at = excluded.at, state = excluded.state",
                (camera, now, state),
            )

    def _source(self, entry: Entry) -> Source:
        """Note on the way that it is delivered, and how long the machine is up."""
        self._db.execute("UPDATE delivered SET start = ?, serial = ?", (self._start, entry.serial))
        self._boots.note(entry.moment)
        return Source(entry.serial, self._boots.at(entry.moment), entry.moment.wall)

    def _delivered(self) -> int:
        start, serial = self._db.execute("SELECT start, serial FROM delivered").fetchone()
        return int(serial) if start == self._start else 0

    def _prune(self, now: float) -> None:
        self._marks.prune(now, now - _HORIZON)
        self._incidents.prune(now)
        self._boots.prune(now - _HORIZON)
        self._db.execute("DELETE FROM signs WHERE at < ?", (now - _HORIZON,))


def _reboot_mark(ask: rec.AskLeave) -> Mark:
    """Observed reboots are counted in the place of real ones, so that the observed story has the shape of the real."""
    return Mark.OBSERVED if ask.rules.mode == "observe" else Mark.INTENT
