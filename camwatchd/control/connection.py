# SPDX-License-Identifier: MIT
"""Owns one client's connection in the daemon: never blocks, and never raises for what the other end does."""

import fcntl
import os
import select
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from camwatchd.control.peers import Peer
from camwatchd.control.protocol import MAX_REQUEST

_SIOCOUTQ = 0x5411  # asm-generic/ioctls.h: how much of what was sent has not been read


@dataclass(frozen=True, slots=True)
class Lent:
    """What goes along with an answer: a descriptor, ours until it was sent, and who hears that its user has left."""

    descriptor: int
    stream: str  # and camera
    ring: object  # which one it is
    leave: Callable[[], None]

    def give_back(self) -> None:
        """It was not sent."""
        os.close(self.descriptor)
        self.leave()


class Connection:
    """What arrives is taken one datagram at a time; what there is no room for yet waits here."""

    def __init__(self, sock: socket.socket, peer: Peer, now: float) -> None:
        sock.setblocking(False)
        self.peer = peer
        self.served = now  # when it was let in, or answered last
        self.waits = 0  # for so many answers that take their time
        self.reads = False  # frames, or will: it is silent by nature
        self._sock = sock
        self._unread = 0  # answers since it had read all of them
        self._outbox: deque[tuple[bytes, int]] = deque()
        self._lent: dict[str, Lent] = {}  # by camera and stream

    def fileno(self) -> int:
        """For the selector."""
        return self._sock.fileno()

    @property
    def backlog(self) -> int:
        """How many answers wait for room in the socket."""
        return len(self._outbox)

    @property
    def owed(self) -> int:
        """How many answers are not on their way."""
        return self.backlog + self.waits

    @property
    def is_deaf(self) -> bool:
        """Whether it was answered again and again without reading."""
        return self._unread > 1 and self._has_unread()

    def _has_unread(self) -> bool:
        return self.backlog > 0 or any(fcntl.ioctl(self._sock, _SIOCOUTQ, bytes(4)))

    @property
    def has_left(self) -> bool:
        """Whether the other end is closed, though what it said before can still be read. Asked for without waiting."""
        ready = select.poll()
        ready.register(
            self._sock, 0
        )  # the end is told of unasked, unlike that of one that only says no more
        return any(mask & (select.POLLHUP | select.POLLERR) for _, mask in ready.poll(0))

    def receive(self) -> bytes | None:
        """One datagram, one byte too long if it is longer than allowed; empty: it left; None: there is nothing."""
        try:
            return self._sock.recv(MAX_REQUEST + 1)
        except BlockingIOError:
            return None
        except OSError:  # ECONNRESET: it left without reading its answers
            return b""

    def send(self, datagram: bytes, lent: Lent | None = None) -> bool:
        """Say it now or as soon as there is room; False: the client is gone."""
        self._unread = self._unread + 1 if self._has_unread() else 1
        self._outbox.append((datagram, lent.descriptor if lent else -1))
        if lent is not None:
            if before := self._lent.get(lent.stream):
                before.leave()  # it follows a new generation, and is counted once
            self._lent[lent.stream] = lent
        self.reads = self.reads and (bool(self._lent) or self.waits > 0)
        return self.flush()

    def has(self, lent: Lent) -> bool:
        """Whether it was lent this very ring before: a client that asks over and over gets one descriptor."""
        before = self._lent.get(lent.stream)
        return before is not None and before.ring is lent.ring

    def flush(self) -> bool:
        """Say what there is room for; False: the client is gone."""
        try:
            while self._outbox:
                datagram, descriptor = self._outbox[0]
                descriptors = [descriptor] if descriptor >= 0 else []
                socket.send_fds(self._sock, [datagram], descriptors)
                self._outbox.popleft()
                _close(descriptor)
        except BlockingIOError:
            return True
        except OSError:  # EPIPE, ECONNRESET
            return False
        return True

    def close(self) -> None:
        """What was said can still be read by the client."""
        self._sock.close()
        while self._outbox:
            _close(self._outbox.popleft()[1])
        while self._lent:
            self._lent.popitem()[1].leave()


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        os.close(descriptor)
