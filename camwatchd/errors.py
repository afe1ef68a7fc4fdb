# SPDX-License-Identifier: MIT
"""Owns the errors that are an operator's to fix, the exit statuses, and the one way out with a message."""

import sys
from dataclasses import dataclass
from enum import IntEnum
from typing import NoReturn


class ExitStatus(IntEnum):
    """How our processes end. Numbers from 64 on are those of sysexits.h, which systemd knows by name."""

    EX_OK = 0
    EX_BUG = 1  # a traceback that nobody caught; what the Python interpreter uses
    EX_USAGE = 2  # wrong arguments; what argparse uses
    EX_UNAVAILABLE = 69  # the daemon does not answer
    EX_IOERR = 74  # standard output cannot be written to
    EX_TEMPFAIL = 75  # the daemon: systemd shall start us afresh; camwatchctl: not now, try again
    EX_NOPERM = 77  # not for this user
    EX_CONFIG = 78  # starting again will not help before a human has changed something


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in the configuration: where, as written, what was expected, what to do."""

    file: str
    key: str  # its path, e.g. supervision.frame_timeout; empty: the file as a whole
    value: str  # as TOML, or the offending line; empty where it says nothing
    expected: str
    hint: str
    line: int = 0  # only syntax errors know theirs; counted from 1
    column: int = 0

    def __str__(self) -> str:
        place = f", line {self.line}, column {self.column}" if self.line else ""
        found = " = ".join(part for part in (self.key, self.value) if part)
        head = f"{self.file}{place}: {found}" if found else f"{self.file}{place}"
        return f"{head}\n  expected {self.expected}\n  hint: {self.hint}"


class CamwatchError(Exception):
    """Something an operator can put right: what is wrong, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class ConfigError(CamwatchError):
    """The configuration cannot be used; all problems of all files, each with a hint of its own."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n\n".join([f"{count} in the configuration:", *map(str, problems)]))
        self.problems = problems


def die(message: str, hint: str = "", status: ExitStatus = ExitStatus.EX_CONFIG) -> NoReturn:
    """Leave, having said why and what to do. For entry points only."""
    sys.stderr.write(f"camwatchd: {CamwatchError(message, hint)}\n")
    raise SystemExit(int(status))
