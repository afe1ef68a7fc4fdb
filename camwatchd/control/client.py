# SPDX-License-Identifier: MIT
"""Owns a program's end of the control socket: asks, waits for the answer, and says why there is none."""

import contextlib
import socket
import stat
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from camwatchd.control.protocol import (
    MAX_ANSWER,
    Adjust,
    Answer,
    Drill,
    Pause,
    Reason,
    Recover,
    Refused,
    Reload,
    Request,
    Resume,
    decode_answer,
    encode_request,
)
from camwatchd.core.messages import ProtocolError
from camwatchd.errors import CamwatchError

DEFAULT_SOCKET = "/run/camwatchd/control.sock"  # RuntimeDirectory= of the unit
PATIENCE = 5.0  # seconds; the daemon answers within milliseconds or not at all
_LOOK = "systemctl status camwatchd says more"
_SEE = f"see what came of it: camwatchctl status; {_LOOK}"


class ControlError(CamwatchError):
    """The daemon did not do what it was asked for; `reason` is for programs."""

    def __init__(self, reason: Reason, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason


class Client:
    """A connection that asks one thing at a time. For use with `with`; not shared between threads."""

    def __init__(self, path: str | Path = DEFAULT_SOCKET) -> None:
        self._path, self._serial = str(path), 0
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._sock.settimeout(PATIENCE)
        try:
            self._sock.connect(self._path)
        except OSError as error:
            self._sock.close()
            raise _unreachable(self._path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave. What was ordered is done all the same, if the daemon has read it by now; else it is dropped."""
        self._sock.close()

    def ask(self, request: Request, patience: float = PATIENCE) -> Answer:
        """The answer; ControlError if it is a refusal or does not come within `patience` seconds."""
        self._serial += 1
        until = time.monotonic() + patience
        # A daemon that has closed already may have said why: it is heard even if it does not listen any more.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._send(encode_request(self._serial, request))
        while True:
            try:
                serial, answer = self._receive(until)
            except TimeoutError:
                raise _silent(patience, request) from None
            if isinstance(answer, Refused) and serial in (0, self._serial):
                raise ControlError(answer.reason, answer.message, answer.hint)
            if serial == self._serial:
                return answer
            if time.monotonic() >= until:  # what was asked before may be answered without end
                raise _silent(patience, request)

    def _send(self, datagram: bytes) -> None:
        try:
            self._sock.send(datagram)
        except TimeoutError:
            raise _silent(PATIENCE) from None

    def _receive(self, until: float) -> tuple[int, Answer]:
        try:
            return decode_answer(self._next(until))
        except ProtocolError as error:
            hint = (
                "daemon and client are of different releases; after an upgrade: systemctl restart camwatchd"
            )
            raise ControlError(Reason.VERSION, f"the answer cannot be understood: {error}", hint) from None

    def _next(self, until: float) -> bytes:
        datagram = b""
        # The kernel tells of the end (once) before it hands out what was said before it.
        for _ in range(2):
            self._sock.settimeout(max(until - time.monotonic(), 0.001))
            try:
                datagram = self._sock.recv(MAX_ANSWER + 1)
                break
            except ConnectionResetError:
                continue
        if not datagram:
            raise ControlError(
                Reason.UNREACHABLE, "camwatchd closed the connection before it answered", _LOOK
            )
        return datagram


def _silent(patience: float, asked: Request | None = None) -> ControlError:
    text = f"camwatchd did not answer within {patience:g} s"
    if _is_order(asked):
        return ControlError(Reason.SILENT, f"{text}: whether it was done is not known", _SEE)
    return ControlError(Reason.SILENT, text, _LOOK)


def _is_no_socket(path: str) -> bool:
    """Something else is there, or could be nowhere: no word on whether the daemon runs."""
    try:
        return not path or not stat.S_ISSOCK(Path(path).stat().st_mode)
    except OSError:
        return False


def _is_order(asked: Request | None) -> bool:
    """Whether something may have been done."""
    if isinstance(asked, Recover):
        return not asked.dry_run
    if isinstance(asked, Adjust):
        return bool(asked.controls)
    return isinstance(asked, Pause | Resume | Drill | Reload)


def _unreachable(path: str, error: OSError) -> ControlError:
    if _is_no_socket(path):
        return ControlError(
            Reason.UNREACHABLE, f"{path!r} is no socket", f"the daemon's own is usually {DEFAULT_SOCKET}"
        )
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return ControlError(Reason.UNREACHABLE, f"camwatchd is not running: nobody listens at {path}", _LOOK)
    if isinstance(error, PermissionError):
        return ControlError(Reason.PERMISSION, f"{path} may not be opened", "use sudo")
    if isinstance(error, BlockingIOError | TimeoutError):  # the queue before the door is full
        return ControlError(Reason.SILENT, f"camwatchd lets nobody in at {path}", _LOOK)
    return ControlError(
        Reason.UNREACHABLE, f"camwatchd cannot be reached at {path}: {error.strerror or error}", _LOOK
    )
