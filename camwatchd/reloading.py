# SPDX-License-Identifier: MIT
"""Owns the reload of the configuration: a helper reads it with a deadline; what is wrong with it changes nothing."""

import json
import os
import signal
from collections.abc import Callable, Mapping

from camwatchd.adapters.child import spawn_helper
from camwatchd.core.plain import PlainError, from_plain
from camwatchd.core.settings import Settings
from camwatchd.loop import Loop
from camwatchd.ports import EventLog

PATIENCE = 10.0  # seconds; a card that needs longer for a few kilobytes is not to be trusted with a change
_LONGEST = 1 << 20  # bytes of an answer
_NEVER = float("inf")


class Reloading:
    """At most one helper at a time. `done(settings)` is called when it ended, with None if it was refused."""

    def __init__(
        self, loop: Loop, log: EventLog, clock: Callable[[], float], environ: Mapping[str, str],
        config: tuple[str, str], done: Callable[[Settings | None], None],
    ) -> None:  # fmt: skip
        self._loop, self._log, self._clock, self._environ = loop, log, clock, environ
        self._config, self._done = config, done
        self._helper: tuple[int, int, int] | None = None  # pid, pidfd, output
        self._again = False
        self._answer = b""
        self.deadline = _NEVER
        self.note = ""  # for the status line
        self.refusal = ""  # why the last reading was refused

    @property
    def busy(self) -> bool:
        """Whether a helper is alive."""
        return self._helper is not None

    @property
    def again(self) -> bool:
        """Whether another reading follows the present one."""
        return self._again

    def begin(self) -> None:
        """Read the configuration; if that is under way already, once more afterwards."""
        if self._helper is not None:
            self._again = True
            return
        self._answer = b""
        try:
            self._helper = spawn_helper(["camwatchd.adapters.reload", *self._config], self._environ)
        except OSError as error:  # no memory, no process, no descriptor: the operator may try again
            self._refuse(f"no process to read it could be executed: {error}")
            return
        self.deadline = self._clock() + PATIENCE
        self._loop.watch(self._helper[2], self._read)
        self._loop.watch(self._helper[1], self._ended)

    def end(self) -> None:
        """Nobody waits for the answer any more."""
        self._again, self.deadline = False, _NEVER
        if self._helper is not None:
            signal.pidfd_send_signal(self._helper[1], signal.SIGKILL)

    def tick(self) -> None:
        """The helper takes too long: go on without it. It is reaped whenever it ends."""
        assert self._helper is not None
        self.deadline = _NEVER
        signal.pidfd_send_signal(self._helper[1], signal.SIGKILL)
        self._refuse(f"reading it did not end within {PATIENCE:g} s; is the disk in order?")

    def _read(self) -> None:
        assert self._helper is not None
        try:
            chunk = os.read(self._helper[2], 65536)
        except BlockingIOError:
            return
        if not chunk:
            self._loop.forget(self._helper[2])
        self._answer = (self._answer + chunk)[: _LONGEST + 1]

    def _ended(self) -> None:
        assert self._helper is not None
        pid, pidfd, output = self._helper
        while len(self._answer) <= _LONGEST and (chunk := os.read(output, 65536)):
            self._answer += chunk
        self._loop.forget(pidfd)
        self._loop.forget(output)
        os.close(pidfd)
        os.close(output)
        os.waitpid(pid, 0)
        self._helper = None
        if self.deadline is not _NEVER:
            self.deadline = _NEVER
            self._understand()
        if self._again:
            self._again = False
            self.begin()

    def _understand(self) -> None:
        try:
            answer = json.loads(self._answer)
            problems = answer.get("problems", "")
            settings = None if problems else from_plain(Settings, answer["settings"])
        except (ValueError, KeyError, AttributeError, PlainError) as error:
            self._refuse(f"the helper failed: {error}: {self._answer[-500:]!r}")
            return
        if settings is None:
            self._refuse(problems)
            return
        self.note = self.refusal = ""
        self._log.info("configuration.reloaded", message="the configuration was read again and is in force")
        self._done(settings)

    def _refuse(self, why: str) -> None:
        self.note, self.refusal = "new configuration refused, see journal", why
        text = f"the new configuration is refused, the last good one stays in force: {why}"
        self._log.error("configuration.refused", message=text)
        self._done(None)
