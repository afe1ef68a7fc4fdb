# SPDX-License-Identifier: MIT
"""Owns the yardstick: is a picture intact and newer than the one before? What the camera drew in it tells."""

import time
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageFile

RECORD = Path("/run/peers.frames")  # lines "SECONDS good|same|broken|offline|late", of the monotonic clock

_BITS = 32  # of the frame counter in the top rows of a YUYV picture: camera/picture.c
_CELL = 8  # pixels a bit; just what one block of a JPEG covers
_DARK, _BRIGHT = 70, 180  # neither: not drawn by the camera, but by a program without one
_GRADIENT = 20  # levels; where the data of a JPEG ended early, the decoder leaves one grey

ImageFile.LOAD_TRUNCATED_IMAGES = True


def of_yuyv(picture: Any) -> int | None:
    """The number of a picture as an array of rows, columns and channels; None: it shows none."""
    return _counter(picture[_CELL // 2, _CELL // 2 : _CELL * _BITS : _CELL, 0].tolist())


def of_jpeg(data: bytes, prepared: bool) -> int | None:
    """The number of a JPEG: the counter, or that of a picture which was prepared for MJPEG; None: broken."""
    try:
        image = Image.open(BytesIO(data))
        image.draft("L", (image.width // _CELL, image.height // _CELL))
        luma = image.tobytes()
    except OSError:
        return None
    if not prepared:
        return _counter(list(luma[:_BITS]))
    last = luma[-image.width :]
    return (
        sum(level > _BRIGHT for level in luma[: image.width]) if max(last) - min(last) > _GRADIENT else None
    )


def _counter(levels: list[int]) -> int | None:
    if any(_DARK < level < _BRIGHT for level in levels):
        return None
    return sum(1 << bit for bit, level in enumerate(levels) if level >= _BRIGHT)


class Record:
    """What a program gave out, and when."""

    def __init__(self) -> None:
        self._file = RECORD.open("a", buffering=1)
        self._last: int | None = None

    def picture(self, number: int | None) -> None:
        """A picture came out now."""
        self.write("broken" if number is None else "same" if number == self._last else "good")
        self._last = self._last if number is None else number

    def write(self, word: str, when: float | None = None) -> None:
        """Anything else; now, unless it was earlier."""
        self._file.write(f"{time.monotonic() if when is None else when:.4f} {word}\n")
