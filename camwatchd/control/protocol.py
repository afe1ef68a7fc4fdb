# SPDX-License-Identifier: MIT
"""Owns what is said on the control socket: one JSON object per datagram of a SOCK_SEQPACKET connection.

    {"version": 1, "serial": 7, "request": "Pause", "cameras": ["cam0"], "seconds": 600}
    {"version": 1, "serial": 7, "answer": "PauseFacts", "cameras": ["cam0"], "seconds": 599.2, "occupied": []}

Every request is answered once, under its serial, though not in order: some answers take seconds. An answer with
serial 0 was not asked for: it says why the connection is closed. Everything is of one version or refused.

Programs outlive upgrades of the daemon. So an answer may have more fields than a client knows, and they are passed
over, as are new reasons of a refusal; fields are never taken away within one version. A request with a field that
the daemon does not know is refused, and says so: it might mean something else without it.
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from camwatchd.control.facts import DrillFacts, RecoverPlan, StatusFacts
from camwatchd.core.ladder import Rung
from camwatchd.core.messages import ProtocolError
from camwatchd.core.plain import PlainError, from_plain, to_plain, without_strangers
from camwatchd.core.streams import Stream

VERSION = 1
SOCKET_NAME = "control.sock"  # in the daemon's runtime directory
MAX_REQUEST = (
    8 * 1024
)  # bytes: what is longer keeps the supervisor for too long; 64 cameras' names need less
MAX_ANSWER = 128 * 1024  # fits into a socket's buffer as every Linux has it; 64 cameras need less
LONGEST_PAUSE = 86400.0  # seconds; whoever wants a camera for longer stops the service or changes [camera]

# --- requests ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ping:
    """Who is there? Answered by `Pong`."""


@dataclass(frozen=True, slots=True)
class Status:
    """How is everything? Answered by `StatusFacts`."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Release these cameras (none named: all) for so long. Answered by `PauseFacts`, as soon as they are free."""

    seconds: float
    cameras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resume:
    """End the pause of these cameras (none named: all). Answered by `ResumeFacts`."""

    cameras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recover:
    """Begin a recovery of these cameras (none named: all) now. Answered by `RecoverFacts` when it has begun.

    With a rung this one is tried, and only if nothing is against it for any of them; without one the camera is taken
    anew, from the foot of the ladder.
    """

    cameras: tuple[str, ...] = ()
    rung: Rung | None = None
    dry_run: bool = False  # nothing is done: what would be, or why it may not be, is in the answer


@dataclass(frozen=True, slots=True)
class Drill:
    """Practise an exercise (core.drills) on this camera. Answered by `DrillFacts` when it has begun; then `Status`."""

    camera: str
    exercise: str


@dataclass(frozen=True, slots=True)
class Reload:
    """Read the configuration again. Answered by `ReloadFacts` when it is in force or refused."""


@dataclass(frozen=True, slots=True)
class Attach:
    """Let me read the frames of this camera. Answered by `AttachFacts`, as soon as it was opened once.

    Who is attached is counted until the connection ends, and asks again when the ring says that it was closed.
    """

    camera: str
    stream: str = "main"


@dataclass(frozen=True, slots=True)
class Adjust:
    """Set these controls of the camera, all or none (without any: only ask). Answered by `AdjustFacts`.

    They are kept over recoveries, those included that restart the service, until somebody stops the daemon or the
    camera's controls in the configuration change.
    """

    camera: str
    controls: dict[str, Any] = field(default_factory=dict)


# --- answers ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pong:
    """The daemon's release and process."""

    release: str
    pid: int


