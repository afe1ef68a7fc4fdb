# SPDX-License-Identifier: MIT
"""Owns the ways from a frame to what others understand: red, green and blue, a JPEG file, planes without padding.

What decodes or encodes JPEG needs Pillow (python3-pil), which is imported when it is first needed.
"""

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from camwatchd.client.frame import Frame

Pixels = npt.NDArray[np.uint8]

# Where red, green and blue are in a pixel: names give the order of bits in a little-endian word.
_ORDER = {"RGB888": (2, 1, 0), "BGR888": (0, 1, 2), "XRGB8888": (2, 1, 0), "XBGR8888": (0, 1, 2)}
# Where Y, U and V are in four bytes, which are two pixels.
_YUV422 = {"YUYV": (0, 1, 3), "YVYU": (0, 3, 1), "UYVY": (1, 0, 2), "VYUY": (1, 2, 0)}


def to_rgb(frame: Frame) -> Pixels:
    """(height, width, 3), red, green, blue; ValueError for a format that is not known here.

    Colours as JPEG has them (BT.601, full range), which is how libcamera's pipelines for a Pi deliver YUV by default.
    """
    if frame.format in _ORDER:
        return np.ascontiguousarray(np.asarray(frame)[:, :, _ORDER[frame.format]])
    return np.asarray(_image(frame).convert("RGB"))


def to_jpeg(frame: Frame, quality: int = 85) -> bytes:
    """A JPEG file; what is one already is not touched."""
    if frame.format == "MJPEG":
        return frame.tobytes()
    written = io.BytesIO()
    _image(frame).save(written, "JPEG", quality=quality)
    return written.getvalue()


def planes(frame: Frame) -> tuple[Pixels, Pixels, Pixels]:
    """Y, U and V without padding; U and V have half the width and, of 4:2:0, half the height."""
    width, height = frame.resolution
    if frame.format in _YUV422:
        y_at, u_at, v_at = _YUV422[frame.format]
        rows = np.asarray(frame).reshape(height, -1)[:, : width * 2]
        return rows[:, y_at::2], rows[:, u_at::4], rows[:, v_at::4]
    if frame.format in ("YUV420", "YVU420"):
        return _three_planes(frame, width, height)
    if frame.format in ("NV12", "NV21"):
        data = np.asarray(frame)
        pairs = data[height : height + (height + 1) // 2, :width]
        u, v = pairs[:, 0::2], pairs[:, 1::2]
        return data[:height, :width], *((u, v) if frame.format == "NV12" else (v, u))
    raise ValueError(f"{frame.format} has no planes")


def _three_planes(frame: Frame, width: int, height: int) -> tuple[Pixels, Pixels, Pixels]:
    stride = frame.facts.stride
    flat = np.asarray(frame).reshape(-1)
    rows, half = (height + 1) // 2, stride // 2
    first = flat[stride * height :][: half * rows].reshape(rows, half)[:, : (width + 1) // 2]
    second = flat[stride * height + half * rows :][: half * rows].reshape(rows, half)[:, : (width + 1) // 2]
    y = flat[: stride * height].reshape(height, stride)[:, :width]
    return (y, first, second) if frame.format == "YUV420" else (y, second, first)


def _image(frame: Frame) -> Any:
    image = _pillow()
    if frame.format == "MJPEG":
        return image.open(io.BytesIO(frame.tobytes()))
    if frame.format in _ORDER:
        return image.fromarray(to_rgb(frame))
    y, u, v = planes(frame)
    whole = [y, *(_grown(plane, y.shape) for plane in (u, v))]
    return image.fromarray(np.stack(whole, axis=-1), mode="YCbCr")


def _grown(plane: Pixels, shape: tuple[int, ...]) -> Pixels:
    """As many rows and columns as the plane of Y."""
    rows = plane if plane.shape[0] == shape[0] else np.repeat(plane, 2, axis=0)[: shape[0]]
    return np.repeat(rows, 2, axis=1)[:, : shape[1]]


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise RuntimeError("this needs Pillow: sudo apt install python3-pil") from error
    return Image
