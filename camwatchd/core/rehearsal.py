# SPDX-License-Identifier: MIT
"""Owns the rehearsal: what the ladder would try, and when, for a camera that never returns; told by the core itself.

A camera is made up that fails again in every attempt, and its life is played through `escalation.step` on a clock of
its own. Every request to leave is granted: a refusal is the budget's, and named when it happens.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from camwatchd.core import escalation, killing, lastrungs, lease, liveness
from camwatchd.core import events as ev
from camwatchd.core.arithmetic import RESTART
from camwatchd.core.events import Effect, Event
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import Outcome, Rung
from camwatchd.core.settings import Checks
from camwatchd.core.state import REAP_BOUND, REPORT_SLACK, Milestone, Phase, Policy, State

_PROBES = 2  # of a fault that is held: from then on nothing new happens
# Moves at most, and for each failure that the reboot waits for; more mean that it goes in circles.
_LONGEST, _FOR_A_FAILURE = 2000, 10
_LEFT_OVER = 30.0  # seconds until a process of a previous start is what blocks the camera (DESIGN section 2)
_DOWN = 5.0  # seconds in which the service is down on its way out
_LOST = 1e-3  # what a stream gives before it stops is older than its end


class End(StrEnum):
    """Where it leads."""

    REBOOT = "reboot"  # asked for: granted within the budget
    PARKED = "parked"  # nothing more may be done; probed ever more slowly
    PROBED = "probed"  # no rung cures it: looked at again and again until somebody ends it


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that the ladder does, so many seconds after the last healthy frame."""

    after: float
    what: str  # "noticed", "attempt", "probe", "skipped", "critical", or where it ends
    rung: Rung | None = None
    attempt: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """How it goes, from the last healthy frame to its end; `seconds`: without frames by then."""

    moments: tuple[Moment, ...]
    end: End
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The camera that never returns. `place`: on USB (see core.usb); empty: it is on a ribbon cable."""

    fault: str
    place: str = ""
    frame_duration: float = liveness.DEFAULT_FRAME_DURATION
    checks: Checks = field(default_factory=Checks)


def rehearse(policy: Policy, subject: Subject, *, slow: bool) -> Course:
    """Every step ends at once or, `slow`, takes all the time that it may."""
    return _Play(policy, subject, slow).course()


# Where a worker fails again. Whatever is not named here streams, and gives no healthy frame.
_NOT_IMPORTED = frozenset({"import-timeout", "missing-package"})
_NOT_OPENED = frozenset({
    "sensor-io", "not-found", "init-failed", "init-timeout", "no-memory", "busy", "permission", "device-refused",
    "configuration", "open-limit",
})  # fmt: skip
_HANGS = frozenset({"import-timeout", "init-timeout"})  # its own bound ends it, however quick the rest is
_SILENT = frozenset(
    {"worker-silent", "worker-unkillable"}
)  # what it hangs in is found out when it is to end
_KILLING = sum(step.patience for step in killing.STEPS)
_COUNTED = frozenset({
    "frames-stopped", "buffer-overflow", "buffer-underflow", "buffer-queue", "frozen-picture", "black-picture",
    "saturated-picture", "broken-picture", "out-of-order",
})  # fmt: skip


def _patience(subject: Subject) -> float:
    """Until a picture fails for what it shows."""
    checks = subject.checks
    return {
        "frozen-picture": checks.frozen_after,
        "black-picture": checks.content_after,
        "saturated-picture": checks.content_after,
    }.get(subject.fault, 0.0)


class _Play:
    """One course, move by move. `now` counts from the last healthy frame."""

    def __init__(self, policy: Policy, subject: Subject, slow: bool) -> None:
        self.policy, self.subject, self.slow = policy, subject, slow
        self.now, self.moments, self.probes = 0.0, list[Moment](), 0
        self.state, _ = escalation.begin(policy, 0.0, subject.frame_duration)
        frames = ev.FramesArrived(10, subject.frame_duration)
        for event in (ev.WorkerStarted(), ev.WorkerImported(), ev.StreamStarted(), frames):
            self._feed(event)
        self._feed(ev.Located(subject.place))
        self.moments.clear()

    def course(self) -> Course:
        self._break()
        for _ in range(_LONGEST + _FOR_A_FAILURE * self.policy.supervision.system_reboot_threshold):
            if (end := self._end()) is not None:
                return Course(tuple(self.moments), end, self.now)
            self._move()
        raise AssertionError(f"no end: {self.state}")

    # --- how it begins ------------------------------------------------------------------------------------

    def _break(self) -> None:
        fault = self.subject.fault
        if fault == "leftover-worker":
            self.now += _LEFT_OVER  # from a start at which nothing could be opened
            self._feed(ev.WorkerUnkillable(fault))
        elif fault in _COUNTED:
            self._count(fault)
        elif fault in _SILENT:
            while not self.state.fault:
                self._until_deadline()
        else:  # said before the first missed frame would count: a failure less, and a round more in the end
            self._wait(self._capture() if self.slow else 0.0)
            self._feed(ev.Faulted(fault))

    def _capture(self) -> float:
        """Until a capture has failed."""
        deadline = liveness.frame_deadline(self.subject.frame_duration, self.policy.supervision)
        return deadline + (REPORT_SLACK if self.slow else 0.0)

    def _count(self, fault: str) -> None:
        """Capture by capture. A picture fails with each frame, once it has been bad for long enough."""
        duration, patience = self.subject.frame_duration, _patience(self.subject)
        pause = duration if patience else self._capture()
        if patience:  # until then it delivers what nobody objects to
            self.now = patience
            self.state, _ = escalation.step(self.policy, self.state, ev.FramesArrived(1, duration), self.now)
        while not self.state.fault:
            self._wait(pause)
            if not self.state.fault:
                self._feed(ev.CaptureFailed(fault))

    # --- how it goes on -----------------------------------------------------------------------------------

    def _move(self) -> None:
        state = self.state
        if state.phase is Phase.LEAVING:
            self._restart_service()
        elif state.milestone is Milestone.REAPING:
            self._start_worker()
        elif state.milestone is Milestone.RESETTING:
            self._wait(lease.reset_bound(self.policy) if self.slow else 0.0)
            self._feed(ev.ActionEnded(Outcome.SUCCEEDED))
        elif state.phase is Phase.ACTING and state.rung is Rung.RESTART_STREAM:
            self._wait(self.policy.row(state.rung).timeout if self.slow else 0.0)
            self._feed(ev.ActionEnded(Outcome.SUCCEEDED))
        else:
            self._miss_first_frame()
            self._until_deadline()

    def _miss_first_frame(self) -> None:
        """Its worker waits from a moment before the settle time: of two equal bounds its own is over first."""
        state, fault = self.state, self.subject.fault
        settles = state.phase is Phase.SETTLING and state.rung is not Rung.RESTART_STREAM
        starved = fault in _COUNTED and not _patience(self.subject)
        if not self.slow and settles and starved:
            missed = state.since + self.policy.supervision.first_frame_timeout
            if self.now < missed <= state.deadline:
                self.now = missed - _LOST
                self._feed(ev.CaptureFailed("start-timeout"))

    def _start_worker(self) -> None:
        """It comes as far as the fault lets it; of one that hangs there, and of frames that stay away, time tells."""
        fault, rules = self.subject.fault, self.policy.supervision
        opening = self.policy.row(Rung.RESTART_WORKER).timeout
        if fault == "worker-unkillable":
            self._wait(_KILLING)
            self._feed(ev.WorkerUnkillable(fault))
            return
        self._stage(REAP_BOUND, ev.WorkerStarted())
        if fault in _HANGS & _NOT_IMPORTED:
            return
        failed = ev.WorkerExited(fault) if fault in _NOT_IMPORTED else None
        self._stage(rules.import_timeout, failed or ev.WorkerImported())
        if failed or fault in _HANGS:
            return
        away = fault in _NOT_OPENED or fault == "device-gone"
        again = (
            "not-found" if fault == "device-gone" else fault
        )  # what is unplugged is not there to be opened
        self._stage(opening, ev.Faulted(again) if away else ev.StreamStarted())
        if _patience(self.subject) or (fault in _COUNTED and not FAULTS[fault].max_reboots):
            self._feed(ev.CaptureFailed(fault))

    def _stage(self, bound: float, event: Event) -> None:
        self._wait(bound if self.slow else 0.0)
        self._feed(event)

    def _restart_service(self) -> None:
        self._wait(lastrungs.ANSWER_BOUND if self.slow else 0.0)
        self.now += RESTART + (_DOWN if self.slow else 0.0)
        self.state, _ = escalation.resume(self.policy, self.state, self.now)

    def _end(self) -> End | None:
        if self.state.phase is Phase.LEAVING and self.state.rung is Rung.REBOOT:
            return End.REBOOT
        if self.state.phase in (Phase.PARKED, Phase.WEDGED):
            return End.PARKED
        held = self.state.phase is Phase.HOLDING and self.probes >= _PROBES
        return End.PROBED if held else None

    # --- the clock, and what is told ----------------------------------------------------------------------

    def _wait(self, seconds: float) -> None:
        """Deadlines that lie before the end of it are reached first."""
        until = self.now + seconds
        while self.state.deadline < until - _LOST:
            self._until_deadline()
        self.now = max(self.now, until)

    def _until_deadline(self) -> None:
        self.now = max(self.now, self.state.deadline)
        self._feed(ev.TimePassed())

    def _feed(self, event: Event) -> None:
        self.state, effects = escalation.step(self.policy, self.state, event, self.now)
        for effect in effects:
            if (tell := _TOLD.get(type(effect))) is not None:
                self.moments += [tell(effect, self.state, self.now)]
        self.probes += sum(isinstance(e, ev.Perform) and e.attempt == 0 for e in effects)


def _attempt(effect: Effect, state: State, now: float) -> Moment:
    assert isinstance(effect, ev.Perform)
    if state.phase is Phase.LEAVING:
        what = End.REBOOT if effect.rung is Rung.REBOOT else "attempt"
        return Moment(now, what, effect.rung, effect.attempt)
    if state.rung is Rung.RESET_DEVICE and effect.rung is Rung.RESTART_WORKER:
        return Moment(now, "attempt", effect.rung, 0, "the proof of the reset")
    what = "attempt" if effect.attempt else "probe"
    return Moment(now, what, effect.rung, effect.attempt, "again" if state.exhausted else "")


def _fault(effect: Effect, _state: State, now: float) -> Moment:
    assert isinstance(effect, ev.SayFault)
    return Moment(now, "noticed", None, 0, effect.fault)


def _skipped(effect: Effect, _state: State, now: float) -> Moment:
    assert isinstance(effect, ev.SaySkipped)
    return Moment(now, "skipped", effect.rung, 0, effect.reason)


def _critical(effect: Effect, _state: State, now: float) -> Moment:
    assert isinstance(effect, ev.SayCritical)
    return Moment(now, "critical", None, 0, effect.reason)


def _parked(effect: Effect, _state: State, now: float) -> Moment:
    assert isinstance(effect, ev.SayParked)
    return Moment(now, End.PARKED, None, 0, f"{effect.name}: {effect.detail}")


_TOLD: dict[type[Effect], Callable[[Effect, State, float], Moment]] = {
    ev.Perform: _attempt,
    ev.SayFault: _fault,
    ev.SaySkipped: _skipped,
    ev.SayCritical: _critical,
    ev.SayParked: _parked,
}
