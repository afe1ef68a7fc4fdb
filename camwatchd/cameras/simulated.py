# SPDX-License-Identifier: MIT
"""Owns the simulated camera: a backend like any other, with faults by script, for tests, demos and alarm drills.

The script's memory is a file in the runtime directory, so that a fault goes on when a fresh worker opens the
camera, and a remedy cures it once. What takes effect where: pictures and timing in the sensor's thread, calls that
fail or hang here.
"""

import signal
import time
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from camwatchd.cameras import mishaps
from camwatchd.cameras.adjusting import checked
from camwatchd.cameras.base import CameraError, Frame, Identity, lend
from camwatchd.cameras.choice import lores_size
from camwatchd.cameras.memory import Runner
from camwatchd.cameras.pictures import JpegPictures, Pictures, RawPictures, SmallPictures
from camwatchd.cameras.script import on_usb
from camwatchd.cameras.sensor import Sensor, Shot
from camwatchd.cameras.simulated_usb import UsbDevice
from camwatchd.cameras.wake import Wake
from camwatchd.core.ladder import Rung
from camwatchd.core.settings import CameraSettings, ScriptedFault
from camwatchd.core.streams import Stream
from camwatchd.core.usb import simulated_place

FRAME_RATE = 30.0
BUFFERS = 6  # as picamera2's video configuration has

# Smallest, largest and usual value.
_CONTROLS: dict[str, tuple[Any, Any, Any]] = {
    "ExposureTime": (100, 1_000_000, 20_000), "AnalogueGain": (1.0, 16.0, 1.0), "ColourGains": (0.0, 32.0, None),
    "LensPosition": (0.0, 32.0, 1.0), "ScalerCrop": ((0, 0, 64, 64), (4056, 3040, 4056, 3040), (0, 0, 4056, 3040)),
}  # fmt: skip

_FORMATS = {"auto": "YUV420", "YUV420": "YUV420", "MJPEG": "MJPEG"}