@dataclass(frozen=True, slots=True)
class PauseFacts:
    """Paused for so long from now; `occupied`: cameras whose process did not end in time, so they are not free."""

    cameras: tuple[str, ...]
    seconds: float
    occupied: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResumeFacts:
    """The cameras whose pause this ended."""

    cameras: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecoverFacts:
    """The cameras whose recovery has begun, or would; what is done to each."""

    cameras: tuple[str, ...]
    plans: tuple[RecoverPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class ReloadFacts:
    """Empty: the new configuration is in force; else what is wrong with it, and the old one stays."""

    problems: str = ""


@dataclass(frozen=True, slots=True)
class AttachFacts:
    """The ring of this stream comes along as a descriptor (SCM_RIGHTS); its layout: camwatchd.frames.layout."""

    camera: str
    stream: Stream
    generation: int
    slots: int


@dataclass(frozen=True, slots=True)
class AdjustFacts:
    """All controls that were set, and what is offered: for each control its smallest, largest and usual value."""

    camera: str
    controls: dict[str, Any]
    offered: dict[str, Any]


class Reason(StrEnum):
    """Why there is no other answer. The first two are found by the client itself."""

    UNREACHABLE = "unreachable"  # no daemon is there
    SILENT = "silent"  # it did not answer in time
    VERSION = "unknown-version"
    REQUEST = "unknown-request"
    MALFORMED = "malformed"
    CROWDED = "too-many-clients"
    PERMISSION = "permission"
    CAMERA = "unknown-camera"
    STREAM = "unknown-stream"
    CONTROLS = "refused-controls"
    DOWN = "camera-down"
    MEMORY = "no-memory-for-frames"
    PAUSED = "paused"
    RUNG = "refused-rung"
    UNFIT = "not-healthy"  # the camera is not as well as a drill needs it
    INAPPLICABLE = "not-applicable"  # this exercise would prove nothing with this camera
    RESUMED = "resumed"
    INTERNAL = "internal-error"


@dataclass(frozen=True, slots=True)
class Refused:
    """The request is not fulfilled: why, in a sentence, and what a human can do about it."""

    reason: Reason
    message: str
    hint: str = ""


Request = Ping | Status | Pause | Resume | Recover | Drill | Reload | Attach | Adjust
Answer = (
    Pong
    | StatusFacts
    | PauseFacts
    | ResumeFacts
    | RecoverFacts
    | DrillFacts
    | ReloadFacts
    | AttachFacts
    | AdjustFacts
    | Refused
)

_DEEPEST = 3  # a list of rectangles, in the list of all controls
_REQUESTS: dict[str, type[Any]] = {cls.__name__: cls for cls in Request.__args__}
_ANSWERS: dict[str, type[Any]] = {cls.__name__: cls for cls in Answer.__args__}
_RESTART = "daemon and client are of different releases; after an upgrade: systemctl restart camwatchd"


def encode_request(serial: int, request: Request) -> bytes:
    """The datagram for a request."""
    return _encode(serial, "request", request)


def encode_answer(serial: int, answer: Answer) -> bytes:
    """The datagram for an answer; one that would be too long says so instead."""
    datagram = _encode(serial, "answer", answer)
    if len(datagram) <= MAX_ANSWER:
        return datagram
    text = f"the answer would have {len(datagram)} bytes, more than {MAX_ANSWER}"
    return _encode(serial, "answer", Refused(Reason.INTERNAL, text))


def decode_request(datagram: bytes) -> tuple[int, Request | Refused]:
    """A request and its serial. What is none is to be expected of clients: its refusal is a value."""
    try:
        return _request(datagram)
    except RecursionError:  # nested so deeply that it can be read but not quoted
        return 0, Refused(Reason.MALFORMED, "nested too deeply")


def _request(datagram: bytes) -> tuple[int, Request | Refused]:
    try:
        data = _envelope(datagram, MAX_REQUEST)
        serial = _serial(data, 1)
    except ProtocolError as error:
        return 0, Refused(Reason.MALFORMED, str(error))
    if (version := data.pop("version", None)) != VERSION:
        text = f"this daemon speaks version {VERSION}, the request is of version {version!r:.20}"
        return serial, Refused(Reason.VERSION, text, _RESTART)
    kind = data.pop("request", None)
    if not isinstance(kind, str) or kind not in _REQUESTS:
        text = f"no request is called {kind!r:.40}; there are {', '.join(_REQUESTS)}"
        return serial, Refused(Reason.REQUEST, text, _RESTART)
    try:
        request: Request = from_plain(_REQUESTS[kind], data)
    except PlainError as error:
        return serial, Refused(Reason.MALFORMED, f"{error!s:.300}", _RESTART)
    if isinstance(request, Adjust) and not _is_flat(list(request.controls.values()), _DEEPEST):
        text = "a control is a number, a list of numbers or a list of lists"
        return serial, Refused(Reason.MALFORMED, text)
    return serial, request


def _is_flat(value: Any, levels: int) -> bool:
    """What is nested without end can be read, but neither quoted nor written again."""
    if not isinstance(value, list | dict):
        return True
    within = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_flat(each, levels - 1) for each in within)


def decode_answer(datagram: bytes) -> tuple[int, Answer]:
    """An answer and its serial; ProtocolError for anything else, which no daemon of this release sends."""
    try:
        return _answer(datagram)
    except RecursionError:
        raise ProtocolError("nested too deeply") from None


def _answer(datagram: bytes) -> tuple[int, Answer]:
    data = _envelope(datagram, MAX_ANSWER)
    serial = _serial(data, 0)
    if (version := data.pop("version", None)) != VERSION:
        raise ProtocolError(f"the answer is of version {version!r:.20}, not {VERSION}")
    kind = data.pop("answer", None)
    if not isinstance(kind, str) or kind not in _ANSWERS:
        raise ProtocolError(f"no answer is called {kind!r:.40}")
    if kind == Refused.__name__ and data.get("reason", Reason.INTERNAL) not in list(Reason):
        data["reason"] = Reason.INTERNAL
    try:
        return serial, from_plain(_ANSWERS[kind], without_strangers(_ANSWERS[kind], data))
    except PlainError as error:
        raise ProtocolError(f"{error!s:.300}") from None


def _encode(serial: int, role: str, message: object) -> bytes:
    data = {"version": VERSION, "serial": serial, role: type(message).__name__, **to_plain(message)}
    return json.dumps(data, separators=(",", ":"), allow_nan=False).encode()


def _envelope(datagram: bytes, limit: int) -> dict[str, Any]:
    if len(datagram) > limit:
        raise ProtocolError(f"a datagram has at most {limit} bytes")
    try:
        data = json.loads(datagram)
    except ValueError as error:
        raise ProtocolError(f"no JSON: {error!s:.100}: {datagram[:80]!r}") from None
    if not isinstance(data, dict):
        raise ProtocolError(f"expected a JSON object: {datagram[:80]!r}")
    return data


def _serial(data: dict[str, Any], least: int) -> int:
    serial = data.pop("serial", None)
    if not isinstance(serial, int) or isinstance(serial, bool) or not least <= serial < 1 << 53:
        raise ProtocolError(f"expected a serial, a whole number from {least} to 2**53, not {serial!r:.40}")
    return serial
