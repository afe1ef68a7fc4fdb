# SPDX-License-Identifier: MIT
"""Owns the shape of what a camera delivers: one row per stream, as worker, supervisor and readers know it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stream:
    """One of a camera's streams: `main`, or the small one, `lores`.

    Width and height in pixels, `stride` in bytes from row to row of the first plane (0: encoded), `room` the bytes
    that a frame has at most. `format` as picamera2 names it.
    """

    name: str
    format: str
    width: int
    height: int
    stride: int
    room: int
