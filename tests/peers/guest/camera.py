# SPDX-License-Identifier: MIT
"""Owns picamera2 as any tutorial uses it, for the two programs that are written with it."""

from typing import Any

from picamera2 import Picamera2

from tests.peers.guest import pictures


def opened(format_: str) -> Any:
    """Configured and started."""
    camera = Picamera2()
    camera.configure(camera.create_video_configuration(main={"size": (320, 240), "format": format_}))
    camera.start()
    return camera


def captured(camera: Any, format_: str) -> Any:
    """The next picture; waits for it without a limit."""
    return camera.capture_buffer("main") if format_ == "MJPEG" else camera.capture_array("main")


def number(picture: Any, format_: str) -> int | None:
    """For the record, not for the program: it trusts what it gets."""
    if format_ == "MJPEG":
        return pictures.of_jpeg(bytes(picture), prepared=True)
    return pictures.of_yuyv(picture)
