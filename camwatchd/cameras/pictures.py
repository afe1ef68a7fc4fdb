# SPDX-License-Identifier: MIT
"""Owns the pictures of the simulated camera: different in every frame, and nearly free to make.

Each buffer is painted once; a frame changes only its counter (32 bits of 8 pixels, the least significant first,
in the top rows) and a few rows of noise.
"""

import random
from functools import cached_property
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from camwatchd.cameras.jpeg import Jpeg

Look = Literal["normal", "frozen", "black", "saturated"]
Luma = npt.NDArray[np.uint8]
Size = tuple[int, int]

COUNTER_ROWS = 16
COUNTER_BITS = 32
BIT_WIDTH = 8  # pixels

# A frozen camera shows this number whoever asks: a restart of the stream or of the worker does not thaw it.
STILL_NUMBER = (1 << COUNTER_BITS) - 1

_NOISE_EVERY = 32  # rows
_NOISE_LENGTH = 4096
_STRIDE = 64  # bytes; rows of real buffers are padded too (picamera2 aligns to 32 or 64)
_BRIGHTNESS = {"black": 0, "saturated": 255}
_GREY = _STILL_GREY = 128


class Drawn(NamedTuple):
    """A frame: all of its data, flat, and of that either the sample or the encoded bytes."""

    data: Luma
    sample: Luma | None
    encoded: memoryview | None


class Pictures(Protocol):
    """A pool of painted buffers, of which a frame uses one."""

    stride: int  # bytes from row to row; 0: encoded
    room: int  # bytes that a frame has at most

    def draw(self, buffer: int, number: int, look: Look) -> Drawn:
        """Frame `number` in that buffer."""


class RawPictures:
    """YUV420 buffers: a plane of luma, and two of half its stride and height that are all grey."""

    def __init__(self, width: int, height: int, buffers: int) -> None:
        self._size = (width, height)
        self.stride = _padded(width)
        self.room = self.stride * (height + (height + 1) // 2)
        dice = random.Random(1)  # noqa: S311 - a texture; numpy's own dice take 15 ms to import
        self._noise = np.frombuffer(dice.randbytes(_NOISE_LENGTH + width), np.uint8)
        self._buffers = [self._painted(index * 256 // buffers) for index in range(buffers)]

    def draw(self, buffer: int, number: int, look: Look) -> Drawn:
        """The buffer, or a picture that never changes."""
        if look in _BRIGHTNESS:
            data = np.full(self.room, _BRIGHTNESS[look], dtype=np.uint8)
        elif look == "frozen":
            data = self._still
        else:
            data = self._buffers[buffer]
            self._mark(self._luma(data), number)
        return Drawn(data, self._luma(data), None)

    def _painted(self, phase: int) -> Luma:
        data = np.full(self.room, _GREY, dtype=np.uint8)
        self._rows(data)[:] = _diagonals(self._size[1], self.stride, phase)
        return data

    def _rows(self, data: Luma) -> Luma:
        height = self._size[1]
        return data[: height * self.stride].reshape(height, self.stride)

    def _luma(self, data: Luma) -> Luma:
        return self._rows(data)[:, : self._size[0]]

    @cached_property
    def _still(self) -> Luma:
        data = self._painted(0)
        self._mark(self._luma(data), STILL_NUMBER)
        return data

    def _mark(self, picture: Luma, number: int) -> None:
        low = (number % (1 << COUNTER_BITS)).to_bytes(COUNTER_BITS // 8, "little")
        bits = np.unpackbits(np.frombuffer(low, np.uint8), bitorder="little") * np.uint8(255)
        pixels = np.repeat(bits, BIT_WIDTH)[: picture.shape[1]]
        picture[:COUNTER_ROWS, : pixels.size] = pixels
        start = number * 37 % _NOISE_LENGTH
        picture[COUNTER_ROWS::_NOISE_EVERY] = self._noise[start : start + picture.shape[1]]


class SmallPictures:
    """The small stream of raw pictures: every so many pixels one, YUV420 too."""

    def __init__(self, large: Size, stride: int, small: Size) -> None:
        self._large, self._large_stride, self._small = large, stride, small
        self._step = large[0] // small[0]
        self.stride = _padded(small[0])
        self.room = self.stride * (small[1] + (small[1] + 1) // 2)

    def of(self, data: Luma) -> Luma:
        """A small picture of all the data of a large one."""
        (width, height), step = self._small, self._step
        rows = data[: self._large[1] * self._large_stride].reshape(self._large[1], self._large_stride)
        small = np.full(self.room, _GREY, dtype=np.uint8)
        brightness = small[: height * self.stride].reshape(height, self.stride)
        brightness[:, :width] = rows[: height * step : step, : width * step : step]
        return small


class JpegPictures:
    """MJPEG buffers: whole JPEG files of the right size, a texture around one grey, with the number in a comment."""

    stride = 0

    def __init__(self, width: int, height: int, buffers: int) -> None:
        self._size = (width, height)
        greys = [64 + index * 128 // buffers for index in range(buffers)]
        self._pool = [Jpeg(width, height, grey, texture=True) for grey in greys]
        self._plain = {look: Jpeg(width, height, grey) for look, grey in _BRIGHTNESS.items()}
        # As drivers do: more than any of them needs.
        self.room = 2 * max(len(jpeg.numbered(0)) for jpeg in (*self._pool, *self._plain.values()))

    def draw(self, buffer: int, number: int, look: Look) -> Drawn:
        """The bytes of one JPEG file."""
        frozen = look == "frozen"
        encoded = self._still[:] if frozen else self._plain.get(look, self._pool[buffer]).numbered(number)
        return Drawn(np.frombuffer(encoded, np.uint8), None, encoded)

    @cached_property
    def _still(self) -> memoryview:
        return Jpeg(*self._size, _STILL_GREY, texture=True).numbered(STILL_NUMBER)


def _padded(width: int) -> int:
    return -(-width // _STRIDE) * _STRIDE


def counter(picture: Luma) -> int:
    """The number that was drawn into a picture at least 256 pixels wide."""
    row = picture[0, BIT_WIDTH // 2 : COUNTER_BITS * BIT_WIDTH : BIT_WIDTH]
    return sum(1 << bit for bit, pixel in enumerate(row) if pixel > 127)


def _diagonals(height: int, width: int, phase: int) -> Luma:
    rows, columns = np.ogrid[:height, :width]
    return (rows + columns + phase).astype(np.uint8)
