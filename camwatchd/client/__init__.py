# SPDX-License-Identifier: MIT
"""Frames of supervised cameras, for applications.

    from camwatchd.client import Camera

    with Camera("cam0") as camera:
        success, frame = camera.capture_frame_with_timeout(timeout=5.0)
        if success:
            print(frame.shape, frame.metadata.get("ExposureTime"))

A camera that fails is a pause here, not an exception: camwatchd recovers it, and the frames go on. `Camera` is what is
called; its frames are numpy arrays (`Frame`) that know when and how they were taken; `to_rgb` and `to_jpeg` convert
them. Every reason why there is no frame is a FrameError, and a FrameTimeoutError if waiting may cure it.

Needs numpy only, for JPEG Pillow (python3-pil), and imports them with the first of these names that needs them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from camwatchd.client.errors import (
    CameraClosedError,
    CameraParkedError,
    CameraPausedError,
    ControlRefusedError,
    DaemonMissingError,
    FrameError,
    FrameOverwrittenError,
    FrameTimeoutError,
    NotPermittedError,
    UnknownCameraError,
)

if TYPE_CHECKING:
    from camwatchd.client.camera import Camera
    from camwatchd.client.convert import to_jpeg, to_png, to_rgb
    from camwatchd.client.frame import Frame

__all__ = [
    "Camera",
    "CameraClosedError",
    "CameraParkedError",
    "CameraPausedError",
    "ControlRefusedError",
    "DaemonMissingError",
    "Frame",
    "FrameError",
    "FrameOverwrittenError",
    "FrameTimeoutError",
    "NotPermittedError",
    "UnknownCameraError",
    "to_jpeg",
    "to_png",
    "to_rgb",
]
_HOMES = {
    "Camera": "camera",
    "Frame": "frame",
    "to_jpeg": "convert",
    "to_png": "convert",
    "to_rgb": "convert",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
