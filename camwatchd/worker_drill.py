# SPDX-License-Identifier: MIT
"""Owns what a worker pretends in an alarm drill: a camera around the true one, which is left as it is.

Whatever the true camera does goes on; what is told of it does not. A restart of the stream ends it, as does a fresh
worker, or time. See camwatchd.core.drills for what is expected of each exercise.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from camwatchd.cameras.base import Camera, CameraError, Frame, Identity
from camwatchd.core.messages import CameraFailed

# In libcamera's words, so that whoever reads them meets the true ones.
_WORDS = {
    "buffer": "ERROR V4L2 v4l2_videodevice.cpp:0 Failed to queue buffer 0: an alarm drill\n",
    "frontend": "ERROR RPI pipeline_base.cpp:0 Camera frontend has timed out! (an alarm drill)\n",
}
_MUTE = ("stall", "buffer", "frontend")
UNOPENED = "open"  # an exercise that goes on in the next worker


def strike(exercise: str, seconds: float) -> None:
    """What befalls the whole process: a crash does not return, and a hang hears nothing of SIGTERM."""
    sys.stderr.write(f"camwatchd.worker: an alarm drill: {exercise}\n")
    sys.stderr.flush()
    if exercise == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif exercise == "hang":
        select.poll().poll(seconds * 1000)


def failure() -> CameraFailed:
    """What a worker says that cannot go on with its camera, for the exercise `open`."""
    return CameraFailed("start", ("an alarm drill: the camera failed",), "init-failed")


class Pretending:
    """The camera as it is told of during an exercise. `clock`: monotonic seconds."""

    def __init__(
        self,
        camera: Camera,
        exercise: str,
        seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._camera, self._exercise, self._clock = camera, exercise, clock
        self._until = clock() + seconds
        self._silence = os.eventfd(0, os.EFD_CLOEXEC)  # never readable
        self._still = b""
        self._speak()

    # --- what is pretended --------------------------------------------------------------------------------

    def open(self) -> Identity:
        """For the exercise that begins with it."""
        if self._exercise == UNOPENED:
            raise CameraError("an alarm drill: the camera cannot be opened", "init-failed")
        return self._camera.open()

    def start(self) -> None:
        """The drill is over: this was the remedy, or a stronger one was."""
        self._until = float("-inf")
        self._camera.start()

    def fileno(self) -> int:
        """While frames stay away: one that never becomes readable."""
        return self._silence if self._is_on(*_MUTE) else self._camera.fileno()

    def take(self) -> Frame:
        """The true frame, with another picture; or none."""
        frame = self._camera.take()
        if self._is_on("error"):
            frame.release()
            raise CameraError("an alarm drill: the capture failed", "capture-error")
        if self._is_on("frozen"):
            self._freeze(frame)
        elif self._is_on("black") and frame.sample is not None:
            frame.sample = np.zeros(frame.sample.shape, np.uint8)
        return frame

    def cancel(self) -> None:
        """Called after each missed frame: a camera in trouble goes on complaining."""
        self._speak()
        self._camera.cancel()

    # --- what is not --------------------------------------------------------------------------------------

    def request(self) -> None:
        """As it is."""
        self._camera.request()

    def offered(self) -> Mapping[str, Any]:
        """As it is."""
        return self._camera.offered()

    def adjust(self, controls: Mapping[str, Any]) -> None:
        """As it is."""
        self._camera.adjust(controls)

    def stop(self) -> None:
        """As it is."""
        self._camera.stop()

    def close(self) -> None:
        """As it is."""
        self._camera.close()

    def end(self) -> Camera:
        """It is over: the camera as it is, and always was."""
        if self._silence >= 0:
            os.close(self._silence)
            self._silence = -1
        return self._camera

    # --- inside -------------------------------------------------------------------------------------------

    def _is_on(self, *exercises: str) -> bool:
        return self._exercise in exercises and self._clock() < self._until

    def _speak(self) -> None:
        if self._is_on(*_WORDS):
            sys.stderr.write(_WORDS[self._exercise])
            sys.stderr.flush()

    def _freeze(self, frame: Frame) -> None:
        """Of raw frames a picture of our own: what the camera sees may be too dark for a frozen one to count."""
        if frame.encoded is not None:
            self._still = self._still or bytes(frame.encoded)
            frame.encoded = memoryview(self._still)
        elif frame.sample is not None:
            frame.sample = np.broadcast_to(
                np.arange(frame.sample.shape[1], dtype=np.uint8), frame.sample.shape
            )
