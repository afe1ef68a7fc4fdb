# SPDX-License-Identifier: MIT
"""Owns the answers to the flags of the original tools: fingers and crontabs remember them longer than we do."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

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
# Options that only one of them had: the name of the tool may have been left out.
_ONLY_ITS = {"--recent-errors": "logs", "--num-tests": "test"}


def answer(argv: Sequence[str]) -> str:
    """The command to use now; empty: nobody uses an old one."""
    for number, word in enumerate(argv):
        if word in _ONLY_ITS:
            return shlex.join(["camwatchctl", _ONLY_ITS[word], *argv])
        name = _called(word)
        if name in _BY_NAME:
            others = [*argv[:number], *argv[number + 1 :]]
            return shlex.join(["camwatchctl", _BY_NAME[name], *others])
        if not word.startswith("-"):
            return ""  # a verb: what follows is its own
    return ""


def _called(word: str) -> str:
    """A program by its name, wherever it was and however it was spelled; an option as it is."""
    if word.startswith("-"):
        return word
    return PurePath(word).name.removesuffix(".py").replace("-", "_")


def refusal(argv: Sequence[str]) -> str:
    """What to say to whoever uses an old one; empty: nobody does."""
    now = answer(argv)
    text = f"{shlex.join(argv)} is how the original tool was called"
    return str(CamwatchError(text, f"now it is: {now}")) if now else ""
