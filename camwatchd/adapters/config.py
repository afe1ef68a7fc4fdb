# SPDX-License-Identifier: MIT
"""Owns the way from TOML files to settings, in three stages:

    fragments   each file as written, with its path
    merged      every key with its last value and the file it came from
    settings    typed, complete, free of contradictions

Problems are collected over all files and all stages; the operator sees them at once.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

from camwatchd import CONFIG_FILE
from camwatchd.adapters.config_files import Fragment, fragments
from camwatchd.adapters.config_hints import KNOWN_HERE
from camwatchd.adapters.config_read import Entry, Spot, quoted, read
from camwatchd.adapters.config_shape import section
from camwatchd.adapters.config_tables import key_paths
from camwatchd.adapters.config_toml import KeyPath, dotted
from camwatchd.adapters.host import Host
from camwatchd.core import room
from camwatchd.core.ladder import LADDER
from camwatchd.core.messages import MAX_MESSAGE, Open, encode
from camwatchd.core.plain import field_types
from camwatchd.core.settings import CameraSettings, Contradiction, Settings, contradictions
from camwatchd.errors import ConfigError, Problem

DEFAULT = "default"  # the origin of a key that no file sets
_ENVELOPE = (
    6144  # bytes of an order to a worker that are not the camera's table; with controls set meanwhile
)

Merged = Mapping[KeyPath, Entry]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, where each comes from (key path -> file or "default"), and the files that were read."""

    settings: Settings
    origins: Mapping[str, str]
    files: tuple[str, ...]


def load_named(main: Path, drop_ins: Path) -> Loaded:
    """As below, but a main file that is not the usual one was named by somebody, and must be there."""
    return load(main, drop_ins, needed=str(main) != CONFIG_FILE)


def load(main: Path, drop_ins: Path, host: Host | None = None, *, needed: bool = False) -> Loaded:
    """Read the main file and `drop_ins`/*.toml, later names winning key by key; raises ConfigError.

    It must fit this machine, or another `host`.
    """
    written = list(fragments(main, drop_ins, needed=needed))
    found = [entry for fragment in written for entry in _entries(fragment)]
    problems = [item for item in found if isinstance(item, Problem)]
    merged = merge(item for item in found if isinstance(item, Entry))
    settings = build(merged)
    memory = (host or Host()).memory_total()
    problems += _contradicting(settings, merged, problems, memory)
    if problems:
        raise ConfigError(tuple(problems))
    files = {path: entry.file for path, entry in merged.items()}
    origins = {dotted(path): files.get(path, DEFAULT) for path in key_paths(settings)}
    return Loaded(settings, origins, tuple(item.file for item in written))


# --- merged -------------------------------------------------------------------------------------------


def _entries(fragment: Fragment | Problem) -> Iterator[Entry | Problem]:
    if isinstance(fragment, Problem):
        yield fragment
    else:
        yield from read(section(), Spot(fragment.file, (), fragment.data))


def merge(entries: Iterable[Entry]) -> Merged:
    """Later entries win, key by key; a key keeps the place of its first mention."""
    return {entry.path: entry for entry in entries}


# --- settings -----------------------------------------------------------------------------------------


def build(merged: Merged) -> Settings:
    """The settings, complete with defaults, not yet free of contradictions."""
    tree = _tree(merged)
    rungs = tree.pop("ladder", {})
    named = tree.pop("camera", {}).items()
    cameras = tuple(_make(CameraSettings, {"name": name, **keys}) for name, keys in named)
    settings: Settings = _make(Settings, tree)
    ladder = tuple(replace(row, **rungs.get(row.rung, {})) for row in LADDER)
    return replace(settings, ladder=ladder, cameras=cameras or settings.cameras)


def _tree(merged: Merged) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, entry in merged.items():
        node: Any = tree
        for part in path[:-1]:
            node = node.setdefault(part, {})
        node.setdefault(path[-1], {} if entry.value is None else entry.value)
    return tree


def _make(cls: Any, tree: dict[str, Any]) -> Any:
    kinds = field_types(cls)
    return cls(**{n: _make(kinds[n], v) if is_dataclass(kinds[n]) else v for n, v in tree.items()})


def _contradicting(
    settings: Settings, merged: Merged, known: list[Problem], memory_total: int
) -> Iterator[Problem]:
    entries = {dotted(path): entry for path, entry in merged.items()}
    for found in (
        *contradictions(settings), *_too_large(settings), *room.contradictions(settings, memory_total)
    ):  # fmt: skip
        if len(found.keys) == 1 or not any(_may_cause(problem, found) for problem in known):
            yield _located(found, entries)


def _may_cause(problem: Problem, found: Contradiction) -> bool:
    """A refused file, or a refused key of the same tables, may be what was to fit: that comes first."""
    if not problem.key:
        return True
    table = _table(problem.key)
    if not table:
        return any(_stands_for(problem, key.partition(".")[0]) for key in found.keys)
    return any(table in (key, _table(key)) for key in found.keys)


def _stands_for(problem: Problem, table: str) -> bool:
    """Whether a refused top-level name is this table, or was meant to be or to stand in it."""
    meant = "" if problem.hint.startswith(KNOWN_HERE) else problem.hint
    return table in (problem.key, *re.findall(r"\w+", meant))


def _table(key: str) -> str:
    return key.rpartition(".")[0]


def _located(found: Contradiction, entries: Mapping[str, Entry]) -> Problem:
    """Blame a key that a file sets, not a default."""
    key = next((key for key in found.keys if key in entries), found.keys[0])
    entry = entries.get(key, Entry(DEFAULT, (), None))
    scalar = isinstance(entry.value, bool | int | float | str)
    return Problem(entry.file, key, quoted(entry.value) if scalar else "", found.expected, found.hint)


def _too_large(settings: Settings) -> Iterator[Contradiction]:
    """A camera's table travels to its worker in one message."""
    for camera in settings.cameras:
        size = len(encode(Open(camera, settings.supervision, "")))
        if size > MAX_MESSAGE - _ENVELOPE:
            expected = f"at most {MAX_MESSAGE - _ENVELOPE} bytes of settings for one camera, not {size}"
            hint = "shorten its script, its texts or its controls"
            yield Contradiction((f"camera.{camera.name}",), expected, hint)
