# SPDX-License-Identifier: MIT
"""Owns what of a camera's life is written into the ledger: its effects, as records."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from camwatchd.core import events as ev
from camwatchd.core import records as rec
from camwatchd.core.drills import MARK
from camwatchd.core.events import Effect
from camwatchd.core.flight import WORDS_LIMIT, Before
from camwatchd.core.messages import EVIDENCE_LIMIT


@dataclass(slots=True)
class Chronicle:
    """One camera's. `words` gives the evidence so far, `before` how the camera did; `open`: so is an incident."""

    camera: str
    note: Callable[[rec.Record], None]
    words: Callable[[], tuple[str, ...]] = tuple
    before: Callable[[], Before] = Before
    open: bool = False
    _told: set[str] = field(default_factory=set)  # words of the open incident that the ledger has

    def tell(self, effect: Effect, *, required: bool, drill: bool = False) -> None:
        """Write down what matters, with what was heard meanwhile. A drill proves no health."""
        camera = self.camera
        match effect:
            case ev.SayStarted(seconds):
                if self.open:  # by an operator who took the camera anew
                    how = "healthy after an operator had the camera taken anew"
                    self.note(rec.IncidentClosed(camera, None, 0, seconds, self._news(), how))
                self._healthy(required)
            case ev.SayFault(fault, evidence, _) if self.open:
                said = _said(evidence, drill)
                self.note(rec.FaultNamed(camera, fault, said, self._news()))
            case ev.SayFault(fault, evidence, _):
                said = _said(evidence, drill)
                self.note(rec.IncidentOpened(camera, fault, said, self._news(), self.before()))
                self.open = True
            case ev.SayAttemptFailed(rung, attempt, reason, seconds) if self.open:
                self.note(rec.AttemptFailed(camera, rung, attempt, reason, seconds, self._news()))
            case ev.SaySkipped(rung, reason) if self.open:
                self.note(rec.RungSkipped(camera, rung, reason))
            case ev.SayPaused():
                # The ladder forgets what it was at: what is found wrong after the pause is an incident of its own.
                self._cut_off("paused by an operator before it was healthy")
            case ev.SayParked(fault, name, detail, _):
                self.note(rec.CameraParked(camera, fault, name, detail, self._news()))
            case ev.SayRecovered(_, rung, attempt, seconds):
                self.note(rec.IncidentClosed(camera, rung, attempt, seconds, self._news()))
                self._healthy(required, drill=drill)

    def leave(self, seconds: float) -> None:
        """The camera is given up, as it is."""
        self._cut_off("taken out of the configuration", seconds)

    def _cut_off(self, how: str, seconds: float = 0.0) -> None:
        """The ledger itself knows since when it was open."""
        if self.open:
            self.note(rec.IncidentClosed(self.camera, None, 0, seconds, self._news(), how))
            self._forget()

    def _healthy(self, required: bool, *, drill: bool = False) -> None:
        if not drill:
            self.note(rec.CameraHealthy(self.camera, required))
        self._forget()

    def _forget(self) -> None:
        self.open = False
        self._told.clear()

    def _news(self) -> tuple[str, ...]:
        """The last of it, and no more than is kept: on a dead card many records wait in memory."""
        words = self.words()
        news = [line for line in words if line not in self._told]
        self._told = set(words)  # what is no longer among them will not come again
        return last_words(news)


def last_words(words: Sequence[str]) -> tuple[str, ...]:
    """The end of it, as much as is kept."""
    fit = sum(length <= WORDS_LIMIT for length in accumulate(len(line) for line in reversed(words)))
    return tuple(words[len(words) - fit :])


def _said(evidence: str, drill: bool) -> str:
    """No longer than is kept: a worker that went wrong may say anything."""
    return (f"{MARK}: {evidence}" if drill else evidence)[:EVIDENCE_LIMIT]
