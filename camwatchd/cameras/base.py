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


class CameraError(Exception):
    """A call into the camera failed; `fault` names a row of the fault table where the backend knows it."""

    def __init__(self, text: str, fault: str = "") -> None:
        super().__init__(text)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Identity:
    """Which camera it is and what it delivers (width and height in pixels)."""

    camera_id: str
    model: str
    format: str
    width: int
    height: int


@dataclass(slots=True)
class Frame:
    """One capture; valid until `release()`, which must be called exactly once.

    `sample` is a strided view (rows, columns) of one brightness-like byte per pixel inside the camera's own
    buffer, of the lores stream where there is one; None for encoded formats, whose bytes are in `encoded`.
    """

    sequence: int  # the camera's own count; -1 where the camera gives none
    sensor_timestamp: int  # ns, the camera's monotonic clock
    frame_duration: float  # s; 0 where the camera does not say
    sample: npt.NDArray[np.uint8] | None
    encoded: memoryview | None
    release: Callable[[], None]
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Camera(Protocol):
    """One camera in this process. Every method may raise CameraError or whatever the stack below raises."""

    def open(self) -> Identity:
        """Find, acquire and configure the camera. May block."""

    def start(self) -> None:
        """Start the stream. May block."""

    def request(self) -> None:
        """Ask for the next frame; at most one request is pending. Does not block."""

    def fileno(self) -> int:
        """A descriptor that becomes readable when the requested frame is there or has failed."""

    def take(self) -> Frame:
        """The requested frame, after `fileno()` became readable. Does not block."""

    def cancel(self) -> None:
        """Give up the pending request after a time-out, so that a late frame is not lost or leaked."""

    def stop(self) -> None:
        """Stop the stream, with nothing pending afterwards. May block."""

    def close(self) -> None:
        """Release the camera. May block. Closing twice is harmless."""


def load(backend: str) -> Any:
    """Import a backend's module, the slow part, without touching any camera."""
    return import_module(f"camwatchd.cameras.{backend}")


def create(settings: CameraSettings, runtime_dir: str) -> Camera:
    """The camera of a [camera.<name>] table. Every backend module has `create(settings, runtime_dir)`."""
    camera: Camera = load(settings.backend).create(settings, runtime_dir)
    return camera
