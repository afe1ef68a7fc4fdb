# SPDX-License-Identifier: MIT
"""Owns the reading of one file's tables: each key becomes an entry of the right type or a problem."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from camwatchd.adapters import config_hints as hints
from camwatchd.adapters.config_shape import Free, Leaf, Listed, Named, Section, Shape
from camwatchd.adapters.config_toml import KeyPath, dotted, literal
from camwatchd.adapters.config_values import CONTROL_EXPECTED, control, convert
from camwatchd.core.settings import NAME
from camwatchd.errors import Problem

_QUOTED = 60  # characters of a value that are quoted back


@dataclass(frozen=True, slots=True)
class Entry:
    """One key with its value and the file that says so; value None: the table itself, perhaps empty."""

    file: str
    path: KeyPath
    value: Any


@dataclass(frozen=True, slots=True)
class Spot:
    """One value as written: where it stands and what it is."""

    file: str
    path: KeyPath
    value: Any

    def inner(self, name: str | int, value: Any) -> "Spot":
        return Spot(self.file, (*self.path, name), value)

    def entry(self, value: Any) -> Entry:
        return Entry(self.file, self.path, value)

    def problem(self, expected: str, hint: str) -> Problem:
        return Problem(self.file, dotted(self.path), quoted(self.value), expected, hint)


def read(shape: Shape, spot: Spot) -> Iterator[Entry | Problem]:
    """Everything below a spot, in the order of the file."""
    match shape:
        case Leaf():
            yield _leaf(shape, spot)
        case Free():
            yield from _free(spot)
        case Section():
            yield from _section(shape, spot)
        case Named():
            yield from _named(shape, spot)
        case Listed():
            yield from _listed(shape, spot)


def quoted(value: Any) -> str:
    """A value as it is quoted back to the operator; a table is too long to be."""
    text = "" if isinstance(value, dict) else literal(value)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}..."


def _leaf(leaf: Leaf, spot: Spot) -> Entry | Problem:
    value = convert(leaf, spot.value)
    if value is None:
        return spot.problem(leaf.expected, hints.for_value(leaf, spot.value))
    return spot.entry(value)


def _free(spot: Spot) -> Iterator[Entry | Problem]:
    if not isinstance(spot.value, dict):
        yield _no_table(spot)
        return
    for name, value in spot.value.items():
        inner = spot.inner(name, value)
        fits = control(value) is not None
        yield inner.entry(value) if fits else inner.problem(CONTROL_EXPECTED, hints.CONTROL)


def _section(section: Section, spot: Spot) -> Iterator[Entry | Problem]:
    if not isinstance(spot.value, dict):
        yield _no_table(spot)
        return
    for name, value in spot.value.items():
        inner = spot.inner(name, value)
        if shape := section.keys.get(name):
            yield from read(shape, inner)
        else:
            expected = f"a key of [{dotted(spot.path)}]" if spot.path else "one of our tables"
            yield inner.problem(expected, hints.for_name(name, section.keys))
    yield from _rivals(section, spot)


def _rivals(section: Section, spot: Spot) -> Iterator[Problem]:
    for name, shape in section.keys.items():
        rival = shape.key.rival if isinstance(shape, Leaf) else ""
        if rival and {name, rival} <= spot.value.keys():
            inner = spot.inner(name, spot.value[name])
            yield inner.problem(f"{name} or {rival}, not both", f"remove {name} or {rival}")


def _named(named: Named, spot: Spot) -> Iterator[Entry | Problem]:
    if not isinstance(spot.value, dict):
        yield _no_table(spot, f".<{named.tables.called}>")
        return
    for name, value in spot.value.items():
        inner = spot.inner(name, value)
        if problem := _misnamed(named, name, inner):
            yield problem
        elif name in named.tables.keyless:
            yield from _keyless(named, inner)
        else:
            yield inner.entry(None)
            yield from read(named.section, inner)


def _misnamed(named: Named, name: str, spot: Spot) -> Problem | None:
    tables = named.tables
    if tables.names:
        hint = hints.for_name(name, tables.names)
        return None if name in tables.names else spot.problem(f"one of {', '.join(tables.names)}", hint)
    if name in named.section.keys:  # [camera] width = 640: a key that lacks its camera
        return spot.problem(f"the {tables.called} of a {tables.table}", hints.for_name(name, ()))
    if re.fullmatch(NAME, name):
        return None
    return spot.problem(f"a {tables.called} of up to 32 lower-case letters, digits, - and _, a letter first",
                        f"for example [{tables.table}.front-door]")  # fmt: skip


def _keyless(named: Named, spot: Spot) -> Iterator[Problem]:
    if not isinstance(spot.value, dict):
        yield _no_table(spot)
        return
    for name, value in spot.value.items():
        hint = named.tables.keyless[str(spot.path[-1])]
        yield spot.inner(name, value).problem("no key here", hint)


def _listed(listed: Listed, spot: Spot) -> Iterator[Entry | Problem]:
    if not (isinstance(spot.value, list) and all(isinstance(item, dict) for item in spot.value)):
        hint = f"write [[{dotted(spot.path)}]], with two brackets, above each"
        yield spot.problem("an array of tables", hint)
        return
    rows = [list(read(listed.section, spot.inner(n, item))) for n, item in enumerate(spot.value)]
    problems = [found for row in rows for found in row if isinstance(found, Problem)]
    yield from problems
    if not problems:
        yield spot.entry(tuple(_item(listed.section, row) for row in rows))


def _item(section: Section, row: list[Entry | Problem]) -> Any:
    return section.cls(**{str(entry.path[-1]): entry.value for entry in row if isinstance(entry, Entry)})


def _no_table(spot: Spot, inner: str = "") -> Problem:
    title = f"[{dotted(spot.path)}{inner}]"
    return spot.problem("a table", f"write {title} on a line of its own and the keys below it")
