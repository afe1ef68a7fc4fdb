# SPDX-License-Identifier: MIT
"""Owns a camera's life in virtual time: the real core decides, and a worker made of durations does as it is told."""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from camwatchd.core import budget, escalation, lastrungs, liveness
from camwatchd.core import events as ev
from camwatchd.core.arithmetic import START_LIMIT_INTERVAL
from camwatchd.core.budget import BURST, DAY, WEEK, Facts, Kind
from camwatchd.core.events import Effect, Event
from camwatchd.core.killing import STEPS
from camwatchd.core.ladder import Outcome, Rung
from camwatchd.core.settings import Checks, Reboot
from camwatchd.core.state import Phase, Policy, State, Step
from camwatchd.worker_report import BATCH_INTERVAL
from tests.bench.soak.mix import Onset, Shows

_FRONT_END = 1.0  # s; libcamera's own watchdog at 30 frames a second
_ENUMERATED = 0.5  # s from the plug to the device nodes, and their settling
_ANSWER = 0.05  # s until the recorder has decided
_KILLED = STEPS[0].patience + STEPS[1].patience
_UNKILLABLE = sum(step.patience for step in STEPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Seconds that each action takes on a camera that works."""

    imports: float  # from the order until the worker opens the camera
    open: float  # ... and configure
    first: float  # start, until the first frame
    restart: float  # stop and start in the same worker, until the first frame
    end: float  # of a worker that is asked to end
    service: float  # from the exit to the next start's first order
    boot: float  # from systemd's reboot to the same
    frame: float = 1 / 30


class Worker(Enum):
    """What the camera's process is at."""

    NONE = "none"
    COMING = "imports, opens or is ended first"
    STREAMS = "streams, with or without frames"
    RESTARTS = "restarts its stream"
    HANGS = "hears nothing"


@dataclass(frozen=True, slots=True)
class Outage:
    """From the beginning of a fault until three healthy frames have come; named after the fault that began it."""

    name: str
    seconds: float


class Life:
    """One required camera with its daemon and its machine; a machine that worked for a day when it begins."""

    def __init__(self, policy: Policy, costs: Costs, *, standby: bool = True) -> None:
        self.now = 0.0
        self.outages: list[Outage] = []
        self.reboots: list[float] = []
        self.restarts: list[float] = []  # of the service, on purpose
        self._policy, self._costs, self._standby, self._rules = policy, costs, standby, Reboot()
        self._agenda: list[tuple[float, int, int, Callable[[], None]]] = []
        self._number = self._stream = 0
        self._active: list[Onset] = []
        self._worker = Worker.NONE
        self._dead = False  # its device was pulled: this worker gives no frames any more
        self._away = False  # the daemon does not run
        self._down_since: tuple[float, str] | None = (0.0, "start")
        self._starts: list[float] = []
        self._booted, self._unhelpful = -DAY, 0
        self.state: State
        self._begin(escalation.begin(policy, self.now, costs.frame))

    def live(self, story: Iterable[Onset], seconds: float) -> float:
        """So long, with these faults; gives the healthy share of the time."""
        self._until(float("inf"))
        born, self.outages = self.now, []
        for onset in story:
            if onset.at >= seconds:
                break
            self._until(born + onset.at)
            self._strike(onset)
        self._until(born + seconds)
        down = sum(outage.seconds for outage in self.outages)
        down += self.now - self._down_since[0] if self._down_since else 0.0
        return 1 - down / seconds

    # --- time ---------------------------------------------------------------------------------------------

    def _until(self, end: float) -> None:
        """Let everything happen that is due by then; a healthy camera needs no events."""
        while self._down_since is not None:
            due = self._agenda[0][0] if self._agenda else float("inf")
            deadline = float("inf") if self._away else self.state.deadline
            if min(due, deadline) > end:
                break
            self.now = max(self.now, min(due, deadline))
            if due <= deadline:
                _, _, stream, act = heapq.heappop(self._agenda)
                if stream in (0, self._stream):
                    act()
            else:
                self._feed(ev.TimePassed())
        if end < float("inf"):
            self.now = end

    def _after(self, seconds: float, act: Callable[[], None], *, always: bool = False) -> None:
        """Later, unless the worker or its stream is another one by then."""
        self._number += 1
        entry = self.now + seconds, self._number, 0 if always else self._stream, act
        heapq.heappush(self._agenda, entry)

    def _feed(self, event: Event) -> None:
        if self._away:
            return
        self.state, effects = escalation.step(self._policy, self.state, event, self.now)
        self._act(effects)

    def _begin(self, step: Step) -> None:
        self._starts.append(self.now)
        self._away = False
        self.state, effects = step
        self._act(effects)

    # --- what is ordered ----------------------------------------------------------------------------------

    def _act(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, ev.Perform):
                self._perform(effect)

    def _perform(self, order: ev.Perform) -> None:
        if self.state.phase is Phase.LEAVING:
            since = self.state.since
            self._after(_ANSWER, lambda: self._answer(order.rung, since), always=True)
        elif order.rung is Rung.RESTART_WORKER:
            self._replace_worker(order.fresh)
        elif self._worker is Worker.STREAMS:
            self._stream += 1
            self._worker = Worker.RESTARTS
            self._after(self._costs.restart - self._costs.first, self._restarted)

    def _restarted(self) -> None:
        self._cure(Rung.RESTART_STREAM)
        self._worker = Worker.STREAMS
        self._feed(ev.ActionEnded(Outcome.SUCCEEDED))
        self._deliver(self._costs.first, fresh=True)

    def _replace_worker(self, fresh: bool) -> None:
        self._stream += 1
        if self._shows(Shows.STUCK) and self._worker is Worker.HANGS:
            stuck = ev.WorkerUnkillable("worker-unkillable")
            self._after(_UNKILLABLE, lambda: self._feed(stuck))
            return
        ending = {Worker.NONE: 0.0, Worker.HANGS: _KILLED}.get(self._worker, self._costs.end)
        self._worker = Worker.COMING
        self._after(ending, lambda: self._reaped(fresh))

    def _reaped(self, fresh: bool) -> None:
        self._cure(Rung.RESTART_WORKER)
        self._dead = False
        self._feed(ev.WorkerStarted())
        ready = self._standby and not fresh
        self._after(0.0 if ready else self._costs.imports, self._imported)

    def _imported(self) -> None:
        self._feed(ev.WorkerImported())
        self._after(self._costs.open, self._opened)

    def _opened(self) -> None:
        if self._shows(Shows.GONE):
            self._worker = Worker.NONE
            self._feed(ev.Faulted("not-found"))
        elif self._shows(Shows.HANG, Shows.STUCK):
            self._worker = Worker.HANGS
        else:
            self._worker = Worker.STREAMS
            self._feed(ev.StreamStarted())
            self._deliver(self._costs.first, fresh=True)

    # --- frames, or what comes in their stead -------------------------------------------------------------

    def _deliver(self, first: float, *, fresh: bool = False) -> None:
        """What the stream does from now on."""
        self._stream += 1
        rules = self._policy.supervision
        if self._shows(Shows.HANG, Shows.STUCK):
            self._worker = Worker.HANGS
            return
        patience = liveness.first_frame_deadline if fresh else liveness.frame_deadline
        if self._dead or self._shows(Shows.SILENCE, Shows.GONE, Shows.TIMEOUT):
            self._after(patience(self._costs.frame, rules), self._missed)
            if self._shows(Shows.TIMEOUT):
                self._after(_FRONT_END, lambda: self._feed(ev.Faulted("frontend-timeout")))
        elif self._shows(Shows.PICTURE):
            self._after(first, self._still)
        else:
            self._after(first, self._frame)

    def _missed(self) -> None:
        stream = self._stream
        self._feed(ev.CaptureFailed("frames-stopped"))
        if stream == self._stream:
            self._after(liveness.frame_deadline(self._costs.frame, self._policy.supervision), self._missed)

    def _still(self) -> None:
        """The same picture again: healthy, until it has been the same for too long (restarts are no excuse)."""
        stream, frozen, frame = self._stream, self._shows(Shows.PICTURE), self._costs.frame
        assert frozen is not None
        left = frozen.at + Checks().frozen_after - self.now
        if left > 0:
            self._feed(ev.FramesArrived(round(BATCH_INTERVAL / frame), frame, self.now))
            self._after(min(BATCH_INTERVAL, left), self._still)
            return
        self._feed(ev.CaptureFailed("frozen-picture"))
        if stream == self._stream:
            self._after(frame, self._still)

    def _frame(self) -> None:
        self._feed(ev.FramesArrived(1, self._costs.frame, self.now))
        if self.state.phase is not Phase.HEALTHY:
            self._after(self._costs.frame, self._frame)
        elif self._down_since and not self._active:
            since, name = self._down_since
            self.outages.append(Outage(name, self.now - since))
            self._down_since, self._unhelpful, self._agenda = None, 0, []

    # --- faults -------------------------------------------------------------------------------------------

    def _shows(self, *ways: Shows) -> Onset | None:
        return next((onset for onset in self._active if onset.kind.shows in ways), None)

    def _strike(self, onset: Onset) -> None:
        if self._down_since is None:  # frames have come until this moment
            self._down_since = self.now, onset.kind.name
            self._feed(ev.FramesArrived(1, self._costs.frame, self.now))
        onset = Onset(self.now, onset.kind, onset.lasts)
        if onset.kind.shows is not Shows.CRASH:
            self._active.append(onset)
        if onset.lasts is not None:
            self._after(onset.lasts, lambda: self._end(onset), always=True)
        if self._worker is Worker.STREAMS:
            self._show(onset.kind.shows)

    def _show(self, how: Shows) -> None:
        self._stream += 1
        match how:
            case Shows.CRASH:
                self._worker = Worker.NONE
                self._feed(ev.WorkerExited("worker-crashed"))
            case Shows.GONE:
                self._dead = True
                self._deliver(self._costs.frame)
                self._feed(ev.Faulted("device-gone"))
            case _:
                self._deliver(self._costs.frame)

    def _end(self, onset: Onset) -> None:
        if onset not in self._active:
            return
        self._active.remove(onset)
        if onset.kind.shows is Shows.GONE:
            self._after(_ENUMERATED, lambda: self._feed(ev.DeviceAppeared()), always=True)
        elif self._worker is Worker.STREAMS:
            self._deliver(self._costs.frame)

    def _cure(self, rung: Rung) -> None:
        self._active = [
            onset
            for onset in self._active
            if onset.kind.cure is None or rung.height < onset.kind.cure.height
        ]

    # --- the last rungs -----------------------------------------------------------------------------------

    def _answer(self, rung: Rung, since: float) -> None:
        if self.state.phase is not Phase.LEAVING or self.state.since != since:
            return
        facts = self._facts()
        if rung is Rung.REBOOT:
            verdict = budget.decide_reboot(self._rules, lastrungs.max_reboots(self.state), facts)
        else:
            verdict = budget.decide_restart(facts)
        if verdict.kind is Kind.GRANTED:
            self._leave(rung, facts)
        else:
            postponed = verdict.kind is Kind.POSTPONED
            self._feed(ev.LeaveRefused(verdict.name, verdict.detail, verdict.again_in, postponed))

    def _leave(self, rung: Rung, facts: Facts) -> None:
        """By status 75; for a reboot as often as systemd's start limit asks for."""
        self._stream += 1
        self._worker, self._away = Worker.NONE, True
        if rung is Rung.REBOOT:
            exits = BURST + 1 - facts.starts
            self._after(exits * self._costs.service + self._costs.boot, self._boot)
        else:
            saved = self.state
            self._after(self._costs.service, lambda: self._resume(saved))

    def _resume(self, saved: State) -> None:
        self.restarts.append(self.now)
        self._begin(escalation.resume(self._policy, saved, self.now))

    def _boot(self) -> None:
        self._cure(Rung.REBOOT)
        self.reboots.append(self.now)
        self._booted, self._unhelpful, self._starts = self.now, self._unhelpful + 1, []
        self._begin(escalation.begin(self._policy, self.now, self._costs.frame))

    def _facts(self) -> Facts:
        def recent(times: list[float], span: float) -> list[float]:
            return [at for at in times if at > self.now - span and at >= self._booted]

        day = [at for at in self.reboots if at > self.now - DAY]
        week = [at for at in self.reboots if at > self.now - WEEK]
        return Facts(
            ever_healthy=True, unhelpful=self._unhelpful, uptime=self.now - self._booted, action="reboot",
            in_a_day=len(day), day_frees_in=day[0] + DAY - self.now if day else 0.0,
            in_a_week=len(week), week_frees_in=week[0] + WEEK - self.now if week else 0.0,
            starts=len(recent(self._starts, START_LIMIT_INTERVAL)),
            service_restarts=len(recent(self.restarts, START_LIMIT_INTERVAL)),
        )  # fmt: skip
