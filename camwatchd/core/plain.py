# SPDX-License-Identifier: MIT
"""Owns the way between frozen dataclasses and plain JSON-like values, for messages and settings."""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


class PlainError(ValueError):
    """A plain value does not fit the dataclass; the text says where and what was expected."""


def without_strangers(cls: Any, data: Any) -> Any:
    """`data` without the fields that `cls` does not have, at any depth: what a later release may have added."""
    if isinstance(data, list) and get_origin(cls) is tuple:
        return [without_strangers(get_args(cls)[0], item) for item in data]
    if get_origin(cls) in (types.UnionType, typing.Union):  # of a table or nothing, say
        cls = next(filter(dataclasses.is_dataclass, get_args(cls)), cls)
    if not isinstance(data, dict) or not dataclasses.is_dataclass(cls):
        return data
    kinds = field_types(typing.cast("Any", cls))
    return {name: without_strangers(kinds[name], item) for name, item in data.items() if name in kinds}


def to_plain(value: object) -> Any:
    """Dataclasses become dicts, enums their values, tuples lists; everything else stays."""
    if dataclasses.is_dataclass(value):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    return value


def from_plain(cls: type[T], data: object, where: str = "") -> T:
    """Rebuild `cls` from what `to_plain` gave; a missing field takes its default; raises PlainError."""
    where = where or cls.__name__
    if not isinstance(data, dict):
        raise PlainError(f"{where}: expected a table, got {type(data).__name__}")
    hints = field_types(typing.cast("Any", cls))
    if unknown := data.keys() - hints.keys():
        raise PlainError(f"{where}: unknown field {min(unknown)!r}")
    try:
        return cls(**{name: _value(hints[name], item, f"{where}.{name}") for name, item in data.items()})
    except TypeError as error:
        raise PlainError(f"{where}: {error}") from None


@cache
def field_types(cls: Any) -> dict[str, Any]:
    """The resolved annotation of every field of a dataclass."""
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _value(kind: Any, value: object, where: str) -> Any:
    origin = get_origin(kind)
    if kind is Any:
        return value
    if origin in (types.UnionType, typing.Union):
        return _union(get_args(kind), value, where)
    if origin is typing.Literal:
        return _check(value in get_args(kind), value, f"one of {get_args(kind)}", where)
    if origin is tuple:
        return _tuple(get_args(kind), value, where)
    if origin in (dict, Mapping):
        return _table(get_args(kind), value, where)
    if dataclasses.is_dataclass(kind):
        return from_plain(typing.cast("type[Any]", kind), value, where)
    return _scalar(kind, value, where)


def _table(kinds: tuple[Any, ...], value: object, where: str) -> Any:
    items = typing.cast("dict[str, object]", _check(isinstance(value, dict), value, "a table", where))
    return {key: _value(kinds[1] if kinds else Any, item, f"{where}.{key}") for key, item in items.items()}


def _scalar(kind: Any, value: object, where: str) -> Any:
    if issubclass(kind, Enum):
        known = [member.value for member in kind]
        return kind(_check(value in known, value, f"one of {known}", where))
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(_check(_is_finite(value), value, "a finite number", where))
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    return _check(fits, value, kind.__name__, where)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(
            value
        )  # JSON as Python reads it knows Infinity and NaN, and integers of any size
    except OverflowError:
        return False


def _union(kinds: tuple[Any, ...], value: object, where: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    failed = PlainError(f"{where}: no value of {kinds} is {value!r}")
    for kind in kinds:
        try:
            if kind is not type(None):
                return _value(kind, value, where)
        except PlainError as error:
            failed = error
    raise failed


def _tuple(kinds: tuple[Any, ...], value: object, where: str) -> Any:
    _check(isinstance(value, list | tuple), value, "a list", where)
    items = typing.cast("list[object]", value)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_value(kinds[0], item, f"{where}[{n}]") for n, item in enumerate(items))
    _check(len(items) == len(kinds), value, f"{len(kinds)} items", where)
    return tuple(
        _value(kind, item, f"{where}[{n}]") for n, (kind, item) in enumerate(zip(kinds, items, strict=True))
    )


def _check(fits: bool, value: object, expected: str, where: str) -> Any:
    if not fits:
        raise PlainError(f"{where}: expected {expected}, got {value!r:.200}")
    return value
