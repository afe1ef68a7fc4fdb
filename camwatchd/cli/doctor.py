# SPDX-License-Identifier: MIT
"""Owns `camwatchctl doctor`: every check with its result, reason and remedy, and how that looks."""

import argparse
import json
import os
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from camwatchd.cli import asking, colour
from camwatchd.cli.verb import Verb
from camwatchd.core.plain import to_plain

if TYPE_CHECKING:
    from camwatchd.doctor.finding import Finding

_COLOURS = {"ok": colour.GREEN, "warning": colour.YELLOW, "failure": colour.RED, "unknown": colour.DIM}
_ORDER = ("failure", "warning", "unknown", "ok")
_PLURALS = {"failure": "failures", "warning": "warnings"}
_RESULT, _NAME = 9, 20  # columns
_WIDTH = 118  # at most
_ERASE = "\r\x1b[K"


def _arguments(parser: argparse.ArgumentParser) -> None:
    asking.arguments(parser)


def _run(options: argparse.Namespace) -> int:
    # Only this verb pays for importing all that.
    from camwatchd.doctor.finding import exit_status
    from camwatchd.doctor.place import Place
    from camwatchd.doctor.table import examine

    progress = _Progress()
    try:
        found = examine(Place(socket=options.socket), progress)
    finally:
        progress.end()
    written = json.dumps(to_plain(found), indent=2) if options.json else _text(found)
    sys.stdout.write(f"{written}\n")
    return exit_status(found)


def _text(found: "Sequence[Finding]") -> str:
    width = min(_WIDTH, shutil.get_terminal_size((_WIDTH, 0)).columns)
    return text(found, colours=colour.wanted(), root=os.geteuid() == 0, width=width)


class _Progress:
    """Says on a terminal whom it waits for, and takes it back."""

    def __init__(self) -> None:
        self._shown = False

    def __call__(self, waiting: list[str]) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"{_ERASE}waiting for {', '.join(waiting)} ...")
            sys.stderr.flush()
            self._shown = True

    def end(self) -> None:
        """Leave nothing behind."""
        if self._shown:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()


def text(
    found: "Sequence[Finding]", *, colours: bool = False, root: bool = True, width: int = _WIDTH
) -> str:
    """For humans: a line for each check, beneath it what to do; at the end how many are not as they should be."""
    lines = [line for finding in found for line in _lines(finding, width, colours=colours)]
    return "\n".join([*lines, "", *_summary(found, root=root)])


def _lines(finding: "Finding", width: int, *, colours: bool) -> Iterator[str]:
    word = f"{finding.result:{_RESULT}}"
    if colours:
        word = colour.coloured(word, _COLOURS[finding.result])
    indent = " " * (_RESULT + _NAME)
    room = max(30, width - len(indent))
    said = f"{finding.subject}: {finding.reason}" if finding.subject else finding.reason
    # Never within a word: paths and commands are there to be pasted.
    reason = textwrap.wrap(said, room, break_long_words=False, break_on_hyphens=False) or [""]
    yield f"{word}{finding.name:{_NAME - 1}} {reason[0]}"
    yield from (f"{indent}{line}" for line in reason[1:])
    if finding.remedy:
        yield f"{indent}-> {finding.remedy}"
    yield from (f"{indent}   {line}" for line in finding.paste.splitlines())


def _summary(found: "Sequence[Finding]", *, root: bool) -> Iterator[str]:
    names = {result: [item.name for item in found if item.result == result] for result in _ORDER}
    counts = Counter(item.result for item in found)
    parts = []
    for result in _ORDER:
        if number := counts[result]:  # type: ignore[index]  # a StrEnum is its text
            word = result if number == 1 else _PLURALS.get(result, result)
            which = f" ({', '.join(dict.fromkeys(names[result]))})" if result in _PLURALS else ""
            parts.append(f"{number} {word}{which}")
    yield "; ".join(parts)
    if not root:
        yield "As an ordinary user not everything can be seen; root sees more: sudo camwatchctl doctor"


VERB = Verb(
    "doctor",
    "check everything around the cameras: each result with its reason and a remedy",
    _arguments,
    _run,
)
