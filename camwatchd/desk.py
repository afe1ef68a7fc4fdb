# SPDX-License-Identifier: MIT
"""Owns what the control socket sees of the daemon: facts about the cameras, and the operator's wishes.

It is the `Daemon` of camwatchd.control.handlers.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from camwatchd import aspects
from camwatchd.control.connection import Lent
from camwatchd.control.facts import CameraFacts, DaemonFacts, DrillFacts, RecoverPlan, StatusFacts, Totals
from camwatchd.control.protocol import AdjustFacts, AttachFacts, Reason, Refused
from camwatchd.core import events as ev
from camwatchd.core import orders, status
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import Rung
from camwatchd.core.state import NEVER, Phase
from camwatchd.post import Post

if TYPE_CHECKING:
    from camwatchd.supervisor import Supervisor

_WAITS = (Phase.BACKOFF, Phase.HOLDING, Phase.PARKED, Phase.WEDGED)  # nothing is under way


class Desk:
    """Serves the operator; no method blocks."""

    def __init__(self, supervisor: "Supervisor") -> None:
        self._supervisor = supervisor

    def status(self) -> StatusFacts:
        """How everything is."""
        return StatusFacts(daemon=self._daemon(), cameras=tuple(map(self._camera, self._supervisor.posts)))

    def pause(self, cameras: Sequence[str], seconds: float) -> None:
        """Release the cameras for so long."""
        now = self._supervisor.world.clock()
        for post in self._posts(cameras):
            self._supervisor.departure.paused(post.camera.name, now + seconds)
            post.feed(ev.Paused(seconds))

    def resume(self, cameras: Sequence[str]) -> None:
        """End their pause."""
        for post in self._posts(cameras):
            self._supervisor.departure.paused(post.camera.name, None)
            post.feed(ev.Resumed())

    def plans(self, cameras: Sequence[str], rung: Rung | None) -> tuple[RecoverPlan, ...]:
        """What `recover` would do, or why it would not."""
        return tuple(self._plan(post, rung) for post in self._posts(cameras))

    def recover(self, cameras: Sequence[str], rung: Rung | None) -> None:
        """Try this rung; or take the cameras anew, from the foot of the ladder: a human is at work on them."""
        for post in self._posts(cameras):
            if rung is not None:
                post.feed(ev.RecoveryOrdered(rung))
                continue
            text = f"{post.camera.name}: a recovery was ordered; the camera is initialised anew"
            self._supervisor.world.log.warning(
                "camera.recover_ordered", message=text, camera=post.camera.name
            )
            post.begin()

    def drill(self, camera: str, exercise: str) -> DrillFacts | Refused:
        """One at a time: what is practised on two cameras at once may be a true failure of both."""
        if busy := [post.camera.name for post in self._supervisor.posts if post.drilling.running]:
            return Refused(Reason.UNFIT, f"a drill is under way on {busy[0]}", "wait until it is over")
        [post] = self._posts([camera])
        return post.drill(exercise)

    def reload(self, done: Callable[[str], None]) -> None:
        """Read the configuration again."""
        self._supervisor.reload(done)

    def names(self) -> tuple[str, ...]:
        """Of the cameras."""
        return tuple(post.camera.name for post in self._supervisor.posts)

    def adjust(
        self, camera: str, controls: dict[str, Any], done: Callable[[AdjustFacts | Refused], None]
    ) -> None:
        """Whoever asked hears it from the worker, or that there is none."""
        [post] = self._posts([camera])
        post.adjusting.ask(controls, done)

    def attach(self, camera: str, stream: str) -> tuple[AttachFacts, Lent] | Refused | None:
        """One reader more of a camera that there is."""
        [post] = self._posts([camera])
        return post.rings.attach(stream)

    # --- the facts ----------------------------------------------------------------------------------------

    def _posts(self, names: Sequence[str]) -> list[Post]:
        return [post for post in self._supervisor.posts if post.camera.name in names]

    def _plan(self, post: Post, rung: Rung | None) -> RecoverPlan:
        state, now = post.state, self._supervisor.world.clock()
        mode = self._supervisor.settings.reboot.mode
        against = rung and (
            orders.objection(post.policy, state, rung, streams=post.witness.streaming, now=now)
            or orders.forbidden(mode, rung)
        )
        return RecoverPlan(
            camera=post.camera.name, disturbs=state.phase in orders.WELL, objection=against or "",
            steps=orders.plan(post.policy, state, rung or Rung.RESTART_WORKER, mode),
        )  # fmt: skip

    def _daemon(self) -> DaemonFacts:
        supervisor = self._supervisor
        world, note = supervisor.world, supervisor.note_for_humans()
        now = world.clock()
        return DaemonFacts(
            version=world.version, pid=world.pid, uptime=now - supervisor.since, ledger_trouble=supervisor.book.remark,
            status=status.line([aspects.view(post) for post in supervisor.posts], now, note),
            reboot_mode=supervisor.settings.reboot.mode, watchdog_interval=world.notifier.watchdog_interval,
            watchdog_pings=supervisor.pings, notify_failures=world.notifier.failures, note=note,
        )  # fmt: skip

    def _camera(self, post: Post) -> CameraFacts:
        state, view, now = post.state, aspects.view(post), self._supervisor.world.clock()
        fault, incident = FAULTS.get(state.fault), state.in_incident and bool(state.fault)
        ordered = state.in_incident and state.rung in (
            Rung.RESTART_STREAM,
            Rung.RESET_DEVICE,
        )  # for a healthy camera
        last = view.recoveries[-1] if view.recoveries else None
        return CameraFacts(
            name=view.name, required=post.camera.required, phase=state.phase, band=view.band,
            health_score=view.score, consecutive_failures=state.failures,
            failed_recoveries=state.failed_recoveries, is_initialized=post.witness.streaming,
            is_capturing=state.phase in (Phase.HEALTHY, Phase.RETRYING), is_critical=state.critical_said,
            should_reboot=state.rung is Rung.REBOOT and incident, fps=view.fps,
            last_frame_age=None if view.last_frame is None else now - view.last_frame,
            late=view.late and state.phase is not Phase.PAUSED,  # in a pause none is owed
            fault=state.fault, fault_meaning=fault.human if fault else "", rung=state.rung,
            attempt=state.attempt, attempts=view.attempts,
            next_action=status.next_step(view, now) if incident or ordered else str(state.milestone),
            next_in=max(0.0, state.deadline - now) if state.phase in _WAITS else None,
            refusal=state.refusal, refusal_detail=state.refusal_detail,
            asked_again_in=max(0.0, state.ask_at - now) if state.ask_at < NEVER else None,
            recoveries_24h=len(view.recoveries), last_recovery=last[1] if last else "",
            last_recovery_age=now - last[0] if last else None,
            paused_for=max(0.0, state.deadline - now) if state.phase is Phase.PAUSED else 0.0,
            has_worker=post.slot.worker is not None, model=post.witness.model, camera_id=post.witness.camera_id,
            totals=_totals(post, now), frames=post.rings.facts(),
            drill=post.drilling.running, last_drill=post.drilling.facts, signs=post.outlook.signs,
        )  # fmt: skip


def _totals(post: Post, now: float) -> Totals:
    tally = post.figures.tally
    return Totals(
        captures=tally.captures, failures=tally.failures, outages=tally.outages,
        availability=tally.availability(now), mtbf=tally.mtbf(now), mttr=tally.mttr(),
        observed=now - tally.since, downtime=tally.downtime(now), recoveries=tally.recoveries, repairs=tally.repairs,
    )  # fmt: skip
