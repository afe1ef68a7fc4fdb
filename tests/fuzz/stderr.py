# SPDX-License-Identifier: MIT
"""Owns a worker's stderr as a target: any bytes through the real pipe, line splitter, classifier and hearsay.

An input is what one turn of the supervisor's loop reads. Its first byte is none of that: it says how often the rest is
written, how much time has passed, and whether the worker ends.
"""

import os
import re

from camwatchd.adapters.stderr import LINE_LIMIT, READ_LIMIT, TAIL, StderrReader
from camwatchd.core.faults import FAULTS
from camwatchd.hearsay import Hearsay
from tests.core.corpus import EXCEPTIONS, KERNEL, STDERR, as_written, coloured

_TIMES, _SECONDS, _ENDS = 0x03, 0x18, 0x20  # bits of the first byte
_OFTEN = 0xF0  # from this one on _TIMES counts
_PASSED = (0.0, 0.01, 0.05, 1.0)  # seconds
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_LONGEST = LINE_LIMIT + len(" [cut]")
_CALM, _FLOOD, _END = b"\x10", b"\xf3", b"\x30"  # once; 8 times; and the worker ends

# How the phrases begin that look far ahead: many of these are slow to see through.
_HEADS = (
    b"/dev/: ",
    b"Dequeue timer of ",
    b"Dequeued buffer ",
    b"Failed to queue buffer ",
    b"Failed to set format on ",
    b"Failed to register camera ",
    b"Unable to set controls ",
    b"INFO A a:1 Unable to get rectangle ",
)


class Stderr:
    """One camera, and worker after worker."""

    def __init__(self) -> None:
        self._now = 100.0
        self._hearsay = Hearsay(lambda: self._now, lambda: "imx219")
        self._begin()

    def take(self, data: bytes) -> None:
        """What is heard in one turn."""
        head, body = (data[0], data[1:]) if data else (0, b"")
        self._now += _PASSED[(head & _SECONDS) >> 3]
        os.write(self._write_end, (body * _times(head))[:READ_LIMIT] or b"\n")
        self._heard()
        if head & _ENDS:
            os.close(self._write_end)
            while not self._reader.closed:
                self._heard()
            os.close(self._read_end)
            self._hearsay.died(tuple(self._reader.tail)[-20:])
            self._hearsay.worker_begins(in_incident=not head & _SECONDS)
            self._begin()

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._write_end)
        os.close(self._read_end)

    def _begin(self) -> None:
        self._read_end, self._write_end = os.pipe()
        self._reader = StderrReader(self._read_end, lambda: self._now)

    def _heard(self) -> None:
        lines = self._reader.read_ready()
        if self._now >= self._reader.deadline:
            lines += self._reader.tick()
        for line in lines:
            assert len(line) <= _LONGEST, len(line)
            assert all(char == "\t" or (ord(char) >= 32 and not 127 <= ord(char) < 160) for char in line), (
                repr(line)
            )
            finding = self._hearsay.wrote(line)
            if finding is not None:
                assert finding.fault in FAULTS, finding
                self._hearsay.suspect(finding.fault, line)
        self._hearsay.explained("frames-stopped", "")
        assert len(self._reader.tail) <= TAIL
        assert len(self._reader._partial) <= LINE_LIMIT + 1


def _times(head: int) -> int:
    return 1 << (head & _TIMES) if head >= _OFTEN else 1


def make() -> Stderr:
    """See `Family`."""
    return Stderr()


def seeds() -> list[bytes]:
    """The words of real cameras, with and without colours; floods of them; lines made of nothing else."""
    said = [as_written(quote) for quote in STDERR] + [quote.text for quote in (*EXCEPTIONS, *KERNEL)]
    lines = [text.encode() + b"\n" for text in (*said, *map(coloured, said[:20]))]
    story = b"".join(lines[:60])
    odd = [
        b"\x1b[" + b"3" * 5000 + b"\n",
        b"\xff\xfe\n" * 300,
        b"\r\t\x9b\n",
        b"x" * 5000,
        b"\n" * 5000,
        b"Fatal",
    ]
    return [
        *(_CALM + line for line in lines),
        *(head + body for head in (_CALM, _FLOOD, _END) for body in (story, *odd)),
    ]


def heavy() -> list[bytes]:
    """Lines as long as they may be, made of nothing but the same words; as many as one read takes."""
    lines = [piece * (LINE_LIMIT // len(piece)) + b"\n" for piece in (*words(), *_HEADS)]
    return [
        _END + line * (READ_LIMIT // len(line)) for line in (*lines, b"Failed to start\n", b"x\n", b"\n")
    ]


def words() -> list[bytes]:
    """What the classifier listens for, in pieces."""
    texts = {quote.text for quote in (*STDERR, *EXCEPTIONS)}
    pieces = {piece for text in texts for piece in re.split(r"(?<=: )|(?<=\) )", text) if piece}
    levels = {f"{level} V4L2 a.cpp:1 " for level in ("DEBUG", "INFO", "WARN", "ERROR", "FATAL")}
    kinds = {
        "/dev/: ",
        "/dev/",
        "\x1b[1;31m",
        "\n",
        "Exception in thread ",
        "Traceback (most recent call last):\n",
    }
    return [word.encode() for word in sorted(pieces | levels | kinds)]
