# SPDX-License-Identifier: MIT
"""Owns the reload of the configuration: a helper reads it with a deadline; what is wrong with it changes nothing."""

import json
from collections.abc import Callable, Mapping

from camwatchd.core.plain import PlainError, from_plain
from camwatchd.core.settings import Settings
from camwatchd.helper import Helper
from camwatchd.loop import Loop
from camwatchd.ports import EventLog

PATIENCE = 10.0  # seconds; a card that needs longer for a few kilobytes is not to be trusted with a change


class Reloading:
    """At most one helper at a time. `done(settings)` is called when it ended, with None if it was refused."""

    def __init__(
        self, loop: Loop, log: EventLog, clock: Callable[[], float], environ: Mapping[str, str],
        config: tuple[str, str], done: Callable[[Settings | None], None],
    ) -> None:  # fmt: skip
        self._log, self._config, self._done = log, config, done
        self._helper = Helper(loop, clock, environ, self._gone)
        self._again = False
        self.note = ""  # for the status line
        self.refusal = ""  # why the last reading was refused

    @property
    def deadline(self) -> float:
        """When `tick()` wants to be called."""
        return self._helper.deadline

    @property
    def busy(self) -> bool:
        """Whether a helper is alive."""
        return self._helper.busy

    @property
    def again(self) -> bool:
        """Whether another reading follows the present one."""
        return self._again

    def begin(self) -> None:
        """Read the configuration; if that is under way already, once more afterwards."""
        if self.busy:
            self._again = True
            return
        try:
            self._helper.begin(["camwatchd.adapters.reload", *self._config], PATIENCE, self._answered)
        except OSError as error:  # no memory, no process, no descriptor: the operator may try again
            self._refuse(f"no process to read it could be executed: {error}")

    def end(self) -> None:
        """Nobody waits for the answer any more."""
        self._again = False
        self._helper.end()

    def tick(self) -> None:
        """The helper takes too long: go on without it. It is reaped whenever it ends."""
        self._helper.tick()

    def _gone(self) -> None:
        if self._again:
            self._again = False
            self.begin()

    def _answered(self, answer: bytes | None) -> None:
        if answer is None:
            self._refuse(f"reading it did not end within {PATIENCE:g} s; is the disk in order?")
        else:
            self._understand(answer)

    def _understand(self, said: bytes) -> None:
        try:
            answer = json.loads(said)
            problems = answer.get("problems", "")
            settings = None if problems else from_plain(Settings, answer["settings"])
        except (ValueError, KeyError, AttributeError, PlainError) as error:
            self._refuse(f"the helper failed: {error}: {said[-500:]!r}")
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
