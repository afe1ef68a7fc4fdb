# SPDX-License-Identifier: MIT
"""Owns the test's side of a container's journal: everything that is in it, over all boots, as it is written."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TAIL = 30
# Without /proc journalctl would not hear of new entries.
_CHROOT = 'mount --bind /proc "$0/proc" && exec chroot "$0" "$@"'


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its place among all, and its fields."""

    number: int
    fields: dict[str, Any]

    def __getitem__(self, name: str) -> str:
        return str(self.fields[name])

    @property
    def message(self) -> str:
        return str(self.fields.get("MESSAGE", ""))

    @property
    def boot(self) -> str:
        return self["_BOOT_ID"]

    @property
    def at(self) -> float:
        """Seconds since its boot."""
        return int(self["__MONOTONIC_TIMESTAMP"]) / 1e6

    def fits(self, pattern: str, fields: dict[str, str]) -> bool:
        same = all(self.fields.get(name) == value for name, value in fields.items())
        return same and re.search(pattern, self.message) is not None


class Journal:
    """Follows the journal of a tree from outside, so that neither a reboot nor a crash interrupts it.

    Fields are exact ("CAMERA", "EVENT", "_SYSTEMD_UNIT", "MESSAGE_ID" ...); the pattern is for MESSAGE.
    """

    def __init__(self, tree: Path) -> None:
        self._entries: list[Entry] = []
        self._news = threading.Condition()
        # The tree's own journalctl: an older one could not read what its journald writes. Unless it is to merge,
        # --follow shows one boot only.
        follow = ["journalctl", "--directory=/var/log/journal", "--merge", "--follow", "--lines=all"]
        follow += ["--output=json", "--all", "--quiet"]
        self._process = subprocess.Popen(
            [
                "setpriv",
                "--pdeathsig",
                "KILL",
                "unshare",
                "--mount",
                "sh",
                "-c",
                _CHROOT,
                str(tree),
                *follow,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._reader = threading.Thread(target=self._read, name="journal")
        self._reader.start()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            fields = json.loads(line)
            with self._news:
                self._entries.append(Entry(len(self._entries), fields))
                self._news.notify_all()

    def all(self, pattern: str = "", *, after: Entry | None = None, **fields: str) -> list[Entry]:
        """The entries so far that fit, oldest first."""
        with self._news:
            rest = self._entries[after.number + 1 if after else 0 :]
        return [entry for entry in rest if entry.fits(pattern, fields)]

    def last(self) -> Entry | None:
        """The newest entry: a mark to look from."""
        with self._news:
            return self._entries[-1] if self._entries else None

    def wait(self, done: Callable[[], bool], timeout: float, look_again: float = 0.3) -> bool:
        """Until something holds; looked at after each entry, and sometimes in between. False: it never did."""
        end = time.monotonic() + timeout
        while not done():
            left = end - time.monotonic()
            if left <= 0:
                return False
            with self._news:
                self._news.wait(min(left, look_again))
        return True

    def tail(self, *units: str) -> str:
        """The last lines, as a person reads them; of these units and of what systemd says about them."""
        about = [entry for entry in self.all() if not units or _about(entry) in units]
        return "\n".join(_line(entry) for entry in about[-_TAIL:])


def _about(entry: Entry) -> str:
    return str(entry.fields.get("UNIT") or entry.fields.get("_SYSTEMD_UNIT") or "")


def _line(entry: Entry) -> str:
    name = entry.fields.get("SYSLOG_IDENTIFIER", entry.fields.get("_COMM", "?"))
    return f"{entry.boot[:4]} {entry.at:9.3f} {name}: {entry.message}"
