# SPDX-License-Identifier: MIT
"""Owns what the ladder remembers of one camera, and the policy it is judged by."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from camwatchd.core.events import Effect
from camwatchd.core.ladder import LADDER, Rung, RungPolicy
from camwatchd.core.settings import Supervision


class Phase(StrEnum):
    """Where a camera is. Every phase but HEALTHY must have a deadline; HEALTHY has one too: the next report."""

    STARTING = "starting"  # the first worker imports, opens, starts; an incident of its own
    HEALTHY = "healthy"
    RETRYING = "retrying"  # the lowest rung: captures again and counts
    BACKOFF = "backoff"  # waits before an attempt, with the camera open if it still is
    ACTING = "acting"  # the rung's action is under way
    SETTLING = "settling"  # the action ended; three healthy frames in a row must prove it
    HOLDING = "holding"  # a fault that climbing cannot cure; probed from time to time
    WEDGED = (
        "wedged"  # a process that cannot be killed holds the camera, and the reboot is refused or postponed
    )
    LEAVING = "leaving"  # a restart of the service or a reboot is asked for; the recorder decides and writes it down
    PARKED = "parked"  # nothing more may be done for now; probed ever more slowly
    PAUSED = "paused"  # the operator has the camera


class Milestone(StrEnum):
    """How far a reset of the device and the restart of the worker have come."""

    NONE = ""
    REAPING = "ending the old worker"
    RESETTING = "resetting the USB device"
    IMPORTING = "importing"
    OPENING = "opening"


RUNS = (Milestone.IMPORTING, Milestone.OPENING)  # a worker of this attempt does, and no other is in its way

# TERM, ABRT and KILL 2 s apart, then 15 s until the verdict "unkillable", and one to read it (core/killing.py).
REAP_BOUND = 20.0
# A worker reports at least every frame deadline, its healthy frames up to 0.25 s late; as much again for scheduling.
REPORT_SLACK = 0.5
NEVER, NEVER_BEFORE = (
    1e12,
    -1e12,
)  # as points in time; JSON has no infinity, and a state is kept over a restart


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The numbers by which one camera is judged."""

    supervision: Supervision = Supervision()
    ladder: tuple[RungPolicy, ...] = LADDER
    required: bool = True  # an optional camera may neither restart the service nor reboot

    def row(self, rung: Rung) -> RungPolicy:
        """The row of a rung."""
        return self.ladder[rung.height]


@dataclass(frozen=True, slots=True)
class Drill:
    """An alarm drill under way (core.drills): until when, and where on the ladder the camera was before."""

    name: str
    until: float
    floor: Rung
    used: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One camera's place on the ladder. Points in time are monotonic seconds."""

    phase: Phase
    since: float
    deadline: float
    run_until: float = 0.0  # importing or opening is a fault then; at the deadline before it is only told of
    rung: Rung = Rung.RETRY  # the attempt under way or waited for
    attempt: int = 0
    milestone: Milestone = Milestone.NONE
    floor: Rung = Rung.RETRY  # never climbs down below this until stable
    used: tuple[int, ...] = (0,) * len(Rung)  # attempts spent, by height
    exhausted: bool = False
    rounds: int = 0  # attempts beyond the ladder, and probes of a held fault: each is a move
    fault: str = ""  # of the open incident
    suspicion: str = ""  # what the failures counted so far point at
    opened_at: float = 0.0  # of the incident
    started_at: float = 0.0  # of the attempt under way
    noticed_after: float | None = None
    failures: int = 0  # missed or unhealthy captures in a row
    failed_recoveries: int = 0
    streak: int = 0  # healthy frames in a row
    healthy_since: float | None = None
    last_healthy: float | None = None
    frame_duration: float = 1 / 30
    lease_until: float = 0.0  # until when the rungs that remain may take; set when an incident opens
    critical_said: bool = False
    tries: int = 0  # attempts and probes performed in this incident
    place: str | None = None  # of the USB device behind it, empty: there is none; None: not opened yet
    skip_said: bool = False  # that there is no device to reset was told in this incident
    device_seen: bool = False  # a device appeared while an attempt was under way that may have missed it
    hurries: int = 0  # how often a device that appeared has cut a pause short in this incident
    hurried_at: float = NEVER_BEFORE  # ... and when it last did
    symptom: str = ""  # what no reboot cures and the present attempt has shown: a picture, if a bad one
    wedged: bool = False  # a process that cannot be killed holds the camera
    parks: int = 0  # probes of a parked camera that were fixed in this incident: each later than the last
    probe_at: float = 0.0  # when a parked camera is looked at again
    refusal: str = ""  # the name under which the last request to leave was refused or postponed ...
    refusal_detail: str = ""  # ... and its reason
    ask_at: float = NEVER  # when another answer is possible
    ordered: bool = False  # what is asked for now is an operator's wish, not the ladder's next step
    waits_since: float | None = None  # since when it is postponed because others are at work
    drill: Drill | None = (
        None  # what happens now is practised: neither the service nor the machine is restarted
    )
    drilled: bool = False  # it began in a drill: nobody leaves for it, until ...
    spared_until: float = NEVER  # ... this, or an operator orders a recovery

    def to(self, phase: Phase, now: float, deadline: float, **changes: Any) -> "State":
        """The state in another phase (or anew in the same)."""
        return replace(self, phase=phase, since=now, deadline=deadline, **changes)

    @property
    def runs(self) -> bool:
        """Whether a worker imports or opens, and nothing else is waited for."""
        return self.milestone in RUNS and self.rung is not Rung.RESTART_STREAM

    @property
    def ends_by(self) -> float:
        """When what is under way, or waited for, is over."""
        return self.run_until if self.runs else self.deadline

    @property
    def in_incident(self) -> bool:
        """Whether the watchdog is on a lease because of this camera."""
        return self.phase not in (Phase.HEALTHY, Phase.RETRYING)


Step = tuple[State, tuple[Effect, ...]]
