# SPDX-License-Identifier: MIT
"""Owns the check of controls before they are set: libcamera clamps what is out of range, and says nothing."""

import math
from collections.abc import Mapping
from typing import Any

from camwatchd.cameras.base import CameraError

_MOST = 64  # numbers in one control; the largest have a rectangle for each of some windows


def check(controls: Mapping[str, Any], offered: Mapping[str, Any]) -> None:
    """CameraError names every control that there is not, and every value that it cannot have."""
    problems = [wrong for name, value in controls.items() if (wrong := _objection(name, value, offered))]
    if problems:
        raise CameraError("; ".join(problems), "configuration")


def plain(value: Any) -> Any:
    """A limit or a value as JSON has it: rectangles and sizes as lists, what JSON does not know in words."""
    if isinstance(value, bool | int | str | None):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if hasattr(value, "width") and hasattr(value, "height"):
        place = [value.x, value.y] if hasattr(value, "x") else []
        return [*place, value.width, value.height]
    return str(value)


def _objection(name: str, value: Any, offered: Mapping[str, Any]) -> str:
    if name not in offered:
        return f"{name:.40}: no such control here; there is {', '.join(sorted(offered))}"
    low, high, _ = offered[name]
    values, lows, highs = _flat(value), _flat(low), _flat(high)
    if not values or len(values) > _MOST or not all(_is_number(each) for each in values):
        return f"{name}: expected a number or a list of numbers, got {value!r:.80}"
    if len(values) % len(lows):
        return f"{name}: expected {len(lows)} numbers, got {value!r:.80}"
    times = len(values) // len(lows)  # one range for all, e.g. two colour gains; several rectangles
    for each, least, most in zip(values, lows * times, highs * times, strict=True):
        if _is_number(least) and _is_number(most) and not least <= each <= most:
            return f"{name}: expected {least} to {most}, got {value!r:.80}"
    return ""


def _flat(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [each for item in value for each in _flat(item)]
    return [value]


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float) and math.isfinite(value)
