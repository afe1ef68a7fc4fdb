# SPDX-License-Identifier: MIT
"""Owns one picamera2 job that captures a request, from being queued until its frame is taken or given back.

The job ends in picamera2's event loop while the worker may be giving it up: whoever comes second finds the frame
and releases it. A frame that nobody releases is a buffer that the camera never gets back.
"""

import threading
from typing import Any, Protocol

from camwatchd.cameras.wake import Wake


class Job(Protocol):
    """What is used of picamera2's Job."""

    def get_result(self, timeout: float | None = None) -> Any:
        """The CompletedRequest, or the exception that the job met."""


class Pending:
    """`arrived` is the job's signal function and runs in the event loop; the rest runs in the worker's thread."""

    def __init__(self, wake: Wake) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._job: Job | None = None
        self._abandoned = False

    def arrived(self, job: Job) -> None:
        """The job is done: wake the worker, or give the frame back if nobody waits for it any more."""
        with self._lock:
            if not self._abandoned:
                self._job = job
                self._wake.set()
                return
        job.get_result(timeout=0).release()

    @property
    def ended(self) -> bool:
        """Whether there is something to take."""
        return self._job is not None

    def completed(self) -> Any:
        """The CompletedRequest, once; raises what the job met."""
        assert self._job is not None, "the job has not ended"
        job, self._job = self._job, None
        return job.get_result(timeout=0)

    def abandon(self) -> None:
        """Nobody will take the frame; if it is already there, it is given back."""
        with self._lock:
            self._abandoned = True
            self._wake.clear()
        if self.ended:
            self.completed().release()
