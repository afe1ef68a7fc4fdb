# SPDX-License-Identifier: MIT
"""Owns the real camera: picamera2, used so that no call waits for a frame and no buffer is lost.

Importing this module is slow but touches no camera. What is relied upon was read in picamera2 0.3.20 to 0.3.38:
a job that timed out stays queued and swallows a buffer, so every time-out is followed by a flush; `stop()` queues
behind such a job for ever, so the stream is stopped by a job of our own with a bound; frames and jobs are served
by threads that die of any exception without anybody hearing of it, so they are looked at before each request.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from libcamera import StreamRole, Transform
from picamera2 import MappedArray, Picamera2

from camwatchd.cameras.adjusting import checked, plain
from camwatchd.cameras.base import CameraError, Frame, Identity, lend
from camwatchd.cameras.choice import check_format, choose_camera
from camwatchd.cameras.luma import ENCODED, luma
from camwatchd.cameras.options import flips, not_taken, options
from camwatchd.cameras.pending import Pending
from camwatchd.cameras.usb import place_in
from camwatchd.cameras.wake import Wake
from camwatchd.core.liveness import CALL_BOUNDS
from camwatchd.core.settings import CameraSettings
from camwatchd.core.streams import Stream

# s; longer than what was announced, so that the stack of what hangs is dumped first.
STOP_BOUND = CALL_BOUNDS["stop"] + 1


class Picamera2Camera:
    """One camera in this process."""

    def __init__(self, settings: CameraSettings) -> None:
        self._settings = settings
        self._camera: Any = None
        self._wake: Wake | None = None
        self._pending: Pending | None = None
        self._stream: dict[str, Any] = {}  # picamera2's configuration of the stream that is looked at
        self._stream_name = "main"
        self._threads: list[threading.Thread] = []
        self._threads_before: set[threading.Thread] = set()
        self._adjusted: dict[str, Any] = {}

    def open(self) -> Identity:
        """After a failed constructor there is nothing to close, but descriptors and a half-open camera leak."""
        self._threads, self._threads_before = [], set(threading.enumerate())
        infos = Picamera2.global_camera_info()
        position = choose_camera(self._settings, infos)
        self._camera = Picamera2(position)
        self._camera.configure(self._configuration())
        actual = self._camera.camera_configuration()
        main = actual["main"]
        check_format(self._settings.format, main["format"])
        self._stream_name = "lores" if actual["lores"] else "main"
        self._stream = actual[self._stream_name]
        self._wake = Wake()
        info = infos[position]
        usb = place_in(self._camera.camera_properties)
        width, height = main["size"]
        model, streams = str(info.get("Model", "")), tuple(_streams(actual))
        remarks = not_taken(self._settings, actual, self._camera.camera_controls)
        return Identity(info["Id"], model, main["format"], width, height, usb, streams, remarks)

    def start(self) -> None:
        """The event loop is started by the first call and runs until `close()`."""
        if self._wake is None:
            raise RuntimeError("the camera is not open")
        # picamera2 forgets the controls of its configuration once the camera was started with them.
        self._camera.set_controls({**self._camera.camera_configuration()["controls"], **self._adjusted})
        self._camera.start()
        if not self._threads:
            self._threads = [
                thread for thread in threading.enumerate() if thread not in self._threads_before
            ]

    def request(self) -> None:
        """Queues a job; its end is signalled from the event loop."""
        self._check_threads()
        if self._pending or self._wake is None:
            raise RuntimeError("a request is already pending" if self._pending else "the camera is not open")
        pending = Pending(self._wake)
        self._camera.capture_request(wait=False, signal_function=pending.arrived)
        self._pending = pending

    def fileno(self) -> int:
        """The eventfd that the event loop sets."""
        return self._wake.fileno() if self._wake else -1

    def take(self) -> Frame:
        """Maps the frame; nothing is copied."""
        if self._pending is None or self._wake is None:
            raise BlockingIOError("no frame was requested")
        if not self._pending.ended:
            raise BlockingIOError("no frame has arrived")
        pending, self._pending = self._pending, None
        self._wake.clear()
        request = pending.completed()
        try:
            return self._frame(request)
        except BaseException:
            request.release()
            raise

    def cancel(self) -> None:
        """Hangs if the event loop does, since both need the same lock; the supervisor notices that."""
        if self._pending is None:
            return
        self._camera.cancel_all_and_flush()
        pending, self._pending = self._pending, None
        pending.abandon()

    def offered(self) -> dict[str, Any]:
        """As libcamera lists them."""
        return {name: tuple(map(plain, limits)) for name, limits in self._camera.camera_controls.items()}

    def adjust(self, controls: Mapping[str, Any]) -> None:
        """With the next request; libcamera's own refusal would only come in its log."""
        values = {name: _tuples(value) for name, value in checked(controls, self.offered()).items()}
        self._camera.set_controls(values)
        self._adjusted.update(values)

    def stop(self) -> None:
        """Not `Picamera2.stop()`, which waits without a bound."""
        if self._camera is None or not self._camera.started:
            return
        self.cancel()
        self._check_threads()
        try:
            self._camera.dispatch_functions([self._camera.stop_], wait=STOP_BOUND, immediate=True)
        except TimeoutError as error:
            text = f"the camera did not stop within {STOP_BOUND:g} s: a call of picamera2's event loop hangs"
            raise CameraError(text, "worker-silent") from error

    def close(self) -> None:
        """Ends the event loop first and then stops the camera in this thread, so it works when the loop is dead."""
        with ExitStack() as undo:
            if self._wake:
                undo.callback(self._wake.close)
            if self._camera:
                undo.callback(self._camera.close)
            self.cancel()
        self._camera = self._wake = None

    def _check_threads(self) -> None:
        if dead := [thread.name for thread in self._threads if not thread.is_alive()]:
            raise CameraError(f"picamera2's thread {', '.join(dead)} died", "event-loop-dead")

    def _configuration(self) -> Any:
        camera = self._camera
        asked = options(
            self._settings,
            # picamera2 itself tells the cameras of a Pi from others by this property.
            on_csi="ColorFilterArrangement" in camera.camera_properties,
            known=camera.camera_controls,
            offered=self._offered,
        )
        return camera.create_video_configuration(**asked, transform=Transform(**flips(self._settings)))

    def _offered(self) -> dict[str, list[tuple[int, int]]]:
        formats = self._camera.camera.generate_configuration([StreamRole.VideoRecording]).at(0).formats
        return {
            str(pixel): [(size.width, size.height) for size in formats.sizes(pixel)]
            for pixel in formats.pixel_formats
        }

    def _frame(self, request: Any) -> Frame:
        buffer = _buffer(request, self._stream_name)
        metadata = request.get_metadata()
        views = _Views(request)
        pixels = views.of(self._stream_name)
        frame = Frame(
            sequence=buffer.metadata.sequence,
            sensor_timestamp=metadata.get("SensorTimestamp", buffer.metadata.timestamp),
            frame_duration=metadata.get("FrameDuration", 0) / 1e6,  # given in us; USB cameras give none
            sample=None,
            encoded=None,
            metadata=metadata,
        )
        self._view(frame, pixels, buffer)
        frame.pixels = partial(_whole, views, request, self._camera.camera_configuration())
        return lend(frame, partial(_give_back, request, views))

    def _view(self, frame: Frame, pixels: Any, buffer: Any) -> None:
        if self._stream["format"] in ENCODED:
            frame.encoded = memoryview(pixels)[: buffer.metadata.planes[0].bytes_used]
        else:
            frame.sample = luma(pixels, self._stream["format"], self._stream["size"], self._stream["stride"])


