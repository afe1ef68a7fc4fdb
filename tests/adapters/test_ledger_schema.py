# SPDX-License-Identifier: MIT
"""The ledger's shape moves forward by whole steps, and its writes are durable before they return."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from camwatchd.adapters import ledger_schema as schema

MADE_UP = (
    "CREATE TABLE boots (id TEXT); INSERT INTO boots VALUES ('first')",
    "ALTER TABLE boots ADD COLUMN uptime REAL NOT NULL DEFAULT 7",
    "UPDATE boots SET uptime = uptime + 1; CREATE TABLE marks (kind TEXT)",
)


@pytest.fixture
def old(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A ledger of the made-up version 1."""
    schema.create(tmp_path / "ledger.db", MADE_UP[:1])
    with closing(schema.connect(tmp_path / "ledger.db")) as db:
        yield db


def test_an_older_ledger_is_brought_forward(old: sqlite3.Connection) -> None:
    """Each missing step is taken in order, what it held stays, and a second time nothing happens."""
    for _ in range(2):
        schema.migrate(old, MADE_UP)

        assert 3 == schema.version(old)
        assert [("first", 8.0)] == old.execute("SELECT * FROM boots").fetchall()


def test_a_step_that_fails_leaves_the_last_whole_one(old: sqlite3.Connection) -> None:
    """Half a step is none: the version and the tables are those before it."""
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(old, (*MADE_UP[:2], "CREATE TABLE marks (kind TEXT); UPDATE nothing SET x = 1"))

    assert 2 == schema.version(old)
    assert [("boots",)] == old.execute("SELECT name FROM sqlite_schema").fetchall()


def test_a_commit_is_durable_and_cannot_come_undone(tmp_path: Path) -> None:
    """The journal is truncated and synced at each commit (truncate, EXTRA = 3), in every connection that writes."""
    schema.create(tmp_path / "ledger.db")
    with closing(schema.connect(tmp_path / "ledger.db")) as db:
        values = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]

    assert ["truncate", 3] == values


def test_what_waiting_can_mend_is_told_from_what_it_cannot(tmp_path: Path) -> None:
    """A locked ledger is trouble; a file that is no database is damage; a wrong statement is our own bug."""
    path = tmp_path / "ledger.db"
    schema.create(path)
    with closing(schema.connect(path)) as holder, closing(schema.connect(path)) as db:
        db.execute("PRAGMA busy_timeout = 0")
        holder.execute("BEGIN EXCLUSIVE")
        locked = _error(db, "BEGIN IMMEDIATE")
        bug = _error(db, "NONSENSE 1")
    path.write_text("no database" * 100)
    with pytest.raises(sqlite3.DatabaseError) as damaged:
        schema.connect(path)

    assert (False, True) == (schema.is_damage(locked), schema.is_damage(damaged.value))
    assert "locked by another process" == schema.explain(locked)
    with pytest.raises(sqlite3.OperationalError, match="NONSENSE"):
        schema.explain(bug)


def _error(db: sqlite3.Connection, statement: str) -> sqlite3.Error:
    with pytest.raises(sqlite3.Error) as caught:
        db.execute(statement)
    return caught.value


@pytest.mark.parametrize(
    ("number", "words"), [(28, "disk full"), (30, "read-only file system"), (5, "I/O error")]
)
def test_the_usual_troubles_have_plain_names(number: int, words: str) -> None:
    """A full disk, a read-only one and a failing card are called so, whoever noticed."""
    assert schema.explain(OSError(number, "as the kernel says it", "/a/file")).startswith(words)
