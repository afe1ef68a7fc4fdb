# SPDX-License-Identifier: MIT
"""Owns the facts that the daemon gives on request: dataclasses without a word of formatting.

All spans are seconds. A point in time never travels: the clocks of two processes need not be compared.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from camwatchd.core.health import Band
from camwatchd.core.state import Phase
from camwatchd.core.streams import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What was counted of a camera since the daemon took it (core.health.Tally)."""

    captures: int = 0
    failures: int = 0
    outages: int = 0
    availability: float = 1.0  # 0 to 1
    mtbf: float | None = None  # None before the first outage
    mttr: float | None = None
    observed: float = 0.0  # seconds since the daemon took it ...
    downtime: float = 0.0  # ... and how many of them without health, an open outage included
    recoveries: int = 0  # outages that ended ...
    repairs: float = 0.0  # ... and the seconds that these took


@dataclass(frozen=True, slots=True, kw_only=True)
class FramesFacts:
    """What applications can have of a camera's frames, and what that takes; a megabyte has 10**6 bytes."""

    readers: int = 0  # that are attached
    slots: int = 0  # frames that are kept of each stream; 0: the camera was not opened yet
    streams: tuple[Stream, ...] = ()
    megabytes: float = 0.0  # of memory that the frames take now; nearly none while nobody reads
    megabytes_most: float = 0.0  # that they may take
    trouble: str = ""  # why there are none


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillFacts:
    """An alarm drill (core.drills): what was expected of it, and what came of it so far. Spans since it began."""

    exercise: str
    expected_fault: str
    expected_cure: str  # the rung; a higher one cures as well
    outcome: str = "running"  # then: recovered, not-noticed, not-recovered, interrupted
    fault: str = ""  # as it was named last
    noticed_after: float | None = None
    cure: str = ""  # the rung; "by itself"
    attempt: int = 0
    back_after: float | None = None
    alerts: tuple[str, ...] = ()  # that it raised, in their order
    number: int = (
        0  # of the camera's drills since the daemon was started; an older daemon does not count them
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignFacts:
    """A sign of trouble to come (core.signs, core.circumstances)."""

    name: str
    text: str  # what, since when, compared to what
    remedy: str  # what a human may do


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFacts:
    """One camera."""

    name: str
    required: bool
    phase: str  # core.state.Phase
    band: str  # core.health.Band
    health_score: int
    consecutive_failures: int
    failed_recoveries: int = 0
    is_initialized: bool  # open, configured and started
    is_capturing: bool  # healthy frames arrive
    is_critical: bool = False  # CAMERA_CRITICAL was raised and still holds
    should_reboot: bool = False  # a reboot is asked for or granted: the thresholds are reached
    fps: float = 0.0
    last_frame_age: float | None = None  # None: there was none yet
    late: bool = False
    fault: str = ""  # of the open incident
    fault_meaning: str = ""  # the fault table's line for a human
    rung: str = ""
    attempt: int = 0  # 0: none; a probe counts as none
    attempts: int = 0  # how many the rung has
    next_action: str = ""  # what is being tried or comes next, and when, in words
    next_in: float | None = None  # for programs: until then; None: it is under way
    refusal: str = (
        ""  # the name by which the last request to restart the service or to reboot was not granted
    )
    refusal_detail: str = ""
    asked_again_in: float | None = None  # None: only health changes the answer
    recoveries_24h: int = 0
    last_recovery: str = ""  # the rung that brought it; "by itself"
    last_recovery_age: float | None = None
    paused_for: float = 0.0  # so much of the operator's pause is left; 0: not paused
    has_worker: bool = (
        True  # a process of ours may hold the camera; a paused camera is free once this is false
    )
    model: str = ""
    camera_id: str = ""
    totals: Totals = Totals()
    drill: str = ""  # the exercise that is practised now: what is said above belongs to it
    last_drill: DrillFacts | None = None  # since the daemon was started; the one under way too
    frames: FramesFacts = FramesFacts()
    signs: tuple[SignFacts, ...] = ()  # of trouble to come; nothing acts on them


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonFacts:
    """The daemon itself."""

    version: str
    pid: int
    uptime: float
    status: str  # the very line that `systemctl status` shows
    ledger_trouble: str = ""  # why nothing can be written down, and so no reboot be granted
    reboot_mode: str = ""
    watchdog_interval: float | None = None  # None: systemd does not watch this process
    watchdog_pings: int = 0
    notify_failures: int = 0
    note: str = ""  # e.g. that a new configuration was refused


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusFacts:
    """The answer to `Status`; the cameras in the order of the configuration."""

    daemon: DaemonFacts
    cameras: tuple[CameraFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverPlan:
    """What an order to recover would do to one camera."""

    camera: str
    disturbs: bool  # it is healthy, and its frames would stop
    steps: tuple[str, ...]  # in words
    objection: str = ""  # why it may not be done


class Condition(IntEnum):
    """How a camera is, in one word, ordered from good to bad."""

    HEALTHY = 0
    PAUSED = 1  # on purpose; what it delivers is nothing all the same
    TROUBLE = 2  # starting, failing, recovering: the daemon is at work on it
    CRITICAL = 3  # a human should look


def condition(camera: CameraFacts) -> Condition:
    """The one word."""
    if camera.paused_for > 0:
        return Condition.PAUSED
    if camera.is_critical or camera.phase == Phase.PARKED or camera.band == Band.CRITICAL:
        return Condition.CRITICAL
    return Condition.HEALTHY if camera.phase == Phase.HEALTHY else Condition.TROUBLE


def is_measured(camera: CameraFacts) -> bool:
    """Whether its score speaks of captures. By the formula it is 100 where none is made: in a pause, or at a start."""
    if camera.phase == Phase.PAUSED or camera.paused_for > 0:
        return False
    begins = condition(camera) is Condition.TROUBLE and camera.phase != Phase.RETRYING and not camera.fault
    return not begins or camera.health_score < 100


def worst_first(cameras: Iterable[CameraFacts]) -> list[CameraFacts]:
    """The order in which a human wants to hear of them; of two that are as bad, the required one."""
    return sorted(cameras, key=lambda camera: (-condition(camera), camera.health_score, not camera.required))


def gating(cameras: Iterable[CameraFacts]) -> list[CameraFacts]:
    """The cameras that speak for the whole, worst first: the required ones; where none is, all of them."""
    ordered = worst_first(cameras)
    return [camera for camera in ordered if camera.required] or ordered
