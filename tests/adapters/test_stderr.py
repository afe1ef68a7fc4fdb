# SPDX-License-Identifier: MIT
"""Owns the tests of reading a worker's stderr, on real pipes and with a real writer that floods."""

import fcntl
import os
import select
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.adapters.stderr import (
    LAST_WORDS,
    LINE_LIMIT,
    LINES_PER_SECOND,
    READ_LIMIT,
    TAIL,
    StderrReader,
)


class Pipe:
    """A pipe with a reader on it, and a clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.read_end, self.write_end = os.pipe()
        self.reader = StderrReader(self.read_end, lambda: self.now)

    def says(self, data: bytes) -> list[str]:
        """What the reader gives after a write."""
        os.write(self.write_end, data)
        return self.reader.read_ready()

    def hang_up(self) -> list[str]:
        os.close(self.write_end)
        self.write_end = -1
        return self.reader.read_ready()

    def close(self) -> None:
        for end in (self.read_end, self.write_end):
            if end >= 0:
                os.close(end)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


def test_lines_come_whole(pipe: Pipe) -> None:
    """A line is given once it is complete, however it was written; the last one at the latest at the end."""
    assert pipe.reader.read_ready() == []
    assert pipe.says(b"one\ntw") == ["one"]
    assert pipe.says(b"o") == []
    assert (pipe.says(b"\n\nthree"), pipe.reader.closed) == (["two"], False)
    assert (pipe.hang_up(), pipe.reader.closed) == (["three"], True)
    assert pipe.reader.read_ready() == []
    assert list(pipe.reader.tail) == ["one", "two", "three"]


@given(st.lists(st.binary(max_size=40), max_size=30))
def test_any_writes_give_the_same_lines(writes: list[bytes]) -> None:
    """How the bytes are cut into writes does not change the lines."""
    pipe = Pipe()
    try:
        lines = [line for data in writes if data for line in pipe.says(data)] + pipe.hang_up()
    finally:
        pipe.close()
    whole = Pipe()
    try:
        expected = (whole.says(b"".join(writes)) if any(writes) else []) + whole.hang_up()
    finally:
        whole.close()
    assert expected == lines
    assert not {"Cc"} & {unicodedata.category(letter) for line in lines for letter in line if letter != "\t"}


def test_lines_are_clean(pipe: Pipe) -> None:
    """Colours, cursor movements and control characters are taken out, broken UTF-8 is marked, the rest stays."""
    assert pipe.says(b"\x1b[1;31mERROR\x1b[0m RPI\tx\x07 \xc3\xa4 \xff\x00\r\n") == ["ERROR RPI\tx ä \ufffd"]
    assert pipe.says(b"\x1b[2J\x1b[?25l\x9b\n") == ["\ufffd"]


def test_a_long_line_is_cut(pipe: Pipe) -> None:
    """A line without end costs 4 KiB of memory, is shown cut, and the next line is unharmed."""
    for _ in range(20):
        assert pipe.says(b"x" * 5000) == []
        assert len(pipe.reader._partial) <= LINE_LIMIT + 1
    assert pipe.says(b"tail\nnext\n") == ["x" * LINE_LIMIT + " [cut]", "next"]
    assert pipe.says(b"y" * LINE_LIMIT + b"\n") == ["y" * LINE_LIMIT]


def test_a_call_reads_little(pipe: Pipe) -> None:
    """One call takes at most 64 KiB out of the pipe, so that the loop gets to its other work."""
    size = fcntl.fcntl(pipe.read_end, fcntl.F_GETPIPE_SZ)
    if size < 2 * READ_LIMIT:
        pytest.skip("this user's share of pipe memory is used up")
    lines = pipe.says(b"x" * 1023 + b"\n" + b"y\n" * READ_LIMIT)
    assert sum(len(line) + 1 for line in lines) <= READ_LIMIT
    assert len(os.read(pipe.read_end, 1 << 20)) == 1024 + 2 * READ_LIMIT - READ_LIMIT


def test_a_flood_is_dropped_and_told(pipe: Pipe) -> None:
    """Beyond the budget lines are dropped; in the next second their count and the last words are said."""
    flood = b"".join(b"%d\n" % number for number in range(1000))
    assert [str(number) for number in range(LINES_PER_SECOND)] == pipe.says(flood)
    assert pipe.says(b"still\n") == []
    pipe.now += 1.0
    summary, *last, calm = pipe.says(b"calm\n")
    assert summary == f"camwatchd: {801 - LAST_WORDS} lines dropped here: more than 200 a second"
    assert (last[0], last[-1], calm) == (str(1001 - LAST_WORDS), "still", "calm")
    assert pipe.reader.dropped == 801 - LAST_WORDS
    assert pipe.says(b"again\n") == ["again"]


def test_a_flood_with_nothing_after_it_is_told(pipe: Pipe) -> None:
    """When a second is over, what was dropped is due to be said; without a flood nothing ever is."""
    calm = pipe.reader.deadline
    pipe.says(b"x\n" * 1000)
    due = pipe.reader.deadline
    early = pipe.reader.tick()
    pipe.now = due
    summary, *last = pipe.reader.tick()

    assert (float("inf"), 101.0, []) == (calm, due, early)
    assert summary == f"camwatchd: {800 - LAST_WORDS} lines dropped here: more than 200 a second"
    assert ["x"] * LAST_WORDS == last
    assert [summary, *last] == list(pipe.reader.tail)[-LAST_WORDS - 1 :]
    assert float("inf") == pipe.reader.deadline


def test_the_end_of_a_flood_is_kept(pipe: Pipe) -> None:
    """When a worker dies in mid-flood, its last words are given: they say why."""
    pipe.says(b"".join(b"%d\n" % number for number in range(1000)) + b"Fatal")
    summary, *last = pipe.hang_up()
    assert summary.startswith(f"camwatchd: {801 - LAST_WORDS} lines dropped")
    assert last == [*(str(number) for number in range(1001 - LAST_WORDS, 1000)), "Fatal"]


def test_only_so_many_are_kept(pipe: Pipe) -> None:
    """The tail holds the last 200 lines."""
    for second in range(3):
        pipe.now += 1.0
        pipe.says(b"".join(b"%d.%d\n" % (second, number) for number in range(LINES_PER_SECOND)))
    assert [f"2.{number}" for number in range(TAIL)] == list(pipe.reader.tail)


def test_a_hundred_megabytes_are_drained_fast(pipe: Pipe) -> None:
    """A flood of 100 MB is drained at well over 100 MB/s of our own time, no call takes long, the count is exact."""
    line = b"[0:04:11.187898530] [1541]  WARN V4L2 v4l2_videodevice.cpp:2155 again and again\n"
    program = f"import os\nfor _ in range(1600): os.write(2, {line!r} * 800)"
    size = 1600 * 800 * len(line)
    read, write = os.pipe()
    reader = StderrReader(read)
    child = subprocess.Popen([sys.executable, "-c", program], stderr=write)
    os.close(write)
    lines, busy, longest = 0, 0.0, 0.0
    poll = select.poll()
    poll.register(read)
    while not reader.closed:
        assert poll.poll(30_000)
        before = time.thread_time()
        lines += len([line for line in reader.read_ready() if not line.startswith("camwatchd:")])
        took = time.thread_time() - before
        busy, longest = busy + took, max(longest, took)
    os.close(read)
    assert child.wait(timeout=30) == 0
    assert lines + reader.dropped == 1600 * 800
    assert size / busy > 100e6, f"{size / busy / 1e6:.0f} MB/s"
    assert longest < 0.02


def test_a_backlog_may_come_once() -> None:
    """Who begins with the lines of the past is given room for them, however long they take; then the limit holds."""
    now, (read_end, write_end) = [100.0], os.pipe()
    reader = StderrReader(read_end, lambda: now[0], first=5 * LINES_PER_SECOND)
    counts = []
    for _ in range(5):
        os.write(write_end, b"x\n" * 2 * LINES_PER_SECOND)
        counts.append(sum(line == "x" for line in reader.read_ready()))
        now[0] += 1.1
    os.close(write_end)
    os.close(read_end)

    # The last lines of each flood come with the next second.
    assert [2 * LINES_PER_SECOND, 2 * LINES_PER_SECOND, LINES_PER_SECOND] == counts[:3]
    assert [LINES_PER_SECOND + LAST_WORDS] * 2 == counts[3:]