class _Views:
    """What of a request is mapped: each stream once, when it is asked for first."""

    def __init__(self, request: Any) -> None:
        self._request, self._mapped = request, ExitStack()
        self._known: dict[str, Any] = {}

    def of(self, name: str) -> Any:
        """All bytes of a stream, flat."""
        if name not in self._known:
            mapped = MappedArray(self._request, name, reshape=False, write=False)
            self._known[name] = self._mapped.enter_context(mapped).array
        return self._known[name]

    def close(self) -> None:
        """Unmap everything."""
        self._known.clear()
        self._mapped.close()


def _tuples(value: Any) -> Any:
    """Lists as picamera2 wants them; of rectangles a list of tuples."""
    if not isinstance(value, list):
        return value
    return [tuple(item) for item in value] if isinstance(value[0], list) else tuple(value)


def _streams(actual: Any) -> Iterator[Stream]:
    for name in ("main", "lores"):
        if config := actual[name]:
            stride = 0 if config["format"] in ENCODED else config["stride"]
            width, height = config["size"]
            yield Stream(name, config["format"], width, height, stride, config["framesize"])


def _buffer(request: Any, name: str) -> Any:
    return request.request.buffers[request.stream_map[name]]


def _whole(views: _Views, request: Any, actual: Any, name: str) -> Any:
    data = views.of(name)
    if actual[name]["format"] in ENCODED:
        return data[: _buffer(request, name).metadata.planes[0].bytes_used]
    return data


def _give_back(request: Any, views: _Views) -> None:
    try:
        views.close()
    finally:
        request.release()


def create(settings: CameraSettings, runtime_dir: str) -> Picamera2Camera:  # noqa: ARG001 - for scripts only
    """The backend's entry, see camwatchd.cameras.base."""
    return Picamera2Camera(settings)
