# SPDX-License-Identifier: MIT
"""Owns how words become faults: exceptions of picamera2, stderr lines of libcamera, a worker's exit status."""

import re
from dataclasses import dataclass

from camwatchd.core.exits import WorkerExit
from camwatchd.core.phrases import EXCEPTIONS, HARMLESS, LINES

CLUE_LIFETIME = (
    10.0  # s: after that a clue says nothing about a failure; libcamera's longest chain takes 5 s
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a line says: a row of the fault table, and whether it is a fault at once or a clue only."""

    fault: str
    direct: bool = False


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# [H:MM:SS.nnnnnnnnn] [thread] LEVEL Category file.cpp:line [prefix: ]message (libcamera's log.cpp)
_LIBCAMERA = re.compile(
    r"(?:\[\d+:\d\d:\d\d\.\d+\] \[\d+\] +)?(DEBUG|INFO|WARN|ERROR|FATAL) \w+ \S+:\d+ (.*)", re.DOTALL
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
_EXITS = {
    WorkerExit.IMPORT_FAILED: "missing-package",
    WorkerExit.BAD_ORDER: "worker-protocol",
}


def of_exceptions(chain: tuple[str, ...]) -> str | None:
    """The fault that a chain of exceptions (outermost first) names; a cause is believed before its wrappers."""
    return next(
        (row.fault for text in reversed(chain) for row in EXCEPTIONS if row.pattern.search(text)), None
    )


def of_line(line: str) -> Finding | None:
    """What a line of a worker's stderr says, if it says anything about a fault."""
    line = _COLOUR.sub("", line).rstrip()
    if header := _LIBCAMERA.match(line):
        level, line = header.groups()
        if level in ("DEBUG", "FATAL"):  # after FATAL libcamera aborts the process
            return Finding("worker-crashed") if level == "FATAL" else None
    elif _TRACEBACK_END.match(line):
        fault = of_exceptions((line,))
        return Finding(fault) if fault else None
    return next((Finding(row.fault, row.direct) for row in LINES if row.pattern.search(line)), None)


def is_chatter(line: str) -> bool:
    """Whether libcamera itself says that a line is of no weight, or every healthy camera makes it say the same."""
    header = _LIBCAMERA.match(_COLOUR.sub("", line))
    return header is not None and (header[1] in ("DEBUG", "INFO") or _HARMLESS.search(header[2]) is not None)


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
    return clue if fault in _VAGUE else fault
