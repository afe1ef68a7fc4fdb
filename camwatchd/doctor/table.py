# SPDX-License-Identifier: MIT
"""Owns the table of all checks, in the order in which they are shown, and making them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from camwatchd.core.plain import from_plain, to_plain
from camwatchd.doctor import (
    cameras,
    clock,
    configuration,
    devices,
    hardware,
    holders,
    memory,
    power,
    rights,
    service,
    signs,
    startlimit,
    storage,
    versions,
)
from camwatchd.doctor.finding import Finding, warning
from camwatchd.doctor.place import Place
from camwatchd.doctor.together import Task, Waiting, ask

SECONDS = 4.0  # for all of it; starting Python comes on top


@dataclass(frozen=True, slots=True)
class Group:
    """Checks that share their facts."""

    name: str
    checks: tuple[str, ...]
    find: Callable[[Place], Iterator[Finding]]


GROUPS = tuple(
    Group(module.__name__.rpartition(".")[2], module.NAMES, module.find)
    for module in (
        versions, configuration, service, startlimit, rights, devices, cameras, holders, hardware, storage, clock,
        power, memory, signs,
    )
)  # fmt: skip


def examine(
    place: Place, waiting: Waiting = lambda _: None, groups: tuple[Group, ...] = GROUPS
) -> list[Finding]:
    """Make all checks at once; a group that does not answer in time is a finding, too."""
    tasks: dict[str, Task] = {group.name: partial(_plain, group, place) for group in groups}
    answers = ask(tasks, SECONDS, waiting)
    found: list[Finding] = []
    for group in groups:
        if group.name in answers.given:
            found += [from_plain(Finding, item) for item in answers.given[group.name]]
        else:
            found += [_missing(name, answers.missing[group.name]) for name in group.checks]
    return found


def _plain(group: Group, place: Place) -> Any:
    return [to_plain(finding) for finding in group.find(place)]


def _missing(name: str, why: str) -> Finding:
    return warning(name, why, "sudo dmesg | tail -50; uptime  # then try again")
