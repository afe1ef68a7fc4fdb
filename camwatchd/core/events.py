# SPDX-License-Identifier: MIT
"""Owns the facts that the ladder is told (events, past tense) and the orders it gives (effects, imperative)."""

from dataclasses import dataclass

from camwatchd.core.ladder import Outcome, Rung

# --- facts in ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WorkerStarted:
    """A worker process of this camera was executed, or the standby worker was taken; the old one is reaped."""


@dataclass(frozen=True, slots=True)
class WorkerImported:
    """Its slow imports are done; it now opens the camera."""


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """The camera is open and its stream was started."""


@dataclass(frozen=True, slots=True)
class Located:
    """The camera was opened: where on USB it is plugged in (see core.usb), empty if nowhere."""

    place: str


@dataclass(frozen=True, slots=True)
class FramesArrived:
    """`count` healthy captures since the last report; frame duration in seconds (0: unknown).

    `oldest`: when the first of them arrived. What was captured before a fault proves nothing about its cure.
    """

    count: int
    frame_duration: float = 0.0
    oldest: float = float("inf")


@dataclass(frozen=True, slots=True)
class CaptureFailed:
    """One capture was missed or unhealthy, for the reason `fault` names."""

    fault: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Faulted:
    """Direct evidence of a fault: nothing is left to be counted."""

    fault: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class ActionEnded:
    """The ordered restart of the stream, or reset of the device, returned."""

    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WorkerExited:
    """The worker ended unasked; `fault` is what its exit status says."""

    fault: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class WorkerUnkillable:
    """SIGKILL had no effect: a task of the worker (of this start or a previous one) hangs in the kernel."""

    fault: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class WorkerReaped:
    """What could not be killed is gone after all."""


@dataclass(frozen=True, slots=True)
class DeviceAppeared:
    """A device node that may be a camera's was created."""

    node: str = ""


@dataclass(frozen=True, slots=True)
class LeaveRefused:
    """The request to leave was refused, or (`postponed`) may be granted later; see core.budget.Verdict."""

    name: str
    detail: str
    again_in: float = 0.0
    postponed: bool = False


@dataclass(frozen=True, slots=True)
class Paused:
    """The operator takes the camera for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """The operator gives it back."""


@dataclass(frozen=True, slots=True)
class RecoveryOrdered:
    """The operator wants this rung tried now; what `core.orders.objection` objects to is not done."""

    rung: Rung


@dataclass(frozen=True, slots=True)
class Drilled:
    """The worker pretends from now on that its camera fails; for so long it is a drill."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class DrillOver:
    """Its time is up."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The state's deadline is reached."""


Event = (
    WorkerStarted
    | WorkerImported
    | StreamStarted
    | Located
    | FramesArrived
    | CaptureFailed
    | Faulted
    | ActionEnded
    | WorkerExited
    | WorkerUnkillable
    | WorkerReaped
    | DeviceAppeared
    | LeaveRefused
    | Paused
    | Resumed
    | RecoveryOrdered
    | Drilled
    | DrillOver
    | TimePassed
)

# --- orders out -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Perform:
    """Do what the rung says. `fresh`: execute a new process, do not take the standby worker.

    The last two rungs are requests: the answer is either our end or `LeaveRefused`.
    """

    rung: Rung
    attempt: int
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """End the worker; the camera belongs to somebody else."""


@dataclass(frozen=True, slots=True)
class SayStarted:
    """The camera delivers for the first time since the daemon took it."""

    seconds: float


@dataclass(frozen=True, slots=True)
class SaySlow:
    """What an attempt waits for has taken `seconds` and not ended; after `left` more it is this fault."""

    fault: str
    seconds: float
    left: float


@dataclass(frozen=True, slots=True)
class SayFailure:
    """A capture failed; `failures` of `limit` in a row."""

    fault: str
    evidence: str
    failures: int
    limit: int


@dataclass(frozen=True, slots=True)
class SayHiccup:
    """Frames came back before the failures became a fault: the retry rung cured it."""

    failures: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SayFault:
    """An incident opens, or a worse fault takes it over. `noticed_after`: seconds since the last healthy frame."""

    fault: str
    evidence: str
    noticed_after: float | None


@dataclass(frozen=True, slots=True)
class SayWaiting:
    """The ladder waits `seconds` before the next attempt or probe."""

    rung: Rung
    attempt: int
    seconds: float
    exhausted: bool = False


@dataclass(frozen=True, slots=True)
class SayAttemptFailed:
    """An attempt did not end in health."""

    rung: Rung
    attempt: int
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class SaySkipped:
    """A rung has nothing to act on here, for this reason; the ladder goes on. Said once per incident."""

    rung: Rung
    reason: str


@dataclass(frozen=True, slots=True)
class SayRecovered:
    """The incident is over: proved by frames. `rung` None: the frames came back by themselves.

    `seconds`: since the first failure; `took`: the attempt that cured, 0 if none did.
    """

    fault: str
    rung: Rung | None
    attempt: int
    seconds: float
    took: float = 0.0


@dataclass(frozen=True, slots=True)
class SayCritical:
    """Everything on the ladder was tried, or nothing on it can help; said once per incident."""

    fault: str
    reason: str


@dataclass(frozen=True, slots=True)
class SayRefused:
    """A last rung may not be used now, or (`postponed`) not yet; `again_in` as in core.budget.Verdict."""

    rung: Rung
    name: str
    detail: str
    again_in: float
    postponed: bool


@dataclass(frozen=True, slots=True)
class SayParked:
    """Nothing more may be done for now, under this name; the next probe follows in `seconds`."""

    fault: str
    name: str
    detail: str
    seconds: float


@dataclass(frozen=True, slots=True)
class SayOrdered:
    """An operator has this rung tried now."""

    rung: Rung


@dataclass(frozen=True, slots=True)
class SayPaused:
    """The camera is released for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class SayResumed:
    """A pause is over, by the operator or (`expired`) by itself."""

    expired: bool


Effect = (
    Perform
    | Release
    | SayStarted
    | SaySlow
    | SayFailure
    | SayHiccup
    | SayFault
    | SayWaiting
    | SayAttemptFailed
    | SaySkipped
    | SayRecovered
    | SayCritical
    | SayRefused
    | SayParked
    | SayOrdered
    | SayPaused
    | SayResumed
)
