# SPDX-License-Identifier: MIT
"""Owns `status --watch`: redrawn on a terminal, one after the other in a pipe, until Ctrl-C."""

import argparse
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from itertools import accumulate

from camwatchd.cli import asking, looking, when
from camwatchd.control.facts import StatusFacts
from camwatchd.core.timespan import duration
from camwatchd.errors import ExitStatus

_CODE = re.compile(r"\x1b\[[\d;]*m")  # of a colour, which takes no room
_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def run(
    options: argparse.Namespace,
    written: Callable[[looking.Look], str],
    outcome: Callable[[looking.Look], int],
) -> int:
    """Show looks until somebody presses Ctrl-C; the exit status is that of the last one."""
    presence, status = looking.Presence(), int(ExitStatus.EX_OK)
    redraws = sys.stdout.isatty() and not options.json
    if redraws:
        sys.stdout.write(_HOME + _CLEAR_BELOW)
    try:
        for look in looking.looks(options, options.interval):
            news, status = presence.news(look), outcome(look)
            sys.stdout.write(
                _page(options, look, written, news) if redraws else _next(options, look, written, news)
            )
            sys.stdout.flush()
    except KeyboardInterrupt:
        asking.announce(options, "")  # the terminal has written ^C
    return status


def _page(
    options: argparse.Namespace, look: looking.Look, written: Callable[[looking.Look], str], news: str
) -> str:
    """Over the last one, without the flicker of an empty screen between them."""
    head = f"every {duration(options.interval)}, at {when.to_the_second()}; Ctrl-C ends it"
    said = [head, *([f"-- {news}"] if news else []), "", *written(look).splitlines()]
    lines = [*fitting(said, *shutil.get_terminal_size()), ""]
    return _HOME + f"{_CLEAR_LINE}\n".join(lines) + _CLEAR_BELOW


def fitting(lines: Sequence[str], columns: int, rows: int) -> list[str]:
    """As many lines as the terminal has room for: what scrolls away cannot be redrawn."""
    heights = [max(1, -(-len(_CODE.sub("", line)) // columns)) for line in lines]
    room = rows - 1  # where the cursor stays
    if sum(heights) <= room:
        return list(lines)
    count = sum(height <= room - 1 for height in accumulate(heights))
    return [*lines[:count], f"... {len(lines) - count} more lines: camwatchctl status | less"]


def _next(
    options: argparse.Namespace, look: looking.Look, written: Callable[[looking.Look], str], news: str
) -> str:
    """One below the other; as JSON one object per line. Of a daemon that stays away it is said once."""
    if options.json:
        return f"{written(look)}\n"
    said = f"-- {news}\n" if news else ""
    return f"{said}{written(look)}\n\n" if isinstance(look, StatusFacts) else said
