# SPDX-License-Identifier: MIT
"""Owns what a worker gives to readers: healthy frames, into the ring of each stream that somebody reads."""

import json
import os
import struct
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from camwatchd.cameras.base import Frame
from camwatchd.core.streams import Stream
from camwatchd.frames.layout import Facts
from camwatchd.frames.writer import Writer

_LINGER = 2.0  # s without readers until their memory is given back: one may only be coming back


class Publisher:
    """Copies nothing that nobody reads, and then gives the memory back."""

    def __init__(self) -> None:
        self.streams: tuple[Stream, ...] = ()  # of the camera, once it is open
        self._writers: dict[str, Writer] = {}
        self._wanted_at: dict[str, float] = {}

    def use(self, names: Sequence[str], descriptors: Sequence[int]) -> None:
        """Write these streams into these rings; the descriptors are closed here."""
        for name in list(self._writers):
            self.drop(name)
        try:
            for name, fd in zip(names, descriptors, strict=True):
                self._writers[name] = Writer(fd)
        finally:
            for fd in descriptors:
                os.close(fd)

    def drop(self, name: str) -> None:
        """Write no more of this stream."""
        self._writers.pop(name).close()

    def wanted(self, now: float) -> list[Stream]:
        """The streams that somebody reads."""
        return [stream for stream in self.streams if self._is_wanted(stream.name, now)]

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
        except (ValueError, OSError, struct.error) as error:
            self.drop(stream.name)
            return f"no more frames of the stream {stream.name} for applications: {error}"
        return ""

    def _is_wanted(self, name: str, now: float) -> bool:
        writer = self._writers.get(name)
        if writer is None:
            return False
        if writer.wanted:
            self._wanted_at[name] = now
        elif now >= self._wanted_at.get(name, 0.0) + _LINGER:
            writer.empty()
        return writer.wanted


def _encoded(metadata: Mapping[str, Any]) -> bytes:
    """As JSON; what JSON does not know, as it is printed."""
    try:
        return _json(dict(metadata))
    except (TypeError, ValueError):  # NaN, or a key that is no text
        return _json({str(key): str(value) for key, value in metadata.items()})


def _json(table: dict[str, Any]) -> bytes:
    return json.dumps(table, default=str, allow_nan=False, separators=(",", ":")).encode()
