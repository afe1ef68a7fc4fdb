# SPDX-License-Identifier: MIT
"""Owns clients of the control socket by the dozen, as a process of their own: what they cost must be the daemon's.

python -m tests.bench.clients KIND COUNT SOCKET SECONDS      prints what became of them, as JSON

looking    each asks for the status ten times a second, and connects for it anew as `camwatchctl` does
staying    the same over one connection each, which is made anew when the daemon has closed it
deaf       each asks for the status as often as it can, and never reads an answer
attached   each has the frames of cam0, asks for the status as often as it can, and never reads anything
"""

import contextlib
import heapq
import json
import select
import socket
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from camwatchd.control.protocol import MAX_ANSWER, Attach, Refused, Status, decode_answer, encode_request

EVERY = 0.1  # seconds between two questions of a client
_PAUSE = 0.005  # seconds between two rounds of those that ask as often as they can
_STATUS, _ATTACH = encode_request(1, Status()), encode_request(1, Attach("cam0"))


@dataclass
class Tally:
    """What became of the questions."""

    asked: int = 0
    answered: int = 0
    refused: int = 0  # too many clients
    lost: int = 0  # the connection was closed without an answer
    seconds: list[float] = field(default_factory=list)  # until each answer

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        ordered = sorted(self.seconds) or [0.0]
        return {
            "asked": self.asked, "answered": self.answered, "refused": self.refused, "lost": self.lost,
            "median": statistics.median(ordered), "p99": ordered[int(0.99 * (len(ordered) - 1))], "worst": ordered[-1],
        }  # fmt: skip


def called(path: str) -> socket.socket:
    """A connection that never waits."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.connect(path)
    sock.setblocking(False)
    return sock


class Polling:
    """Clients that ask at their own times, all in one loop."""

    def __init__(self, count: int, path: str, *, stay: bool) -> None:
        self.tally = Tally()
        self._path, self._stay = path, stay
        now = time.monotonic()
        self._due = [(now + EVERY * number / count, number) for number in range(count)]
        self._open: dict[int, socket.socket] = {}
        self._asked: dict[int, tuple[int, float]] = {}  # by descriptor: who, when
        self._poll = select.poll()

    def run(self, seconds: float) -> None:
        """So long."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            while self._due[0][0] <= now:
                at, number = heapq.heappop(self._due)
                heapq.heappush(self._due, (at + EVERY, number))
                self._ask(number)
            for descriptor, _ in self._poll.poll(max(0.0, 1000 * (self._due[0][0] - time.monotonic()))):
                self._hear(descriptor)

    def _ask(self, number: int) -> None:
        sock = self._open.get(number)
        if sock is not None and sock.fileno() in self._asked:
            return  # it still waits; that shows in how long it took
        if sock is None:
            sock = self._open[number] = called(self._path)
            self._poll.register(sock, select.POLLIN)
        self.tally.asked += 1
        with contextlib.suppress(OSError):  # closed by the daemon: heard of at once
            sock.send(_STATUS)
        self._asked[sock.fileno()] = number, time.monotonic()

    def _hear(self, descriptor: int) -> None:
        number, since = self._asked.pop(descriptor, (-1, 0.0))
        number = (
            number if number >= 0 else next(n for n, s in self._open.items() if s.fileno() == descriptor)
        )
        answer = heard(self._open[number])
        if isinstance(answer, Refused):
            self.tally.refused += 1
        elif answer is not None:
            self.tally.answered += 1
            self.tally.seconds.append(time.monotonic() - since)
        elif since:
            self.tally.lost += 1
        if answer is None or isinstance(answer, Refused) or not self._stay:
            self._poll.unregister(descriptor)
            self._open.pop(number).close()


def heard(sock: socket.socket) -> object | None:
    """An answer; None: the end."""
    for _ in range(2):  # the kernel tells of the end, once, before what was said
        with contextlib.suppress(ConnectionResetError):
            datagram = sock.recv(MAX_ANSWER)
            return decode_answer(datagram)[1] if datagram else None
    return None


def _begun(path: str, first: bytes) -> socket.socket:
    """Who is closed at once, for there are too many, finds that out with the next question."""
    client = called(path)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        client.send(first)
    return client


def unread(count: int, path: str, seconds: float, first: bytes) -> Tally:
    """Clients that only ask; who was closed comes again."""
    tally, clients = Tally(), [_begun(path, first) for _ in range(count)]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for index, client in enumerate(clients):
            try:
                client.send(_STATUS)
                tally.asked += 1
            except BlockingIOError:
                continue
            except OSError:
                tally.lost += 1
                client.close()
                clients[index] = _begun(path, first)
        time.sleep(_PAUSE)
    return tally


def main(kind: str, count: int, path: str, seconds: float) -> None:
    """One kind of them."""
    if kind in ("looking", "staying"):
        polling = Polling(count, path, stay=kind == "staying")
        polling.run(seconds)
        tally = polling.tally
    else:
        tally = unread(count, path, seconds, _ATTACH if kind == "attached" else _STATUS)
    print(json.dumps(tally.plain()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
