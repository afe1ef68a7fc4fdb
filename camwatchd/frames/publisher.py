# SPDX-License-Identifier: MIT
"""Owns what a worker gives to readers: healthy frames, into the ring of each stream that somebody reads."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from camwatchd.cameras.base import Frame
from camwatchd.core.streams import Stream
from camwatchd.frames.layout import Facts
from camwatchd.frames.writer import Writer


class Publisher:
    """Copies nothing that nobody reads."""

    def __init__(self) -> None:
        self.streams: tuple[Stream, ...] = ()  # of the camera, once it is open
        self._writers: dict[str, Writer] = {}

    def use(self, names: Sequence[str], descriptors: Sequence[int]) -> None:
        """Write these streams into these rings; the descriptors are closed here."""
        for writer in self._writers.values():
            writer.close()
        try:
            self._writers = {name: Writer(fd) for name, fd in zip(names, descriptors, strict=True)}
        finally:
            for fd in descriptors:
                os.close(fd)

    def wanted(self) -> list[Stream]:
        """The streams that somebody reads."""
        return [stream for stream in self.streams if self._is_wanted(stream)]

    def write(self, stream: Stream, data: npt.NDArray[np.uint8], frame: Frame, taken_at: float) -> str:
        """A frame of a stream, which was there at `taken_at` (monotonic); says what is wrong with its ring, if it is.

        Readers then get nothing more from this worker: the camera is supervised all the same.
        """
        facts = Facts(
            0, frame.sensor_timestamp, round(taken_at * 1e9), time.time() - (time.monotonic() - taken_at),
            stream.width, stream.height, stream.stride, 0, stream.format,
        )  # fmt: skip
        try:
            self._writers[stream.name].write(data, facts, _encoded(frame.metadata))
        except (ValueError, OSError) as error:
            self._writers.pop(stream.name).close()
            return f"no more frames of the stream {stream.name} for applications: {error}"
        return ""

    def _is_wanted(self, stream: Stream) -> bool:
        return stream.name in self._writers and self._writers[stream.name].wanted


def _encoded(metadata: Mapping[str, Any]) -> bytes:
    """As JSON; what JSON does not know, as it is printed."""
    return json.dumps(dict(metadata), default=str, separators=(",", ":")).encode()
