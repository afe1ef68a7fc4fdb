# SPDX-License-Identifier: MIT
"""Owns one thread's way to the frames of a camera: finds the daemon again, follows new generations, waits."""

import contextlib
import os
import select
import socket
import time

from camwatchd.client.errors import (
    DaemonMissingError,
    FrameError,
    FrameTimeoutError,
    NotPermittedError,
    UnknownCameraError,
)
from camwatchd.control.protocol import (
    MAX_ANSWER,
    Attach,
    AttachFacts,
    Reason,
    Refused,
    decode_answer,
    encode_request,
)
from camwatchd.core.messages import ProtocolError
from camwatchd.frames.layout import LayoutError
from camwatchd.frames.reader import Reader

_AGAIN = 0.05  # s between two looks for a daemon that is not there, as long as somebody waits for a frame
_PERMANENT: dict[Reason, type[FrameError]] = {
    Reason.PERMISSION: NotPermittedError,
    Reason.CAMERA: UnknownCameraError,
    Reason.STREAM: UnknownCameraError,
    Reason.VERSION: DaemonMissingError,
    Reason.REQUEST: DaemonMissingError,
}


class Feed:
    """`reader_by(until)` gives a ring to read from; ask again after every wait: it may be another one."""

    def __init__(self, path: str, camera: str, stream: str) -> None:
        self._path, self._request = path, Attach(camera, stream)
        self._sock: socket.socket | None = None
        self._reader: Reader | None = None
        self._serial = 0
        self._trouble: FrameError = DaemonMissingError(f"camwatchd is not running: nobody listens at {path}")
        self.process = os.getpid()

    def reader_by(self, until: float) -> Reader:
        """The ring as it is now. FrameError: there is none until then, and why; at once if waiting cannot help."""
        while True:
            reader = self._now(until)
            if reader is not None:
                return reader
            if time.monotonic() >= until:
                raise self._trouble
            time.sleep(min(_AGAIN, max(0.0, until - time.monotonic())))

    def close(self) -> None:
        """Leave."""
        if self._reader is not None:
            self._reader.close()
        if self._sock is not None:
            self._sock.close()
        self._reader = self._sock = None

    # --- inside -------------------------------------------------------------------------------------------

    def _now(self, until: float) -> Reader | None:
        if self._sock is not None and self._reader is not None and self._has_ended():
            self.close()
        if self._reader is not None and not self._reader.closed:
            return self._reader
        try:
            self._attach(until)
        except (OSError, ProtocolError, LayoutError) as error:
            self.close()
            self._trouble = DaemonMissingError(f"camwatchd cannot be reached at {self._path}: {error}")
        return self._reader

    def _has_ended(self) -> bool:
        """Whether the daemon has gone; it says nothing unasked but that."""
        assert self._sock is not None
        return bool(select.select([self._sock], [], [], 0)[0])

    def _attach(self, until: float) -> None:
        sock = self._sock = self._sock or self._connected()
        self._serial += 1
        sock.settimeout(max(0.001, until - time.monotonic()))
        sock.send(encode_request(self._serial, self._request))
        datagram, descriptors, _, _ = socket.recv_fds(sock, MAX_ANSWER + 1, 1)
        try:
            self._take(datagram, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _connected(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            sock.settimeout(1.0)
            sock.connect(self._path)
        except OSError:
            sock.close()
            raise
        return sock

    def _take(self, datagram: bytes, descriptors: list[int]) -> None:
        if not datagram:
            raise ConnectionResetError("it has closed the connection")
        _, answer = decode_answer(datagram)
        if isinstance(answer, Refused):
            self._refused(answer)
        if not isinstance(answer, AttachFacts) or not descriptors:
            raise ProtocolError(f"expected a ring, got {type(answer).__name__}")
        if self._reader is not None:
            self._reader.close()
        self._reader = Reader(descriptors[0])

    def _refused(self, answer: Refused) -> None:
        self.close()
        error = _PERMANENT.get(answer.reason, FrameTimeoutError)(answer.message, answer.hint)
        if answer.reason in _PERMANENT:
            raise error
        self._trouble = error
        raise ConnectionRefusedError(answer.message)


def forget(feed: Feed) -> None:
    """After a fork: the descriptors are copies, and closing them tells nobody anything."""
    with contextlib.suppress(OSError):
        feed.close()
