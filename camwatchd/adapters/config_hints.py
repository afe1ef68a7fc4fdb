# SPDX-License-Identifier: MIT
"""Owns the hints: what the operator most likely meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import tomli

from camwatchd.adapters.config_shape import Leaf, places
from camwatchd.adapters.config_toml import literal
from camwatchd.adapters.config_values import convert

CONTROL = "numbers must be finite, lists at most two deep"  # for libcamera's own keys

KNOWN_HERE = "known here: "  # how a hint begins where nothing is near
_CLOSE = 0.75  # how similar a name must be to stand for a key of another table; 1 is equal
_MILLISECONDS = 1e12  # no number beyond was meant as milliseconds


def for_value(leaf: Leaf, value: Any) -> str:
    """What to write instead of a value that does not fit."""
    return _other_spelling(leaf, value) or _near_choice(leaf, value) or _default(leaf)


def for_name(name: str, here: Iterable[str]) -> str:
    """What to do about a key or table that its table does not have; `here` are those it has."""
    if place := places().get(name):
        return f"{name} belongs in {place}"
    if near := get_close_matches(name, here, 1):
        return f"did you mean {near[0]}?"
    if near := get_close_matches(name, places(), 1, _CLOSE):
        return f"did you mean {near[0]}? It belongs in {places()[near[0]]}"
    return f"{KNOWN_HERE}{', '.join(here)}"


def _other_spelling(leaf: Leaf, value: Any) -> str:
    """The same value, written as the key wants it."""
    if isinstance(value, str):
        unquoted = _parsed(value.strip().lower())
        return f"write {leaf.name} = {literal(unquoted)}, without quotes" if _fits(leaf, unquoted) else ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if _fits(leaf, str(value)):
        return f"write {leaf.name} = {literal(str(value))}, in quotes"
    if leaf.key.unit == "s" and abs(value) < _MILLISECONDS and _fits(leaf, value / 1000):
        return f"durations are in seconds: {value:g} ms are {value / 1000:g}"
    if isinstance(value, float) and value.is_integer() and _fits(leaf, int(value)):
        return f"write {leaf.name} = {int(value)}, without a decimal point"
    return ""


def _near_choice(leaf: Leaf, value: Any) -> str:
    choices = [str(choice) for choice in leaf.choices]
    near = get_close_matches(str(value), choices, 1) if isinstance(value, str) else []
    return f"did you mean {literal(near[0])}?" if near else ""


def _default(leaf: Leaf) -> str:
    if leaf.default is None:
        return "leave the key out if in doubt"
    return f"the default is {leaf.name} = {literal(leaf.default)}"


def _parsed(text: str) -> Any:
    try:
        return tomli.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return None


def _fits(leaf: Leaf, value: Any) -> bool:
    return convert(leaf, value) is not None
