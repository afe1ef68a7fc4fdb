# SPDX-License-Identifier: MIT
"""Owns what is told of a frame as JSON, in the names and units of the client's `Frame`, and how many were left out."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from camwatchd.client.frame import Frame


def document(frame: "Frame", camera: str, stream: str, now: float) -> dict[str, Any]:
    """All that is known of it but its pixels; `now` of the clock of `taken_at`."""
    width, height = frame.resolution
    return {
        "camera": camera,
        "stream": stream,
        "number": frame.number,
        "format": frame.format,
        "width": width,
        "height": height,
        "bytes": frame.facts.size,
        "sensor_timestamp": frame.sensor_timestamp,
        "taken_at": frame.taken_at,
        "wall_time": frame.wall_time,
        "age": round(max(0.0, now - frame.taken_at), 6),
        "metadata": frame.metadata,
    }


class LeftOut:
    """Counts the frames that came between those that were taken."""

    def __init__(self) -> None:
        self.total = 0
        self._last: int | None = None

    def note(self, number: int) -> int:
        """This one was taken; how many were not, since the first."""
        if self._last is not None:
            before = self._last if number > self._last else 0  # a new ring, after a restart, counts from 1
            self.total += number - before - 1
        self._last = number
        return self.total
