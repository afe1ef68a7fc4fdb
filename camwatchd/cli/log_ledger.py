# SPDX-License-Identifier: MIT
"""Owns how incidents that the ledger remembers read as events, for the time that the journal has forgotten."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from camwatchd.cli.log_events import Event
from camwatchd.core import alerts
from camwatchd.core.drills import MARK
from camwatchd.core.faults import FAULTS
from camwatchd.core.timespan import duration

_WARNING, _INFO = 4, 6
ENDED = "incident.ended"  # only the ledger says so; the journal has what followed


@dataclass(frozen=True, slots=True)
class Step:
    """What was tried: `after` seconds from the beginning of the incident. `outcome` as in the ledger."""

    after: float
    rung: str
    attempt: int
    outcome: str
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Incident:
    """What the ledger holds of one. `time`: of its beginning, seconds since 1970; `ended`: how; empty: it is open."""

    camera: str
    time: float
    fault: str
    evidence: str
    seconds: float
    ended: str
    steps: Sequence[Step] = ()
    drill: bool = False


def with_forgotten(journal: Iterator[Event], incidents: Iterable[Incident]) -> Iterator[Event]:
    """The journal's events, and before them what the ledger knows of the time from which it has none."""
    first = next(journal, None)  # before the ledger is read: what is younger than this need not be there
    end = first.time if first else math.inf
    yield from sorted(
        (event for event in events(incidents) if event.time < end), key=lambda event: event.time
    )
    if first:
        yield first
    yield from journal


def events(incidents: Iterable[Incident]) -> Iterator[Event]:
    """What the log would have said of them, as far as the ledger knows; `incidents` with the oldest first."""
    for incident in incidents:
        yield _alert(incident)
        for step in incident.steps:
            if step.outcome == "failed":
                yield _failed(incident, step)
            elif step.outcome == "succeeded":
                yield _recovered(incident, step)
            elif step.outcome == "granted":
                yield _left(incident, step)
            elif step.outcome == "parked":
                yield _parked(incident, step)
        if incident.ended and not any(step.outcome == "succeeded" for step in incident.steps):
            yield _ended(incident)


def _alert(incident: Incident) -> Event:
    known = FAULTS.get(incident.fault)
    name, event = ("CAMERA_ISSUE", "alert.unknown") if known is None else _names(incident.fault)
    proof = f" [{incident.evidence}]" if incident.evidence else ""
    human = known.human if known else "a fault that this version does not know"
    text = f"{name}: {incident.camera}: {incident.fault}: {human}{proof}"
    return _event(incident, 0.0, event, text, 3)


def _names(fault: str) -> tuple[str, str]:
    alert = alerts.of_issue(FAULTS[fault].issue)
    return alert.name, alert.event


def _failed(incident: Incident, step: Step) -> Event:
    text = f"{incident.camera}: {step.rung} (attempt {step.attempt}) did not help: {step.reason}"
    return _event(incident, step.after, "ladder.attempt_failed", text, _WARNING, step)


def _left(incident: Incident, step: Step) -> Event:
    text = f"{incident.camera}: {step.rung} was asked for {incident.fault}, and granted: the daemon leaves for it"
    return _event(incident, step.after, "service.leaving", text, _WARNING, step)


def _parked(incident: Incident, step: Step) -> Event:
    text = f"{alerts.CRITICAL.name}: {incident.camera}: {incident.fault}: parked, no reboot ({step.reason})"
    return _event(incident, step.after, alerts.CRITICAL.event, text, alerts.CRITICAL.priority, step)


def _recovered(incident: Incident, step: Step) -> Event:
    cure = f"{step.rung} (attempt {step.attempt})" if step.rung else "itself"
    text = (
        f"{alerts.RECOVERY.name}: {incident.camera}: healthy again by {cure}, {duration(incident.seconds)} after the "
        f"first failure ({incident.fault})"
    )
    return _event(incident, step.after, alerts.RECOVERY.event, text, alerts.RECOVERY.priority, step)


def _ended(incident: Incident) -> Event:
    """Not by a recovery that was written down: by the end of the boot, or of the start of the service."""
    text = f"{incident.camera}: the incident ({incident.fault}) has ended: {incident.ended}"
    return _event(incident, incident.seconds, ENDED, text, _INFO)


def _event(
    incident: Incident, after: float, event: str, text: str, priority: int, step: Step | None = None
) -> Event:
    name = f"{incident.camera}: "
    return Event(
        time=incident.time + after,
        priority=priority,
        event=event,
        message=text.replace(name, f"{name}{MARK}: ", 1) if incident.drill else text,
        drill=incident.drill,
        camera=incident.camera,
        fault=incident.fault,
        rung=step.rung if step else "",
        attempt=step.attempt if step else 0,
        seconds=step.seconds if step else None,
        source="ledger",
    )
