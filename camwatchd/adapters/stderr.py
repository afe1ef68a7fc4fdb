# SPDX-License-Identifier: MIT
"""Owns the reading end of a child's stderr: whole, clean lines, few enough to think about, and the last ones kept.

A camera stack in trouble can write a hundred megabytes of the same line. What is over the budget is counted and
thrown away unsplit, so that draining it costs little more than the copy out of the pipe.
"""

import contextlib
import fcntl
import os
import re
import time
from collections import deque
from collections.abc import Callable

READ_LIMIT = 64 * 1024  # bytes a call, so that the loop stays responsive
LINE_LIMIT = 4096  # bytes of one line
LINES_PER_SECOND = 200
TAIL = 200  # lines that an incident keeps
LAST_WORDS = 20  # lines before the end of a flood that are shown after all: they tell how it ended
LAST_BYTES = 8192  # ... as far as they fit
PIPE_SIZE = (
    1 << 20
)  # what an unprivileged process may ask for: a worker's burst must not make it wait for us

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_NO_CONTROLS = {code: None for code in (*range(32), *range(127, 160)) if chr(code) != "\t"}


class StderrReader:
    """Reads `fd`, which stays its owner's to close. `closed`: the other end is, and everything was read.

    `first`: how many lines may come once, before the limit holds.
    """

    def __init__(
        self, fd: int, clock: Callable[[], float] = time.monotonic, first: int = LINES_PER_SECOND
    ) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL)
        self.closed = False
        self.dropped = 0  # lines in all
        self._fd, self._clock = fd, clock
        self._partial = b""
        self._second, self._room = clock(), first
        self._flood, self._flood_end = 0, b""
        os.set_blocking(fd, False)
        with contextlib.suppress(OSError):  # the user's share of pipe memory is used up: the default must do
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_SIZE)

    def read_ready(self) -> list[str]:
        """The lines that are complete by now, at most 64 KiB of them; none during a flood."""
        try:
            data = os.read(self._fd, READ_LIMIT)
        except BlockingIOError:
            return []
        self.closed = not data
        lines = self._new_second()
        lines += self._admit(self._whole_lines(data))
        lines += self._end_flood() if self.closed else []
        self.tail.extend(lines)
        return lines

    @property
    def deadline(self) -> float:
        """When `tick()` has something to say: a flood is over, and what was dropped is not said yet."""
        return self._second + 1 if self._flood else float("inf")

    def tick(self) -> list[str]:
        """How a flood ended, though nothing came after it."""
        lines = self._new_second()
        self.tail.extend(lines)
        return lines

    def _new_second(self) -> list[str]:
        now = self._clock()
        if now < self._second + 1:
            return []
        self._second, self._room = now, max(self._room, LINES_PER_SECOND)
        return self._end_flood()

    def _whole_lines(self, data: bytes) -> bytes:
        """What ends with a newline; the beginning of the next line is kept, at most as much as will be shown."""
        if not data:
            data = b"\n" if self._partial else b""
        end = data.rfind(b"\n") + 1
        if not end:
            self._partial += data[: LINE_LIMIT + 1 - len(self._partial)]
            return b""
        block = self._partial + data[:end]
        self._partial = data[end : end + LINE_LIMIT + 1]
        return block

    def _admit(self, block: bytes) -> list[str]:
        *raw, rest = block.split(b"\n", self._room)
        self._room -= len(raw)
        if rest:
            self._flood += rest.count(b"\n")
            self._flood_end = (self._flood_end + rest)[-LAST_BYTES:]
        return [line for line in map(_clean, raw) if line]

    def _end_flood(self) -> list[str]:
        if not self._flood:
            return []
        last = self._flood_end.rsplit(b"\n", LAST_WORDS + 1)[:-1][-LAST_WORDS:]
        dropped = self._flood - len(last)
        self.dropped += dropped
        self._flood, self._flood_end = 0, b""
        said = (
            [f"camwatchd: {dropped} lines dropped here: more than {LINES_PER_SECOND} a second"]
            if dropped
            else []
        )
        return said + [line for line in map(_clean, last) if line]


def _clean(raw: bytes) -> str:
    """A line as text without colours and control characters; bytes that are no UTF-8 are marked."""
    text = _ESCAPES.sub("", raw[:LINE_LIMIT].decode("utf-8", "replace")).translate(_NO_CONTROLS)
    return text + " [cut]" if len(raw) > LINE_LIMIT else text
