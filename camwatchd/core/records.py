# SPDX-License-Identifier: MIT
"""Owns what supervisor and recorder say to each other: numbered JSON datagrams, each one acknowledged when durable.

    {"serial": 7, "kind": "CameraHealthy", "camera": "cam0"}  ->  {"serial": 7, "kind": "Written"}

The recorder answers a record only after the ledger holds it on disk, and in the order of the serials. A record
that comes twice (the recorder died before it could answer) is written once: the serial of this start says so.
What it has to say of its own, of a ledger that it had to begin anew, comes as `Written` with a serial of no record.
"""

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from camwatchd.core.budget import Verdict
from camwatchd.core.flight import Before, HostFacts
from camwatchd.core.ladder import Rung
from camwatchd.core.messages import MAX_MESSAGE, ProtocolError
from camwatchd.core.plain import PlainError, from_plain, to_plain
from camwatchd.core.settings import Reboot

UNASKED = 0  # the serial of what answers no record; theirs begin with 1

# --- supervisor to recorder -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begin:
    """The first record of every start: who we are. Answered by `Opened`."""

    version: str
    pid: int


@dataclass(frozen=True, slots=True)
class Keep:
    """How much the flight recorder keeps: the newest incidents, and none older than so many powered-on days."""

    incidents: int
    days: float


@dataclass(frozen=True, slots=True)
class CameraHealthy:
    """The camera gave proof of health: for the first time in this start, or at the end of an incident.

    Only a `required` one makes this boot a healthy one in the eyes of the guard.
    """

    camera: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class IncidentOpened:
    """A fault opened an incident (one that is open already, across a restart of the service, goes on).

    `words`, here and below: what was heard of the camera and not told with an earlier record of the incident, by
    the kernel and the worker. A power cut may come at any moment: what is known is written at once.
    """

    camera: str
    fault: str
    evidence: str
    words: tuple[str, ...] = ()
    before: Before = Before()


@dataclass(frozen=True, slots=True)
class FaultNamed:
    """The open incident was taken over by a worse or better name."""

    camera: str
    fault: str
    evidence: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """An attempt of a rung did not end in health."""

    camera: str
    rung: Rung
    attempt: int
    reason: str
    seconds: float
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RungSkipped:
    """A rung was passed over, because it has nothing to act on here."""

    camera: str
    rung: Rung
    reason: str


@dataclass(frozen=True, slots=True)
class IncidentClosed:
    """Healthy again, by a rung's attempt or (rung None) by itself; or at an end of another kind, which is `how`."""

    camera: str
    rung: Rung | None
    attempt: int
    seconds: float
    words: tuple[str, ...] = ()
    how: str = ""


@dataclass(frozen=True, slots=True)
class CameraParked:
    """Nothing more may be done for now, and why."""

    camera: str
    fault: str
    name: str
    detail: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AskLeave:
    """May this camera restart the service (rung restart-service) or reboot the machine? Answered by `Answered`.

    A grant is an intent, and durable before the answer. `starts`, `service_restarts`: see core.budget.Facts;
    `waited_for_others`: how long this camera was postponed because of others already.
    """

    camera: str
    fault: str
    rung: Rung
    max_reboots: int
    rules: Reboot
    starts: int
    service_restarts: int
    waited_for_others: float = 0.0
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Revoke:
    """Frames came back before anybody left: the intent that was granted last to this camera is void."""

    camera: str


@dataclass(frozen=True, slots=True)
class CleanStop:
    """The daemon was told to stop and does so."""


class About(StrEnum):
    """What the recorder is to look at the machine for."""

    NOTHING = ""
    USUAL = "usual"
    INCIDENT = "incident"


@dataclass(frozen=True, slots=True)
class KeepSigns:
    """What is known of the camera's days (core.days), to be written with whatever is written next, and no write of its
    own. Answered at once by `SignsKept`: unlike all others it is not durable then, for nothing depends on it.
    """

    camera: str
    state: str
    about: About = About.NOTHING


@dataclass(frozen=True, slots=True)
class RecallSigns:
    """What was kept last of the camera; answered by `SignsRecalled`."""

    camera: str


# --- recorder to supervisor -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """The record is durable. `note`: what it means to a human, where that is news (a reboot that helped)."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """The ledger is open (until it can be, `Unwritten` says why it is not).

    `untrusted`: why it grants no reboots whatever happens ("on tmpfs"; empty: it may). `story`: how the last boot
    ended, and what became of the ledger, in sentences for a human. `healthy`: cameras that it knows.
    """

    untrusted: str
    story: tuple[str, ...]
    healthy: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """The verdict on an `AskLeave`."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class SignsKept:
    """How the machine does, if that was asked for."""

    camera: str
    about: About
    host: HostFacts = HostFacts()


@dataclass(frozen=True, slots=True)
class SignsRecalled:
    """What `KeepSigns` had; empty: nothing."""

    camera: str
    state: str


@dataclass(frozen=True, slots=True)
class Unwritten:
    """The record is kept and tried again; why it cannot be written now. `Written` follows when it is.

    Said once to each record that waits, and again when the trouble changes.
    """

    trouble: str


Record = (
    Begin
    | Keep
    | CameraHealthy
    | IncidentOpened
    | FaultNamed
    | AttemptFailed
    | RungSkipped
    | IncidentClosed
    | CameraParked
    | AskLeave
    | Revoke
    | CleanStop
    | KeepSigns
    | RecallSigns
)
Reply = Written | Opened | Answered | Unwritten | SignsKept | SignsRecalled

_RECORDS: dict[str, type[Any]] = {cls.__name__: cls for cls in Record.__args__}
_REPLIES: dict[str, type[Any]] = {cls.__name__: cls for cls in Reply.__args__}


def encode(serial: int, message: Record | Reply) -> bytes:
    """The datagram for a message. Of words that do not fit, the last ones go along: they tell how it ended."""
    data = {"serial": serial, "kind": type(message).__name__, **to_plain(message)}
    datagram = json.dumps(data, separators=(",", ":")).encode()
    words = getattr(message, "words", ())
    if len(datagram) <= MAX_MESSAGE or not words:
        return datagram
    return encode(serial, replace(message, words=words[(len(words) + 1) // 2 :]))


def decode_record(datagram: bytes) -> tuple[int, Record]:
    """What the supervisor wants written; ProtocolError for anything else."""
    return _decode(_RECORDS, datagram)


def decode_reply(datagram: bytes) -> tuple[int, Reply]:
    """What the recorder answered; ProtocolError for anything else."""
    return _decode(_REPLIES, datagram)


def _decode(kinds: dict[str, type[Any]], datagram: bytes) -> tuple[int, Any]:
    try:
        data = json.loads(datagram)
        return int(data.pop("serial")), from_plain(kinds[data.pop("kind")], data)
    except (PlainError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise ProtocolError(f"{type(error).__name__}: {error!s:.100}: {datagram[:80]!r}") from None
