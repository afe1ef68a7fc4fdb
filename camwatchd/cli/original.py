# SPDX-License-Identifier: MIT
"""Owns the answers to the flags of the original tools: fingers and crontabs remember them longer than we do."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from camwatchd.errors import CamwatchError


@dataclass(frozen=True, slots=True)
class Original:
    """One row: how it was called, and the verb that does it now; further arguments are the same."""

    old: str
    verb: str


# The man page has this table, too; a test compares them.
ORIGINALS: tuple[Original, ...] = (
    Original("--status", "status"),
    Original("--test", "test"),
    Original("--recover", "recover"),
    Original("--monitor", "monitor"),
    Original("health_check", "health"),
    Original("log_analyzer", "logs"),
)
_BY_NAME = {row.old: row.verb for row in ORIGINALS}


def answer(argv: Sequence[str]) -> str:
    """The command to use now; empty: nobody uses an old one."""
    for number, word in enumerate(argv):
        name = word.removesuffix(".py")
        if name in _BY_NAME:
            others = [*argv[:number], *argv[number + 1 :]]
            return shlex.join(["camwatchctl", _BY_NAME[name], *others])
        if not word.startswith("-"):
            return ""  # a verb: what follows is its own
    return ""


def refusal(argv: Sequence[str]) -> str:
    """What to say to whoever uses an old one; empty: nobody does."""
    now = answer(argv)
    text = f"{shlex.join(argv)} is how the original tool was called"
    return str(CamwatchError(text, f"now it is: {now}")) if now else ""
