# SPDX-License-Identifier: MIT
"""Owns how frames are written one after the other, for programs that read a pipe."""

from collections.abc import Callable
from typing import BinaryIO

from camwatchd.client.convert import to_jpeg, to_planes, to_rgb, video
from camwatchd.client.frame import Frame
from camwatchd.client.planes import are_planes, is_422, planes, unpadded

_USUAL_RATE = 30.0
_MICRO = 1_000_000
# What ffmpeg's option -pixel_format calls the formats that picamera2 names.
_FFMPEG = {
    "RGB888": "bgr24", "BGR888": "rgb24", "XRGB8888": "bgr0", "XBGR8888": "rgb0", "YUV420": "yuv420p",
    "NV12": "nv12", "NV21": "nv21", "YUYV": "yuyv422", "UYVY": "uyvy422", "YVYU": "yvyu422",
}  # fmt: skip

Writer = Callable[[Frame], None]


class ChangedError(ValueError):
    """The frames are no longer what the stream began with, and its format cannot say so."""


def rate(frame: Frame, measured: float, most: float | None) -> float:
    """Frames a second: as the camera says, else as measured; at most as asked for."""
    duration = frame.metadata.get("FrameDuration")
    found = _MICRO / duration if isinstance(duration, int) and duration > 0 else float(round(measured))
    return float(min(found or _USUAL_RATE, most or _MICRO))


class Mjpeg:
    """One JPEG file after the other."""

    def __init__(self, out: BinaryIO, _fps: float) -> None:
        self._out = out

    def __call__(self, frame: Frame) -> None:
        """The next one."""
        self._out.write(to_jpeg(frame))


class Raw:
    """The bytes of each frame as the camera gives them, without what pads its rows."""

    def __init__(self, out: BinaryIO, _fps: float) -> None:
        self._out = out
        self._shape: tuple[object, ...] = ()

    def __call__(self, frame: Frame) -> None:
        """The next one. What follows must be alike: nothing says where a frame ends."""
        self._shape = _same(self._shape, frame)
        self._out.write(unpadded(frame))


class Y4m:
    """YUV4MPEG2: a header, which holds for all frames, and Y, U and V of each."""

    def __init__(self, out: BinaryIO, fps: float) -> None:
        self._out, self._fps = out, fps
        self._shape: tuple[object, ...] = ()

    def __call__(self, frame: Frame) -> None:
        """The next one."""
        if not self._shape:
            self._out.write(self._header(frame))
        self._shape = _same(self._shape, frame)
        colours = video(frame)
        parts = planes(frame) if are_planes(frame.format) else to_planes(to_rgb(frame), colours)
        self._out.write(b"FRAME\n" + b"".join(part.tobytes() for part in parts))

    def _header(self, frame: Frame) -> bytes:
        (width, height), kind = frame.resolution, "422" if is_422(frame.format) else "420jpeg"
        fps = f"{self._fps:g}:1" if self._fps.is_integer() else f"{_MICRO}:{round(_MICRO / self._fps)}"
        return f"YUV4MPEG2 W{width} H{height} F{fps} Ip A1:1 C{kind} XCOLORRANGE=LIMITED\n".encode()


def described(frame: Frame, fps: float) -> str:
    """How ffmpeg is told what raw frames are."""
    width, height = frame.resolution
    if frame.format == "MJPEG":
        return "MJPEG: -f mjpeg -i -"
    if frame.format not in _FFMPEG:
        return f"{frame.format}, {width}x{height}"
    pixels = _FFMPEG[frame.format]
    return f"{frame.format}: -f rawvideo -pixel_format {pixels} -video_size {width}x{height} -framerate {fps:g} -i -"


def _same(before: tuple[object, ...], frame: Frame) -> tuple[object, ...]:
    now = (frame.format, *frame.resolution)
    if before and now != before:
        raise ChangedError(f"the camera now gives {_words(now)} and not {_words(before)}: begin again")
    return now


def _words(shape: tuple[object, ...]) -> str:
    name, width, height = shape
    return f"{width}x{height} {name}"


WRITERS: dict[str, Callable[[BinaryIO, float], Writer]] = {"mjpeg": Mjpeg, "y4m": Y4m, "raw": Raw}
