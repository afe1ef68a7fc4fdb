# SPDX-License-Identifier: MIT
"""Owns the shape of the ledger and how it is opened: tables, migrations, durability, and what SQLite's errors mean."""

import errno
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

# From one version to the next; PRAGMA user_version counts the steps taken. A step that was released never changes.
# `at` is in powered-on seconds since the ledger was begun; `wall` is the time of day, for display only.
STEPS: tuple[str, ...] = (
    """
    CREATE TABLE boots (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id     TEXT NOT NULL UNIQUE,
        start  TEXT NOT NULL,                            -- the first start of the service in it
        before REAL NOT NULL,                            -- powered-on seconds of all boots before it
        uptime REAL NOT NULL,                            -- as last noted: it was up for at least so long
        wall   TEXT NOT NULL
    ) STRICT;
    CREATE TABLE marks (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        boot   TEXT NOT NULL,
        start  TEXT NOT NULL,
        serial INTEGER NOT NULL,                         -- of the record that caused it, within the start
        at     REAL NOT NULL,
        wall   TEXT NOT NULL,
        kind   TEXT NOT NULL,
        camera TEXT NOT NULL,
        fault  TEXT NOT NULL,
        voids  INTEGER                                   -- a revoked mark: the number of what it revokes
    ) STRICT;
    CREATE VIEW asked AS                                 -- what was granted and not revoked
        SELECT * FROM marks WHERE kind IN ('intent', 'observed')
        AND number NOT IN (SELECT voids FROM marks WHERE voids IS NOT NULL);
    CREATE TABLE incidents (
        number   INTEGER PRIMARY KEY AUTOINCREMENT,
        boot     TEXT NOT NULL,
        camera   TEXT NOT NULL,
        at       REAL NOT NULL,
        wall     TEXT NOT NULL,
        fault    TEXT NOT NULL,
        evidence TEXT NOT NULL,
        seconds  REAL NOT NULL DEFAULT 0,
        words    TEXT NOT NULL DEFAULT '',               -- the last of the worker's stderr
        ended    TEXT NOT NULL DEFAULT ''                -- how; empty: it is open
    ) STRICT;
    CREATE TABLE steps (
        number   INTEGER PRIMARY KEY AUTOINCREMENT,
        incident INTEGER NOT NULL REFERENCES incidents ON DELETE CASCADE,
        at       REAL NOT NULL,
        rung     TEXT NOT NULL,
        attempt  INTEGER NOT NULL,
        outcome  TEXT NOT NULL,
        reason   TEXT NOT NULL,
        seconds  REAL NOT NULL
    ) STRICT;
    CREATE INDEX steps_by_incident ON steps (incident);
    CREATE TABLE delivered (start TEXT NOT NULL, serial INTEGER NOT NULL) STRICT;
    INSERT INTO delivered VALUES ('', 0);                -- up to where which start's records are written
    """,
    # JSON of core.flight; empty: not known, as of all incidents before
    """
    ALTER TABLE incidents ADD COLUMN before    TEXT NOT NULL DEFAULT '';
    ALTER TABLE incidents ADD COLUMN host      TEXT NOT NULL DEFAULT '';  -- with its first record
    ALTER TABLE incidents ADD COLUMN host_last TEXT NOT NULL DEFAULT '';  -- with its last one so far
    CREATE TABLE keep (incidents INTEGER NOT NULL, days REAL NOT NULL) STRICT;
    INSERT INTO keep VALUES (500, 400);                  -- of incidents; see [ledger] in the configuration
    """,
    # JSON of core.days, as of the powered-on second `at`
    "CREATE TABLE signs (camera TEXT PRIMARY KEY, at REAL NOT NULL, state TEXT NOT NULL) STRICT;",
)
_TABLES = {"boots", "marks", "incidents", "steps", "delivered"}  # of every version

