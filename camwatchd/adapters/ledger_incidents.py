# SPDX-License-Identifier: MIT
"""Owns the flight recorder in the ledger: each incident with its evidence, every rung tried, and how it ended."""

import json
import sqlite3
from collections.abc import Sequence

from camwatchd.adapters.ledger_marks import Source
from camwatchd.core import records as rec
from camwatchd.core.budget import Verdict
from camwatchd.core.flight import WORDS_LIMIT, HostFacts
from camwatchd.core.ladder import Outcome
from camwatchd.core.messages import EVIDENCE_LIMIT
from camwatchd.core.plain import to_plain
from camwatchd.core.timespan import DAY

STEPS_KEPT = (10, 30)  # of one incident: the first ones tell how it began, the last ones how it ended
_WORDS = 200, WORDS_LIMIT  # lines and characters of stderr, the last ones
_REASON = 300  # characters
_BEFORE = 4096  # characters of JSON; more is not ours


OfIncident = (
    rec.IncidentOpened
    | rec.FaultNamed
    | rec.AttemptFailed
    | rec.RungSkipped
    | rec.IncidentClosed
    | rec.CameraParked
)


class Incidents:
    """The incidents of all boots; at most one of each camera is open."""

    def __init__(self, db: sqlite3.Connection, boot: str) -> None:
        self._db, self._boot = db, boot

    def write(self, record: OfIncident, source: Source, host: HostFacts) -> None:
        """A record of the camera's incident, which it opens if there is none, and how the machine does meanwhile."""
        fault, evidence = getattr(record, "fault", "unknown"), getattr(record, "evidence", "")
        number = self._open(record.camera, source, fault, evidence)
        self._add_record(number, record, source)
        self._keep_words(number, getattr(record, "words", ()))
        text = json.dumps(to_plain(host))
        if not self._keep_once(number, "host", text):
            self._db.execute("UPDATE incidents SET host_last = ? WHERE number = ?", (text, number))

    def _add_record(self, number: int, record: OfIncident, source: Source) -> None:
        match record:
            case rec.IncidentOpened(_, fault, evidence):
                self._name(number, fault, evidence, source)
                self._keep_once(number, "before", json.dumps(to_plain(record.before)))
            case rec.FaultNamed(_, fault, evidence):
                self._name(number, fault, evidence, source)
            case rec.AttemptFailed(_, rung, attempt, reason, seconds):
                self._add_step(number, source, rung, attempt, "failed", reason, seconds)
            case rec.RungSkipped(_, rung, reason):
                self._add_step(number, source, rung, outcome=Outcome.NOT_APPLICABLE.value, reason=reason)
            case rec.CameraParked(_, _, name, detail):
                self._add_step(number, source, outcome="parked", reason=f"{name}: {detail}")
            case rec.IncidentClosed():
                self._close(number, record, source)

    def _name(self, number: int, fault: str, evidence: str, source: Source) -> None:
        self._db.execute("UPDATE incidents SET fault = ? WHERE number = ?", (fault, number))
        self._add_step(number, source, outcome="named", reason=f"{fault}: {evidence}")

    def _close(self, number: int, record: rec.IncidentClosed, source: Source) -> None:
        rung = record.rung or ""
        outcome = "ended" if record.how else "succeeded"
        self._add_step(number, source, rung, record.attempt, outcome, record.how, record.took)
        how = f"healthy by {rung} {record.attempt}" if rung else "healthy by itself"
        self._end(record.camera, record.how or how, record.seconds, source)

    def _end(self, camera: str, how: str, seconds: float, source: Source) -> None:
        """As old as it is: a camera that an operator took anew counts its seconds from there."""
        self._db.execute(
            "UPDATE incidents SET ended = ?, seconds = max(?, ? - at) WHERE camera = ? AND ended = ''",
            (how, seconds, source.at, camera),
        )

    def end_left(self, camera: str, source: Source) -> None:
        """It is healthy: an incident that is open all the same was left by a service that was stopped meanwhile."""
        self._end(camera, "healthy after the service was started anew", 0.0, source)

    def answer(
        self, camera: str, fault: str, rung: str, verdict: Verdict, words: Sequence[str], source: Source
    ) -> None:
        """The verdict on a request to leave."""
        number = self._open(camera, source, fault)
        reason = f"{verdict.name}: {verdict.detail}" if verdict.name else ""
        self._add_step(number, source, rung, outcome=verdict.kind, reason=reason)
        self._keep_words(number, words)

    def is_news(self, camera: str, verdict: Verdict) -> bool:
        """Whether the last step was another verdict: one that is only repeated is not worth a write."""
        row = self._db.execute(
            "SELECT outcome, reason FROM steps WHERE incident ="
            " (SELECT number FROM incidents WHERE camera = ? AND ended = '') ORDER BY number DESC LIMIT 1",
            (camera,),
        ).fetchone()
        return row is None or row[0] != verdict.kind or not row[1].startswith(f"{verdict.name}:")

    def close_all(self, how: str) -> None:
        """The boot in which they were open is over."""
        self._db.execute("UPDATE incidents SET ended = ? WHERE ended = ''", (how,))

    def helped(self, camera: str) -> None:
        """The reboot that ended the camera's last incident brought it back."""
        self._db.execute(
            "UPDATE incidents SET ended = ended || '; it helped' WHERE number ="
            " (SELECT max(number) FROM incidents WHERE camera = ? AND boot != ?) AND ended LIKE 'the reboot for %'",
            (camera, self._boot),
        )

    def keep(self, rule: rec.Keep) -> None:
        """Keep so much from now on."""
        self._db.execute(
            "UPDATE keep SET incidents = :incidents, days = :days"
            " WHERE incidents != :incidents OR days != :days",
            {"incidents": rule.incidents, "days": rule.days},
        )

    def prune(self, now: float) -> None:
        """Forget what is old or too much, with its steps."""
        self._db.execute(
            "DELETE FROM incidents WHERE ended != '' AND (at < ? - (SELECT days FROM keep) * ?"
            " OR number <= (SELECT max(number) FROM incidents) - (SELECT incidents FROM keep))",
            (now, DAY),
        )

    def _open(self, camera: str, source: Source, fault: str = "unknown", evidence: str = "") -> int:
        """The camera's open incident. Its beginning may have been lost with a ledger: then it begins here."""
        row = self._db.execute(
            "SELECT number FROM incidents WHERE camera = ? AND ended = ''", (camera,)
        ).fetchone()
        if row:
            return int(row[0])
        cursor = self._db.execute(
            "INSERT INTO incidents (boot, camera, at, wall, fault, evidence) VALUES (?, ?, ?, ?, ?, ?)",
            (self._boot, camera, source.at, source.wall, fault, _fit(evidence, EVIDENCE_LIMIT)),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _add_step(
        self, incident: int, source: Source, rung: str = "", attempt: int = 0, outcome: str = "",
        reason: str = "", seconds: float = 0.0,
    ) -> None:  # fmt: skip
        self._db.execute(
            "INSERT INTO steps (incident, at, rung, attempt, outcome, reason, seconds) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (incident, source.at, rung, attempt, outcome, _fit(reason, _REASON), seconds),
        )
        first, last = STEPS_KEPT
        self._db.execute(
            "DELETE FROM steps WHERE incident = :incident"
            " AND number NOT IN (SELECT number FROM steps WHERE incident = :incident ORDER BY number LIMIT :first)"
            " AND number NOT IN"
            " (SELECT number FROM steps WHERE incident = :incident ORDER BY number DESC LIMIT :last)",
            {"incident": incident, "first": first, "last": last},
        )

    def _keep_once(self, incident: int, column: str, text: str) -> bool:
        """Whether there was nothing there before."""
        if len(text) > _BEFORE:
            return True
        cursor = self._db.execute(
            f"UPDATE incidents SET {column} = ? WHERE number = ? AND {column} = ''",  # noqa: S608  # a name of ours
            (_fit(text, _BEFORE), incident),
        )
        return cursor.rowcount > 0

    def _keep_words(self, incident: int, words: Sequence[str]) -> None:
        if not words:
            return
        (known,) = self._db.execute("SELECT words FROM incidents WHERE number = ?", (incident,)).fetchone()
        # A restart of the service forgets what was said before it; the incident does not.
        before = known.splitlines()
        together = [*before, *(line for line in words if line not in before)]
        lines, characters = _WORDS
        text = "\n".join(together[-lines:])[-characters:]
        self._db.execute(
            "UPDATE incidents SET words = ? WHERE number = ?", (_fit(text, characters), incident)
        )


def _fit(text: str, characters: int) -> str:
    """As much as is kept. What a camera stack wrote may hold half characters, which SQLite does not take."""
    return text[:characters].encode("utf-8", "replace").decode()
