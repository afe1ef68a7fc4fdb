# SPDX-License-Identifier: MIT
"""Owns the controls that applications have set on one camera: asked for, answered, kept over recoveries."""

import json
from collections.abc import Callable
from typing import Any

from camwatchd.control.protocol import AdjustFacts, Reason, Refused
from camwatchd.core.messages import Adjust, Adjusted

Done = Callable[[AdjustFacts | Refused], None]

LARGEST = 4096  # bytes of JSON: with them and the camera's table a worker is told how to open the camera
MOST_ASKED = 8  # at a time; the link to the worker has more important things to carry


class Adjusting:
    """Nothing is kept that the camera has not accepted: a fresh worker is opened with what is kept."""

    def __init__(self, camera: str, send: Callable[[Adjust], bool], changed: Callable[[], None]) -> None:
        self._camera, self._send, self._changed = camera, send, changed
        self.kept: dict[str, Any] = {}
        self._order = 0
        self._asked: dict[int, tuple[dict[str, Any], Done]] = {}

    def ask(self, controls: dict[str, Any], done: Done) -> None:
        """Set them; `done` hears the camera's answer."""
        if refusal := self._objection(controls):
            done(refusal)
            return
        self._order += 1
        self._asked[self._order] = controls, done
        if not self._send(Adjust(self._order, controls)):
            self._tell(self._order, self._down())

    def answered(self, report: Adjusted) -> None:
        """The worker's answer."""
        if report.order not in self._asked:
            return
        controls, _ = self._asked[report.order]
        if report.problem:
            self._tell(report.order, Refused(Reason.CONTROLS, f"{self._camera}: {report.problem}"))
            return
        # As the camera has them: 10000 and not 10000.0, with which a fresh one could not be started.
        self._keep(
            {**self.kept, **{name: report.controls.get(name, value) for name, value in controls.items()}}
        )
        self._tell(report.order, AdjustFacts(self._camera, report.controls, report.offered))

    def lost(self) -> None:
        """The worker is gone, and answers no more."""
        for order in list(self._asked):
            self._tell(order, self._down())

    def forget(self) -> None:
        """The camera's table has changed: it says what holds."""
        self._keep({})

    def blamed(self, words: str, *, refused: bool = False) -> tuple[str, ...]:
        """The camera could not be opened: forget what its words name. It may be another than before.

        `refused`: what it was asked for is wrong. If the words name nothing of ours (libcamera's binding says only
        which type it cannot cast), all goes: an application's wish must not keep the camera down.
        """
        named = tuple(name for name in self.kept if name in words) or (tuple(self.kept) if refused else ())
        self._keep({name: value for name, value in self.kept.items() if name not in named})
        return named

    # --- inside -------------------------------------------------------------------------------------------

    def _keep(self, controls: dict[str, Any]) -> None:
        if controls != self.kept:
            self.kept = controls
            self._changed()

    def _objection(self, controls: dict[str, Any]) -> Refused | None:
        if len(self._asked) >= MOST_ASKED:
            return Refused(
                Reason.CROWDED, f"{self._camera} has {MOST_ASKED} such requests to answer already"
            )
        try:
            size = len(json.dumps({**self.kept, **controls}, allow_nan=False))
        except ValueError:
            return Refused(Reason.CONTROLS, f"{self._camera}: only finite numbers can be set")
        if size > LARGEST:
            text = f"controls of {size} bytes; together there may be {LARGEST} in force"
            return Refused(Reason.CONTROLS, f"{self._camera}: {text}")
        return None

    def _tell(self, order: int, answer: AdjustFacts | Refused) -> None:
        _, done = self._asked.pop(order)
        done(answer)

    def _down(self) -> Refused:
        text = f"{self._camera} is not streaming, and only a camera can say which controls it takes"
        return Refused(
            Reason.DOWN, text, "try again once it is healthy, or resumed if it is paused: camwatchctl status"
        )
