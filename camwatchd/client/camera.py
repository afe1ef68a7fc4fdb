# SPDX-License-Identifier: MIT
"""Owns `Camera`: what applications call instead of a camera of their own."""

import os
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

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
from camwatchd.client.feed import Feed, forget
from camwatchd.client.frame import Frame, made_of
from camwatchd.control.client import DEFAULT_SOCKET, Client, ControlError
from camwatchd.control.facts import CameraFacts, StatusFacts
from camwatchd.control.protocol import Adjust, AdjustFacts, Reason, Status
from camwatchd.core.state import Phase
from camwatchd.frames.layout import WORD

# s: a frame that nobody has taken is given at once while it is not older than this; else a new one is waited for.
FRESH = 0.2
_ADJUSTING: dict[Reason, type[FrameError]] = {
    Reason.CONTROLS: ControlRefusedError,
    Reason.PERMISSION: NotPermittedError,
    Reason.CAMERA: UnknownCameraError,
    Reason.DOWN: FrameTimeoutError,
}
_ASK = 1.0  # s for the daemon to say why there is no frame


class Camera:
    """The frames of one camera; made at once, whether the daemon is there or not.

    Every thread may use it, each with a place of its own in the stream, and so may the children of a fork.
    """

    def __init__(self, name: str = "cam0", stream: str = "main", *, socket: str = DEFAULT_SOCKET) -> None:
        self.name, self.stream = name, stream
        self._path = socket
        self._mine = threading.local()
        self._feeds: list[Feed] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave; the daemon stops copying when nobody reads any more. Using it again begins anew."""
        with self._lock:
            feeds, self._feeds = self._feeds, []
        for feed in feeds:
            feed.close()
        self._mine = threading.local()

    # --- frames -------------------------------------------------------------------------------------------

    def capture_frame_with_timeout(self, timeout: float = 5.0) -> tuple[bool, Frame | None]:
        """(True, a new frame), or (False, None) after `timeout` seconds; `trouble()` then says why.

        Raises NotPermittedError and UnknownCameraError, which waiting does not cure, and nothing else.
        """
        try:
            return True, self._next(time.monotonic() + timeout, every=False)
        except (FrameTimeoutError, DaemonMissingError):
            return False, None

    def capture_array(self, timeout: float = 5.0) -> Frame:
        """A new frame, as picamera2's `capture_array()` gives one; FrameError says why there is none in time."""
        return self._captured(timeout, every=False)

    def frames(
        self, *, max_fps: float | None = None, every: bool = False, timeout: float = 5.0
    ) -> Iterator[Frame]:
        """New frames for ever: the newest each time, or `every` one that is still there; at most `max_fps` a second.

        A pause of the camera longer than `timeout` raises FrameError with its reason; go on by calling it again.
        """
        pause, due = (1 / max_fps if max_fps else 0.0), 0.0
        while True:
            time.sleep(max(0.0, due - time.monotonic()))
            frame = self._captured(timeout, every=every)
            due = max(due + pause, time.monotonic())
            yield frame

    def latest(self, timeout: float = 5.0) -> Frame:
        """The newest frame there is, however old (see its `taken_at`) and whether or not it was taken already."""
        until = time.monotonic() + timeout
        while True:
            reader = self._feed().reader_by(until)
            head = reader.head
            raw = reader.copy(head) if head else None
            if raw is not None:
                return made_of(raw)
            if time.monotonic() >= until:
                raise self._timed_out(timeout)
            reader.wait(head, until)

    # --- the camera ---------------------------------------------------------------------------------------

    def status(self) -> CameraFacts:
        """How the camera is: phase, score, fault, what is tried next. FrameError if the daemon cannot be asked."""
        try:
            with Client(self._path) as client:
                answer = client.ask(Status(), _ASK)
        except ControlError as error:
            raise DaemonMissingError(error.message, error.hint) from error
        assert isinstance(answer, StatusFacts)
        for camera in answer.cameras:
            if camera.name == self.name:
                return camera
        known = ", ".join(camera.name for camera in answer.cameras) or "none"
        raise FrameError(f"no camera is called {self.name!r}; there are: {known}")

    def controls(self) -> dict[str, tuple[Any, Any, Any]]:
        """What can be set: for each control its smallest, its largest and its usual value. FrameError: it is down."""
        return {name: tuple(limits) for name, limits in self._adjusted({}).offered.items()}

    def set_controls(self, controls: dict[str, Any]) -> dict[str, Any]:
        """Set controls by picamera2's names ({"ExposureTime": 10000}), all or none; all that are set by now.

        They take effect some frames later and hold over recoveries. ControlRefusedError: there is no such control, or not
        with such a value; NotPermittedError: only the group camwatchd may; FrameError: the camera is down.
        """
        return self._adjusted(controls).controls

    def trouble(self) -> FrameError | None:
        """Why no frames come now; None: the camera is healthy."""
        try:
            camera = self.status()
        except FrameError as error:
            return error
        return None if camera.is_capturing else _explained(camera, f"{self.name}: no frames")

    # --- inside -------------------------------------------------------------------------------------------

    def _adjusted(self, controls: dict[str, Any]) -> AdjustFacts:
        try:
            with Client(self._path) as client:
                answer = client.ask(Adjust(self.name, controls))
        except ControlError as error:
            raise _ADJUSTING.get(error.reason, DaemonMissingError)(error.message, error.hint) from error
        assert isinstance(answer, AdjustFacts)
        return answer

    def _captured(self, timeout: float, *, every: bool) -> Frame:
        try:
            return self._next(time.monotonic() + timeout, every=every)
        except FrameTimeoutError:
            raise self._timed_out(timeout) from None

    def _next(self, until: float, *, every: bool) -> Frame:
        mine, fresh_from = self._mine, time.monotonic() - FRESH
        while True:
            reader = self._feed().reader_by(until)
            if (known := getattr(mine, "ring", None)) is not reader:
                # All of a new generation is new; of the first that is met, what came before is nobody's wish.
                mine.ring, mine.seen = reader, (0 if known else _before(reader.head))
            head = reader.head
            if head != mine.seen:
                number = reader.next_after(mine.seen) if every else head
                raw = reader.copy(number)
                if raw is not None:
                    mine.seen = number
                    if every or raw.facts.taken_at / 1e9 >= fresh_from:
                        return made_of(raw)
                continue
            if time.monotonic() >= until:
                raise FrameTimeoutError(f"{self.name}: no frame in time")
            reader.wait(mine.seen, until)

    def _feed(self) -> Feed:
        feed: Feed | None = getattr(self._mine, "feed", None)
        if feed is not None and feed.process == os.getpid():
            return feed
        if feed is not None:
            forget(feed)
        feed = self._mine.feed = Feed(self._path, self.name, self.stream)
        with self._lock:
            self._feeds = [*(each for each in self._feeds if each.process == feed.process), feed]
        return feed

    def _timed_out(self, timeout: float) -> FrameError:
        try:
            return _explained(self.status(), f"{self.name}: no frame within {timeout:g} s")
        except FrameError as error:
            return error


def _explained(camera: CameraFacts, head: str) -> FrameTimeoutError:
    if camera.paused_for > 0:
        hint = "camwatchctl resume ends the pause"
        return CameraPausedError(f"{head}: paused by its operator for {camera.paused_for:.0f} s more", hint)
    text = ", ".join(part for part in (camera.fault, camera.fault_meaning, camera.next_action) if part)
    if camera.phase == Phase.PARKED:
        return CameraParkedError(f"{head}: {text}", f"a human should look: camwatchctl status {camera.name}")
    return FrameTimeoutError(f"{head}: {text or camera.phase}")


def _before(number: int) -> int:
    return (number - 1) % WORD if number else 0
