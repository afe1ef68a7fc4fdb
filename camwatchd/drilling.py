# SPDX-License-Identifier: MIT
"""Owns an alarm drill on one camera: why there is none, how all that is said is marked, and what came of it."""

from collections.abc import Callable
from dataclasses import replace

from camwatchd.control.facts import DrillFacts
from camwatchd.control.protocol import Reason, Refused
from camwatchd.core import alerts, drills, lease
from camwatchd.core import events as ev
from camwatchd.core.drills import EXERCISES, MARK, Exercise
from camwatchd.core.events import Effect
from camwatchd.core.faults import FAULTS, OPEN_CAPS
from camwatchd.core.settings import CameraSettings
from camwatchd.core.state import Phase, Policy, State
from camwatchd.ports import EventLog

_OPENS = 4  # that a drill may take, with an attempt to spare


class MarkedLog:
    """Says the same, with the fields DRILL=1 and EXERCISE=, and as a drill in the sentence about the camera."""

    def __init__(self, camera: str, log: EventLog, exercise: Callable[[], str]) -> None:
        self._camera, self._log, self._exercise = camera, log, exercise

    def debug(self, event: str, **facts: object) -> object:
        return self._log.debug(event, **self._marked(facts))

    def info(self, event: str, **facts: object) -> object:
        return self._log.info(event, **self._marked(facts))

    def warning(self, event: str, **facts: object) -> object:
        return self._log.warning(event, **self._marked(facts))

    def error(self, event: str, **facts: object) -> object:
        return self._log.error(event, **self._marked(facts))

    def critical(self, event: str, **facts: object) -> object:
        return self._log.critical(event, **self._marked(facts))

    def _marked(self, facts: dict[str, object]) -> dict[str, object]:
        name = f"{self._camera}: "
        said = str(facts.get("message", "")).replace(name, f"{name}{MARK}: ", 1)
        marks = {"drill": 1, "exercise": self._exercise()}
        return {**facts, **marks, **({"message": said} if said else {})}


class Drilling:
    """`log`: for all that is told of the camera now."""

    def __init__(self, camera: str, log: EventLog, clock: Callable[[], float]) -> None:
        self._camera, self._clock = camera, clock
        self._plain, self.marked = log, MarkedLog(camera, log, lambda: self.running)
        self._began, self._number = 0.0, 0
        self.facts: DrillFacts | None = None  # of the last one
        self._next_worker = ""
        self._ordered = False  # somebody had the camera recovered in it

    @property
    def running(self) -> str:
        """The exercise."""
        return self.facts.exercise if self.facts is not None and self.facts.outcome == "running" else ""

    @property
    def log(self) -> EventLog:
        return self.marked if self.running else self._plain

    def begin(self, exercise: Exercise, policy: Policy) -> DrillFacts:
        """The worker has its order."""
        self._began, self._number = self._clock(), self._number + 1
        self._next_worker, self._ordered = exercise.name if exercise.name == "open" else "", False
        cure = drills.expected_cure(policy.ladder, exercise)
        self.facts = DrillFacts(
            exercise=exercise.name, expected_fault=exercise.fault, expected_cure=cure.value, number=self._number
        )  # fmt: skip
        text = f"{self._camera}: {exercise.name} begins: {exercise.human}; the camera itself is well"
        self.marked.warning("drill.begun", message=text, camera=self._camera)
        return self.facts

    def for_the_next_worker(self) -> str:
        """What it has to pretend, which is done once."""
        exercise, self._next_worker = self._next_worker, ""
        return exercise

    def note(self, effect: Effect) -> None:
        """The ladder did something in the drill."""
        assert self.facts is not None
        spent = self._clock() - self._began
        match effect:
            case ev.SayFault(fault):
                noticed = spent if self.facts.noticed_after is None else self.facts.noticed_after
                self._change(fault=fault, noticed_after=noticed)
                self._alert(alerts.of_issue(FAULTS[fault].issue).name)
            case ev.SayRecovered(_, rung, attempt):
                cure = "by itself" if rung is None else rung.value
                self._change(cure=cure, attempt=attempt, back_after=spent)
                self._alert(alerts.RECOVERY.name)
            case ev.SayOrdered():
                self._ordered = True
            case ev.SayCritical() | ev.SayParked():
                self._alert(alerts.CRITICAL.name)

    def follow(self, state: State) -> bool:
        """The state of the camera after a step: with its drill, or without it any more; whether it ended now."""
        if not self.running or self.facts is None or state.drill is not None:
            return False
        if state.phase is Phase.PAUSED or (self._ordered and not self.facts.fault):
            self.end()
        elif self.facts.back_after is not None:
            self.end("recovered")
        else:
            self.end("not-recovered" if self.facts.fault else "not-noticed")
        return True

    def end(self, outcome: str = "interrupted") -> None:
        """It is over; by default because somebody took the camera anew, or away."""
        if not self.running or self.facts is None:
            return
        self._next_worker = ""
        text = f"{self._camera}: {self.facts.exercise} is over: {outcome}"
        say = self.marked.info if outcome == "recovered" else self.marked.error
        say("drill.ended", message=text, camera=self._camera, outcome=outcome)
        self._change(outcome=outcome)

    def _change(self, **changes: object) -> None:
        assert self.facts is not None
        self.facts = replace(self.facts, **changes)  # type: ignore[arg-type]

    def _alert(self, name: str) -> None:
        assert self.facts is not None
        self._change(alerts=(*self.facts.alerts, name))


def objection(
    exercise: str,
    camera: CameraSettings,
    policy: Policy,
    state: State,
    model: str,
    opens: int,
    encoded: bool,
) -> Refused | None:
    """Why this cannot be practised now; `encoded`: nothing is known of the brightness of its pictures."""
    name = camera.name
    if (row := EXERCISES.get(exercise)) is None:
        return Refused(
            Reason.MALFORMED, f"no exercise is called {exercise!r:.40}; there are {drills.names()}"
        )
    if state.phase is not Phase.HEALTHY or state.drill is not None:
        how = f"practises {state.drill.name}" if state.drill else f"is {state.phase}"
        return Refused(
            Reason.UNFIT, f"{name} {how}: a drill needs a healthy camera", "see: camwatchctl status"
        )
    cap = OPEN_CAPS.get(model, 0)
    if cap and opens + _OPENS > cap:
        text = f"{model} stops working after too many opens in one boot, and was opened {opens} times"
        return Refused(Reason.INAPPLICABLE, text, "after the next boot there are more")
    detection = lease.detection_time(policy, state.frame_duration)
    why = drills.unseen(camera.checks, row.fault) or drills.too_slow(camera.checks, row.fault, detection)
    if not why and encoded and row.fault == "black-picture":
        why = "nobody looks at the brightness of encoded pictures"
    return Refused(Reason.INAPPLICABLE, why) if why else None


def is_marked(before: State, now: float) -> bool:
    """Whether what a step says, which was taken then, belongs to a drill."""
    return before.drill is not None and now < before.drill.until
