# SPDX-License-Identifier: MIT
"""Frames of supervised cameras, for applications.

    from camwatchd.client import Camera

    with Camera("cam0") as camera:
        success, frame = camera.capture_frame_with_timeout(timeout=5.0)
        if success:
            print(frame.shape, frame.metadata.get("ExposureTime"))

Needs numpy only, and imports it with the first of these names that is asked for. A camera that fails is a pause here,
not an exception: camwatchd recovers it, and the frames go on.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from camwatchd.client.errors import (
    CameraParkedError,
    CameraPausedError,
    ControlRefusedError,
    DaemonMissingError,
    FrameError,
    FrameTimeoutError,
    NotPermittedError,
    UnknownCameraError,
)

if TYPE_CHECKING:
    from camwatchd.client.camera import Camera
    from camwatchd.client.convert import to_jpeg, to_rgb
    from camwatchd.client.frame import Frame

__all__ = [
    "Camera",
    "CameraParkedError",
    "CameraPausedError",
    "ControlRefusedError",
    "DaemonMissingError",
    "Frame",
    "FrameError",
    "FrameTimeoutError",
    "NotPermittedError",
    "UnknownCameraError",
    "to_jpeg",
    "to_rgb",
]
_HOMES = {"Camera": "camera", "Frame": "frame", "to_jpeg": "convert", "to_rgb": "convert"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
