# SPDX-License-Identifier: MIT
"""Owns where the brightness is in each pixel format: one byte per pixel, as a view and never as a copy."""

import numpy as np
import numpy.typing as npt

# Format, as libcamera names it: bytes from pixel to pixel, and offset of the byte that stands for brightness: Y
# where there is one, else green; of 16-bit green the high byte. Names give the order of bits in a little-endian
# word, so in memory XBGR8888 is R, G, B, X. Planar formats begin with the plane of Y.
# fmt: off
_PLACES: dict[str, tuple[int, int]] = {
    "YUV420":    (1, 0), "YVU420":    (1, 0), "NV12": (1, 0), "NV21": (1, 0),
    "YUYV":      (2, 0), "YVYU":      (2, 0),
    "UYVY":      (2, 1), "VYUY":      (2, 1),
    "RGB888":    (3, 1), "BGR888":    (3, 1),
    "XRGB8888":  (4, 1), "XBGR8888":  (4, 1),
    "RGB161616": (6, 3), "BGR161616": (6, 3),
}
# fmt: on

ENCODED = frozenset({"MJPEG"})
KNOWN = _PLACES.keys() | ENCODED


def luma(
    buffer: npt.NDArray[np.uint8], format_: str, size: tuple[int, int], stride: int
) -> npt.NDArray[np.uint8]:
    """The brightness (rows, columns) in a one-dimensional buffer whose rows begin `stride` bytes apart."""
    step, offset = _PLACES[format_]
    width, height = size
    rows = buffer[: stride * height].reshape(height, stride)
    return rows[:, offset : step * width : step]