class SimulatedCamera:
    """One simulated camera; a new object stands for a new worker."""

    def __init__(self, settings: CameraSettings, runtime_dir: str) -> None:
        self._settings = settings
        self._interval = 1.0 / (settings.frame_rate or FRAME_RATE)
        memory = Path(runtime_dir, f"simulated-{settings.name}.json")
        device = UsbDevice(settings.name, Path(runtime_dir), settings.fault)
        self._runner = Runner(settings.fault, memory, time.monotonic, device)
        self._wake: Wake | None = None
        self._sensor: Sensor | None = None
        self._pictures: Pictures
        self._small: SmallPictures
        self._free: deque[int] = deque()
        self._opened_before = False
        self._started_before = False
        self._dead = False
        self._adjusted = {name: value for name, value in settings.controls.items() if name in _CONTROLS}
        self.link_fd = -1  # the worker's way to the supervisor, for the script's garbage

    def open(self) -> Identity:
        """The script may make it slow, or fail as picamera2 does."""
        format_ = _checked_format(self._settings)
        self._runner.open(new_worker=not self._opened_before)
        self._opened_before = True
        self._maybe_hang()
        if slow := self._runner.find("slow-open"):
            time.sleep(slow.amount)  # a call that blocks is what is being simulated
            self._runner.look()
        mishaps.open_or_fail(self._runner.find("missing", "gone"), self._runner.find("busy"))
        width, height, buffers = (
            self._settings.width,
            self._settings.height,
            self._settings.buffer_count or BUFFERS,
        )
        make = JpegPictures if format_ == "MJPEG" else RawPictures
        self._pictures = make(width, height, buffers)
        self._free = deque(range(buffers))
        self._wake = Wake()
        self._dead = False
        usb = simulated_place(self._settings.name) if on_usb(self._settings.fault) else ""
        name, streams = f"simulated/{self._settings.name}", tuple(self._streams(format_))
        return Identity(name, "simulated", format_, width, height, usb, streams)

    def start(self) -> None:
        """From the second time on this is the cure `restart-stream`."""
        self._maybe_hang()
        if self._wake is None:
            raise RuntimeError("the camera is not open")
        if self._started_before:
            self._runner.cure(Rung.RESTART_STREAM)
        self._started_before = True
        self._runner.look()
        if self._dead or self._runner.find("gone"):
            raise RuntimeError(mishaps.GONE_AT_START)
        self._sensor = Sensor(self._runner, self._wake, self._interval, self.link_fd, self._has_buffer)

    def request(self) -> None:
        """Fails once the camera was unplugged."""
        self._maybe_hang()
        sensor = self._streaming()
        if sensor.unplugged:
            raise RuntimeError(mishaps.GONE)
        sensor.want()

    def fileno(self) -> int:
        """The eventfd that the sensor's thread sets."""
        return self._wake.fileno() if self._wake else -1

    def take(self) -> Frame:
        """Draws the picture, so that frames which nobody takes cost nothing."""
        self._maybe_hang()
        shot = self._streaming().take()
        fault = shot.fault if shot.fault in self._runner.active.values() else None  # None: cured meanwhile
        if fault and fault.kind == "error":
            self._runner.cure(Rung.RETRY)
            raise RuntimeError(fault.message or "simulated error")
        frame = self._frame(shot)
        if fault and fault.kind == "truncated":
            _truncate(frame, fault)
        return frame

    def cancel(self) -> None:
        """Also what `until = "retry"` waits for."""
        self._maybe_hang()
        if self._sensor:
            self._sensor.cancel()
        self._runner.cure(Rung.RETRY)

    def offered(self) -> dict[str, Any]:
        """Some of what a Pi's camera has."""
        return dict(_CONTROLS)

    def adjust(self, controls: Mapping[str, Any]) -> None:
        """They come back in the metadata of each frame, and change nothing in the picture."""
        self._maybe_hang()
        self._adjusted.update(checked(controls, _CONTROLS))

    def stop(self) -> None:
        """Ends the sensor's thread."""
        self._maybe_hang()
        if self._sensor:
            self._sensor.end()
            self._dead = self._dead or self._sensor.unplugged
            self._sensor = None

    def close(self) -> None:
        """A stream that still runs is stopped."""
        self.stop()
        if self._wake:
            self._wake.close()
            self._wake = None

    def _streams(self, format_: str) -> Iterator[Stream]:
        pictures, size = self._pictures, (self._settings.width, self._settings.height)
        yield Stream("main", format_, *size, pictures.stride, pictures.room)
        small = lores_size(size) if self._settings.lores and isinstance(pictures, RawPictures) else None
        if small:
            self._small = SmallPictures(size, pictures.stride, small)
            yield Stream("lores", "YUV420", *small, self._small.stride, self._small.room)

    def _frame(self, shot: Shot) -> Frame:
        free, buffer = self._free, self._free.popleft()
        drawn = self._pictures.draw(buffer, shot.number, shot.look)
        frame = Frame(
            shot.sequence, round(shot.timestamp * 1e9), self._interval, drawn.sample, drawn.encoded
        )
        frame.metadata = metadata = {"FrameNumber": shot.number, "Sequence": shot.sequence, **self._adjusted}
        frame.pixels = partial(self._pixels, drawn.data, metadata)
        return lend(frame, partial(free.append, buffer))

    def _pixels(
        self, data: npt.NDArray[np.uint8], metadata: dict[str, Any], name: str
    ) -> npt.NDArray[np.uint8]:
        """Whoever reads such a frame can see that it is one, and which; computed for readers only."""
        if name == "lores":
            data = self._small.of(data)
        metadata["Checksum"] = zlib.crc32(data.data)
        return data

    def _has_buffer(self) -> bool:
        return bool(self._free)

    def _streaming(self) -> Sensor:
        if self._sensor is None:
            raise RuntimeError("the camera is not streaming")
        if self._sensor.failure:
            raise CameraError("the simulated sensor died", "event-loop-dead") from self._sensor.failure
        return self._sensor

    def _maybe_hang(self) -> None:
        if fault := self._runner.find("hang"):
            mishaps.hang(fault)


def create(settings: CameraSettings, runtime_dir: str) -> SimulatedCamera:
    """The backend's entry, see camwatchd.cameras.base."""
    return SimulatedCamera(settings, runtime_dir)


def _truncate(frame: Frame, fault: ScriptedFault) -> None:
    """Kernel and libcamera hand out a JPEG that is cut short as it is; of a raw frame the buffer is in error."""
    if frame.encoded is None:
        frame.release()
        raise CameraError(f"the buffer holds only {fault.amount:g} % of the frame", "buffer-queue")
    frame.encoded = frame.encoded[: int(len(frame.encoded) * fault.amount / 100)]


def _checked_format(settings: CameraSettings) -> str:
    for fault in settings.fault:
        if fault.kind == "crash" and fault.signal not in signal.Signals.__members__:
            raise CameraError(f"crash: no signal is called {fault.signal!r}", "configuration")
    if settings.format not in _FORMATS:
        raise CameraError(
            f"format {settings.format!r}: expected one of {', '.join(_FORMATS)}", "configuration"
        )
    return _FORMATS[settings.format]
