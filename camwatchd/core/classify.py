# SPDX-License-Identifier: MIT
"""Owns how words become faults: exceptions of picamera2, stderr lines of libcamera, a worker's exit status."""

import re
from dataclasses import dataclass

from camwatchd.core.exits import WorkerExit
from camwatchd.core.faults import FAULTS
from camwatchd.core.phrases import EXCEPTIONS, HARMLESS, LINES

CLUE_LIFETIME = (
    10.0  # s: after that a clue says nothing about a failure; libcamera's longest chain takes 5 s
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a line says: a row of the fault table, and whether it is a fault at once or a clue only."""

    fault: str
    direct: bool = False


# Characters that are looked at: more than libcamera writes in a line. What a phrase costs grows with their square, and
# the supervisor waits for it.
_LONGEST = 1024
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# [H:MM:SS.nnnnnnnnn] [thread] LEVEL Category file.cpp:line [prefix: ]message (libcamera's log.cpp). What fails is
# often said by the category alone.
_LIBCAMERA = re.compile(
    r"(?:\[\d+:\d\d:\d\d\.\d+\] \[\d+\] +)?(DEBUG|INFO|WARN|ERROR|FATAL) (\w+ \S+:\d+ .*)", re.DOTALL
)
_HARMLESS = re.compile("|".join(HARMLESS))
_TRACEBACK_END = re.compile(r"[\w.]+(?:Error|Exception)(?:: |$)")

# What these say of themselves is that something failed, not what: a clue knows better.
_VAGUE = frozenset(
    {
        "capture-error",
        "configuration",
        "frames-stopped",
        "init-failed",
        "init-timeout",
        "not-found",
        "start-timeout",
        "worker-exited",
    }
)
# Faults for which nothing is climbed, and those of a camera that may never have worked with these settings. One
# that streamed is not waited for because of a word: neither its settings nor its rights have changed meanwhile.
_HELD = frozenset(name for name, row in FAULTS.items() if row.hold is not None)
_HOPELESS = _HELD | {name for name, row in FAULTS.items() if row.max_reboots == 0}
_STREAMED = frozenset({"capture-error", "frames-stopped"})
_NOT_OPENED = frozenset({"configuration", "init-failed", "init-timeout", "not-found"})
_EXITS = {
    WorkerExit.IMPORT_FAILED: "missing-package",
    WorkerExit.BAD_ORDER: "worker-protocol",
}


def of_exceptions(chain: tuple[str, ...], call: str = "") -> str | None:
    """The fault that a chain of exceptions (outermost first) names; a cause is believed before its wrappers.

    `call`: into the camera, which raised them; some words mean a camera only when it is being opened.
    """
    rows = [row for row in EXCEPTIONS if call == "open" or not row.opening]
    return next((row.fault for text in reversed(chain) for row in rows if row.pattern.search(text)), None)


def of_line(line: str) -> Finding | None:
    """What a line of a worker's stderr says, if it says anything about a fault."""
    line = _readable(line)
    if header := _LIBCAMERA.match(line):
        level, line = header.groups()
        if level in ("DEBUG", "FATAL"):  # after FATAL libcamera aborts the process
            return Finding("worker-crashed") if level == "FATAL" else None
    elif _TRACEBACK_END.match(line):
        fault = of_exceptions((line,))
        return Finding(fault) if fault else None
    return next((Finding(row.fault, row.direct) for row in LINES if row.pattern.search(line)), None)


def is_chatter(line: str) -> bool:
    """Whether every healthy camera makes libcamera say this; what it says for its own makers is asked for."""
    header = _LIBCAMERA.match(_readable(line))
    return header is not None and (header[1] == "DEBUG" or _HARMLESS.search(header[2]) is not None)


def _readable(line: str) -> str:
    return _COLOUR.sub("", line)[:_LONGEST].rstrip()


def of_exit(status: int) -> str:
    """The fault of a worker that ended unasked; `status` as subprocess gives it, negative for a signal."""
    if status < 0:
        return "worker-crashed"
    return next((fault for exit_status, fault in _EXITS.items() if exit_status == status), "worker-exited")


def better_name(fault: str, clue: str, age: float) -> str:
    """The name of a failure in the light of the last clue, which was heard `age` seconds before it."""
    if age > CLUE_LIFETIME:
        return fault
    if (fault, clue) == ("not-found", "device-gone"):  # how it went is no news once it is away
        return fault
    if fault == "busy":  # libcamera answers EBUSY too when we ourselves hold the camera
        return clue if clue == "init-failed" else fault
    if fault in _STREAMED and clue in _HELD:
        return fault
    return clue if fault in _VAGUE else fault


def kernels_name(fault: str, clue: str, age: float) -> str:
    """The same in the light of a line of the kernel, which may be about another device of the same kind."""
    return fault if clue in _HOPELESS and fault not in _NOT_OPENED else better_name(fault, clue, age)
