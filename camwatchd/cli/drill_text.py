# SPDX-License-Identifier: MIT
"""Owns how alarm drills read: step by step while they run, and the report to keep, expected against seen."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from camwatchd.cli.table import table
from camwatchd.control.facts import CameraFacts, DrillFacts, StatusFacts
from camwatchd.core.alerts import RECOVERY, of_issue
from camwatchd.core.drills import misnamed
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import Rung
from camwatchd.core.plain import to_plain
from camwatchd.core.timespan import duration
from camwatchd.errors import ExitStatus

_FAILED = 1
HEAD = ("camera", "drill", "noticed after", "named as", "cured by", "back after", "alerts", "")


@dataclass(frozen=True, slots=True)
class Practised:
    """One line of the report; `found` None: it was not made, or lost sight of, for the reason `refused`."""

    camera: str
    exercise: str
    found: DrillFacts | None = None
    refused: str = ""
    applicable: bool = True
    made: bool = True  # it was begun

    @property
    def passed(self) -> bool:
        """Noticed by its name, cured by a remedy and told of; or not to be practised with this camera."""
        return not self.applicable or not self.wrong

    @property
    def wrong(self) -> str:
        """Why it counts as failed; empty: it does not. That of one that does not apply says nothing."""
        found = self.found
        if found is None:
            return self.refused
        if found.outcome != "recovered":
            return found.outcome
        if misnamed(found.exercise, found.fault):
            return f"named {found.fault} instead of {found.expected_fault}"
        if found.cure not in tuple(Rung):
            return f"back {found.cure}, without {found.expected_cure}"
        missing = {_alert_of(found.fault), RECOVERY.name} - set(found.alerts)
        return f"no alert {', '.join(sorted(missing))}" if missing else ""


def _alert_of(fault: str) -> str:
    return of_issue(FAULTS[fault].issue).name


def document(drill: Practised) -> dict[str, Any]:
    """One for programs."""
    failed = drill.wrong if drill.applicable else ""
    return {**to_plain(drill), "passed": drill.passed, "failed_because": failed}


def lost(facts: StatusFacts, name: str, begun: DrillFacts) -> str:
    """Why a look at the daemon tells nothing of the drill that was begun; empty: it does."""
    camera = next((camera for camera in facts.cameras if camera.name == name), None)
    if camera is None:
        return f"lost sight of: {name} is no longer configured"
    last = camera.last_drill
    if last is None:
        return "lost sight of: camwatchd has begun anew with this camera"
    # The outcome of somebody else's drill proves nothing of this one.
    same = (last.number, last.exercise) == (begun.number, begun.exercise)
    return "" if same else f"its end was not seen: another drill began ({last.exercise})"


def exit_status(done: Iterable[Practised]) -> int:
    """Of those that there could be: one that failed weighs more than one that was not made."""
    counted = [drill for drill in done if drill.applicable]
    if any(drill.made and not drill.passed for drill in counted):
        return _FAILED
    made = [drill for drill in counted if drill.made]
    return ExitStatus.EX_OK if made and len(made) == len(counted) else ExitStatus.EX_TEMPFAIL


def said(camera: CameraFacts) -> str:
    """What is new."""
    drill = camera.last_drill
    if drill is None:
        return ""
    if drill.outcome == "recovered":
        noticed = f"noticed after {_span(drill.noticed_after)} as {drill.fault}"
        return f"{noticed}; back after {_span(drill.back_after)}, by {_cure(drill)}"
    if drill.outcome != "running":
        return f"{drill.outcome}: journalctl -u camwatchd DRILL=1 says more"
    if not drill.fault:
        return "not noticed yet"
    step = f"{camera.rung} {camera.attempt}" if camera.attempt and not camera.refusal else camera.phase
    return f"noticed after {_span(drill.noticed_after)} as {drill.fault}; {step}"


def report(done: Iterable[Practised], facts: StatusFacts, where: str, left: int = 0) -> str:
    """To keep: which machine and cameras, what was expected of each drill and what came of it, and the sum of it.

    `left`: so many were to be made as well, but were cut short or not begun.
    """
    done = list(done)
    head = [f"alarm drills of camwatchd {facts.daemon.version} on {where}"]
    names = {drill.camera for drill in done}
    head += [f"{c.name}: {c.model} {c.camera_id}".rstrip() for c in facts.cameras if c.name in names]
    notes = [f"{d.camera} {d.exercise}: {d.refused}" for d in done if d.refused]
    return "\n".join([*head, "", table(HEAD, map(_row, done)), *notes, "", _sum(done, left)])


def _row(drill: Practised) -> tuple[str, ...]:
    if drill.found is None:
        made = "FAILED" if drill.made else "not made"
        return drill.camera, drill.exercise, *["-"] * 5, made if drill.applicable else "not applicable"
    found = drill.found
    named = _against(found.fault or "-", found.expected_fault)
    cured = _against(found.cure or "-", found.expected_cure, _cure(found) or "-")
    alerts = ", ".join(dict.fromkeys(name.split(": ")[-1] for name in found.alerts)) or "none"
    verdict = "ok" if drill.passed else f"FAILED: {drill.wrong}"
    times = _span(found.noticed_after), _span(found.back_after)
    return drill.camera, drill.exercise, times[0], named, cured, times[1], alerts, verdict


def _against(seen: str, expected: str, shown: str = "") -> str:
    return (shown or seen) + ("" if seen == expected else f" (expected {expected})")


def _cure(drill: DrillFacts) -> str:
    return f"{drill.cure} {drill.attempt}" if drill.attempt else drill.cure


def _span(seconds: float | None) -> str:
    return "-" if seconds is None else duration(seconds)


def _sum(done: list[Practised], left: int) -> str:
    counted = [drill for drill in done if drill.applicable]
    made = [drill for drill in counted if drill.made]
    failed = [drill for drill in made if not drill.passed]
    passed, total = len(made) - len(failed), len(counted) + left
    besides = f"; {len(counted) - len(made)} not made" if len(made) < len(counted) else ""
    besides += f"; {left} cut short, or not begun" if left else ""
    besides += f"; {len(done) - len(counted)} did not apply" if len(counted) < len(done) else ""
    if failed:
        return f"FAILED: {len(failed)} of {total} drills were not noticed and cured as expected{besides}"
    if not made:
        return f"NOT MADE: there was no drill, so nothing is proved{besides}"
    head = "PASSED" if passed == total else "NOT ALL"
    return f"{head}: {passed} of {total} drills were noticed and cured{besides}"
