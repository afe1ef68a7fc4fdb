# SPDX-License-Identifier: MIT
"""Owns the shape of the configuration, derived from the settings' dataclasses: which tables hold which keys.

Nothing here names a key: what a field of camwatchd.core.settings says is all there is.
"""

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from camwatchd.adapters.config_toml import literal
from camwatchd.core.plain import field_types
from camwatchd.core.settings import Key, Settings, Tables


@dataclass(frozen=True, slots=True)
class Leaf:
    """A key with one value: its documentation, default, and what it may hold."""

    name: str
    key: Key
    default: Any
    types: frozenset[type]
    choices: tuple[Any, ...]  # texts, or members of a text enum

    @property
    def expected(self) -> str:
        """What it may hold, in words."""
        choices = [literal(choice) for choice in self.choices]
        if bool in self.types:
            choices.append("true or false")
        if choices:
            return (
                ", ".join(choices)
                if len(choices) == 1 or bool in self.types
                else f"one of {', '.join(choices)}"
            )
        if str in self.types:
            return "text in quotes"
        return " ".join(filter(None, (self._kind, self._limits, self.key.unit)))

    @property
    def _kind(self) -> str:
        return "a number" if float in self.types else "a whole number"

    @property
    def _limits(self) -> str:
        low, high = self.key.low, self.key.high
        if high is None:
            return "" if low is None else f"of at least {low:g}"
        return f"up to {high:g}" if low is None else f"from {low:g} to {high:g}"


@dataclass(frozen=True, slots=True)
class Free:
    """A table whose keys are not ours to know (libcamera's controls)."""

    key: Key


@dataclass(frozen=True, slots=True)
class Section:
    """A table with known keys."""

    cls: type[Any]
    keys: Mapping[str, "Shape"]


@dataclass(frozen=True, slots=True)
class Named:
    """Tables with names of their own, each of them a section; `field` of the settings holds them."""

    field: str
    tables: Tables
    section: Section


@dataclass(frozen=True, slots=True)
class Listed:
    """An array of tables, each of them a section."""

    section: Section


Shape = Leaf | Free | Section | Named | Listed


@cache
def section(cls: Any = Settings) -> Section:
    """The table that a dataclass stands for; without argument the whole file."""
    kinds = field_types(cls)
    shapes = [_shape(field, kinds[field.name]) for field in dataclasses.fields(cls)]
    return Section(cls, dict(shape for shape in shapes if shape))


@cache
def places() -> Mapping[str, str]:
    """Where each key and table belongs: its name -> the table that holds it, e.g. "[supervision]"."""
    return {name: f"[{table}]" if table else "the top level" for name, table in _places(section(), "")}


def _places(shape: Shape, table: str) -> Iterator[tuple[str, str]]:
    match shape:
        case Section():
            for name, inner in shape.keys.items():
                yield name, table
                yield from _places(inner, f"{table}.{name}" if table else name)
        case Named():
            yield from ((name, table) for name in shape.tables.names)
            yield from _places(shape.section, f"{table}.<{shape.tables.called}>")
        case Listed():
            yield from _places(shape.section, f"[{table}]")


def _shape(field: "dataclasses.Field[Any]", kind: Any) -> tuple[str, Shape] | None:
    """The TOML name and the shape of a field; None for a field that is no key (a table's own name)."""
    arguments = typing.get_args(kind)
    if _is_table(kind):
        return field.name, section(kind)
    if tables := field.metadata.get("tables"):
        return tables.table, Named(field.name, tables, section(tables.item))
    if arguments and _is_table(arguments[0]):
        return field.name, Listed(section(arguments[0]))
    if not (key := field.metadata.get("key")):
        return None
    return field.name, Free(key) if typing.get_origin(kind) is dict else _leaf(field, key, kind)


def _is_table(kind: Any) -> bool:
    return dataclasses.is_dataclass(kind)


def _leaf(field: "dataclasses.Field[Any]", key: Key, kind: Any) -> Leaf:
    types: set[type] = set()
    choices: list[Any] = []
    for part in _parts(kind):
        if typing.get_origin(part) is typing.Literal:
            choices += typing.get_args(part)
        elif issubclass(part, Enum):
            choices += [member for member in part if member.value in (key.choices or (member.value,))]
        elif key.choices:
            choices += key.choices
        else:
            types.add(part)
    return Leaf(field.name, key, field.default, frozenset(types), tuple(choices))


def _parts(kind: Any) -> tuple[Any, ...]:
    """The members of a union; None has no place in TOML: such a key is left out."""
    if typing.get_origin(kind) is typing.Literal:
        return (kind,)
    return tuple(part for part in typing.get_args(kind) or (kind,) if part is not type(None))
