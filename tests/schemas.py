# SPDX-License-Identifier: MIT
"""Owns a validator for the part of JSON Schema that our schemas use; a keyword that it does not know is a mistake."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "camwatchd" / "schemas"
_KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,), "null": (type(None),),
}  # fmt: skip
_SILENT = {"$schema", "$defs", "title", "description"}


def schema(name: str) -> dict[str, Any]:
    """One of those that are shipped."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def mistakes(value: Any, name: str) -> list[str]:
    """What is wrong with a document."""
    root = schema(name)
    return list(_mistakes(value, root, root, "$"))


def strangers(value: Any, name: str) -> list[str]:
    """What a document has and the schema does not tell of; programs may ignore it, we may not."""
    root = schema(name)
    return list(_strangers(value, root, root, "$"))


def _mistakes(value: Any, rule: dict[str, Any], root: dict[str, Any], where: str) -> Iterator[str]:
    for keyword, told in rule.items():
        if keyword not in _SILENT:
            yield from _CHECKS[keyword](value, told, root, where)


def _ref(value: Any, told: str, root: dict[str, Any], where: str) -> Iterator[str]:
    yield from _mistakes(value, root["$defs"][told.removeprefix("#/$defs/")], root, where)


def _any_of(value: Any, told: list[dict[str, Any]], root: dict[str, Any], where: str) -> Iterator[str]:
    found = [list(_mistakes(value, rule, root, where)) for rule in told]
    if all(found):
        yield from min(found, key=len)


def _type(value: Any, told: str | list[str], root: dict[str, Any], where: str) -> Iterator[str]:
    kinds = [told] if isinstance(told, str) else told
    fits = [isinstance(value, _KINDS[k]) and (k == "boolean" or not isinstance(value, bool)) for k in kinds]
    if not any(fits):
        yield f"{where}: expected {told}, got {value!r}"


def _required(value: Any, told: list[str], root: dict[str, Any], where: str) -> Iterator[str]:
    yield from (
        f"{where}: {name} is missing" for name in told if isinstance(value, dict) and name not in value
    )


def _properties(value: Any, told: dict[str, Any], root: dict[str, Any], where: str) -> Iterator[str]:
    for name in told.keys() & (value if isinstance(value, dict) else {}):
        yield from _mistakes(value[name], told[name], root, f"{where}.{name}")


def _others(value: Any, told: dict[str, Any], root: dict[str, Any], where: str) -> Iterator[str]:
    for name in value if isinstance(value, dict) else ():
        yield from _mistakes(value[name], told, root, f"{where}.{name}")


def _items(value: Any, told: dict[str, Any], root: dict[str, Any], where: str) -> Iterator[str]:
    for number, item in enumerate(value if isinstance(value, list) else ()):
        yield from _mistakes(item, told, root, f"{where}[{number}]")


def _allowed(value: Any, told: Any, root: dict[str, Any], where: str) -> Iterator[str]:
    if value not in (told if isinstance(told, list) else [told]):
        yield f"{where}: {value!r} is none of {told}"


def _minimum(value: Any, told: float, root: dict[str, Any], where: str) -> Iterator[str]:
    if isinstance(value, int | float) and value < told:
        yield f"{where}: {value} is less than {told}"


def _maximum(value: Any, told: float, root: dict[str, Any], where: str) -> Iterator[str]:
    if isinstance(value, int | float) and value > told:
        yield f"{where}: {value} is more than {told}"


_CHECKS: dict[str, Callable[[Any, Any, dict[str, Any], str], Iterator[str]]] = {
    "$ref": _ref, "anyOf": _any_of, "type": _type, "required": _required, "properties": _properties,
    "additionalProperties": _others, "items": _items, "enum": _allowed, "const": _allowed,
    "minimum": _minimum, "maximum": _maximum,
}  # fmt: skip


def _strangers(value: Any, rule: dict[str, Any], root: dict[str, Any], where: str) -> Iterator[str]:
    fitting = [told for told in rule.get("anyOf", []) if not list(_mistakes(value, told, root, where))]
    for told in [rule, *fitting]:
        if "$ref" in told:
            told = root["$defs"][told["$ref"].removeprefix("#/$defs/")]
        if isinstance(value, dict) and "properties" in told:
            yield from (f"{where}.{name}" for name in value if name not in told["properties"])
            for name, rest in told["properties"].items():
                yield from _strangers(value.get(name), rest, root, f"{where}.{name}")
        if isinstance(value, dict) and "additionalProperties" in told:
            for name, item in value.items():
                yield from _strangers(item, told["additionalProperties"], root, f"{where}.{name}")
        for number, item in enumerate(value if isinstance(value, list) and "items" in told else ()):
            yield from _strangers(item, told["items"], root, f"{where}[{number}]")
