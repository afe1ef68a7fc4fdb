# SPDX-License-Identifier: MIT
"""Owns log lines on stderr, be it terminal, pipe or file: text or JSON, never waiting for a reader."""

import json
import math
import os
import select
import stat
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from camwatchd.adapters.entry import LABELS, Entry, cut
from camwatchd.core.plain import to_plain

LINE_LIMIT = 4096  # bytes: PIPE_BUF, what a pipe that polls writable takes at once and whole
COLOURS = {2: "\x1b[1;31m", 3: "\x1b[31m", 4: "\x1b[33m", 5: "\x1b[32m", 7: "\x1b[2m"}

Render = Callable[[Entry], bytes]


class Console:
    """Writes entries as lines to a descriptor that others may share and that may be stuck."""

    def __init__(self, fd: int, render: Render) -> None:
        self._fd = _private(fd)
        self._render = render
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLOUT)
        self._torn = b""

    def write(self, entry: Entry) -> bool:
        """False: the line could not be written at once, and is lost."""
        line = self._torn + self._render(entry)
        try:
            if not any(event & select.POLLOUT for _, event in self._poll.poll(0)):
                return False
            written = os.write(self._fd, line)
        except OSError:
            return False
        # A terminal may take half a line; the next one must not be glued to it.
        self._torn = b"" if written == len(line) else b"\n"
        return not self._torn


def _private(fd: int) -> int:
    """`fd` opened anew as non-blocking, where that can be; to change `fd` itself would hit all who share it.

    Otherwise poll() and short lines must do: enough for a pipe or a socket, and a file is always ready.
    """
    if not (stat.S_ISFIFO(os.fstat(fd).st_mode) or os.isatty(fd)):
        return fd
    try:
        return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:  # another user's terminal, or a pipe without a reader
        return fd


def text(colours: bool) -> Render:
    """Aligned lines: local time, level, camera, sentence."""

    def render(entry: Entry) -> bytes:
        clock = time.strftime("%H:%M:%S", time.localtime(entry.wall))
        head = f"{clock}.{int(entry.wall % 1 * 1000):03d}  {LABELS[entry.priority]:8}"
        camera = str(entry.facts.get("camera") or "-")
        body = entry.sentence().removeprefix(f"{camera}: ").replace("\n", "\n    ")
        line = cut(f"{head}  {camera:6}  {body}", LINE_LIMIT - 16)
        colour = COLOURS.get(entry.priority, "") if colours else ""
        return colour.encode() + line + (b"\x1b[0m\n" if colour else b"\n")

    return render


def wants_colours(fd: int, environ: Mapping[str, str]) -> bool:
    """Only on a terminal that can, and never against https://no-color.org."""
    return os.isatty(fd) and not environ.get("NO_COLOR") and environ.get("TERM", "dumb") != "dumb"


def json_line(entry: Entry) -> bytes:
    """One JSON object a line; facts are cut, and at last left out, until the line is short enough."""
    for limit in (LINE_LIMIT, 600, 60, 0):
        data = json.dumps(_object(entry, limit), default=str).encode() + b"\n"
        if len(data) <= LINE_LIMIT:
            break
    return data


def _object(entry: Entry, limit: int) -> dict[str, object]:
    ours: dict[str, object] = {
        "time": datetime.fromtimestamp(entry.wall, UTC).isoformat(timespec="milliseconds"),
        "monotonic": round(entry.monotonic, 3),
        "level": LABELS[entry.priority].lower(),
        "event": entry.event,
        "message": entry.sentence()[: limit or 300],  # an escaped character takes up to 12 bytes
    }
    ours |= {name: count for name in ("suppressed", "delayed", "lost") if (count := getattr(entry, name))}
    facts = {name: value for name, value in entry.facts.items() if name not in ours and limit}
    return ours | {name: _short(value, limit) for name, value in facts.items() if value is not None}


def _short(value: object, limit: int) -> object:
    value = to_plain(value)
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else str(value)  # JSON has no infinity
    return value[:limit] if isinstance(value, str) else value
