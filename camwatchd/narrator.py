# SPDX-License-Identifier: MIT
"""Owns the sentences: what the ladder does, told to a tired person at 3 a.m. as log events and alerts."""

from dataclasses import dataclass

from camwatchd.adapters.log import say
from camwatchd.core import alerts, health
from camwatchd.core import events as ev
from camwatchd.core.events import Effect
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import Rung
from camwatchd.core.state import Policy, State
from camwatchd.core.timespan import duration
from camwatchd.ports import EventLog

_NAMES_IT = (ev.SayFault, ev.SayRecovered, ev.SayParked, ev.SayCritical)  # a fault of their own
_QUOTED = 160  # characters of evidence in a sentence; the EVIDENCE field has it all


@dataclass(frozen=True, slots=True)
class Narrator:
    """Tells the effects of one camera."""

    camera: str
    log: EventLog

    def tell(self, effect: Effect, policy: Policy, failures: int, fault: str = "") -> None:
        """Log an effect; `failures` in a row give the health score that goes along, `fault` is the open incident's."""
        facts: dict[str, object] = {"camera": self.camera, "health_score": health.score(failures)}
        if fault and not isinstance(effect, _NAMES_IT):
            facts["fault"] = fault  # one query shows the whole of an incident
        match effect:
            case ev.Perform(rung, attempt):
                self._perform(rung, attempt, policy, facts)
            case ev.SayStarted(seconds):
                text = f"{self.camera}: delivering frames, {duration(seconds)} after the start"
                self.log.info("camera.started", message=text, seconds=round(seconds, 3), **facts)
            case ev.SayFailure(fault, evidence, count, limit):
                text = f"{self.camera}: capture {count} of {limit} failed: {FAULTS[fault].human}"
                self.log.warning(
                    "capture.failed",
                    message=text,
                    suspicion=fault,
                    evidence=evidence,
                    failures=count,
                    **facts,
                )
            case ev.SayHiccup(count, seconds):
                text = f"{self.camera}: a hiccup, over by itself: {count} failed, back after {duration(seconds)}"
                self.log.info(
                    "camera.hiccup_ended", message=text, rung=Rung.RETRY.value, failures=count,
                    seconds=round(seconds, 3), **facts,
                )  # fmt: skip
            case ev.SayWaiting(rung, attempt, seconds, exhausted):
                text = f"{self.camera}: {_what_next(rung, attempt, exhausted)} in {duration(seconds)}"
                self.log.info(
                    "ladder.waiting",
                    message=text,
                    rung=rung.value,
                    attempt=attempt,
                    seconds=seconds,
                    **facts,
                )
            case ev.SayAttemptFailed(rung, attempt, reason, seconds):
                text = f"{self.camera}: {_which(rung, attempt)} did not help: {reason}"
                self.log.warning(
                    "ladder.attempt_failed", message=text, rung=rung.value, attempt=attempt, reason=reason,
                    seconds=round(seconds, 3), **facts,
                )  # fmt: skip
            case ev.SaySkipped(rung, reason):
                text = f"{self.camera}: {rung} is not applicable: {reason}; going on to the next remedy"
                self.log.info("ladder.skipped", message=text, rung=rung.value, reason=reason, **facts)
            case _:
                self._alert(effect, facts)

    def slow(self, slow: ev.SaySlow, call: str, suspicion: str, evidence: str, state: State) -> None:
        """No fault yet, some cameras take their time: but what hangs is known, and perhaps why."""
        what = "importing the camera packages" if slow.fault == "import-timeout" else f"{call or 'open'}()"
        text = f"{self.camera}: {what} has not ended after {duration(slow.seconds)}; "
        text += f"in {duration(slow.left)} it counts as {slow.fault}"
        facts = {"fault": state.fault} if state.fault else {}
        self.log.warning(
            "camera.slow", message=f"{text} [{evidence[:_QUOTED] or 'nothing tells why'}]", camera=self.camera,
            call=call, suspicion=suspicion, evidence=evidence, seconds=round(slow.seconds, 3),
            health_score=health.score(state.failures), **facts,
        )  # fmt: skip

    def _perform(self, rung: Rung, attempt: int, policy: Policy, facts: dict[str, object]) -> None:
        if rung in (Rung.RESTART_SERVICE, Rung.REBOOT):
            text = f"{self.camera}: asking whether {rung} is allowed now (cures {policy.row(rung).cures})"
            self.log.warning("ladder.leave_asked", message=text, rung=rung.value, attempt=attempt, **facts)
            return
        if rung is Rung.RESTART_WORKER and attempt == 0:
            text = f"{self.camera}: starting a worker that opens the camera"
            self.log.info("worker.starting", message=text, **facts)
            return
        row = policy.row(rung)
        text = f"{self.camera}: {rung}, attempt {attempt} of {row.attempts} (cures {row.cures})"
        self.log.info("ladder.action_started", message=text, rung=rung.value, attempt=attempt, **facts)

    def _alert(self, effect: Effect, facts: dict[str, object]) -> None:
        match effect:
            case ev.SayFault():
                self._fault(effect, facts)
            case ev.SayRecovered(name, rung, attempt, seconds):
                cure = "itself" if rung is None else _which(rung, attempt)
                text = f"{self.camera}: healthy again by {cure}, {duration(seconds)} after the first failure ({name})"
                say(
                    self.log, alerts.RECOVERY, text, fault=name, rung=None if rung is None else rung.value,
                    attempt=attempt, seconds=round(seconds, 3), **facts,
                )  # fmt: skip
            case ev.SayRefused(rung, name, detail, again_in, postponed):
                word = "must wait" if postponed else "is refused"
                then = f"; asked again in {duration(again_in)}" if again_in else ""
                text = f"{self.camera}: {rung} {word} ({name}): {detail}{then}"
                self.log.warning(
                    "ladder.leave_refused",
                    message=text,
                    rung=rung.value,
                    refusal=name,
                    reason=detail,
                    **facts,
                )
            case ev.SayParked(name, refusal, detail, seconds):
                text = (
                    f"{self.camera}: {name}: parked, no reboot ({refusal}): {detail}; "
                    f"{FAULTS[name].human}; next probe in {duration(seconds)}"
                )
                say(self.log, alerts.CRITICAL, text, fault=name, refusal=refusal, reason=detail, **facts)
            case ev.SayOrdered(rung):
                text = f"{self.camera}: an operator orders {rung}"
                self.log.warning("camera.recover_ordered", message=text, rung=rung.value, **facts)
            case ev.SayPaused(seconds):
                text = f"{self.camera}: released to its operator for {duration(seconds)}; camwatchctl resume ends it"
                self.log.warning("camera.paused", message=text, seconds=seconds, **facts)
            case ev.SayResumed(expired):
                text = f"{self.camera}: the pause {'is over' if expired else 'was ended'}; taking the camera"
                self.log.info("camera.resumed", message=text, expired=expired, **facts)
            case ev.SayCritical(name, reason):
                text = f"{self.camera}: {name}: {reason}; recovery goes on, a human should look"
                say(self.log, alerts.CRITICAL, text, fault=name, **facts)

    def _fault(self, effect: ev.SayFault, facts: dict[str, object]) -> None:
        fault, late, evidence = FAULTS[effect.fault], effect.noticed_after, effect.evidence
        after = "" if late is None else f", noticed {duration(late)} after the last report of healthy frames"
        proof = f" [{evidence[:_QUOTED]}]" if evidence else ""
        say(
            self.log, alerts.of_issue(fault.issue), f"{self.camera}: {fault.name}: {fault.human}{after}{proof}",
            camera_issue=fault.issue.value, fault=fault.name, evidence=evidence,
            noticed_after=None if late is None else round(late, 3), **facts,
        )  # fmt: skip


def _what_next(rung: Rung, attempt: int, exhausted: bool) -> str:
    if attempt == 0:
        return "next probe"
    return f"{rung} again" if exhausted else _which(rung, attempt)


def _which(rung: Rung, attempt: int) -> str:
    return f"{rung} (attempt {attempt})" if attempt else "a probe"
