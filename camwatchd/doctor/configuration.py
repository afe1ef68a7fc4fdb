# SPDX-License-Identifier: MIT
"""Owns the check of the configuration."""

from collections.abc import Iterator
from dataclasses import dataclass

from camwatchd.adapters import config
from camwatchd.adapters.config_cli import summary
from camwatchd.doctor.finding import Finding, failure, listed, ok
from camwatchd.doctor.place import Place
from camwatchd.errors import ConfigError, Problem

NAMES = ("configuration",)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the daemon would say to it."""

    summary: str
    problems: tuple[Problem, ...] = ()


def find(place: Place) -> Iterator[Finding]:
    """The check."""
    yield check(gather(place))


def gather(place: Place) -> Facts:
    """The facts of this machine."""
    try:
        return Facts(summary(config.load(*place.config, place.host)).strip())
    except ConfigError as error:
        return Facts("", error.problems)


def check(facts: Facts) -> Finding:
    """Whether the daemon would start with it."""
    if not facts.problems:
        return ok("configuration", facts.summary.removeprefix("configuration is "))
    places = listed((f"{problem.file}: {problem.key or 'the file'}" for problem in facts.problems), 3)
    text = f"the daemon would not start with it: {places}"
    return failure(
        "configuration", text, "camwatchctl check-config says each mistake, and what was expected"
    )
