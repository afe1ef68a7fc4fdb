# SPDX-License-Identifier: MIT
"""Owns reading the ledger from outside: a copy in memory, in the newest shape, while the recorder goes on writing.

The file is opened for reading only: never made, mended or brought forward. Whoever reads it waits for no lock of
ours afterwards, for all of it is copied at once.
"""

import errno
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from camwatchd.adapters.ledger_file import NAME
from camwatchd.adapters.ledger_schema import (
    STEPS,
    connect,
    explain,
    is_damage,
    is_odd,
    migrate,
    text,
    unsound,
    version,
)
from camwatchd.errors import CamwatchError, ExitStatus

GROUP = "camwatchd"
_TABLES = {"boots", "marks", "incidents", "steps"}

# What a damage leads to that SQLite does not find: rows that are missing, values that nobody wrote.
_NONSENSE = (sqlite3.Error, TypeError, ValueError, LookupError, ArithmeticError)

_HINTS = {
    "missing": "camwatchd writes it when it first runs: systemctl status camwatchd; elsewhere? --state-dir DIR",
    "refused": f"use sudo, or join the group: sudo usermod -aG {GROUP} $USER, then log in again",
    "newer": "use the camwatchctl of that version; was the package downgraded?",
    "foreign": "is this camwatchd's state directory? camwatchd sets such a file aside and begins a new ledger",
    "damaged": "camwatchd sets it aside at its next start and begins a new one; to save what can be saved: "
    "sqlite3 FILE .recover",
    "trouble": "try again; if it stays so, look for the disk's errors: journalctl -k -p err",
}


class LedgerError(CamwatchError):
    """The ledger cannot be read: why, what to do, and the exit status that says so."""

    def __init__(self, path: Path, problem: str, kind: str) -> None:
        super().__init__(f"{path}: {problem}", _HINTS[kind].replace("FILE", str(path)))
        self.status = ExitStatus.EX_NOPERM if kind == "refused" else ExitStatus.EX_UNAVAILABLE
        self.is_damage = kind == "damaged"


@dataclass(frozen=True, slots=True)
class Copy:
    """A ledger in memory, in the newest shape, and the version of the file that it was read from.

    Close `db` when done.
    """

    db: sqlite3.Connection
    version: int

    @property
    def is_old(self) -> bool:
        """Whether the file lacks what is kept today."""
        return self.version < len(STEPS)


@contextmanager
def opened(folder: Path) -> Iterator[Copy]:
    """A copy for a while. LedgerError: there can be none, or what is asked of it meanwhile meets damage."""
    found = read(folder)
    with closing(found.db), understood(folder / NAME):
        yield found


@contextmanager
def understood(path: Path) -> Iterator[None]:
    """What is asked of a copy meanwhile, and makes no sense, is damage: LedgerError."""
    try:
        yield
    except _NONSENSE as error:
        raise LedgerError(path, f"it is damaged ({_shortly(error)})", "damaged") from error


def read(folder: Path) -> Copy:
    """All of it as it is at one moment; LedgerError says why not."""
    path = folder / NAME
    _look(path)
    try:
        db = copy(path)
    except (OSError, sqlite3.Error, UnicodeError) as error:
        raise _named(path, error) from None
    try:
        return _understood(path, db)
    except (sqlite3.Error, UnicodeError) as error:
        db.close()
        raise _named(path, error) from None
    except LedgerError:
        db.close()
        raise


def copy(path: Path) -> sqlite3.Connection:
    """A copy in memory of whatever database it is. OSError, sqlite3.Error: there can be none."""
    try:
        return _copy(path, "ro")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
            raise
    # Its writer died in the middle of a commit. To see what is valid that must be undone: in a copy, not here.
    with tempfile.TemporaryDirectory() as name:
        for file in (path.name, f"{path.name}-journal"):
            shutil.copy(path.with_name(file), name)
        return _copy(Path(name, path.name), "rw")


def set_aside(folder: Path) -> tuple[str, ...]:
    """Names of ledgers that could not be used and were kept, newest first."""
    found = folder.glob(f"{NAME}.damaged-*")
    return tuple(sorted((path.name for path in found if not path.name.endswith("-journal")), reverse=True))


def _look(path: Path) -> None:
    """What SQLite would call "unable to open database file", by its name."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        raise LedgerError(path, "this user may not read it", "refused") from None
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise LedgerError(path, "there is no ledger", "missing") from None
        raise LedgerError(path, f"it cannot be opened ({error.strerror})", "trouble") from None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise LedgerError(path, "it is no file", "foreign")
    finally:
        os.close(fd)


def _understood(path: Path, db: sqlite3.Connection) -> Copy:
    found = version(db)
    if found > len(STEPS):
        newer = f"it was written by a newer camwatchd (version {found}, this one knows {len(STEPS)})"
        raise LedgerError(path, newer, "newer")
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if not found or not tables >= _TABLES:
        raise LedgerError(path, "it is another program's file", "foreign")
    if wrong := unsound(db):
        raise LedgerError(path, f"it is damaged ({wrong})", "damaged")
    migrate(db)
    db.row_factory = sqlite3.Row
    return Copy(db, found)


def _copy(path: Path, mode: str) -> sqlite3.Connection:
    memory = sqlite3.connect(":memory:", isolation_level=None)
    memory.text_factory = text
    try:
        with closing(connect(path, mode)) as db:
            db.execute("BEGIN")
            db.execute(
                "SELECT count(*) FROM sqlite_schema"
            )  # takes the lock, or gives up: backup() never would
            db.backup(memory)
    except (sqlite3.Error, UnicodeError):  # the latter: SQLite quotes what it complains of
        memory.close()
        raise
    return memory


def _named(path: Path, error: OSError | sqlite3.Error | UnicodeError) -> LedgerError:
    if isinstance(error, OSError) or (isinstance(error, sqlite3.Error) and not _is_damage(error)):
        return LedgerError(path, explain(error), "trouble")
    return LedgerError(path, f"it is damaged ({_shortly(error)})", "damaged")


def _is_damage(error: sqlite3.Error) -> bool:
    return is_damage(error) or is_odd(error)


def _shortly(error: Exception) -> str:
    """In one line that fits into a sentence."""
    return f"{' '.join(str(error).split()) or type(error).__name__:.100}"
