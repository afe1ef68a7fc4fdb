# SPDX-License-Identifier: MIT
"""Owns the walk over given settings: their tables and keys, in the order of the shipped file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from camwatchd.adapters.config_shape import Free, Leaf, Listed, Named, Section, section
from camwatchd.adapters.config_toml import KeyPath
from camwatchd.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Table:
    """One table of given settings: where it stands, its keys, and the object that holds their values."""

    path: KeyPath
    section: Section
    values: Any
    listed: bool = False  # one item of an array of tables


def tables(settings: Settings) -> Iterator[Table]:
    """Every table of the settings, in the order of the shipped file."""
    return _tables(section(), settings, ())


def _tables(shape: Section, values: Any, path: KeyPath) -> Iterator[Table]:
    yield Table(path, shape, values)
    for name, inner in shape.keys.items():
        below = (*path, name)
        match inner:
            case Section():
                yield from _tables(inner, getattr(values, name), below)
            case Listed():
                yield from (Table(below, inner.section, item, listed=True) for item in getattr(values, name))
            case Named():
                for own_name, item in _named(inner, values):
                    yield from _tables(inner.section, item, (*below, own_name))


def _named(named: Named, values: Any) -> Iterator[tuple[str, Any]]:
    for item in getattr(values, named.field):
        own_name = str(getattr(item, named.tables.called))
        if own_name not in named.tables.keyless:
            yield own_name, item


def key_paths(settings: Settings) -> Iterator[KeyPath]:
    """Every key that the settings have; an array of tables is one key."""
    for table in tables(settings):
        for name, shape in table.section.keys.items() if not table.listed else ():
            free = getattr(table.values, name) if isinstance(shape, Free) else {}
            if free:
                yield from ((*table.path, name, inner) for inner in free)
            elif isinstance(shape, Leaf | Free | Listed):
                yield (*table.path, name)
