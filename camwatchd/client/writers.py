# SPDX-License-Identifier: MIT
"""Owns how frames are written one after the other, for programs that read a pipe."""

from collections.abc import Callable
from typing import BinaryIO

import numpy as np

from camwatchd.client.camera import Camera
from camwatchd.client.convert import planes, to_jpeg
from camwatchd.client.frame import Frame

_USUAL_RATE = 30


def _mjpeg(_camera: Camera, out: BinaryIO) -> Callable[[Frame], None]:
    return lambda frame: _all(out, to_jpeg(frame))


def _raw(_camera: Camera, out: BinaryIO) -> Callable[[Frame], None]:
    return lambda frame: _all(out, frame.tobytes())


class _Y4m:
    """Begins with a header, which holds for all frames: a camera that changes its size ends the stream."""

    def __init__(self, camera: Camera, out: BinaryIO) -> None:
        self._camera, self._out = camera, out
        self._size: tuple[int, int] | None = None

    def __call__(self, frame: Frame) -> None:
        if self._size is None:
            self._size = frame.resolution
            rate = round(self._camera.status().fps) or _USUAL_RATE
            kind = "422" if frame.format in ("YUYV", "YVYU", "UYVY", "VYUY") else "420jpeg"
            width, height = self._size
            _all(self._out, f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C{kind}\n".encode())
        if frame.resolution != self._size:
            raise ValueError(
                f"the size has changed from {self._size} to {frame.resolution}, which y4m does not know"
            )
        _all(self._out, b"FRAME\n")
        for plane in planes(frame):
            _all(self._out, np.ascontiguousarray(plane).tobytes())


def _all(out: BinaryIO, data: bytes) -> None:
    out.write(data)


WRITERS: dict[str, Callable[[Camera, BinaryIO], Callable[[Frame], None]]] = {
    "mjpeg": _mjpeg,
    "y4m": _Y4m,
    "raw": _raw,
}
