# SPDX-License-Identifier: MIT
"""Owns the judgement of single values: whether a key may hold what was written, and as what.

TOML knows no null, so None is free to mean "this does not fit".
"""

import math
from typing import Any

from camwatchd.adapters.config_shape import Leaf

CONTROL_EXPECTED = "true, false, a number, text, or a list of these"  # what a libcamera control may hold
_CONTROL_NESTING = 2  # lists in lists: AfWindows is a list of rectangles
_INTEGERS = range(
    -(2**63), 2**63
)  # what TOML promises to keep; a float can hold each of them, if not exactly


def convert(leaf: Leaf, value: Any) -> Any:
    """The value as the settings hold it; None if it does not fit."""
    match value:
        case bool():
            return value if bool in leaf.types else None
        case str():
            fallback = value if str in leaf.types else None
            return next((choice for choice in leaf.choices if choice == value), fallback)
        case int() | float() if _usable(value):
            return _number(leaf, value)
    return None


def control(value: Any, nesting: int = _CONTROL_NESTING) -> Any:
    """The value of a libcamera control, unchanged; None if it cannot be one."""
    match value:
        case bool() | str():
            return value
        case int() | float():
            return value if _usable(value) else None
        case list() if nesting:
            return None if any(control(item, nesting - 1) is None for item in value) else value
    return None


def _usable(number: float) -> bool:
    return number in _INTEGERS if isinstance(number, int) else math.isfinite(number)


def _number(leaf: Leaf, value: float) -> Any:
    low, high = leaf.key.low, leaf.key.high
    if (low is not None and value < low) or (high is not None and value > high):
        return None
    if float in leaf.types:
        return float(value)
    return value if int in leaf.types and isinstance(value, int) else None
