# SPDX-License-Identifier: MIT
"""Owns what goes wrong inside a sabotaged unit. As its sitecustomize.py each Python process runs it before all else.

The package itself stays as apt has installed it; SABOTAGE in the unit's environment chooses what happens.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import NoReturn

_sendall = socket.socket.sendall


def _hang() -> NoReturn:
    while True:
        signal.pause()


def _raise() -> NoReturn:
    raise RuntimeError("sabotage")


def _after_ready(strike: Callable[[], NoReturn]) -> None:
    """Right after systemd was told READY=1, and nothing else yet."""

    def sendall(self: socket.socket, data: bytes) -> None:
        _sendall(self, data)
        if data == b"READY=1":
            strike()

    socket.socket.sendall = sendall  # type: ignore[method-assign, assignment]


def _stop_slowly() -> None:
    """Each stop() of the simulated camera takes 6 s, in which its worker can do nothing else."""
    from camwatchd.cameras.simulated import SimulatedCamera

    stop = SimulatedCamera.stop

    def slowly(self: SimulatedCamera) -> None:
        time.sleep(6)
        stop(self)

    SimulatedCamera.stop = slowly  # type: ignore[method-assign]


_DAEMON: dict[str, Callable[[], None]] = {
    "segfault": lambda: signal.raise_signal(signal.SIGSEGV),
    "silent": _hang,
    "hangs after READY": lambda: _after_ready(_hang),
    "raises after READY": lambda: _after_ready(_raise),
}
_WORKER: dict[str, Callable[[], None]] = {"stops slowly": _stop_slowly}

_kind = os.environ.get("SABOTAGE", "")
if "/usr/bin/camwatchd" in sys.orig_argv:
    _DAEMON.get(_kind, lambda: None)()
elif "camwatchd.worker" in sys.orig_argv:
    _WORKER.get(_kind, lambda: None)()
