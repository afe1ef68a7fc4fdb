# SPDX-License-Identifier: MIT
"""Owns the selector loop: which descriptor wakes whom, and the signals as bytes on one of them."""

import selectors
import signal
import socket
from collections.abc import Callable, Iterable


class Loop:
    """Sleeps until a descriptor is ready or a deadline is reached, then calls whoever watches it."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back whenever `fd` is readable."""
        self._selector.register(fd, selectors.EVENT_READ, callback)

    def forget(self, fd: int) -> None:
        """Stop watching; must come before the descriptor is closed. Forgetting twice is harmless."""
        if fd >= 0 and fd in self._selector.get_map():
            self._selector.unregister(fd)

    def turn(self, timeout: float) -> None:
        """Wait at most `timeout` seconds and serve what is ready, once each."""
        for key, _ in self._selector.select(max(0.0, timeout)):
            # A callback before us in this turn may have closed what was ready, and the number may be in use anew.
            if self._selector.get_map().get(key.fd) is key:
                key.data()


class Signals:
    """Signals as data: handlers only wake the loop, which reads what arrived and acts in its own time."""

    def __init__(self, numbers: Iterable[signal.Signals]) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, lambda *_: None)

    def fileno(self) -> int:
        """For the loop."""
        return self._reader.fileno()

    def arrived(self) -> list[signal.Signals]:
        """The signals since the last look, in order."""
        try:
            return [signal.Signals(number) for number in self._reader.recv(4096)]
        except BlockingIOError:
            return []
