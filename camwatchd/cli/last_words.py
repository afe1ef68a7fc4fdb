# SPDX-License-Identifier: MIT
"""Owns what a program hears of a verb that failed before it had anything to show: one JSON object, as error.json."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import IO, Any, cast

from camwatchd.errors import ExitStatus

_LONGEST = 10_000  # characters of complaints that are kept
_NAME, _HINT = "camwatchctl: ", "  hint: "
_REASONS = {
    int(ExitStatus.EX_USAGE): "usage",
    int(ExitStatus.EX_UNAVAILABLE): "unavailable",
    int(ExitStatus.EX_TEMPFAIL): "not-now",
    int(ExitStatus.EX_NOPERM): "permission",
    int(ExitStatus.EX_CONFIG): "configuration",
}


class Overheard:
    """A stream, and the beginning of what was said to it."""

    def __init__(self, stream: Any) -> None:
        self._stream, self.text = stream, ""

    def write(self, text: str) -> int:
        """Pass it on."""
        self.text = (self.text + text)[:_LONGEST]
        return int(self._stream.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@dataclass(slots=True)
class Heard:
    """What a verb has said so far."""

    out: Overheard
    err: Overheard


@contextmanager
def overheard() -> Iterator[Heard]:
    """Until the end of this block."""
    heard = Heard(Overheard(sys.stdout), Overheard(sys.stderr))
    with redirect_stdout(cast("IO[str]", heard.out)), redirect_stderr(cast("IO[str]", heard.err)):
        yield heard


def written(heard: Heard, status: int, reason: str = "") -> str:
    """The object, as a line; empty: nothing failed, or the verb has said in JSON of its own what did."""
    if not status or heard.out.text or not heard.err.text:
        return ""
    return f"{json.dumps(document(heard.err.text, status, reason))}\n"


def document(complaint: str, status: int, reason: str = "") -> dict[str, Any]:
    """The complaint to a human, taken apart."""
    error, _, hint = complaint.partition(f"\n{_HINT}")
    return {
        "error": error.removeprefix(_NAME).strip(),
        "hint": hint.strip(),
        "reason": reason or _REASONS.get(status, "failed"),
        "exit": status,
    }
