# SPDX-License-Identifier: MIT
"""Owns the real baseline: a plain picamera2 loop, run in the machine's guest with the guest's own Python.

    python3 bare_picamera2.py SECONDS array|request

prints "frames CPU-seconds"; `array` copies each frame out as a program would, `request` only gives it back.
"""

import sys
import time

from picamera2 import Picamera2


def main(seconds: float, copies: bool) -> tuple[int, float]:
    """Capture for so long; the processor time is that of all threads of this process."""
    camera = Picamera2()
    size = {"size": (320, 240), "format": "YUYV"}
    camera.configure(camera.create_video_configuration(main=size))
    camera.start()
    camera.capture_request(wait=5.0).release()
    frames, began, end = 0, time.process_time(), time.monotonic() + seconds
    while time.monotonic() < end:
        request = camera.capture_request(wait=5.0)
        if copies:
            request.make_array("main")
        request.release()
        frames += 1
    return frames, time.process_time() - began


if __name__ == "__main__":
    print(*main(float(sys.argv[1]), sys.argv[2] == "array"))
