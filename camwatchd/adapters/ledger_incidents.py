# SPDX-License-Identifier: MIT
"""Owns the flight recorder in the ledger: each incident with its evidence, every rung tried, and how it ended."""

import sqlite3
from collections.abc import Sequence

from camwatchd.adapters.ledger_marks import Source
from camwatchd.core.budget import Verdict
from camwatchd.core.ladder import Outcome
from camwatchd.core.messages import EVIDENCE_LIMIT
from camwatchd.core.records import AttemptFailed, IncidentClosed, RungSkipped

KEEP = 500  # incidents
_STEPS = (10, 30)  # of one incident: the first ones tell how it began, the last ones how it ended
_WORDS = 200, 8192  # lines and characters of stderr
_REASON = 300  # characters


class Incidents:
    """The incidents of all boots; at most one of each camera is open."""

    def __init__(self, db: sqlite3.Connection, boot: str) -> None:
        self._db, self._boot = db, boot

    def name(self, camera: str, fault: str, evidence: str, source: Source) -> None:
        """A fault opens an incident, or takes over the one that is open."""
        number = self._open(camera, source, fault, evidence)
        self._db.execute("UPDATE incidents SET fault = ? WHERE number = ?", (fault, number))
        self._add_step(number, source, outcome="named", reason=f"{fault}: {evidence}")

    def fail(self, record: AttemptFailed, source: Source) -> None:
        """An attempt did not end in health."""
        number = self._open(record.camera, source)
        self._add_step(number, source, record.rung, record.attempt, "failed", record.reason, record.seconds)

    def skip(self, record: RungSkipped, source: Source) -> None:
        """A rung was passed over."""
        number = self._open(record.camera, source)
        self._add_step(
            number, source, record.rung, outcome=Outcome.NOT_APPLICABLE.value, reason=record.reason
        )

    def park(
        self, camera: str, fault: str, name: str, detail: str, words: Sequence[str], source: Source
    ) -> None:
        """Nothing more may be done; the incident stays open."""
        number = self._open(camera, source, fault)
        self._add_step(number, source, outcome="parked", reason=f"{name}: {detail}")
        self._keep_words(number, words)

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

    def close(self, record: IncidentClosed, source: Source) -> None:
        """Healthy again."""
        number = self._open(record.camera, source)
        rung = record.rung or ""
        self._add_step(number, source, rung, record.attempt, "succeeded", "", record.seconds)
        self._keep_words(number, record.words)
        how = f"healthy by {rung} {record.attempt}" if rung else "healthy by itself"
        self._db.execute(
            "UPDATE incidents SET seconds = ?, ended = ? WHERE number = ?", (record.seconds, how, number)
        )

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

    def prune(self, horizon: float) -> None:
        """Forget what is old or too much, with its steps."""
        self._db.execute(
            "DELETE FROM incidents WHERE ended != ''"
            " AND (at < ? OR number <= (SELECT max(number) FROM incidents) - ?)",
            (horizon, KEEP),
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
        first, last = _STEPS
        self._db.execute(
            "DELETE FROM steps WHERE incident = :incident"
            " AND number NOT IN (SELECT number FROM steps WHERE incident = :incident ORDER BY number LIMIT :first)"
            " AND number NOT IN"
            " (SELECT number FROM steps WHERE incident = :incident ORDER BY number DESC LIMIT :last)",
            {"incident": incident, "first": first, "last": last},
        )

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
