# SPDX-License-Identifier: MIT
"""Owns the contract that every camera backend keeps, and the picture of a frame that the checks read.

The worker is one thread that sleeps in select(): it asks for a frame with `request()`, waits until
`fileno()` is readable or its deadline has passed, and then calls `take()` or `cancel()`. Nothing but open,
start, stop and close may block, and the worker announces each of these to the supervisor before it enters it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from camwatchd.core.settings import CameraSettings
from camwatchd.core.streams import Stream


class CameraError(Exception):
    """A call into the camera failed; `fault` names a row of the fault table where the backend knows it."""

    def __init__(self, text: str, fault: str = "") -> None:
        super().__init__(text)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Identity:
    """Which camera it is and what it delivers (width and height in pixels).

    `usb`: where on USB it is plugged in, as core.usb writes it; empty if nowhere. `streams`: all that it delivers, the
    main one first. `remarks`: what of its settings it has not taken though it works.
    """

    camera_id: str
    model: str
    format: str
    width: int
    height: int
    usb: str = ""
    streams: tuple[Stream, ...] = ()
    remarks: tuple[str, ...] = ()


def _released_twice() -> None:
    raise RuntimeError("a frame may be released only once")


def _no_pixels(name: str) -> npt.NDArray[np.uint8]:
    raise RuntimeError(f"there is nothing of a stream {name!r} (any more)")


@dataclass(slots=True)
class Frame:
    """One capture; valid until `release()`, which must be called exactly once, before `stop()`.

    `sample` is a strided view (rows, columns) of one brightness-like byte per pixel inside the camera's own
    buffer, of the lores stream where there is one; None for encoded formats, whose bytes are in `encoded`.
    Views made from either must be gone by `release()`, which itself sets both to None: while one exists the
    camera's memory cannot be unmapped. `release()` gives the buffer back to the camera and may raise what the
    stack below raises, e.g. that the device is gone.

    `pixels(name)` is all the data of one of the streams, flat, under the same conditions as the views above; of
    encoded formats just the bytes that were used. It is mapped when it is asked for.
    """

    sequence: int  # the camera's own count; -1 where the camera gives none
    sensor_timestamp: int  # ns, the camera's monotonic clock
    frame_duration: float  # s; 0 where the camera does not say
    sample: npt.NDArray[np.uint8] | None
    encoded: memoryview | None
    release: Callable[[], None] = _released_twice
    metadata: Mapping[str, Any] = field(default_factory=dict)
    pixels: Callable[[str], npt.NDArray[np.uint8]] = _no_pixels


def lend(frame: Frame, give_back: Callable[[], None]) -> Frame:
    """The frame with a `release()` that ends its views, calls `give_back`, and refuses to do so twice."""

    def release() -> None:
        frame.sample = frame.encoded = None
        frame.pixels, frame.release = _no_pixels, _released_twice
        give_back()

    frame.release = release
    return frame


class Camera(Protocol):
    """One camera in this process. Every method may raise CameraError or whatever the stack below raises."""

    def open(self) -> Identity:
        """Find, acquire and configure the camera. May block. After a failure: `close()`, then a fresh process."""

    def start(self) -> None:
        """Start the stream, again after `stop()`. May block."""

    def request(self) -> None:
        """Ask for the next frame, or for one that arrived since the last was taken. Does not block.

        At most one request is pending: the next is made after `take()` or `cancel()`, also if `take()` raised.
        """

    def fileno(self) -> int:
        """A descriptor that is readable while the requested frame is there or has failed.

        The same from `open()` to `close()`; -1 outside.
        """

    def take(self) -> Frame:
        """The requested frame, after `fileno()` became readable. Does not block."""

    def cancel(self) -> None:
        """Give up the pending request after a time-out, so that a late frame is not lost or leaked.

        Harmless when nothing is pending. Does not block, but a stack that is stuck may make it.
        """

    def offered(self) -> Mapping[str, Any]:
        """What can be adjusted: for each control its smallest, its largest and its usual value, as JSON has them."""

    def adjust(self, controls: Mapping[str, Any]) -> None:
        """Set these controls, now and after every `start()` to come; CameraError: nothing was set, and why.

        Does not block, and takes effect some frames later.
        """

    def stop(self) -> None:
        """Stop the stream, with nothing pending afterwards; harmless if it does not run. May block."""

    def close(self) -> None:
        """Release the camera, stopping it first. May block. Closing twice is harmless, or what was never open."""


def load(backend: str) -> Any:
    """Import a backend's module, the slow part, without touching any camera."""
    return import_module(f"camwatchd.cameras.{backend}")


def create(settings: CameraSettings, runtime_dir: str) -> Camera:
    """The camera of a [camera.<name>] table. Every backend module has `create(settings, runtime_dir)`."""
    camera: Camera = load(settings.backend).create(settings, runtime_dir)
    return camera
