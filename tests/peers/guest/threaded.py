# SPDX-License-Identifier: MIT
"""Owns the second peer: a capture in a thread with a time-out, and recovery within the process.

    python3 -m tests.peers.guest.threaded YUYV|MJPEG

The numbers are those of camwatchd's original requirement, done as many programs do it.
"""

import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate

from tests.peers.guest.camera import captured, number, opened
from tests.peers.guest.pictures import Record

FRAME_TIMEOUT = 5.0  # s
MAX_FAILURES = 3
MAX_RECOVERIES = 5

log = logging.getLogger("peer")


class Peer:
    """One camera, one thread that waits for its frames."""

    def __init__(self, format_: str) -> None:
        self.format, self.record = format_, Record()
        self.failures = self.recoveries = 0
        self._open()

    def _open(self) -> None:
        self.thread = ThreadPoolExecutor(max_workers=1)
        self.camera = opened(self.format)

    def capture(self) -> None:
        """One frame or one failure."""
        try:
            picture = self.thread.submit(captured, self.camera, self.format).result(FRAME_TIMEOUT)
        except (TooLate, RuntimeError, OSError) as error:
            self.failures += 1
            reason = str(error) or f"no frame within {FRAME_TIMEOUT:g} s"
            log.error("capture %d failed: %s", self.failures, reason)  # noqa: TRY400  # as such programs do
            if self.failures >= MAX_FAILURES:
                self.recover()
            return
        self.record.picture(number(picture, self.format))
        self.failures = self.recoveries = 0

    def recover(self) -> None:
        """Stop and start; open anew when that has not helped often enough."""
        self.failures, self.recoveries = 0, self.recoveries + 1
        log.error("recovery %d", self.recoveries)
        try:
            if self.recoveries > MAX_RECOVERIES:
                self.camera.close()
                self._open()
            else:
                self.camera.stop()
                self.camera.start()
        except (RuntimeError, OSError, IndexError) as error:
            log.error("recovery %d failed: %s", self.recoveries, error)  # noqa: TRY400  # as above


def main(format_: str) -> None:
    """For ever."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    peer = Peer(format_)
    while True:
        peer.capture()


if __name__ == "__main__":
    main(sys.argv[1])
