# SPDX-License-Identifier: MIT
"""Owns the check of controls before they are set: libcamera clamps what is out of range, and says nothing."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from camwatchd.cameras.base import CameraError

# Those of several numbers (libcamera: control_ids_core.yaml); what they may be does not say how many they are.
_SEVERAL = {"ColourGains": 2, "ColourCorrectionMatrix": 9, "FrameDurationLimits": 2}
_WINDOWS = ("AfWindows", "ScalerCrops")  # lists of rectangles
_MOST_WINDOWS = 16
_BEYOND = 2**63  # libcamera's largest type


class _WrongError(Exception):
    """What was expected."""


def checked(controls: Mapping[str, Any], offered: Mapping[str, Any]) -> dict[str, Any]:
    """The same as the camera wants them: whole numbers where they are whole, true or false where it is a switch.

    CameraError names every control that there is not, and every value that it cannot have. picamera2 only notes
    them; what does not fit libcamera's types ends one of its threads much later, and names no control.
    """
    fine: dict[str, Any] = {}
    problems = []
    for name, value in controls.items():
        try:
            fine[name] = _fitting(name, value, offered)
        except _WrongError as wrong:
            problems.append(f"{name:.40}: {wrong}")
    if problems:
        raise CameraError("; ".join(problems), "configuration")
    return fine


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


def _fitting(name: str, value: Any, offered: Mapping[str, Any]) -> Any:
    if name not in offered:
        raise _WrongError(f"no such control here; there is {', '.join(sorted(offered))}")
    low, high, _ = offered[name]
    if name in _WINDOWS:
        return [_row(window, low, high, len(low)) for window in _windows(value)]
    if isinstance(low, list | tuple):
        return _row(value, low, high, len(low))
    if count := _SEVERAL.get(name):
        return _row(value, [low] * count, [high] * count, count)
    return _one(value, low, high)


def _windows(value: Any) -> list[Any]:
    windows = value if isinstance(value, list | tuple) else []
    if windows and not isinstance(windows[0], list | tuple):
        windows = [windows]  # a single one
    if not 0 < len(windows) <= _MOST_WINDOWS:
        raise _WrongError(f"expected 1 to {_MOST_WINDOWS} rectangles, got {value!r:.80}")
    return list(windows)


def _row(value: Any, lows: Sequence[Any], highs: Sequence[Any], count: int) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) != count:
        raise _WrongError(f"expected {count} numbers, got {value!r:.80}")
    return [_one(each, low, high) for each, low, high in zip(value, lows, highs, strict=True)]


def _one(value: Any, low: Any, high: Any) -> Any:
    """Of the kind that the limits are of: libcamera's binding makes no whole number of 10000.0."""
    if isinstance(low, bool):
        if value not in (False, True):  # 0 and 1 too
            raise _WrongError(f"expected true or false, got {value!r:.80}")
        return bool(value)
    if isinstance(value, bool) or not _is_number(value) or not abs(value) < _BEYOND:  # NaN neither
        raise _WrongError(f"expected a number, got {value!r:.80}")
    if isinstance(low, int) and value != int(value):
        raise _WrongError(f"expected a whole number, got {value!r:.80}")
    if _is_number(low) and _is_number(high) and not low <= value <= high:
        raise _WrongError(f"expected {low} to {high}, got {value!r:.80}")
    return type(low)(value) if _is_number(low) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
