# SPDX-License-Identifier: MIT
"""Owns what supervisor and worker say to each other: one JSON object per datagram of a SOCK_SEQPACKET pair.

    {"kind": "Frames", "count": 7, "sequence": 1234, ...}

A datagram is whole or not there at all: a worker that dies in mid-sentence cannot leave half a message behind.
All times are seconds; points in time are CLOCK_MONOTONIC; sensor timestamps are nanoseconds as the camera
gives them.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from camwatchd.core.ladder import Outcome
from camwatchd.core.plain import PlainError, from_plain, to_plain
from camwatchd.core.plausible import objection
from camwatchd.core.settings import CameraSettings, Supervision
from camwatchd.core.streams import Stream

MAX_MESSAGE = 32 * 1024  # bytes; anything longer is not ours
EVIDENCE_LIMIT = 600  # characters of an exception or log line that travel as evidence


class ProtocolError(ValueError):
    """What arrived is no message; the text says why and quotes the beginning."""


# --- worker to supervisor -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Imported:
    """The slow imports are done; nothing is opened or enumerated. A standby worker rests here."""

    backend: str
    seconds: float
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entering:
    """A call that may block begins; `bound` is the time it may take before the worker dumps its stack."""

    call: str
    bound: float


@dataclass(frozen=True, slots=True)
class Opened:
    """The camera is open and configured: who it is, what it will deliver, where on USB it is (see core.usb).

    `streams`: what there is for readers; answered by `Publish`.
    """

    camera_id: str
    model: str
    format: str
    width: int
    height: int
    seconds: float
    usb: str = ""
    streams: tuple[Stream, ...] = ()


@dataclass(frozen=True, slots=True)
class Streaming:
    """`start()` returned, for the first time (generation 1) or after a restart of the stream."""

    generation: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Frames:
    """Healthy captures since the last report (at most four reports a second); the last one in detail."""

    count: int
    sequence: int
    sensor_timestamp: int
    frame_duration: float
    latency: float  # of the last one: from the sensor's timestamp to the end of the checks
    latency_max: float
    late: int  # how many of them came later than 3 x frame duration
    dropped: int  # sequence numbers that never came
    mean: float  # of the sampled brightness, 0 to 255; -1: not measured (encoded formats)
    deviation: float  # standard deviation of the sample; -1: not measured
    oldest: float = 0.0  # when the first of them arrived; 0: not told


@dataclass(frozen=True, slots=True)
class Late:
    """No frame for 3 x frame duration. Said, not acted on."""

    waited: float


@dataclass(frozen=True, slots=True)
class CaptureFailed:
    """One capture was missed or unhealthy; `fault` is a name of the fault table.

    `picture` identifies the picture where that is what failed, so that the next worker knows it again.
    """

    fault: str
    evidence: str
    waited: float
    picture: str = ""


@dataclass(frozen=True, slots=True)
class CameraFailed:
    """A call into the camera raised: a fault at once. `chain` has the exception and its causes."""

    call: str
    chain: tuple[str, ...]
    fault: str = ""  # set where the backend itself knows the fault's name; else the chain is classified


@dataclass(frozen=True, slots=True)
class Remark:
    """Something a human may want to know that is no failure, e.g. a black picture where that only warns."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The ordered action `order` ended."""

    order: int
    outcome: Outcome
    detail: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The controls of order `order` are set, or not one of them and `problem` says why.

    `controls`: all that were set, as they are now. `offered`: for each control there is, its smallest, its largest and
    its usual value, as the camera gives them.
    """

    order: int
    problem: str = ""
    controls: dict[str, Any] = field(default_factory=dict)
    offered: dict[str, Any] = field(default_factory=dict)


# --- supervisor to worker -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Open:
    """Take this camera: open, configure, start, capture. `runtime_dir` is for the simulated camera's memory.

    `suspect` and `picture` are what the worker before last failed for, if that was a picture.
    """

    camera: CameraSettings
    supervision: Supervision
    runtime_dir: str
    suspect: str = ""
    picture: str = ""
    drill: str = ""  # an exercise of core.drills that begins with the opening


@dataclass(frozen=True, slots=True)
class RestartStream:
    """Flush, stop, start in the same process; answered by `Finished` with the same `order`."""

    order: int


@dataclass(frozen=True, slots=True)
class Publish:
    """Write the frames of these streams into rings, whose descriptors come along in the same order."""

    streams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Adjust:
    """Set these controls of the running camera, all or none; answered by `Adjusted` with the same `order`."""

    order: int
    controls: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drill:
    """Pretend that the camera fails (core.drills), for so long at most; a restart of the stream ends it."""

    exercise: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop, close and exit with status 0."""


Report = (
    Imported
    | Entering
    | Opened
    | Streaming
    | Frames
    | Late
    | CaptureFailed
    | CameraFailed
    | Remark
    | Finished
    | Adjusted
)
Order = Open | RestartStream | Publish | Adjust | Drill | Stop

_REPORTS: dict[str, type[Any]] = {cls.__name__: cls for cls in Report.__args__}
_ORDERS: dict[str, type[Any]] = {cls.__name__: cls for cls in Order.__args__}


def encode(message: Report | Order) -> bytes:
    """The datagram for a message."""
    return json.dumps({"kind": type(message).__name__, **to_plain(message)}, separators=(",", ":")).encode()


def decode_report(datagram: bytes) -> Report:
    """What a worker said; ProtocolError for anything else."""
    report: Report = _decode(_REPORTS, datagram)
    if wrong := objection(report):
        raise ProtocolError(f"{wrong}: {datagram[:80]!r}")
    return report


def decode_order(datagram: bytes) -> Order:
    """What the supervisor ordered; ProtocolError for anything else."""
    order: Order = _decode(_ORDERS, datagram)
    return order


def _decode(kinds: dict[str, type[Any]], datagram: bytes) -> Any:
    try:
        data = json.loads(datagram)
        return from_plain(kinds[data.pop("kind")], data)
    except (PlainError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise ProtocolError(f"{type(error).__name__}: {error!s:.100}: {datagram[:80]!r}") from None
