# SPDX-License-Identifier: MIT
"""Owns the proof that the machine behaves as a camera does: a plain picamera2 program, run in the guest.

It says on standard output what it has seen: 100 frames, a time-out when they stop, frames again.
"""

from itertools import count
from typing import Any

from picamera2 import Picamera2

FRAMES = 100
WAIT = 1.5  # s for one frame: 45 times its duration
COUNTER_BITS = 32


def counter(picture: Any) -> int:
    """The frame counter that the camera draws into its top rows, eight pixels a bit."""
    row = picture[4, 4 : 8 * COUNTER_BITS : 8, 0]
    return sum(1 << bit for bit, value in enumerate(row) if value > 128)


def capture(camera: Any) -> int:
    request = camera.capture_request(wait=WAIT)
    try:
        return counter(request.make_array("main"))
    finally:
        request.release()


def capture_unless_stalled(camera: Any) -> int | None:
    try:
        return capture(camera)
    except TimeoutError:
        # Without this a late frame is never released, and the stream starves for good.
        camera.cancel_all_and_flush()
        return None


def main() -> None:
    camera = Picamera2()
    size = {"size": (320, 240), "format": "YUYV"}
    camera.configure(camera.create_video_configuration(main=size))
    camera.start()
    counters = [capture(camera) for _ in range(FRAMES)]
    assert counters == sorted(set(counters)), counters
    print(f"healthy: {len(counters)} frames, counted {counters[0]} to {counters[-1]}", flush=True)

    while capture_unless_stalled(camera) is not None:
        pass
    print("stalled: TimeoutError", flush=True)

    timeouts = next(number for number in count(1) if capture_unless_stalled(camera) is not None)
    print(f"recovered: at attempt {timeouts}", flush=True)
    camera.stop()
    camera.close()
    print("closed", flush=True)


if __name__ == "__main__":
    main()
