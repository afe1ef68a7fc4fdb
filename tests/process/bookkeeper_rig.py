# SPDX-License-Identifier: MIT
"""Owns the test's side of a bookkeeper: its loop, turned by hand, and its clock, which may be moved on."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camwatchd.adapters import ledger_dump, log
from camwatchd.adapters.child import Child
from camwatchd.bookkeeper import Bookkeeper
from camwatchd.core import records as rec
from camwatchd.loop import Loop

PATIENCE = 20.0  # seconds; only ever waited for in full by a test that fails


@dataclass
class Clock:
    """The time, which may be moved on."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


class Books:
    """A bookkeeper with a true recorder."""

    def __init__(self, folder: Path, state: Path, log_fd: int) -> None:
        self.folder, self.state = folder, state
        self.clock, self._loop = Clock(), Loop()
        self.environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}  # for recorders of ours
        said = log.build("json", "info", log_fd, {})
        options = [f"--supervisor={os.getpid()}", f"--state={state}", "--unit=", "--start=start-1"]
        self.book = Bookkeeper(self._loop, said, self.clock, self.environ, ["--link=3", *options])

    def begin(self) -> None:
        """Start the recorder, and hear that it has opened the ledger."""
        self.book.begin(rec.Begin("0.1.0", os.getpid()))
        self.until_written()

    def until(self, reached: Callable[[], object]) -> None:
        """Let the loop run until something is so."""
        end = time.monotonic() + PATIENCE
        while not reached():
            assert time.monotonic() < end, self.lines()[-5:]
            self._loop.turn(min(0.1, self.book.deadline - self.clock()))
            if self.clock() >= self.book.deadline:
                self.book.tick()

    def until_written(self) -> None:
        """Let the loop run until everything is acknowledged."""
        self.until(lambda: not self.book._entries)

    def until_replaced(self) -> None:
        """Let the loop run until the dead recorder is replaced, without waiting for its time."""
        dead = self.book.pid
        self.until(lambda: self.book.pid is None)
        self.later(self.book._start_at - self.clock())
        self.until(lambda: self.book.pid not in (None, dead))

    def later(self, seconds: float) -> None:
        """So much time passes at once."""
        self.clock.ahead += seconds

    @property
    def child(self) -> Child:
        """The recorder's process."""
        assert self.book._child is not None
        return self.book._child

    def lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]

    def told(self, event: str) -> list[str]:
        """The sentences of one kind in the log."""
        return [line["message"] for line in self.lines() if line["event"] == event]

    def ledger(self) -> dict[str, Any]:
        """What is written down."""
        return ledger_dump.read(self.state)

    def marks(self) -> list[str]:
        """The kinds of the marks in it."""
        return [mark["kind"] for mark in self.ledger()["marks"]]


@contextmanager
def bookkeeping(folder: Path, state: Path | None = None) -> Iterator[Books]:
    """A bookkeeper whose recorder is gone afterwards whatever happens."""
    with (folder / "log").open("w") as said:
        books = Books(folder, state or folder / "state", said.fileno())
        try:
            yield books
        finally:
            books.book.end(clean=False)
            if books.book.pid is not None:
                books.child.signal(signal.SIGKILL)
            books.until(lambda: books.book.pid is None)
