# SPDX-License-Identifier: MIT
"""Owns the ways from a frame to what others understand: red, green and blue, a JPEG file.

What decodes or encodes JPEG needs Pillow (python3-pil), which is imported when it is first needed.
"""

import io
import struct
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from camwatchd.client.frame import Frame
from camwatchd.client.planes import Pixels, are_planes, planes

Colours = Literal["auto", "bt601", "bt709", "jpeg"]

# Which bytes of a pixel are red, green and blue: names give the order of bits in a little-endian word.
_ORDER = {
    "RGB888": slice(2, None, -1),
    "BGR888": slice(0, 3),
    "XRGB8888": slice(2, None, -1),
    "XBGR8888": slice(0, 3),
}
_SHARES = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "jpeg": (0.299, 0.114)}  # of red, of blue
_BITS = 5  # after the point: as many as leave room for the sums in 16 bits


class UndecodableError(ValueError):
    """This JPEG is none, or is damaged."""


def to_rgb(frame: Frame, colours: Colours = "auto") -> Pixels:
    """(height, width, 3), red, green, blue, always a copy; ValueError for an unknown format, or a damaged JPEG.

    `colours` is of the formats with Y, U and V: how they were made. `auto` is picamera2's own rule for video: BT.601
    below 1280x720, else BT.709, both with the limited range of video (16 to 235); `jpeg`: BT.601, full range.
    """
    if frame.format == "MJPEG":
        return _decoded(frame)
    if frame.format in _ORDER:
        return np.array(np.asarray(frame)[:, :, _ORDER[frame.format]], order="C")
    if are_planes(frame.format):
        return _from_planes(*planes(frame), video(frame) if colours == "auto" else colours)
    raise ValueError(f"{frame.format} cannot be converted here")


def to_jpeg(frame: Frame, quality: int = 85) -> bytes:
    """A JPEG file; what is one already is not touched."""
    if frame.format == "MJPEG":
        return frame.tobytes()
    written = io.BytesIO()
    pillow().fromarray(to_rgb(frame)).save(written, "JPEG", quality=quality)
    return written.getvalue()


def to_png(frame: Frame) -> bytes:
    """A PNG file."""
    written = io.BytesIO()
    pillow().fromarray(to_rgb(frame)).save(
        written, "PNG", compress_level=1
    )  # a third of the time, a bit larger
    return written.getvalue()


def video(frame: Frame) -> Colours:
    """What picamera2 chooses for a video stream of this size."""
    width, height = frame.resolution
    return "bt601" if width < 1280 or height < 720 else "bt709"


def to_planes(rgb: Pixels, colours: Colours) -> tuple[Pixels, Pixels, Pixels]:
    """Y, U and V with the limited range of video; U and V of every second row and column (4:2:0)."""
    of_red, of_blue = _SHARES[colours]
    shares = np.array([of_red, 1 - of_red - of_blue, of_blue], np.float32)
    y = rgb @ shares
    even = np.pad(rgb, ((0, rgb.shape[0] % 2), (0, rgb.shape[1] % 2), (0, 0)), mode="edge")
    quarter = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2, 3).mean(
        axis=(1, 3), dtype=np.float32
    )
    dark = quarter @ shares
    u = 128 + (quarter[:, :, 2] - dark) * (112 / 255 / (1 - of_blue))
    v = 128 + (quarter[:, :, 0] - dark) * (112 / 255 / (1 - of_red))
    return _bytes(16 + y * (219 / 255)), _bytes(u), _bytes(v)


def pillow() -> Any:
    """Pillow's Image; RuntimeError says how to install it."""
    try:
        from PIL import Image
    except ImportError as error:
        raise RuntimeError("this needs Pillow: sudo apt install python3-pil") from error
    return Image


def _decoded(frame: Frame) -> Pixels:
    image = pillow()
    try:
        return np.array(image.open(io.BytesIO(frame.tobytes())).convert("RGB"))
    except (
        OSError,
        SyntaxError,
        ValueError,
        IndexError,
        struct.error,
    ) as error:  # as Pillow has it, by the damage
        raise UndecodableError(f"frame {frame.number} is no whole JPEG: {error}") from error


def _from_planes(y: Pixels, u: Pixels, v: Pixels, colours: Colours) -> Pixels:
    of_red, of_blue = _SHARES[colours]
    of_green = 1 - of_red - of_blue
    least, light, colour = (0, 1.0, 1.0) if colours == "jpeg" else (16, 255 / 219, 255 / 224)
    base = _table(light, least, 0.5)[y]
    whole = np.empty((*y.shape, 3), np.uint8)
    red, blue = 2 * (1 - of_red) * colour, 2 * (1 - of_blue) * colour
    green = _table(-blue * of_blue / of_green)[u] + _table(-red * of_red / of_green)[v]
    for place, part in enumerate((_table(red)[v], green, _table(blue)[u])):
        whole[:, :, place] = np.clip((base + _grown(part, y.shape)) >> _BITS, 0, 255)
    return whole


def _table(factor: float, least: int = 128, more: float = 0.0) -> npt.NDArray[np.int16]:
    """For each byte what it adds, with _BITS after the point."""
    values = ((np.arange(256) - least) * factor + more) * (1 << _BITS)
    return np.asarray(np.rint(values), dtype=np.int16)


def _grown(part: npt.NDArray[np.int16], shape: tuple[int, ...]) -> npt.NDArray[np.int16]:
    """As many rows and columns as the plane of Y."""
    rows = part if part.shape[0] == shape[0] else np.repeat(part, 2, axis=0)[: shape[0]]
    return np.repeat(rows, 2, axis=1)[:, : shape[1]]


def _bytes(values: npt.NDArray[np.float32]) -> Pixels:
    return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)
