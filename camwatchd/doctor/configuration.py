# SPDX-License-Identifier: MIT
"""Owns the check of the configuration: valid, and readable for whom it is meant, who is not whoever asks."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from camwatchd.adapters import config
from camwatchd.adapters.config_cli import summary
from camwatchd.doctor import rights
from camwatchd.doctor.finding import AS_ROOT, Finding, failure, listed, ok, unknown
from camwatchd.doctor.nodes import Node
from camwatchd.doctor.place import USER, Place
from camwatchd.errors import ConfigError, Problem

NAMES = ("configuration",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the daemon would say to it."""

    summary: str = ""
    problems: tuple[Problem, ...] = ()
    hidden: tuple[str, ...] = ()  # files that we may not read
    closed: tuple[str, ...] = ()  # files that the service's user may not read


def find(place: Place) -> Iterator[Finding]:
    """The check."""
    yield check(gather(place))


def gather(place: Place) -> Facts:
    """The facts of this machine."""
    text, problems = "", tuple[Problem, ...]()
    try:
        text = summary(config.load(*place.config, place.host)).strip()
    except ConfigError as error:
        problems = error.problems
    main, folder = place.config
    files = [file for file in (main, folder, *place.files("etc/camwatchd/conf.d/*.toml")) if place.has(file)]
    known = rights.accounts(place)
    return Facts(
        summary=text,
        problems=problems,
        hidden=tuple(str(file) for file in files if not os.access(file, os.R_OK)),
        closed=tuple(str(file) for file in files if not _readable(Node.at(file, place.root), known)),
    )


def _readable(file: Node | None, known: rights.Facts) -> bool:
    uid, gids = known.ids_of_service()
    return file is None or uid is None or file.allows(uid, gids, 0o4)


def check(facts: Facts) -> Finding:
    """Whether the daemon would start with it."""
    if facts.hidden:
        return unknown("configuration", f"you may not read {listed(facts.hidden)}", AS_ROOT)
    if facts.problems:
        places = listed((f"{problem.file}: {problem.key or 'the file'}" for problem in facts.problems), 3)
        text = f"the daemon would not start with it: {places}"
        return failure(
            "configuration", text, "camwatchctl check-config  # says each mistake, and what was expected"
        )
    if facts.closed:
        text = f"{USER} may not read {listed(facts.closed)}: the daemon would not start with it"
        return failure("configuration", text, f"sudo chmod a+rX {' '.join(facts.closed)}")
    return ok("configuration", facts.summary.removeprefix("configuration is "))
