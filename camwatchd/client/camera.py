# SPDX-License-Identifier: MIT
"""Owns `Camera`: what applications call instead of a camera of their own."""

import math
import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from camwatchd.client import asking
from camwatchd.client.errors import (
    FrameError,
    FrameOverwrittenError,
    FrameTimeoutError,
)
from camwatchd.client.feed import Feed, NotYetError
from camwatchd.client.frame import Frame, made_of
from camwatchd.client.place import Place
from camwatchd.control.client import DEFAULT_SOCKET
from camwatchd.control.facts import CameraFacts
from camwatchd.control.protocol import AdjustFacts

# s: a frame that nobody has taken is given at once while it is not older than this; else a new one is waited for.
FRESH = 0.2


class Camera:
    """The frames of one camera; made at once, whether the daemon is there or not.

    Every thread may use it, each with a place of its own in the stream; so may the child of a fork, which gets a
    connection of its own. `socket`: the daemon's control socket; without it $CAMWATCHD_SOCKET, else the usual one.
    """

    def __init__(self, name: str = "cam0", stream: str = "main", *, socket: str | None = None) -> None:
        self.name, self.stream = name, stream
        self._path = socket or os.environ.get("CAMWATCHD_SOCKET") or DEFAULT_SOCKET
        self._mine = threading.local()
        self._feed = Feed(self._path, name, stream)
        _cameras.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave for good; the daemon stops copying when nobody reads any more.

        A thread that waits for a frame gets CameraClosedError within a quarter of a second. Frames stay what they are.
        """
        self._feed.close()

    # --- frames -------------------------------------------------------------------------------------------

    def capture_frame_with_timeout(self, timeout: float = 5.0) -> tuple[bool, Frame | None]:
        """(True, a new frame), or (False, None) after `timeout` seconds; `trouble()` then says why.

        Raises what waiting does not cure: NotPermittedError, UnknownCameraError, CameraClosedError.
        """
        try:
            return True, self._taken(self._place(), time.monotonic() + _seconds(timeout))
        except FrameTimeoutError:
            return False, None

    def capture_array(self, timeout: float = 5.0) -> Frame:
        """A new frame, as picamera2's `capture_array()` gives one; FrameError says why there is none in time.

        The daemon is asked for the reason, which a daemon that hangs does not tell: then all calls that raise last up
        to a tenth of their time-out longer, at least 0.2 s and at most 1 s.
        """
        return self._captured(self._place(), timeout)

    def frames(
        self, *, max_fps: float | None = None, every: bool = False, timeout: float = 5.0
    ) -> Iterator[Frame]:
        """New frames for ever: the newest each time, or `every` one that is still there; at most `max_fps` a second.

        A pause of the camera longer than `timeout` raises FrameTimeoutError with its reason: call it again to go on.
        """
        if max_fps is not None and max_fps <= 0:
            raise ValueError(f"max_fps: expected more than 0, got {max_fps}")
        return self._frames(1 / max_fps if max_fps else 0.0, every, _seconds(timeout))

    def latest(self, timeout: float = 5.0) -> Frame:
        """The newest frame there is, however old (see its `taken_at`) and whether or not it was taken already."""
        timeout = _seconds(timeout)
        try:
            return self._newest(time.monotonic() + timeout)
        except NotYetError:
            raise asking.reason(self._path, self.name, timeout) from None

    @contextmanager
    def view(self, timeout: float = 5.0) -> Iterator[Frame]:
        """A new frame where it lies in the ring, not copied and not writable: `with camera.view() as frame: ...`

        It stays what it is until `slots` newer frames have begun: at 30 frames a second and the usual 4 slots for
        133 ms after it was taken. `frame.valid()` says whether it still was when asked; leaving the block after that
        raises FrameOverwrittenError, for what was computed may be of two frames. Memory that is read stays mapped.
        """
        frame = self._captured(self._place(), timeout, viewed=True)
        yield frame
        if not frame.valid():
            text = f"{self.name}: frame {frame.number} was overwritten while it was looked at"
            raise FrameOverwrittenError(text, "be quicker, take a copy, or give the camera more slots")

    # --- the camera ---------------------------------------------------------------------------------------

    def status(self) -> CameraFacts:
        """How the camera is: phase, score, fault, what is tried next. FrameError if the daemon cannot be asked."""
        return asking.status(self._path, self.name)

    def controls(self) -> dict[str, tuple[Any, Any, Any]]:
        """What can be set: for each control its smallest, its largest and its usual value. FrameError: it is down."""
        return {name: tuple(limits) for name, limits in self._adjusted({}).offered.items()}

    def set_controls(self, controls: dict[str, Any]) -> dict[str, Any]:
        """Set controls by picamera2's names ({"ExposureTime": 10000}), all or none; all that are set by now.

        Values are Python's or numpy's numbers and truths, and lists, tuples or arrays of them.

        They take effect some frames later and hold over recoveries. ControlRefusedError: there is no such control, or
        not with such a value; NotPermittedError: only the group camwatchd may; FrameTimeoutError: the camera is down.
        """
        return self._adjusted(controls).controls

    def trouble(self) -> FrameError | None:
        """Why no frames come now; None: the camera is healthy."""
        try:
            camera = self.status()
        except FrameError as error:
            return error
        return None if camera.is_capturing else asking.explained(camera, f"{self.name}: no frames")

    # --- inside -------------------------------------------------------------------------------------------

    def _adjusted(self, controls: dict[str, Any]) -> AdjustFacts:
        return asking.adjusted(self._path, self.name, controls)

    def _place(self) -> Place:
        """Of this thread."""
        if (place := getattr(self._mine, "place", None)) is None:
            place = self._mine.place = Place()
        return place

    def _frames(self, pause: float, every: bool, timeout: float) -> Iterator[Frame]:
        place, due = Place(), 0.0
        while True:
            time.sleep(max(0.0, due - time.monotonic()))
            frame = self._captured(place, timeout, every=every)
            now = time.monotonic()
            due = (
                due if now - due < pause else now
            ) + pause  # what a frame came late is made up for, but no more
            yield frame

    def _captured(self, place: Place, timeout: float, *, every: bool = False, viewed: bool = False) -> Frame:
        timeout = _seconds(timeout)
        try:
            return self._taken(place, time.monotonic() + timeout, every=every, viewed=viewed)
        except NotYetError:
            raise asking.reason(self._path, self.name, timeout) from None

    def _taken(self, place: Place, until: float, *, every: bool = False, viewed: bool = False) -> Frame:
        while True:
            reader = self._feed.reader_by(
                until
            )  # may take its time, so what is fresh is to be seen afterwards
            raw = place.next(reader, time.monotonic() - FRESH, every=every, viewed=viewed)
            if raw is not None:
                return made_of(raw, reader if viewed else None)
            if time.monotonic() >= until:
                raise NotYetError(f"{self.name}: no frame in time")
            reader.wait(place.seen, until)

    def _newest(self, until: float) -> Frame:
        while True:
            reader = self._feed.reader_by(until)
            head = reader.head
            if head and (raw := reader.copy(head)) is not None:
                return made_of(raw)
            if time.monotonic() >= until:
                raise NotYetError(f"{self.name}: no frame yet")
            reader.wait(head, until)

    def _forked(self) -> None:
        self._feed.abandon()
        self._feed = Feed(self._path, self.name, self.stream)


def _seconds(timeout: float) -> float:
    """Below zero it is over already; infinity is for ever."""
    if math.isnan(timeout):
        raise ValueError("timeout: expected a number of seconds, got nan")
    return max(0.0, timeout)


_cameras: weakref.WeakSet[Camera] = weakref.WeakSet()


def _forget() -> None:
    """In the child of a fork: another thread may have held a lock, and the connections are the parent's."""
    for camera in _cameras:
        camera._forked()  # noqa: SLF001 - ours


os.register_at_fork(after_in_child=_forget)
