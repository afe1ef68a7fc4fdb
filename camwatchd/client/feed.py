# SPDX-License-Identifier: MIT
"""Owns a process's connection to the frames of a camera: finds the daemon again, follows new generations."""

import contextlib
import os
import select
import socket
import threading
import time

from camwatchd.client.errors import (
    CameraClosedError,
    DaemonMissingError,
    FrameError,
    FrameTimeoutError,
    NotPermittedError,
    UnknownCameraError,
)
from camwatchd.control.protocol import (
    MAX_ANSWER,
    Answer,
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
_LONGEST = (
    3600.0  # s of one wait for an answer: a socket's time-out is 2**31 ms at most, ours may be infinite
)
_LOOK = "systemctl status camwatchd says more"
# Refusals that waiting does not cure. Of other releases there are two during an upgrade, and soon one again.
_PERMANENT: dict[Reason, type[FrameError]] = {
    Reason.PERMISSION: NotPermittedError,
    Reason.CAMERA: UnknownCameraError,
    Reason.STREAM: UnknownCameraError,
}
_OF_THE_DAEMON = (Reason.VERSION, Reason.REQUEST)


class NotYetError(FrameTimeoutError):
    """No frame, and only the status can tell why."""


class Feed:
    """`reader_by(until)` gives a ring to read from; ask again after every wait: it may be another one.

    All threads share it. A ring that is no longer asked for goes when the last who reads from it lets go of it.
    """

    def __init__(self, path: str, camera: str, stream: str) -> None:
        self._path, self._request = path, Attach(camera, stream)
        self._lock = threading.Lock()  # of whoever connects
        self._sock: socket.socket | None = None
        self._reader: Reader | None = None
        self._serial = 0
        self._asked = False  # and not answered yet: the camera has never been open
        self._closed = False
        self._trouble: FrameError = self._nobody()

    def reader_by(self, until: float) -> Reader:
        """The ring as it is now. FrameError: there is none until then, and why; at once if waiting cannot help."""
        while True:
            if self._closed:
                raise CameraClosedError(f"{self._request.camera}: this Camera was closed")
            reader = self._current() or self._attached_by(until)
            if reader is not None:
                return reader
            if (left := until - time.monotonic()) <= 0:
                raise self._anew()
            time.sleep(min(_AGAIN, left))

    def close(self) -> None:
        """Leave, for good; whoever waits hears of it."""
        self._closed = True
        if self._sock is not None:
            with contextlib.suppress(OSError):  # the daemon has left first
                self._sock.shutdown(socket.SHUT_RDWR)  # wakes who waits for an answer
        self.abandon()

    def abandon(self) -> None:
        """Let go of what is only a copy, after a fork; the connection stays the parent's."""
        sock, self._sock, self._reader, self._asked = self._sock, None, None, False
        if sock is not None:
            sock.close()

    def __del__(self) -> None:
        self.abandon()

    # --- inside -------------------------------------------------------------------------------------------

    def _current(self) -> Reader | None:
        sock, reader = self._sock, self._reader
        return None if sock is None or reader is None or reader.closed or _has_ended(sock) else reader

    def _attached_by(self, until: float) -> Reader | None:
        left = min(threading.TIMEOUT_MAX, max(0.0, until - time.monotonic()))
        if not self._lock.acquire(timeout=left):
            raise self._not_yet()  # another thread still waits for the answer
        try:
            return self._current() or self._attached(until)
        except TimeoutError:
            self._trouble = self._not_yet()
        except PermissionError as error:
            self.abandon()
            raise NotPermittedError(f"{self._path} may not be opened", "use sudo") from error
        except (FileNotFoundError, ConnectionRefusedError):
            self._lost(self._nobody())
        except (OSError, ProtocolError, LayoutError) as error:
            self._lost(DaemonMissingError(f"camwatchd cannot be reached at {self._path}: {error}", _LOOK))
        finally:
            if self._closed:  # meanwhile
                self.abandon()
            self._lock.release()
        return None

    def _attached(self, until: float) -> Reader | None:
        if self._sock is not None and not self._asked and _has_ended(self._sock):
            self.abandon()
        sock = self._sock = self._sock or self._connected()
        sock.settimeout(max(0.001, min(_LONGEST, until - time.monotonic())))
        if not self._asked:
            self._serial += 1
            # A daemon that has closed already may have said why: it is heard even if it does not listen any more.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                sock.send(encode_request(self._serial, self._request))
            self._asked = True
        datagram, descriptors = _heard(sock)
        self._asked = False
        try:
            return self._taken(datagram, descriptors)
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

    def _taken(self, datagram: bytes, descriptors: list[int]) -> Reader | None:
        if not datagram:
            raise ConnectionResetError("it has closed the connection")
        _, answer = decode_answer(datagram)
        if isinstance(answer, AttachFacts) and descriptors:
            self._reader = Reader(descriptors[0])
            return self._reader
        self._refused(answer)
        return None

    def _refused(self, answer: Answer) -> None:
        if not isinstance(answer, Refused):
            raise ProtocolError(f"expected a ring, got {type(answer).__name__}")
        if answer.reason in _PERMANENT:
            self.abandon()
            raise _PERMANENT[answer.reason](answer.message, answer.hint)
        kind = DaemonMissingError if answer.reason in _OF_THE_DAEMON else FrameTimeoutError
        self._lost(kind(answer.message, answer.hint))

    def _lost(self, trouble: FrameError) -> None:
        self.abandon()
        self._trouble = trouble

    def _anew(self) -> FrameError:
        """An exception that was raised keeps whatever its callers had in hand, rings too."""
        return type(self._trouble)(self._trouble.message, self._trouble.hint)

    def _not_yet(self) -> FrameError:
        return NotYetError(f"{self._request.camera}: the camera was not open yet")

    def _nobody(self) -> FrameError:
        return DaemonMissingError(f"camwatchd is not running: nobody listens at {self._path}", _LOOK)


def _heard(sock: socket.socket) -> tuple[bytes, list[int]]:
    """A datagram and what came with it. The kernel tells of the end (once) before what was said before it."""
    try:
        datagram, descriptors, _, _ = socket.recv_fds(sock, MAX_ANSWER + 1, 1)
    except ConnectionResetError:
        datagram, descriptors, _, _ = socket.recv_fds(sock, MAX_ANSWER + 1, 1)
    return datagram, descriptors


def _has_ended(sock: socket.socket) -> bool:
    """Whether the daemon has gone; while nothing is asked it says nothing but that."""
    descriptor = sock.fileno()
    if descriptor < 0:
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
