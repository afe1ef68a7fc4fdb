# SPDX-License-Identifier: MIT
"""Owns the configuration as text: the shipped, commented file and the effective values of `--print-config`.

python -m camwatchd.adapters.config_text > etc/camwatchd/config.toml
"""

import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from camwatchd.adapters.config import DEFAULT, Loaded
from camwatchd.adapters.config_shape import Free, Leaf, Named, section
from camwatchd.adapters.config_tables import Table, tables
from camwatchd.adapters.config_toml import KeyPath, dotted, literal
from camwatchd.adapters.config_values import convert
from camwatchd.core.ladder import RungPolicy
from camwatchd.core.settings import CameraSettings, ScriptedFault, Settings

_WIDTH = 100  # of comments
_ORIGINS = 48  # the column of the origins

_HEADER = """\
The configuration of camwatchd.

Every key is shown with its default and commented out; what is left out keeps its default, also after \
upgrades. Remove the # in front of a key and of its [table] to set it. A fleet leaves this file alone and \
puts its own into conf.d/*.toml: read after this one, sorted by name, later files winning key by key.

Durations are in seconds. After a change: camwatchd --check-config, then systemctl reload camwatchd. \
camwatchd --print-config shows what holds and where it comes from."""

_DRILL = CameraSettings(
    name="drill", backend="simulated", required=False, fault=(ScriptedFault(at=20.0),)
)  # a table that can be switched on beside the real camera without risk


def example() -> str:
    """The shipped file: every key, commented out, with all there is to know about it."""
    lines = list(_comment(_HEADER))
    seen: set[type[Any]] = set()
    for table in tables(Settings(cameras=(CameraSettings(), _DRILL))):
        first = table.section.cls not in seen
        seen.add(table.section.cls)
        if keys := list(_documented(table) if first else _differing(table)):
            lines += ["", "", *_about(table, first), f"#{_title(table)}", *keys]
    return "\n".join(lines) + "\n"


def effective(loaded: Loaded) -> str:
    """The values that hold, as TOML that loads to the same settings, each with its origin."""
    lines: list[str] = []
    for table in tables(loaded.settings):
        if keys := list(_sourced(table, loaded)):
            lines += ["", _title(table), *keys]
    return "\n".join(lines[1:]) + "\n"


def _title(table: Table) -> str:
    return f"[[{dotted(table.path)}]]" if table.listed else f"[{dotted(table.path)}]"


def _values(table: Table) -> Iterator[tuple[str, Leaf | Free, Any]]:
    """The keys of a table; without numbers that a rung does not have (0 where 0 cannot be set)."""
    for name, shape in table.section.keys.items():
        if isinstance(shape, Leaf | Free):
            value = getattr(table.values, name)
            if value is None or isinstance(shape, Free) or convert(shape, value) is not None:
                yield name, shape, value


# --- the shipped file ---------------------------------------------------------------------------------


def _about(table: Table, first: bool) -> Iterator[str]:
    doc = (table.section.cls.__doc__ or "").partition(": ")[2]
    if first:
        yield from _comment(_sentence(doc))
        yield from (line for text in _keyless(table) for line in _comment(text))
    if isinstance(table.values, RungPolicy):
        yield from _comment(f"Cures {table.values.cures}.")
    if table.path == ("camera", _DRILL.name):
        yield from _comment("An alarm drill: a simulated camera, optional, with a fault on purpose.")


def _keyless(table: Table) -> Iterator[str]:
    family = section().keys[str(table.path[0])]
    if isinstance(family, Named):
        yield from (f"{_sentence(why)}." for why in family.tables.keyless.values())


def _documented(table: Table) -> Iterator[str]:
    for name, shape, value in _values(table):
        yield ""
        yield from _comment(shape.key.doc)
        yield from _comment(_allowed(shape, value))
        shown = shape.key.example if value is None else literal(value)
        yield f"{'##' if value is None and shape.key.rival else '#'}{name} = {shown}"


def _allowed(shape: Leaf | Free, value: Any) -> str:
    if isinstance(shape, Free):
        return f"A table. Example: {shape.key.example}"
    default = " Not set by default." if shape.default is None and not isinstance(value, bool | int) else ""
    return f"{_sentence(shape.expected)}.{default}"


def _differing(table: Table) -> Iterator[str]:
    for name, shape, value in _values(table):
        if isinstance(shape, Leaf) and value != shape.default:
            yield f"#{name} = {literal(value)}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _comment(text: str) -> Iterator[str]:
    for paragraph in text.split("\n"):
        yield from textwrap.wrap(paragraph, _WIDTH, initial_indent="# ", subsequent_indent="# ") or ["#"]


# --- the effective values -----------------------------------------------------------------------------


def _sourced(table: Table, loaded: Loaded) -> Iterator[str]:
    for name, shape, value in _values(table):
        path = (*table.path, name)
        if isinstance(shape, Free) and value:
            for inner, item in value.items():
                yield _line(f"{dotted((name, inner))} = {literal(item)}", (*path, inner), loaded)
        elif value is not None:
            yield _line(f"{name} = {literal(value)}", table.path if table.listed else path, loaded)
        elif not table.listed:
            yield _line(f"#{name} is not set", path, loaded)


def _line(text: str, path: KeyPath, loaded: Loaded) -> str:
    origin = loaded.origins[dotted(path)]
    return f"{text:<{_ORIGINS}}  # {origin if origin == DEFAULT else f'from {origin}'}"


if __name__ == "__main__":
    sys.stdout.write(example())