# In TRUNCATE mode a commit is the truncation of the journal, which SQLite syncs (from FULL on; seen with strace), so
# that no power cut brings the journal back to undo it. EXTRA says the same for DELETE mode, should a journal ever be
# in it. WAL would sync once a commit instead of five times, but needs shared memory beside the file: a full disk,
# a read-only one and some FUSE file systems could then not even be read.
_PRAGMAS = ("journal_mode = TRUNCATE", "synchronous = EXTRA", "foreign_keys = ON")
_BUSY = 2.0  # seconds to wait for a reader; the supervisor waits 10 s for an answer

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_ODDITIES = {  # no such column, a number twice, a format of the future
    sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_NOTFOUND, sqlite3.SQLITE_EMPTY,
}  # fmt: skip
_TROUBLES = {
    sqlite3.SQLITE_FULL: "disk full",
    sqlite3.SQLITE_READONLY: "read-only file system",
    sqlite3.SQLITE_IOERR: "I/O error, the SD card may be failing",
    sqlite3.SQLITE_BUSY: "locked by another process",
    sqlite3.SQLITE_CANTOPEN: "the ledger cannot be opened",
    sqlite3.SQLITE_PERM: "the ledger may not be written",
    sqlite3.SQLITE_NOMEM: "out of memory",
    sqlite3.SQLITE_CORRUPT: "the ledger is damaged",
    sqlite3.SQLITE_NOTADB: "the ledger is damaged",
}
_OS_TROUBLES = {
    errno.ENOSPC: "disk full",
    errno.EDQUOT: "disk full",
    errno.EROFS: "read-only file system",
    errno.EIO: "I/O error, the SD card may be failing",
}


def connect(path: Path, mode: str = "rw") -> sqlite3.Connection:
    """Open a ledger that is there. sqlite3.DatabaseError: see `is_damage` and `explain`."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    db = sqlite3.connect(uri, timeout=_BUSY, isolation_level=None, uri=True)
    db.text_factory = text
    try:
        for pragma in _PRAGMAS if mode == "rw" else ():
            db.execute(f"PRAGMA {pragma}")
    except (sqlite3.Error, UnicodeError):
        db.close()
        raise
    return db


def text(raw: bytes) -> str:
    """What SQLite has as text, though a flipped bit made it none: a name that nobody has is better than an end."""
    return raw.decode("utf-8", "replace")


def create(path: Path, steps: Sequence[str] = STEPS) -> None:
    """A new, empty ledger, on the disk on return."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = EXTRA")
        db.execute("PRAGMA auto_vacuum = FULL")  # pages that pruning frees go back to the file system
        migrate(db, steps)


def empty() -> sqlite3.Connection:
    """One in memory, that nobody keeps."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    migrate(db)
    return db


def version(db: sqlite3.Connection) -> int:
    """How many steps its shape is made of; 0: it is no ledger."""
    number: int = db.execute("PRAGMA user_version").fetchone()[0]
    return number


def migrate(db: sqlite3.Connection, steps: Sequence[str] = STEPS) -> None:
    """Bring it to the newest shape; each step is made whole or not at all."""
    done = version(db)
    for number, step in enumerate(steps[done:], done + 1):
        with db:
            db.executescript(f"BEGIN IMMEDIATE; {step}; PRAGMA user_version = {number}; COMMIT")


def objection(db: sqlite3.Connection, newest: int = len(STEPS)) -> str:
    """Why it cannot be used as it is, in words; empty: it can."""
    found = version(db)
    if found > newest:
        return f"was written by a newer camwatchd (version {found}, we know {newest})"
    if wrong := unsound(db):
        return f"is damaged ({wrong})"
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return "" if found and tables >= _TABLES else "is another program's file"


def unsound(db: sqlite3.Connection) -> str:
    """What SQLite finds wrong with it, shortly; empty: nothing, which proves not everything."""
    verdict: str = db.execute("PRAGMA quick_check(1)").fetchone()[0].removeprefix("ok")
    return f"{' '.join(verdict.split()):.100}"  # of several lines


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it durable at the end, or nothing."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        yield


def is_damage(error: sqlite3.Error) -> bool:
    """Whether waiting cannot mend what SQLite complains of."""
    return _code(error) in _DAMAGE


def is_odd(error: sqlite3.Error) -> bool:
    """Whether it is no trouble with a file: the content is not what we wrote, or a bug is ours.

    What the module itself finds wrong with a call of ours (a closed ledger, a value too few) is no doubt a bug.
    """
    return _code(error) in _ODDITIES and not isinstance(error, sqlite3.ProgrammingError)


def explain(error: OSError | sqlite3.Error) -> str:
    """What keeps the ledger from being written, for the status line; what is a bug of ours is raised again."""
    if isinstance(error, sqlite3.Error):
        if _code(error) not in _TROUBLES:
            raise error
        return _TROUBLES[_code(error)]
    known = _OS_TROUBLES.get(error.errno or 0)
    return known or f"{os.strerror(error.errno or 0)}: {error.filename}"


def _code(error: sqlite3.Error) -> int:
    """The primary code; what the module itself raises (a wrong call) has none."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
