# SPDX-License-Identifier: MIT
"""Owns the pictures of the simulated camera: different in every frame, and nearly free to make.

Each buffer is painted once; a frame changes only its counter (32 bits of 8 pixels, the least significant first,
in the top rows) and a few rows of noise.
"""

import random
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from camwatchd.cameras.jpeg import Jpeg

Look = Literal["normal", "frozen", "black", "saturated"]
Luma = npt.NDArray[np.uint8]

COUNTER_ROWS = 16
COUNTER_BITS = 32
BIT_WIDTH = 8  # pixels

# A frozen camera shows this number whoever asks: a restart of the stream or of the worker does not thaw it.
STILL_NUMBER = (1 << COUNTER_BITS) - 1

_NOISE_EVERY = 32  # rows
_NOISE_LENGTH = 4096
_STRIDE = 64  # bytes; rows of real buffers are padded too (picamera2 aligns to 32 or 64)
_BRIGHTNESS = {"black": 0, "saturated": 255}
_STILL_GREY = 128


class Pictures(Protocol):
    """A pool of painted buffers, of which a frame uses one."""

    def draw(self, buffer: int, number: int, look: Look) -> tuple[Luma | None, memoryview | None]:
        """The sample and the encoded bytes of frame `number` in that buffer; one of the two is None."""


class RawPictures:
    """The luma planes of YUV420 buffers."""

    def __init__(self, width: int, height: int, buffers: int) -> None:
        self._size = (width, height)
        stride = -(-width // _STRIDE) * _STRIDE
        dice = random.Random(1)  # noqa: S311 - a texture; numpy's own dice take 15 ms to import
        self._noise = np.frombuffer(dice.randbytes(_NOISE_LENGTH + width), np.uint8)
        self._planes = [_diagonals(height, stride, index * 256 // buffers) for index in range(buffers)]

    def draw(self, buffer: int, number: int, look: Look) -> tuple[Luma, None]:
        """A view into the buffer, or into a picture that never changes."""
        width, height = self._size
        if look in _BRIGHTNESS:
            return np.full((height, width), _BRIGHTNESS[look], dtype=np.uint8), None
        if look == "frozen":
            return self._still[:, :], None
        picture = self._planes[buffer][:, :width]
        self._mark(picture, number)
        return picture, None

    @cached_property
    def _still(self) -> Luma:
        width, height = self._size
        picture = _diagonals(height, width, 0)
        self._mark(picture, STILL_NUMBER)
        return picture

    def _mark(self, picture: Luma, number: int) -> None:
        low = (number % (1 << COUNTER_BITS)).to_bytes(COUNTER_BITS // 8, "little")
        bits = np.unpackbits(np.frombuffer(low, np.uint8), bitorder="little") * np.uint8(255)
        pixels = np.repeat(bits, BIT_WIDTH)[: picture.shape[1]]
        picture[:COUNTER_ROWS, : pixels.size] = pixels
        start = number * 37 % _NOISE_LENGTH
        picture[COUNTER_ROWS::_NOISE_EVERY] = self._noise[start : start + picture.shape[1]]


class JpegPictures:
    """MJPEG buffers: whole JPEG files of the right size, a texture around one grey, with the number in a comment."""

    def __init__(self, width: int, height: int, buffers: int) -> None:
        self._size = (width, height)
        greys = [64 + index * 128 // buffers for index in range(buffers)]
        self._pool = [Jpeg(width, height, grey, texture=True) for grey in greys]
        self._plain = {look: Jpeg(width, height, grey) for look, grey in _BRIGHTNESS.items()}

    def draw(self, buffer: int, number: int, look: Look) -> tuple[None, memoryview]:
        """The bytes of one JPEG file."""
        if look == "frozen":
            return None, self._still[:]
        return None, self._plain.get(look, self._pool[buffer]).numbered(number)

    @cached_property
    def _still(self) -> memoryview:
        return Jpeg(*self._size, _STILL_GREY, texture=True).numbered(STILL_NUMBER)


def counter(picture: Luma) -> int:
    """The number that was drawn into a picture at least 256 pixels wide."""
    row = picture[0, BIT_WIDTH // 2 : COUNTER_BITS * BIT_WIDTH : BIT_WIDTH]
    return sum(1 << bit for bit, pixel in enumerate(row) if pixel > 127)


def _diagonals(height: int, width: int, phase: int) -> Luma:
    rows, columns = np.ogrid[:height, :width]
    return (rows + columns + phase).astype(np.uint8)
