# SPDX-License-Identifier: MIT
"""Owns where Y, U and V are in a frame, without what pads its rows."""

import numpy as np
import numpy.typing as npt

from camwatchd.client.frame import Frame

Pixels = npt.NDArray[np.uint8]

# Where Y, U and V are in four bytes, which are two pixels.
_YUV422 = {"YUYV": (0, 1, 3), "YVYU": (0, 3, 1), "UYVY": (1, 0, 2), "VYUY": (1, 2, 0)}
_YUV420 = ("YUV420", "YVU420", "NV12", "NV21")


def are_planes(name: str) -> bool:
    """Whether frames of this format have Y, U and V."""
    return name in _YUV420 or name in _YUV422


def is_422(name: str) -> bool:
    """Whether U and V have all the rows of Y; else half of them, as they have half of its columns."""
    return name in _YUV422


def planes(frame: Frame) -> tuple[Pixels, Pixels, Pixels]:
    """Y, U and V, not copied."""
    width, height = frame.resolution
    if frame.format in _YUV422:
        y_at, u_at, v_at = _YUV422[frame.format]
        rows = np.asarray(frame).reshape(height, -1)[:, : width * 2]
        return rows[:, y_at::2], rows[:, u_at::4], rows[:, v_at::4]
    if frame.format in ("YUV420", "YVU420"):
        return _three(frame, width, height)
    if frame.format in ("NV12", "NV21"):
        data = np.asarray(frame)
        pairs = data[height : height + (height + 1) // 2, : width + width % 2]
        u, v = pairs[:, 0::2], pairs[:, 1::2]
        return data[:height, :width], *((u, v) if frame.format == "NV12" else (v, u))
    raise ValueError(f"{frame.format} has no planes")


def unpadded(frame: Frame) -> bytes:
    """The bytes of a frame as `format` says, without what pads its rows."""
    if frame.format in ("YUV420", "YVU420"):
        y, u, v = planes(frame)
        rest = (u, v) if frame.format == "YUV420" else (v, u)
        return b"".join(plane.tobytes() for plane in (y, *rest))
    if frame.format in ("NV12", "NV21"):
        width, height = frame.resolution
        return np.asarray(frame)[: height + (height + 1) // 2, :width].tobytes()
    return frame.tobytes()


def _three(frame: Frame, width: int, height: int) -> tuple[Pixels, Pixels, Pixels]:
    stride = frame.facts.stride
    flat = np.asarray(frame).reshape(-1)
    rows, half = (height + 1) // 2, stride // 2
    first = flat[stride * height :][: half * rows].reshape(rows, half)[:, : (width + 1) // 2]
    second = flat[stride * height + half * rows :][: half * rows].reshape(rows, half)[:, : (width + 1) // 2]
    y = flat[: stride * height].reshape(height, stride)[:, :width]
    return (y, first, second) if frame.format == "YUV420" else (y, second, first)
