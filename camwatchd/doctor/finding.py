# SPDX-License-Identifier: MIT
"""Owns what one check says: how it went, why, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

AS_ROOT = "sudo camwatchctl doctor"  # what an ordinary user was not shown


class Result(StrEnum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"  # it works, but not as it should, or not for ever
    FAILURE = "failure"  # camwatchd cannot do what it is there for
    UNKNOWN = "unknown"  # this machine does not have it, or does not show it to us: no verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of one check. `name` is stable, and explained in camwatchctl(1)."""

    name: str
    result: Result
    reason: str
    remedy: str = ""  # a command to paste; what only hands can do is its comment
    subject: str = ""  # which one, where a check is made for several things
    paste: str = ""  # lines for the configuration


def ok(name: str, reason: str) -> Finding:
    """Nothing to do."""
    return Finding(name=name, result=Result.OK, reason=reason)


def warning(name: str, reason: str, remedy: str) -> Finding:
    """Something should be done."""
    return Finding(name=name, result=Result.WARNING, reason=reason, remedy=remedy)


def failure(name: str, reason: str, remedy: str) -> Finding:
    """Something must be done."""
    return Finding(name=name, result=Result.FAILURE, reason=reason, remedy=remedy)


def unknown(name: str, reason: str, remedy: str = "") -> Finding:
    """No verdict, and why."""
    return Finding(name=name, result=Result.UNKNOWN, reason=reason, remedy=remedy)


def exit_status(findings: Iterable[Finding]) -> int:
    """0: nothing is wrong as far as can be told; 1: warnings; 2: failures."""
    results = {finding.result for finding in findings}
    return 2 if Result.FAILURE in results else int(Result.WARNING in results)


def listed(items: Iterable[object], most: int = 4) -> str:
    """The first few of them, and how many more there are."""
    every = [str(item) for item in items]
    more = [f"{len(every) - most} more"] if len(every) > most else []
    return ", ".join([*every[:most], *more])
