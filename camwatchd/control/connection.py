# SPDX-License-Identifier: MIT
"""Owns one client's connection in the daemon: never blocks, and never raises for what the other end does."""

import socket
from collections import deque

from camwatchd.control.peers import Peer
from camwatchd.control.protocol import MAX_REQUEST


class Connection:
    """What arrives is taken one datagram at a time; what there is no room for yet waits here."""

    def __init__(self, sock: socket.socket, peer: Peer, now: float) -> None:
        sock.setblocking(False)
        self.peer = peer
        self.served = now  # when it was let in, or answered last
        self.waits = 0  # for so many answers that take their time
        self._sock = sock
        self._outbox: deque[bytes] = deque()

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

    def receive(self) -> bytes | None:
        """One datagram, one byte too long if it is longer than allowed; empty: it left; None: there is nothing."""
        try:
            return self._sock.recv(MAX_REQUEST + 1)
        except BlockingIOError:
            return None
        except OSError:  # ECONNRESET: it left without reading its answers
            return b""

    def send(self, datagram: bytes) -> bool:
        """Say it now or as soon as there is room; False: the client is gone."""
        self._outbox.append(datagram)
        return self.flush()

    def flush(self) -> bool:
        """Say what there is room for; False: the client is gone."""
        try:
            while self._outbox:
                self._sock.send(self._outbox[0])
                self._outbox.popleft()
        except BlockingIOError:
            return True
        except OSError:  # EPIPE, ECONNRESET
            return False
        return True

    def close(self) -> None:
        """What was said can still be read by the client."""
        self._sock.close()
