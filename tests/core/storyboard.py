# SPDX-License-Identifier: MIT
"""Owns the storyboard: a camera's life told as (seconds, event), played through the pure core."""

import json
from dataclasses import dataclass, field
from typing import TypeVar

from camwatchd.core import escalation
from camwatchd.core import events as ev
from camwatchd.core.events import Effect, Event
from camwatchd.core.ladder import Rung
from camwatchd.core.plain import from_plain, to_plain
from camwatchd.core.state import Phase, Policy, State

T = TypeVar("T")
GOOD = ev.FramesArrived(10, 1 / 30)
MISSED = ev.CaptureFailed("frames-stopped", "no frame for 1.5 s")


@dataclass
class Story:
    """Plays events at their times; deadlines that lie between them are reached first, as in the loop."""

    policy: Policy = field(default_factory=Policy)
    now: float = 1000.0
    told: list[tuple[float, Effect]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start = self.now
        self.state, effects = escalation.begin(self.policy, self.now)
        self._tell(effects)

    def at(self, seconds: float, *events: Event) -> "Story":
        """Let time pass until `seconds` after the start, then feed the events."""
        end = self.start + seconds
        while self.state.deadline < end:
            self.now = max(self.now, self.state.deadline)
            self._feed(ev.TimePassed())
        self.now = max(self.now, end)
        for event in events:
            self._feed(event)
        return self

    def after(self, seconds: float, *events: Event) -> "Story":
        """As `at`, counted from now."""
        return self.at(self.now - self.start + seconds, *events)

    def until_deadline(self) -> "Story":
        """Let the next deadline come."""
        self.now = max(self.now, self.state.deadline)
        self._feed(ev.TimePassed())
        return self

    def boot(self) -> "Story":
        """A worker starts, opens the camera and delivers: what a healthy (re)start looks like."""
        return self.after(0.1, ev.WorkerStarted(), ev.WorkerImported(), ev.StreamStarted(), GOOD)

    def stall(self) -> "Story":
        """Three missed captures: a fault."""
        return self.after(1.5, MISSED).after(1.5, MISSED).after(1.5, MISSED)

    def until(self, phase: Phase) -> "Story":
        """Let deadlines come until the camera is there."""
        for _ in range(1000):
            if self.state.phase is phase:
                return self
            self.until_deadline()
        raise AssertionError(f"never {phase}: {self.state}")

    def refuse(
        self, name: str = "did-not-help", again_in: float = 0.0, *, postponed: bool = False
    ) -> "Story":
        """The recorder answers no, or not yet."""
        return self.after(0.1, ev.LeaveRefused(name, "as the test has it", again_in, postponed))

    def restart(self) -> "Story":
        """The service leaves and is started anew: all that is left of this start is what was written down."""
        kept = json.dumps(to_plain(self.state))
        self.now += 16.0
        self.state, effects = escalation.resume(self.policy, from_plain(State, json.loads(kept)), self.now)
        self._tell(effects)
        return self

    def orders(self) -> list[tuple[Rung, int]]:
        """The attempts ordered so far."""
        return [(e.rung, e.attempt) for _, e in self.told if isinstance(e, ev.Perform)]

    def said(self, kind: type[T]) -> list[T]:
        """The effects of one kind so far."""
        return [e for _, e in self.told if isinstance(e, kind)]

    def _feed(self, event: Event) -> None:
        self.state, effects = escalation.step(self.policy, self.state, event, self.now)
        self._tell(effects)

    def _tell(self, effects: tuple[Effect, ...]) -> None:
        self.told += [(round(self.now - self.start, 3), effect) for effect in effects]


def healthy(policy: Policy | None = None) -> Story:
    """A camera that has started and delivers."""
    return Story(policy or Policy()).boot()


def phase_after(state: State, policy: Policy, event: Event, now: float) -> Phase:
    """The phase that one event leads to."""
    return escalation.step(policy, state, event, now)[0].phase
