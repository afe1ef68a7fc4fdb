# SPDX-License-Identifier: MIT
"""Owns what picamera2 is asked for by a [camera] table, and what of that a camera has not taken.

Pure, so that it can be tested where picamera2 is not installed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from camwatchd.cameras.base import CameraError
from camwatchd.cameras.choice import Size, check_format, choose_usb_format, lores_size
from camwatchd.core.settings import CameraSettings

Known = Mapping[str, Sequence[Any]]  # as Picamera2.camera_controls: minimum, maximum and default by name
_LIMITS = "FrameDurationLimits"  # in us, shortest and longest


def options(
    settings: CameraSettings,
    *,
    on_csi: bool,
    known: Known,
    offered: Callable[[], Mapping[str, Sequence[Size]]],
) -> dict[str, Any]:
    """The arguments of `create_video_configuration`, but for the transform, which is a class of libcamera's."""
    size = (settings.width, settings.height)
    check_format(settings.format)
    chosen = settings.format
    if chosen == "auto":
        chosen = "YUV420" if on_csi else choose_usb_format(offered(), size)
    asked: dict[str, Any] = {"main": {"size": size, "format": chosen}, "controls": controls(settings, known)}
    if settings.buffer_count:
        asked["buffer_count"] = settings.buffer_count
    # A USB camera has one stream only; asking it for two is an error.
    if on_csi and settings.lores and (small := lores_size(size)):
        asked["lores"] = {"size": small, "format": "YUV420"}
    return asked


def flips(settings: CameraSettings) -> dict[str, bool]:
    """The arguments of libcamera's Transform."""
    return {"hflip": settings.hflip, "vflip": settings.vflip}


def controls(settings: CameraSettings, known: Known) -> dict[str, Any]:
    """The controls of the table, and its frame rate where the camera lets it be set."""
    asked = dict(settings.controls)
    if unknown := asked.keys() - known.keys() - {"FrameRate"}:  # FrameRate is picamera2's own
        raise CameraError(f"controls: no {sorted(unknown)} here; there is {sorted(known)}", "configuration")
    if settings.frame_rate and _LIMITS in known:
        microseconds = round(1e6 / settings.frame_rate)
        asked.setdefault(_LIMITS, (microseconds, microseconds))
    return asked


def not_taken(settings: CameraSettings, actual: Mapping[str, Any], known: Known) -> tuple[str, ...]:
    """What the camera made otherwise, by its configuration in force; libcamera says nothing of it.

    It works, so that is no fault; but a human should know.
    """
    return (*_shape(settings, actual), *_rate(settings, known), *_beyond(settings, known))


def _shape(settings: CameraSettings, actual: Mapping[str, Any]) -> Iterator[str]:
    width, height = actual["main"]["size"]
    if (width, height) != (settings.width, settings.height):
        yield f"{settings.width}x{settings.height} is not offered by this camera; it gives {width}x{height}"
    for flip, wanted in flips(settings).items():
        if getattr(actual["transform"], flip) != wanted:
            yield f"{flip} = {str(wanted).lower()} is not possible on this camera; its pictures stay as they are"


def _rate(settings: CameraSettings, known: Known) -> Iterator[str]:
    if not settings.frame_rate or _LIMITS in settings.controls:
        return
    if _LIMITS not in known:
        yield "frame_rate cannot be set on this camera; it chooses its own"
    elif not _within(1e6 / settings.frame_rate, known[_LIMITS], slack=1.0):
        shortest, longest = (max(limit, 1) for limit in known[_LIMITS][:2])  # us; some drivers say 0
        yield f"frame_rate = {settings.frame_rate:g}: this camera has {1e6 / longest:.3g} to {1e6 / shortest:.3g}"


def _beyond(settings: CameraSettings, known: Known) -> Iterator[str]:
    """libcamera puts the nearest value in the place of one beyond the limits."""
    for name, value in settings.controls.items():
        if name in known and not _within(value, known[name]):
            least, most = known[name][:2]
            yield f"controls: {name} = {value}: this camera has {least} to {most}"


def _within(value: Any, limits: Sequence[Any], slack: float = 0.0) -> bool:
    """Only numbers can be compared: whatever else a control is, libcamera judges it."""
    least, most = limits[:2]
    if not (_is_number(least) and _is_number(most)) or least >= most:
        return True
    values = value if isinstance(value, list | tuple) else (value,)
    return all(least - slack <= v <= most + slack for v in values if _is_number(v))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
