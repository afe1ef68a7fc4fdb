# SPDX-License-Identifier: MIT
"""Owns the ledger as a file: opened if it is sound, else set aside under a dated name, and a new one begun."""

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from camwatchd.adapters import ledger_schema as schema
from camwatchd.adapters.durable import sync_folder

NAME = "ledger.db"
_ASIDE = f"{NAME}.damaged-"
_KEEP = 3  # of those that were set aside

# Whatever lies there is not a file that we can use, and time will not change that.
_NOT_OURS = {errno.EACCES, errno.EPERM, errno.EISDIR, errno.ELOOP, errno.ENXIO}


class LedgerFile:
    """The file in `folder`; `stamp` gives the time of day for names. `tidings`: what a human must know of it."""

    def __init__(self, folder: Path, stamp: Callable[[], str]) -> None:
        self.path = folder / NAME
        self.tidings: list[str] = []
        self._stamp = stamp
        self._inode = -1

    def open(self) -> sqlite3.Connection:
        """A sound ledger, if need be a new one. OSError, sqlite3.Error: neither is possible now."""
        self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        db = None
        if os.path.lexists(self.path):
            wrong = self._objection()
            if wrong:
                self.set_aside(wrong)
            else:
                db = schema.connect(self.path)
        return self._hold(db or self._begin())

    def set_aside(self, wrong: str) -> None:
        """Keep what lies there under a dated name, for `wrong`. Nobody may have it open."""
        name = self._free_name()
        self.path.rename(self.path.with_name(name))
        # The journal belongs to it: beside a new ledger SQLite would take it for the new one's.
        if os.path.lexists(_journal(self.path)):
            _journal(self.path).rename(_journal(self.path.with_name(name)))
        sync_folder(self.path.parent)
        self.tidings.append(f"the ledger {wrong}; it was set aside as {name}")
        self._forget_old(name)

    @property
    def was_set_aside(self) -> bool:
        """Whether that was ever done, as far as what was set aside still lies there (the newest does)."""
        return any(self.path.parent.glob(f"{_ASIDE}*"))

    def was_replaced(self) -> bool:
        """Whether the name no longer belongs to the file that was opened: what is written there would be lost."""
        try:
            return self.path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True

    def _hold(self, db: sqlite3.Connection) -> sqlite3.Connection:
        try:
            schema.migrate(db)
            self._inode = self.path.stat().st_ino
        except (OSError, sqlite3.Error, UnicodeError):
            db.close()
            raise
        return db

    def _objection(self) -> str:
        """Why what lies there is to be set aside; empty: it is sound."""
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC))
        except OSError as error:
            if error.errno in _NOT_OURS:
                return f"cannot be read ({error.strerror})"
            raise
        if self.path.stat().st_size == 0:
            return "was an empty file"
        return self._inner_objection()

    def _inner_objection(self) -> str:
        db = None
        try:
            db = schema.connect(self.path)
            return schema.objection(db)
        except sqlite3.Error as error:
            if schema.is_damage(error):
                return f"is damaged ({error})"
            raise
        except UnicodeError:  # SQLite quotes what it complains of
            return "is damaged"
        finally:
            if db is not None:
                db.close()

    def _free_name(self) -> str:
        dated = f"{_ASIDE}{self._stamp()}"
        names = [dated, *(f"{dated}-{number}" for number in range(2, 1000))]
        return next(name for name in names if not os.path.lexists(self.path.with_name(name)))

    def _forget_old(self, newest: str) -> None:
        """Of the others the names decide: the clock of a Pi may have been wrong, but only this one is surely new."""
        others = sorted(
            path
            for path in self.path.parent.glob(f"{_ASIDE}*")
            if path.name != newest and not path.name.endswith("-journal") and not path.is_dir()
        )
        for path in others[: -(_KEEP - 1)]:
            path.unlink()
            _journal(path).unlink(missing_ok=True)

    def _begin(self) -> sqlite3.Connection:
        """Built under another name: a power cut leaves no half-made ledger that would look like a damaged one."""
        new = self.path.with_name(f"{NAME}.new")
        for stray in (new, _journal(new), _journal(self.path)):
            stray.unlink(missing_ok=True)
        schema.create(new)
        new.rename(self.path)
        sync_folder(self.path.parent)
        forgets = ", and none in 7 powered-on days, for the old one's count of them is lost"
        self.tidings.append(
            "a new ledger was begun: no reboot for a camera before it has given a healthy frame"
            f"{forgets if self.was_set_aside else ''}"
        )
        return schema.connect(self.path)


def _journal(path: Path) -> Path:
    return path.with_name(f"{path.name}-journal")
