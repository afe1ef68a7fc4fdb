# SPDX-License-Identifier: MIT
"""Owns the line to systemd: the sdnotify package, made non-blocking, ASCII-only and honest about errors."""

import os
import socket
from collections.abc import MutableMapping

import sdnotify

from camwatchd import ports

STATUS_LIMIT = 200  # characters; a status is one line of `systemctl status`
_FLAT = dict.fromkeys(range(32), " ")  # a newline would end STATUS= and begin another assignment


class NullNotifier:
    """Not started by systemd: everything succeeds and goes nowhere."""

    failures = 0
    watchdog_interval: float | None = None

    def ready(self) -> bool:
        return True

    def stopping(self) -> bool:
        return True

    def reloading(self, monotonic: float) -> bool:  # noqa: ARG002
        return True

    def status(self, text: str) -> bool:  # noqa: ARG002
        return True

    def ping(self) -> bool:
        return True

    def watchdog_interval_is(self, seconds: float) -> bool:  # noqa: ARG002
        return True

    def trigger(self) -> bool:
        return True


class Notifier:
    """Sends to systemd. What cannot be sent at once is counted and forgotten; the next ping repairs it."""

    def __init__(self, address: str, watchdog_interval: float | None = None) -> None:
        self.failures = 0
        self.watchdog_interval = watchdog_interval
        self._address = address
        self._line: _Line | None = None

    def ready(self) -> bool:
        return self._send("READY=1")

    def stopping(self) -> bool:
        return self._send("STOPPING=1")

    def reloading(self, monotonic: float) -> bool:
        return self._send(f"RELOADING=1\nMONOTONIC_USEC={_microseconds(monotonic)}")

    def status(self, text: str) -> bool:
        return self._send(f"STATUS={_plain(text)}")

    def ping(self) -> bool:
        # Always a datagram of its own: whatever is wrong with another message, the ping gets through.
        return self._send("WATCHDOG=1")

    def watchdog_interval_is(self, seconds: float) -> bool:
        # 0 would switch the watchdog off until the next start.
        return self._send(f"WATCHDOG_USEC={max(1, _microseconds(seconds))}")

    def trigger(self) -> bool:
        return self._send("WATCHDOG=trigger")

    def close(self) -> None:
        """Hang up; the next send connects again."""
        if self._line is not None:
            self._line.socket.close()
            self._line = None

    def _send(self, state: str) -> bool:
        try:
            if self._line is None:
                self._line = _Line(self._address)
            self._line.notify(state)
        except BlockingIOError:  # systemd is busy; the connection is good
            self.failures += 1
            return False
        except OSError:  # no such socket, or nobody behind it any more: connect afresh next time
            self.failures += 1
            self.close()
            return False
        return True


class _Line(sdnotify.SystemdNotifier):  # type: ignore[misc]
    """The package's sender on a socket of our own.

    Its own constructor takes the address from the process's environment, makes a blocking socket and leaks
    it when it cannot connect; its `notify` swallows every error unless `debug` is set.
    """

    def __init__(self, address: str) -> None:
        self.debug = True
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        try:
            self.socket.connect("\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            self.socket.close()
            raise


def from_environment(environ: MutableMapping[str, str]) -> ports.Notifier:
    """The notifier systemd asks for. Its variables are taken out, so that no child believes them its own."""
    address = environ.pop("NOTIFY_SOCKET", "")
    interval = _interval(environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", ""))
    return Notifier(address, interval) if address else NullNotifier()


def _interval(microseconds: str, pid: str) -> float | None:
    if pid not in ("", str(os.getpid())) or not microseconds.isdecimal():
        return None
    return int(microseconds) / 1e6 or None


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)


def _plain(text: str) -> str:
    """ASCII on one line: sdnotify encodes latin-1, which systemd takes for broken UTF-8."""
    return text.translate(_FLAT).encode("ascii", "replace").decode("ascii")[:STATUS_LIMIT]
