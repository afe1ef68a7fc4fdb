# SPDX-License-Identifier: MIT
"""Owns the supervisor's side of a reset of a USB device: a helper does it with a deadline; its end is an outcome."""

import json
import os
from collections.abc import Callable, Mapping

from camwatchd.core.ladder import Outcome
from camwatchd.helper import Helper
from camwatchd.loop import Loop

_QUOTED = 300  # characters of what a broken helper said


class Resetting:
    """One camera's. `done(outcome, detail)` is called once for each `begin()`, unless `end()` was.

    A second reset never joins one that hangs: here by `busy`; from another camera, or after a restart of the service,
    because the helper itself takes a lock of the place.
    """

    def __init__(
        self, loop: Loop, clock: Callable[[], float], environ: Mapping[str, str], runtime_dir: str,
        done: Callable[[Outcome, str], None],
    ) -> None:  # fmt: skip
        self._helper = Helper(loop, clock, environ)
        self._runtime_dir, self._done = runtime_dir, done
        self._patience = 0.0

    @property
    def deadline(self) -> float:
        """When `tick()` wants to be called."""
        return self._helper.deadline

    @property
    def busy(self) -> bool:
        """Whether a helper is alive, waited for or not."""
        return self._helper.busy

    def begin(self, place: str, patience: float) -> None:
        """Reset what is plugged in there; it is given so many seconds."""
        if self._helper.busy:
            self._done(
                Outcome.FAILED, "the reset before still hangs in the kernel, and SIGKILL does not end it"
            )
            return
        self._patience = patience
        arguments = ["camwatchd.usb_reset", place, self._runtime_dir, str(os.getpid())]
        try:
            self._helper.begin(arguments, patience, self._answered)
        except OSError as error:
            self._done(Outcome.FAILED, f"no process for it could be executed: {error}")

    def end(self) -> None:
        """Nobody waits for the outcome any more."""
        self._helper.end()

    def tick(self) -> None:
        """It takes too long: the ladder goes on without it."""
        self._helper.tick()

    def _answered(self, answer: bytes | None) -> None:
        if answer is None:
            text = f"it did not return within {self._patience:g} s; going on without it"
            self._done(Outcome.FAILED, text)
            return
        try:
            report = json.loads(answer)
            outcome, detail = Outcome(report["outcome"]), str(report["detail"])
        except (ValueError, KeyError, TypeError):
            outcome, detail = Outcome.FAILED, f"the helper failed: {answer[-_QUOTED:]!r}"
        self._done(outcome, detail)
