# SPDX-License-Identifier: MIT
"""Owns what of a camera's life is written into the ledger: its effects, as records."""

from collections.abc import Callable
from dataclasses import dataclass

from camwatchd.core import events as ev
from camwatchd.core import records as rec
from camwatchd.core.drills import MARK
from camwatchd.core.events import Effect


@dataclass(slots=True)
class Chronicle:
    """One camera's. `open`: an incident is open in the ledger."""

    camera: str
    note: Callable[[rec.Record], None]
    open: bool = False

    def tell(self, effect: Effect, words: tuple[str, ...], *, required: bool, drill: bool = False) -> None:
        """Write down what matters; `words`: the last lines of the worker's stderr. A drill proves no health."""
        camera = self.camera
        match effect:
            case ev.SayStarted(seconds):
                if self.open:  # by an operator who took the camera anew
                    self.note(rec.IncidentClosed(camera, None, 0, seconds, words))
                self.note(rec.CameraHealthy(camera, required))
                self.open = False
            case ev.SayFault(fault, evidence, _):
                kind = rec.FaultNamed if self.open else rec.IncidentOpened
                self.note(kind(camera, fault, f"{MARK}: {evidence}" if drill else evidence))
                self.open = True
            case ev.SayAttemptFailed(rung, attempt, reason, seconds) if self.open:
                self.note(rec.AttemptFailed(camera, rung, attempt, reason, seconds))
            case ev.SaySkipped(rung, reason) if self.open:
                self.note(rec.RungSkipped(camera, rung, reason))
            case ev.SayParked(fault, name, detail, _):
                self.note(rec.CameraParked(camera, fault, name, detail, words))
            case ev.SayRecovered(_, rung, attempt, seconds):
                self.note(rec.IncidentClosed(camera, rung, attempt, seconds, words))
                if not drill:
                    self.note(rec.CameraHealthy(camera, required))
                self.open = False
