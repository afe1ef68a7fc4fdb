# SPDX-License-Identifier: MIT
"""Owns what a [camera] table means for the cameras that are there: which one, and which streams it is asked for.

Pure, so that it can be tested where picamera2 is not installed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from camwatchd.cameras.base import CameraError
from camwatchd.cameras.luma import KNOWN
from camwatchd.core.settings import CameraSettings

Size = tuple[int, int]

LORES_WIDTH = 320  # pixels, at most; plenty for brightness and change, and 1/4 of the bytes of VGA

# USB 2.0 carries at most 24 MB/s isochronously: YUYV of this many pixels at 30 frames a second (18.4 MB/s), not
# of the next usual size. Larger pictures come at full rate only as MJPEG.
_YUYV_PIXELS = 640 * 480


def choose_camera(settings: CameraSettings, infos: Sequence[Mapping[str, Any]]) -> int:
    """The position in `Picamera2.global_camera_info()` of the first camera that fits id, model and index."""
    for position, info in enumerate(infos):
        if (
            settings.index in (None, position)
            and _is(settings.id, info, "Id")
            and _is(settings.model, info, "Model")
        ):
            return position
    there = ", ".join(f"{n}: {info.get('Model', '?')} {info.get('Id', '?')}" for n, info in enumerate(infos))
    raise CameraError(f"no camera with {_wanted(settings)}; there is {there or 'none at all'}", "not-found")


def _is(wanted: str | None, info: Mapping[str, Any], key: str) -> bool:
    return wanted is None or wanted == info.get(key)


def _wanted(settings: CameraSettings) -> str:
    keys = {"id": settings.id, "model": settings.model, "index": settings.index}
    given = [f"{key} = {value!r}" for key, value in keys.items() if value is not None]
    return " and ".join(given) or "index = 0"


def check_format(wanted: str, actual: str | None = None) -> None:
    """Refuse a format that cannot be read, and one that libcamera quietly put in the place of the wanted one."""
    for name in (wanted, actual):
        if name not in (*KNOWN, "auto", None):
            raise CameraError(
                f"format {name!r} cannot be read; known are {', '.join(sorted(KNOWN))}", "configuration"
            )
    if actual not in (wanted, None) and wanted != "auto":
        raise CameraError(
            f"format {wanted!r} is not offered by this camera; it gives {actual!r}", "configuration"
        )


def choose_usb_format(offered: Mapping[str, Sequence[Size]], size: Size) -> str:
    """What `format = "auto"` means on a USB camera that offers these sizes in these formats.

    YUYV where it can come at full rate, because its brightness can be checked without decoding.
    """
    small = size[0] * size[1] <= _YUYV_PIXELS
    order = ("YUYV", "MJPEG") if small else ("MJPEG", "YUYV")
    exact = [name for name in order if size in offered.get(name, ())]
    some = [name for name in order if name in offered]
    return [*exact, *some, *offered, "YUYV"][0]


def lores_size(size: Size) -> Size | None:
    """A small even size of the same shape; None where the main stream is no larger itself."""
    factor = -(-size[0] // LORES_WIDTH)
    if factor < 2:
        return None
    return size[0] // factor & ~1, size[1] // factor & ~1
