# SPDX-License-Identifier: MIT
"""Owns the check of controls before they are set: libcamera clamps what is out of range, and says nothing."""

from collections.abc import Mapping
from typing import Any

from camwatchd.cameras.base import CameraError

_NEAR = 8  # names that a refusal lists


def check(controls: Mapping[str, Any], offered: Mapping[str, Any]) -> None:
    """CameraError names every control that there is not, and every value that it cannot have."""
    problems = [wrong for name, value in controls.items() if (wrong := _objection(name, value, offered))]
    if problems:
        raise CameraError("; ".join(problems), "configuration")


def _objection(name: str, value: Any, offered: Mapping[str, Any]) -> str:
    if name not in offered:
        return f"{name}: no such control here; there is {', '.join(sorted(offered))}"
    low, high, _ = offered[name]
    values, lows, highs = _several(value), _several(low), _several(high)
    if any(isinstance(each, str) for each in values):
        return f"{name}: expected a number, got {value!r}"
    if len(lows) == 1:  # one range for all, e.g. two colour gains
        lows, highs = lows * len(values), highs * len(values)
    if len(values) != len(lows):
        return f"{name}: expected {len(lows)} numbers, got {value!r}"
    for each, least, most in zip(values, lows, highs, strict=True):
        if _numeric(each, least, most) and not least <= each <= most:
            return f"{name}: expected {least} to {most}, got {value!r}"
    return ""


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _numeric(*values: Any) -> bool:
    return all(isinstance(value, int | float) for value in values)
