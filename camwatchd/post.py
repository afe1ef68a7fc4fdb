# SPDX-License-Identifier: MIT
"""Owns one camera's post in the supervisor: its worker, its place on the ladder, its figures.

Turns what arrives (reports, stderr lines, exits, time) into events for the core, and its effects into acts. What it
knows of camera and worker, and by what name a failure goes, is its witness's.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from camwatchd.adapters.host import Host
from camwatchd.adapters.opens import Opens
from camwatchd.adjusting import Adjusting
from camwatchd.agency import Agency
from camwatchd.chronicle import Chronicle
from camwatchd.control.facts import DrillFacts
from camwatchd.control.protocol import Reason, Refused
from camwatchd.core import drills, escalation, killing, liveness
from camwatchd.core import events as ev
from camwatchd.core import messages as msg
from camwatchd.core.events import Effect, Event
from camwatchd.core.faults import ABSENT
from camwatchd.core.figures import Figures
from camwatchd.core.flight import Before
from camwatchd.core.ladder import Outcome, Rung
from camwatchd.core.settings import CameraSettings, Health, Supervision
from camwatchd.core.state import Milestone, Phase, Policy, State
from camwatchd.drilling import Drilling, is_marked, objection
from camwatchd.loop import Loop
from camwatchd.narrator import Narrator
from camwatchd.outlook import Outlook
from camwatchd.ports import EventLog
from camwatchd.resetting import Resetting
from camwatchd.rings import Rings
from camwatchd.slot import Slot
from camwatchd.witness import Witness


class Post:
    """One camera. `tick()` at `deadline`; everything else comes through the slot's descriptors."""

    def __init__(
        self, camera: CameraSettings, policy: Policy, limits: Health, *,
        agency: Agency, loop: Loop, log: EventLog, host: Host, clock: Callable[[], float], runtime_dir: str,
        environ: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.camera, self.policy, self.limits = camera, policy, limits
        self.drilling = Drilling(camera.name, log, clock)
        self.clock = clock
        self.figures = Figures(clock())
        self.delivered = False  # a healthy frame since the last watchdog ping
        self.state: State
        self._narrators = Narrator(camera.name, log), Narrator(camera.name, self.drilling.marked)
        self._opened_at = 0.0  # the incident that the ledger has open, or would
        self._chronicle = Chronicle(camera.name, agency.note, lambda: self.evidence, self._before)
        self._agency, self._host, self._runtime_dir = agency, host, runtime_dir
        self.slot = Slot(loop, self, host, clock)
        self._resetting = Resetting(loop, clock, environ, runtime_dir, self._was_reset)
        self._vacancy: bool | None = (
            None  # a worker is wanted as soon as the slot is free; True: a fresh one
        )
        self._held = camera  # as its present worker was told
        self._retired = self._going = False
        self._orders = 0
        self.rings = Rings(
            camera.name, host.memory_total(), log, send=self.slot.send, has_writer=lambda: self.slot.worker is not None
        )  # fmt: skip
        self.adjusting = Adjusting(
            camera.name, lambda order: self.witness.streaming and self.slot.send(order), lambda: agency.adjusted(self)
        )  # fmt: skip
        opens = Opens(runtime_dir, camera.name)
        self.witness = Witness(camera, self.drilling, self.adjusting, host, opens, clock)
        self.hearsay = self.witness.hearsay
        self.outlook = Outlook(
            camera, self.figures, log, clock, note=agency.note, power_failed=self.hearsay.power_failed
        )
        self._inbox: deque[Event] = deque()

    # --- what the supervisor asks of it -------------------------------------------------------------------

    def begin(self) -> None:
        """Take the camera: the first worker starts (also: all anew, after a change of its settings)."""
        self.drilling.end()
        self.witness.trust()
        self.state, effects = escalation.begin(self.policy, self.clock(), self._expected())
        self._act(effects)

    def resume(self, saved: State) -> None:
        """Go on with the incident for which the service was restarted."""
        self._chronicle.open = True
        self.state, effects = escalation.resume(self.policy, saved, self.clock())
        self._opened_at = self.state.opened_at
        self._act(effects)

    def begin_paused(self, seconds: float) -> None:
        """Start without the camera: the operator's pause has outlived a restart of the service."""
        self.state, effects = escalation.pause(self.policy, self.clock(), seconds, self._expected())
        self._act(effects)

    @property
    def deadline(self) -> float:
        """When `tick()` wants to be called next."""
        own = min(self.state.deadline, self.state.drill.until) if self.state.drill else self.state.deadline
        return min(own, self.slot.deadline, self._resetting.deadline, self.outlook.deadline)

    def tick(self) -> None:
        """Do what is due."""
        self.slot.tick()
        if self.clock() >= self._resetting.deadline:
            self._resetting.tick()
        if self.clock() >= self.outlook.deadline:
            self.outlook.tick()
        if self.clock() >= self.state.deadline:
            self.feed(ev.TimePassed())
        if self.state.drill and self.clock() >= self.state.drill.until:
            self.feed(ev.DrillOver())

    def feed(self, event: Event) -> None:
        """Tell the core a fact and do what it orders; facts that arise meanwhile wait for their turn."""
        if self._retired:
            return
        self._inbox.append(event)
        if len(self._inbox) > 1:
            return
        while self._inbox:
            before, now = self.state, self.clock()
            self.state, effects = escalation.step(self.policy, self.state, self._inbox[0], now)
            drill = is_marked(before, now)
            if not drill:
                self.figures.failed(max(0, self.state.failures - before.failures))
            if not self._chronicle.open:
                self._opened_at = self.state.opened_at
            self._act(effects, drill=drill)
            if self.drilling.follow(self.state):
                self.hearsay.forget_the_drill()
            self._inbox.popleft()

    def drill(self, exercise: str) -> DrillFacts | Refused:
        """Have the worker pretend that its camera fails, and see what comes of it."""
        last = self.figures.last
        encoded = last is not None and last.mean < 0
        model, opens = self.witness.model, self.witness.opens.count()
        refusal = objection(exercise, self.camera, self.policy, self.state, model, opens, encoded)
        if refusal is not None:
            return refusal
        if not self.slot.send(msg.Drill(exercise, drills.PRETENDED)):
            return Refused(Reason.DOWN, f"{self.camera.name}: its worker takes no orders")
        facts = self.drilling.begin(drills.EXERCISES[exercise], self.policy)
        self.feed(ev.Drilled(exercise, drills.LASTS))
        return facts

    @property
    def log(self) -> EventLog:
        """What is said during a drill is marked."""
        return self.drilling.log

    def fill(self) -> None:
        """Start the worker that is wanted, if there may be one now."""
        if self._vacancy is None or self.slot.worker is not None:
            return
        try:
            # Who merely looks for a camera that is away leaves the processor to what brings it back (udev).
            looks = self.state.fault in ABSENT and self.state.hurried_at != self.state.started_at
            worker = self._agency.hire(self.camera, fresh=self._vacancy, background=looks)
        except OSError as error:  # no memory, no process, no descriptor: the ladder waits and tries again
            self._vacancy = None
            self.feed(ev.Faulted("worker-exited", f"no worker could be executed: {error}"))
            return
        if worker is None:
            return
        self._vacancy, self._held = None, self.camera
        self.witness.hired(in_incident=self._chronicle.open)
        self.slot.adopt(worker)
        self.feed(ev.WorkerStarted())
        if worker.child.imported:
            self.witness.imported(worker.child.versions)
            self.feed(ev.WorkerImported())
        camera = replace(self.camera, controls={**self.camera.controls, **self.adjusting.kept})
        drill = self.drilling.for_the_next_worker()
        order = msg.Open(camera, self.policy.supervision, self._runtime_dir, *self.witness.suspicion, drill)
        if not self.slot.send(order):
            self.feed(ev.Faulted("worker-protocol", "the worker takes no orders"))

    @property
    def waits(self) -> bool:
        """Whether a worker is wanted and there may be none yet."""
        return self._vacancy is not None and self.slot.worker is None

    def retire(self) -> None:
        """Give the camera up for good; the slot lives on until its worker is reaped."""
        self._vacancy, self._retired = None, True
        self.drilling.end()
        self._chronicle.leave(self.clock() - self.state.opened_at)
        self._resetting.end()
        self.slot.end()
        self.rings.close()

    def end(self) -> None:
        """On the way out: the worker has little time to end, and nothing is reset any more."""
        self._going = True
        self._resetting.end()
        self.slot.end(killing.HURRIED_STEPS)

    @property
    def outgoing(self) -> CameraSettings | None:
        """The camera that a worker from before a change of the configuration still holds, if one does."""
        moved = self._retired or self._held.choice != self.camera.choice
        return self._held if moved and self.slot.worker is not None else None

    @property
    def evidence(self) -> tuple[str, ...]:
        """What the incident leaves behind, for the ledger."""
        return self.hearsay.evidence(self._opened_at)

    # --- what the slot tells it ---------------------------------------------------------------------------

    def reported(self, report: msg.Report) -> None:
        self.witness.heard(report)
        match report:
            case msg.Frames():
                self._delivered(report)
            case msg.CaptureFailed():
                self.feed(self.witness.missed(report))
            case msg.CameraFailed():
                self.feed(self.witness.diagnosed(report))
            case msg.Finished(order, outcome, detail):
                if order == self._orders:
                    self.feed(ev.ActionEnded(outcome, detail))
            case msg.Imported():
                self.witness.imported(report.versions)
                self.feed(ev.WorkerImported())
            case msg.Streaming(generation):
                self.witness.streaming = True
                self.figures.restarted()
                self.rings.started()
                if generation == 1:
                    self.feed(ev.StreamStarted())
            case _:
                self._noted(report)

    def wrote(self, line: str) -> None:
        clue = self.witness.wrote(line)
        if clue is None:
            return
        if clue.direct and not self.slot.ending:
            self.feed(ev.Faulted(clue.fault, line))
        else:
            self.hearsay.suspect(clue.fault, line)

    def misspoke(self, text: str) -> None:
        self.feed(ev.Faulted("worker-protocol", text))

    def exited(self, status: int) -> None:
        self._stops_streaming()
        self.feed(self.witness.exited(status, self.slot.last_words))

    def reaped(self) -> None:
        self._stops_streaming()
        self.witness.ended("ended by us", self.slot.last_words)
        self._agency.vacated()
        self._reset_if_due()

    def signalled(self, pid: int, name: str) -> None:
        self.witness.signalled(pid, name)

    def refuses_to_die(self, evidence: str) -> None:
        if self._going:
            return  # the little time on the way out proves nothing; the next start finds it
        if self._retired:
            self.witness.unkillable(evidence)
        elif not self.state.wedged:
            self.feed(ev.WorkerUnkillable("worker-unkillable", evidence))
        if self.outgoing is not None:
            self._agency.stuck(self.outgoing, evidence)

    # --- inside -------------------------------------------------------------------------------------------

    def _act(self, effects: tuple[Effect, ...], *, drill: bool = False) -> None:
        narrator = self._narrators[drill]
        for effect in effects:
            narrator.tell(effect, self.policy, self.state.failures, self.state.fault)
            self._chronicle.tell(effect, required=self.camera.required, drill=drill)
            if drill:
                self.drilling.note(effect)
            else:
                self.figures.note(effect, self.clock())
                self.outlook.follow(effect)
            match effect:
                case ev.SaySlow():
                    pid = self.slot.worker.child.pid if self.slot.worker else None
                    narrator.slow(effect, *self.witness.why_slow(effect, pid), self.state)
                case ev.Perform():
                    self._perform(effect)
                case ev.Release():
                    self._vacancy = None
                    self._resetting.end()
                    self.slot.end()

    def _perform(self, order: ev.Perform) -> None:
        if order.rung in (Rung.RESTART_SERVICE, Rung.REBOOT) and self.state.phase is Phase.LEAVING:
            self._agency.leave(self, order.rung)
            return
        if order.rung is Rung.RESTART_STREAM:
            self._orders += 1
            if not self.slot.send(msg.RestartStream(self._orders)):
                self.feed(ev.ActionEnded(Outcome.FAILED, "the worker takes no orders"))
            return
        if order.rung is Rung.RESET_DEVICE:
            self._vacancy = None
            self.slot.end()
            self._reset_if_due()
            return
        if over := self.witness.over_cap:
            # The worker stays: its stream may come back by itself, a further open would be the last.
            self.feed(ev.Faulted("open-limit", over))
            return
        self._resetting.end()  # if one still hangs: whoever wants a worker does not wait for it
        self._vacancy = order.fresh
        self.slot.end()
        self.fill()

    def _reset_if_due(self) -> None:
        """Only when nobody has the device open: a reset under a stream leaves a dead object behind."""
        state, free = self.state, self.slot.worker is None and not (self._retired or self._going)
        if state.place and state.milestone is Milestone.RESETTING and state.phase is Phase.ACTING and free:
            self._resetting.begin(state.place, self.policy.row(Rung.RESET_DEVICE).timeout)

    def _was_reset(self, outcome: Outcome, detail: str) -> None:
        if outcome is Outcome.SUCCEEDED:
            text = f"{self.camera.name}: {detail}; a fresh worker shows whether that helped"
            self.log.info("device.reset", message=text, camera=self.camera.name, place=self.state.place)
        self.feed(ev.ActionEnded(outcome, detail))

    def _delivered(self, frames: msg.Frames) -> None:
        self.feed(ev.FramesArrived(frames.count, frames.frame_duration, frames.oldest or self.clock()))
        if not self.state.in_incident:
            self.witness.trust()
            self.outlook.delivered(frames)
        self.delivered = True
        self.figures.arrived(frames, self.clock(), healthy=not self.state.in_incident)

    def _noted(self, report: msg.Report) -> None:
        match report:
            case msg.Opened():
                self.witness.opened(report)
                self.outlook.opened(report.seconds)
                self.feed(ev.Located(report.usb))
                self.rings.opened(report.streams, self.camera.slots)
                self.witness.say_opened(report)
            case msg.Adjusted():
                self.adjusting.answered(report)
            case msg.Late(waited):
                self.figures.waits(waited, self.clock())

    def _stops_streaming(self) -> None:
        self.witness.streaming = False
        self.adjusting.lost()
        self.rings.unwritten()

    def _before(self) -> Before:
        return self.witness.before(self.figures.before(self.clock()), self.state.place or "")

    def _expected(self) -> float:
        return liveness.expected_frame_duration(self.camera.frame_rate)

    def adapt(
        self, camera: CameraSettings, policy_of: Callable[[CameraSettings], Policy], limits: Health
    ) -> bool:
        """Take new settings: the ladder's numbers at once; True: the camera's own need a new worker: `begin()`."""
        policy = policy_of(camera)
        before = _of_the_worker(self.camera, self.policy.supervision)
        self.witness.renamed(camera)
        other = camera.controls != self.camera.controls
        self.camera, self.policy, self.limits = camera, policy, limits
        if other:
            self.adjusting.forget()
        self.rings.resized(camera.slots)
        changed = before != _of_the_worker(camera, policy.supervision)
        if changed:
            self.outlook.forget(camera)
        return changed


def _of_the_worker(camera: CameraSettings, rules: Supervision) -> tuple[object, ...]:
    """The settings that a worker was started with: another value needs another worker."""
    return replace(camera, required=True, slots=None), rules.frame_timeout, rules.first_frame_timeout
