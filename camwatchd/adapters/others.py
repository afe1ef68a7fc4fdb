# SPDX-License-Identifier: MIT
"""Owns who else is at work on the machine that a reboot would disturb: package operations, block inhibitors.

Read from files that anybody may read, so that no privilege, no D-Bus and no daemon is needed for it.
"""

import re
import stat
from collections.abc import Iterator
from pathlib import Path

from camwatchd.adapters.host import Host

# What dpkg and apt hold while they are at work; 32 is the frontend lock that spans a whole apt run.
_PACKAGE_LOCKS = (
    "var/lib/dpkg/lock-frontend",
    "var/lib/dpkg/lock",
    "var/lib/apt/lists/lock",
    "var/cache/apt/archives/lock",
)
_INHIBITORS = "run/systemd/inhibit"  # where logind keeps them, one KEY=value file each
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|(.))")  # as systemd writes WHO and WHY
_LETTERS = {"n": "\n", "t": "\t", "r": "\r"}


def at_work(host: Host) -> tuple[str, ...]:
    """Each of them in words; empty: nobody."""
    holders = host.lock_holders(host.root / path for path in _PACKAGE_LOCKS)
    return (*(f"package operation by {holder}" for holder in holders), *_inhibitors(host.root))


def _inhibitors(root: Path) -> Iterator[str]:
    try:
        paths = sorted((root / _INHIBITORS).iterdir())
    except OSError:
        return
    for path in paths:
        facts = _facts(path)
        is_alive = (root / "proc" / facts.get("PID", "")).exists()
        if is_alive and facts.get("MODE") == "block" and "shutdown" in facts.get("WHAT", "").split(":"):
            yield f"shutdown inhibited by {facts.get('WHO', '?')} ({facts.get('WHY', 'no reason given')})"


def _facts(path: Path) -> dict[str, str]:
    try:
        # Beside each file lies a FIFO of the same number: opening that would wait for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            return {}
        lines = path.read_text(errors="replace").splitlines()
    except OSError:  # gone meanwhile, or not for us
        return {}
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return {key: _unescaped(value) for key, _, value in pairs}


def _unescaped(text: str) -> str:
    """Bytes beyond ASCII come as octal numbers, one for each byte of UTF-8."""
    raw = _ESCAPE.sub(_character, text)
    return raw.encode("latin-1", "replace").decode("utf-8", "replace")


def _character(match: re.Match[str]) -> str:
    hexadecimal, octal, letter = match.groups()
    if hexadecimal or octal:
        return chr(int(hexadecimal, 16) if hexadecimal else int(octal, 8) & 0xFF)
    return _LETTERS.get(letter, letter)
