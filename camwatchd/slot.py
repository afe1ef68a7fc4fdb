# SPDX-License-Identifier: MIT
"""Owns the place of one worker process: hears it, ends it in steps, reaps it; never waits for it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from camwatchd.adapters.child import Child
from camwatchd.adapters.host import Host
from camwatchd.adapters.stderr import StderrReader
from camwatchd.core import killing
from camwatchd.core.evidence import telling
from camwatchd.core.messages import Order, ProtocolError, Report, decode_report
from camwatchd.loop import Loop

_LINK_GRACE = 0.5  # seconds for a worker that closed its link to end, before that counts as a fault
_LAST_WORDS = 64  # reads of the link and of stderr at most when a worker has ended
_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Worker:
    """A child and the reader of its stderr, which move together from the standby's slot to a camera's."""

    child: Child
    stderr: StderrReader


class Listener(Protocol):
    """Who is told what happens in a slot."""

    def reported(self, report: Report) -> None:
        """The worker sent a message."""

    def wrote(self, line: str) -> None:
        """The worker, or the camera stack in it, wrote a line to stderr."""

    def misspoke(self, text: str) -> None:
        """The worker sent what is no message, or closed its link and lives on."""

    def exited(self, status: int) -> None:
        """The worker ended unasked."""

    def reaped(self) -> None:
        """The worker that was to end is gone: the slot is free."""

    def signalled(self, pid: int, name: str) -> None:
        """The worker was sent the next signal of its end."""

    def refuses_to_die(self, evidence: str) -> None:
        """SIGKILL had no effect, and a task of the worker hangs in the kernel."""


class Slot:
    """Holds at most one worker. `end()` is an order; its fulfilment is `Listener.reaped()`."""

    def __init__(
        self, loop: Loop, listener: Listener, host: Host, clock: Callable[[], float] = time.monotonic
    ):
        self._loop, self._listener, self._host, self._clock = loop, listener, host, clock
        self.worker: Worker | None = None
        self._killing: killing.Killing | None = None
        self._link_lost = _NEVER
        self.last_words: tuple[str, ...] = ()  # what tells of the last worker's end

    @property
    def deadline(self) -> float:
        """When `tick()` wants to be called next."""
        stderr = self.worker.stderr.deadline if self.worker else _NEVER
        return min(self._link_lost, stderr, self._killing.deadline if self._killing else _NEVER)

    @property
    def ending(self) -> bool:
        """Whether its worker has been told to end."""
        return self._killing is not None

    def adopt(self, worker: Worker) -> None:
        """Take in a worker; the slot must be free."""
        assert self.worker is None
        self.worker, self._killing, self._link_lost = worker, None, _NEVER
        self._loop.watch(worker.child.link.fileno(), self._hear)
        self._loop.watch(worker.child.stderr, self._read)
        self._loop.watch(worker.child.pidfd, self._bury)

    def release(self) -> Worker:
        """Hand the worker over to another slot."""
        assert self.worker is not None
        worker = self.worker
        self._ignore(worker)
        return worker

    def send(self, order: Order, descriptors: Sequence[int] = ()) -> bool:
        """Give the worker an order, with copies of descriptors; False if there is none to take it."""
        return self.worker is not None and not self.ending and self.worker.child.send(order, descriptors)

    def end(self, steps: tuple[killing.Step, ...] = killing.STEPS) -> None:
        """Begin to end the worker; its words are no longer heeded. A slot without a worker stays as it is."""
        if self.worker is not None and (self._killing is None or steps is killing.HURRIED_STEPS):
            self._killing = killing.begin(self._clock(), steps)
            self._link_lost = _NEVER
            self.tick()

    def tick(self) -> None:
        """Do what is due."""
        now = self._clock()
        if self.worker is None:
            return
        if now >= self._link_lost:
            self._link_lost = _NEVER
            self._listener.misspoke("the worker closed its link and lives on")
        elif self._killing is not None and now >= self._killing.deadline:
            self._take_step(self.worker.child, self._killing, now)
        if self.worker is not None and now >= self.worker.stderr.deadline:
            self._tell(self.worker.stderr.tick())

    def _take_step(self, child: Child, last: killing.Killing, now: float) -> None:
        self._killing, number = killing.advance(last, now)
        if number is not None:
            child.signal(number)
            self._listener.signalled(child.pid, number.name)
        elif stuck := self._host.stuck_tasks(child.pid):
            self._listener.refuses_to_die("; ".join(stuck))

    def _hear(self) -> None:
        assert self.worker is not None
        datagrams, closed = self.worker.child.receive()
        if closed:
            self._loop.forget(self.worker.child.link.fileno())
            self._link_lost = _NEVER if self.ending else self._clock() + _LINK_GRACE
        for datagram in datagrams:
            self._understand(datagram)

    def _understand(self, datagram: bytes) -> None:
        if self.ending:
            return
        try:
            report = decode_report(datagram)
        except ProtocolError as error:
            self._listener.misspoke(str(error))
        else:
            self._listener.reported(report)

    def _read(self) -> None:
        assert self.worker is not None
        worker = self.worker
        self._read_lines(worker.stderr)
        if worker.stderr.closed:
            self._loop.forget(worker.child.stderr)

    def _read_lines(self, stderr: StderrReader) -> None:
        self._tell(stderr.read_ready())

    def _tell(self, lines: list[str]) -> None:
        for line in lines:
            self._listener.wrote(line)

    def _bury(self) -> None:
        """The process ended: hear its last words, then collect its status."""
        assert self.worker is not None
        child, was_ending = self.worker.child, self.ending
        for _ in range(_LAST_WORDS):
            datagrams, closed = child.receive()
            for datagram in datagrams:
                self._understand(datagram)
            if closed or not datagrams:
                break
        for _ in range(_LAST_WORDS):
            self._read_lines(self.worker.stderr)
            if self.worker.stderr.closed:
                break
        was_ending = was_ending or self.ending
        self.last_words = telling(tuple(self.worker.stderr.tail))
        self._ignore(self.worker)
        status = child.reap()
        if was_ending:
            self._listener.reaped()
        else:
            self._listener.exited(status)

    def _ignore(self, worker: Worker) -> None:
        for fd in (worker.child.link.fileno(), worker.child.stderr, worker.child.pidfd):
            self._loop.forget(fd)
        self.worker, self._killing, self._link_lost = None, None, _NEVER
