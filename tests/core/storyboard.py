# SPDX-License-Identifier: MIT
"""Owns the storyboard: a camera's life told as (seconds, event), played through the pure core."""

import json
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from camwatchd.core import escalation
from camwatchd.core import events as ev
from camwatchd.core.events import Effect, Event
from camwatchd.core.ladder import LADDER, Outcome, Rung
from camwatchd.core.plain import from_plain, to_plain
from camwatchd.core.settings import Supervision
from camwatchd.core.state import Milestone, Phase, Policy, State

T = TypeVar("T")
GOOD = ev.FramesArrived(10, 1 / 30)
MISSED = ev.CaptureFailed("frames-stopped", "no frame for 1.5 s")
CRASH = ev.WorkerExited("worker-crashed", "killed by SIGSEGV")
DONE = ev.ActionEnded(Outcome.SUCCEEDED)
OPEN: tuple[Event, ...] = (
    ev.WorkerStarted(),
    ev.WorkerImported(),
    ev.StreamStarted(),
)  # how a start goes well
_NOTHING_TRIED = (Phase.LEAVING, Phase.PARKED, Phase.HOLDING, Phase.WEDGED)


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
        for _ in range(100_000):
            if self.state.deadline >= end:
                break
            self.until_deadline()
        assert self.state.deadline >= end, "time stands still"
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
        """Let deadlines come until the camera is there. A restart of the stream returns, and changes nothing."""
        for _ in range(1000):
            if self.state.phase is phase:
                return self
            self.after(0.1, DONE) if self.stream_restarts() else self.until_deadline()
        raise AssertionError(f"never {phase}: {self.state}")

    def fails(self, *events: Event) -> "Story":
        """Every worker that is ordered meets this end, until nothing more is tried; as above for the stream."""
        for _ in range(100):
            if self.state.phase in _NOTHING_TRIED:
                return self
            if self.state.milestone is Milestone.REAPING:
                self.after(0.1, *events)
            if self.stream_restarts():
                self.after(0.1, DONE)
            if self.state.phase not in _NOTHING_TRIED:
                self.until_deadline()
        raise AssertionError(f"still tried: {self.state}")

    def stream_restarts(self) -> bool:
        """Whether the stream is being restarted."""
        return self.state.phase is Phase.ACTING and self.state.rung is Rung.RESTART_STREAM

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

    def asked(self) -> list[Rung]:
        """The requests to leave so far."""
        return [rung for rung, _ in self.orders() if rung in (Rung.RESTART_SERVICE, Rung.REBOOT)]

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


def policy(*off: Rung, required: bool = True, **supervision: Any) -> Policy:
    """The defaults, without these rungs and with these numbers."""
    ladder = tuple(replace(row, enabled=row.enabled and row.rung not in off) for row in LADDER)
    return Policy(supervision=Supervision(**supervision), ladder=ladder, required=required)


def spent(rules: Policy | None = None) -> Story:
    """A camera that worked, stalled and was not helped within the process: it asks to restart the service."""
    return healthy(rules).stall().until(Phase.LEAVING)


def parked(name: str = "did-not-help", again_in: float = 0.0, rules: Policy | None = None) -> Story:
    """... and neither may the service be restarted nor, for the reason that `name` says, the machine rebooted."""
    story = spent(rules)
    if story.state.rung is Rung.RESTART_SERVICE:
        story.refuse("restarts-spent").until(Phase.LEAVING)
    return story.refuse(name, again_in, postponed=bool(again_in))


def phase_after(state: State, policy: Policy, event: Event, now: float) -> Phase:
    """The phase that one event leads to."""
    return escalation.step(policy, state, event, now)[0].phase
