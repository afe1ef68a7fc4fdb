# SPDX-License-Identifier: MIT
"""Owns what the fields of a report may be: no deadline may follow a number that nothing can have measured."""

import dataclasses
import json
from typing import Any

from camwatchd.core.faults import FAULTS
from camwatchd.core.liveness import LONGEST_FRAME_DURATION

_SECONDS = (0.0, 1e9)  # thirty years: a machine's uptime too
_COUNT = (0, 2**31)
_FROM_CAMERA = (-(2**63), 2**64)  # as drivers give it; nothing is computed with it here

# By name, and so the same in every report: from, to.
RANGES: dict[str, tuple[float, float]] = {
    "bound": _SECONDS,
    "seconds": _SECONDS,
    "waited": _SECONDS,
    "latency": _SECONDS,
    "latency_max": _SECONDS,
    "oldest": _SECONDS,
    "frame_duration": (0.0, LONGEST_FRAME_DURATION),
    "count": (1, 2**31),
    "generation": (1, 2**31),
    "order": _COUNT,
    "late": _COUNT,
    "dropped": (0, 2**64),  # a sequence number may jump as far as it likes
    "width": _COUNT,
    "height": _COUNT,
    "stride": _COUNT,
    "room": (1, 2**30),  # as camwatchd.frames.layout has it
    "sequence": _FROM_CAMERA,
    "sensor_timestamp": _FROM_CAMERA,
    "mean": (-1.0, 255.0),
    "deviation": (-1.0, 255.0),
}
_STREAMS = ("main", "lores")
_LONGEST_FORMAT = 16  # as camwatchd.frames.layout has it
_UNNAMED = ("CameraFailed",)  # reports whose fault may be left to the supervisor


def objection(report: Any) -> str:
    """What about a report cannot be, or nothing."""
    fields = ((field.name, getattr(report, field.name)) for field in dataclasses.fields(report))
    return next(filter(None, (_wrong(report, name, value) for name, value in fields)), "")


def _wrong(report: Any, name: str, value: Any) -> str:
    low, high = RANGES.get(name, (0, 0))
    if name in RANGES and not low <= value <= high:
        return f"{name} = {value!r:.50} is not from {low:g} to {high:g}"
    if name == "fault" and value not in FAULTS and (value or type(report).__name__ not in _UNNAMED):
        return f"there is no fault {value!r:.50}"
    if name == "streams":
        return _odd_streams(value)
    return f"{name} is not finite" if name in ("controls", "offered") and not _is_finite(value) else ""


def _odd_streams(streams: Any) -> str:
    names = [stream.name for stream in streams]
    if names != list(_STREAMS[: len(names)]):
        return f"streams are {', '.join(_STREAMS)}, not {', '.join(names):.50}"
    for stream in streams:
        if not stream.format.isascii() or len(stream.format) > _LONGEST_FORMAT:
            return f"no format is called {stream.format!r:.50}"
    return next(filter(None, map(objection, streams)), "")


def _is_finite(table: Any) -> bool:
    try:
        return bool(json.dumps(table, allow_nan=False))
    except ValueError:
        return False
