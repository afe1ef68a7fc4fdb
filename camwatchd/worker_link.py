# SPDX-License-Identifier: MIT
"""Owns the worker's end of the socketpair: what is said never blocks, and what cannot be said yet is bounded."""

import select
import socket
import sys
import time
from collections import deque
from dataclasses import replace

from camwatchd.core.exits import WorkerExit
from camwatchd.core.messages import (
    MAX_MESSAGE,
    Frames,
    Order,
    ProtocolError,
    Remark,
    Report,
    decode_order,
    encode,
)

_MOST_DESCRIPTORS = 8  # with one order
BACKLOG_LIMIT = 64  # reports; a supervisor that far behind has stopped reading, and will end this worker


def merge(older: Frames, newer: Frames) -> Frames:
    """Two batches as one: counts add up, the details are those of the newer."""
    return replace(
        newer,
        count=older.count + newer.count,
        late=older.late + newer.late,
        dropped=older.dropped + newer.dropped,
        latency_max=max(older.latency_max, newer.latency_max),
        oldest=older.oldest,
    )


def refuse(why: str) -> WorkerExit:
    """The end after an order that is none, or that does not fit: the reason goes to stderr."""
    sys.stderr.write(f"camwatchd.worker: order refused: {why}\n")
    return WorkerExit.BAD_ORDER


class Link:
    """Sends reports and receives orders; remembers the loss of the other end instead of raising in mid-work."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._backlog: deque[Report] = deque()
        self._dropped = 0
        self._descriptors: list[int] = []

    def fileno(self) -> int:
        return self._sock.fileno()

    @property
    def backlog(self) -> int:
        """How many reports wait for room in the socket; poll for writing while there are any."""
        return len(self._backlog)

    def send(self, report: Report) -> None:
        """Say it, or keep it until there is room; never blocks."""
        last = self._backlog[-1] if self._backlog else None
        if isinstance(report, Frames) and isinstance(last, Frames):
            self._backlog[-1] = merge(last, report)
        elif len(self._backlog) < BACKLOG_LIMIT:
            self._backlog.append(report)
        else:
            self._dropped += 1
        self.flush()

    def flush(self) -> None:
        """Say as much of the backlog as there is room for."""
        while self._backlog and self._put(self._backlog[0]):
            self._backlog.popleft()
        if self._dropped and not self._backlog:
            text = f"{self._dropped} reports were dropped while the supervisor did not read"
            self._dropped = 0
            self.send(Remark("reports-dropped", text))

    def drain(self, seconds: float) -> None:
        """Last words: wait up to so long for room."""
        until = time.monotonic() + seconds
        room = select.poll()
        room.register(self._sock, select.POLLOUT)
        while self._backlog and (left := until - time.monotonic()) > 0:
            room.poll(left * 1000)
            self.flush()

    def receive(self) -> Order | WorkerExit | None:
        """The next order; None: there is none; an exit status: garbage arrived, or the other end is gone."""
        try:
            datagram, descriptors, _, _ = socket.recv_fds(
                self._sock, MAX_MESSAGE + 1, _MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
            self._descriptors += descriptors
            return decode_order(datagram) if datagram else WorkerExit.LINK_LOST
        except BlockingIOError:
            return None
        except ProtocolError as error:
            return refuse(str(error))
        except OSError:  # ECONNRESET: it went with reports of ours unread
            return WorkerExit.LINK_LOST

    def take_descriptors(self) -> list[int]:
        """Those that came with the last order; now they are the caller's to close."""
        taken, self._descriptors = self._descriptors, []
        return taken

    def _put(self, report: Report) -> bool:
        try:
            self._sock.send(encode(report))
        except BlockingIOError:
            return False
        except OSError:
            # EPIPE, ECONNRESET: nobody listens any more. receive() finds the same and ends the worker in order.
            return True
        return True
