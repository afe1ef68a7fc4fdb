# SPDX-License-Identifier: MIT
"""Owns one helper process at a time: what it prints until its deadline; reaped whenever it ends, waited for never."""

import os
import signal
from collections.abc import Callable, Mapping

from camwatchd.adapters.child import spawn_helper
from camwatchd.loop import Loop

_LONGEST = 1 << 20  # bytes of an answer
_NEVER = float("inf")

Done = Callable[[bytes | None], None]


class Helper:
    """`done(answer)` is called once for each `begin()`, with None if the helper was given up; `gone()` once the
    process has ended, after that.
    """

    def __init__(
        self, loop: Loop, clock: Callable[[], float], environ: Mapping[str, str],
        gone: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._loop, self._clock, self._environ, self._gone = loop, clock, environ, gone
        self._process: tuple[int, int, int] | None = None  # pid, pidfd, output
        self._answer = b""
        self._done: Done | None = None
        self.deadline = _NEVER

    @property
    def busy(self) -> bool:
        """Whether a process is alive, waited for or not."""
        return self._process is not None

    def begin(self, arguments: list[str], patience: float, done: Done) -> None:
        """Execute `python -m ...`; the last one must be gone. OSError: it cannot be."""
        assert self._process is None
        self._process = _, pidfd, output = spawn_helper(arguments, self._environ)
        self._answer, self._done, self.deadline = b"", done, self._clock() + patience
        self._loop.watch(output, self._read)
        self._loop.watch(pidfd, self._ended)

    def end(self) -> None:
        """Nobody waits for the answer any more."""
        self._done, self.deadline = None, _NEVER
        if self._process is not None:
            signal.pidfd_send_signal(self._process[1], signal.SIGKILL)

    def tick(self) -> None:
        """It takes too long: go on without it."""
        done = self._done
        self.end()
        if done is not None:
            done(None)

    def _read(self) -> None:
        assert self._process is not None
        try:
            chunk = os.read(self._process[2], 65536)
        except BlockingIOError:
            return
        if not chunk:
            self._loop.forget(self._process[2])
        self._answer = (self._answer + chunk)[:_LONGEST]

    def _ended(self) -> None:
        assert self._process is not None
        pid, pidfd, output = self._process
        self._read_rest(output)
        self._loop.forget(pidfd)
        self._loop.forget(output)
        os.close(pidfd)
        os.close(output)
        os.waitpid(pid, 0)
        done, self._process, self._done, self.deadline = self._done, None, None, _NEVER
        if done is not None:
            done(self._answer)
        self._gone()

    def _read_rest(self, output: int) -> None:
        """What is left in the pipe, unless a child of the helper still has its other end."""
        try:
            while len(self._answer) < _LONGEST and (chunk := os.read(output, 65536)):
                self._answer += chunk
        except BlockingIOError:
            return
