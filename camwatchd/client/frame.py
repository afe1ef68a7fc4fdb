# SPDX-License-Identifier: MIT
"""Owns a frame as applications get it: a numpy array that knows when and how it was taken."""

import json
import weakref
from typing import Any

import numpy as np
import numpy.typing as npt

from camwatchd.frames.layout import Facts
from camwatchd.frames.reader import Raw, Reader

# Bytes per pixel of the formats with one plane; their arrays are (height, width, bytes).
_PACKED = {
    "RGB888": 3,
    "BGR888": 3,
    "XRGB8888": 4,
    "XBGR8888": 4,
    "YUYV": 2,
    "YVYU": 2,
    "UYVY": 2,
    "VYUY": 2,
}
# Planar formats with half as much colour as brightness: (height * 3 / 2, stride), as picamera2 gives it.
_PLANAR = ("YUV420", "YVU420", "NV12", "NV21")


class Frame(np.ndarray[Any, np.dtype[np.uint8]]):
    """uint8, and in the order of bytes in memory, as picamera2's `capture_array()` gives it:

    RGB888 (height, width, 3) in the order blue, green, red, which is what OpenCV calls BGR; BGR888 red, green, blue;
    XBGR8888 (height, width, 4) red, green, blue, 255; YUV420 (height * 3 / 2, stride), the planes one below the
    other; MJPEG (size,), a JPEG file. `to_rgb()` makes (height, width, 3), red, green, blue, of each of them.

    A copy, and the application's own, if it does not come from `Camera.view()`.
    """

    facts: Facts
    _metadata: bytes
    _whole: "Whole | None"  # None: a copy
    _ring: Reader | None  # as long as its memory is looked at

    def __array_finalize__(self, source: object) -> None:
        """A view or copy of a frame is still of that frame; a copy lets go of the ring."""
        self.facts = getattr(source, "facts", None)  # type: ignore[assignment]
        self._metadata = getattr(source, "_metadata", b"")
        self._whole = getattr(source, "_whole", None)
        self._ring = None if _is_copied(self) else getattr(source, "_ring", None)

    def __reduce__(self) -> tuple[Any, ...]:  # for queues between processes
        return _rebuilt, (np.array(self), self.facts, self._metadata)

    def valid(self) -> bool:
        """Whether all that was read of it so far is of this frame alone. Always, unless it is from `Camera.view()`.

        Of slices and copies of such a view it says whether the view was still whole, now; a copy holds no
        memory for that, and says no once nobody else has that of the view.
        """
        return self._whole is None or self._whole()

    @property
    def number(self) -> int:
        """Counts the frames of the ring, from 1; a gap is what this reader did not take."""
        return self.facts.number

    @property
    def format(self) -> str:
        """As picamera2 names it."""
        return self.facts.format

    @property
    def resolution(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.facts.width, self.facts.height

    @property
    def sensor_timestamp(self) -> int:
        """Nanoseconds of the camera's clock, which counts from the boot."""
        return self.facts.sensor_timestamp

    @property
    def taken_at(self) -> float:
        """When it was there, seconds as `time.monotonic()` has them."""
        return self.facts.taken_at / 1e9

    @property
    def wall_time(self) -> float:
        """The same, seconds since 1970. A Pi has no battery for its clock: it may jump."""
        return self.facts.wall

    @property
    def metadata(self) -> dict[str, Any]:
        """What picamera2 says of it: ExposureTime, AnalogueGain, ColourTemperature, LensPosition and so on."""
        found: dict[str, Any] = json.loads(self._metadata) if self._metadata else {}
        return found


def _is_copied(array: npt.NDArray[Any]) -> bool:
    """Whether its memory is numpy's own; results of computing are views of arrays that own theirs."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array.base is None


class Whole:
    """Whether frame `number` is still in its ring; not once nobody has the ring in hand."""

    def __init__(self, ring: Reader, number: int) -> None:
        self._ring, self._number = weakref.ref(ring), number

    def __call__(self) -> bool:
        ring = self._ring()
        return ring is not None and ring.is_whole(self._number)


def made_of(raw: Raw, ring: Reader | None = None) -> Frame:
    """The frame in what was read; nothing is copied. `ring`: where it lies, if it is a view."""
    frame = _rebuilt(_shaped(raw.data, raw.facts), raw.facts, raw.metadata)
    if ring is not None:
        frame._ring, frame._whole = ring, Whole(ring, raw.facts.number)  # noqa: SLF001 - its maker
    return frame


def _rebuilt(data: npt.NDArray[np.uint8], facts: Facts, metadata: bytes) -> Frame:
    frame = data.view(Frame)
    frame.facts, frame._metadata = facts, metadata  # noqa: SLF001 - its maker
    return frame


def _shaped(data: npt.NDArray[np.uint8], facts: Facts) -> npt.NDArray[np.uint8]:
    """What is too short for its format, or of one that is not known here, stays flat."""
    depth, stride, height = _PACKED.get(facts.format, 0), facts.stride, facts.height
    rows = height + (height + 1) // 2 if facts.format in _PLANAR else height
    if not (depth or facts.format in _PLANAR) or not stride or data.size < rows * stride:
        return data
    table = data[: rows * stride].reshape(rows, stride)
    if not depth:
        return table
    shape, steps = (height, facts.width, depth), (stride, depth, 1)
    return np.lib.stride_tricks.as_strided(table, shape, steps, writeable=data.flags.writeable)
