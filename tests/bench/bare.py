# SPDX-License-Identifier: MIT
"""Owns the baseline: the loop that a program without camwatchd would write, on the same camera.

    python -m tests.bench.bare SECONDS

prints one JSON object: frames, seconds and CPU seconds in the loop, seconds to open and start, and to the
first frame.
"""

import json
import os
import select
import sys
import tempfile
import time

from camwatchd.cameras.base import Camera, create
from camwatchd.core.settings import CameraSettings
from tests.bench.rig import cpu_seconds

RATE = 30.0


def main(seconds: float) -> dict[str, float]:
    """Open, start, capture for `seconds`, and nothing else."""
    settings = CameraSettings(backend="simulated", frame_rate=RATE)
    with tempfile.TemporaryDirectory() as folder:
        camera = create(settings, folder)
        began = time.monotonic()
        camera.open()
        camera.start()
        opened = time.monotonic()
        _capture(camera, 1)
        first = time.monotonic()
        before = cpu_seconds(os.getpid())
        captured = time.monotonic()
        frames = _capture_for(camera, seconds)
        wall = time.monotonic() - captured
        spent = cpu_seconds(os.getpid()) - before
        camera.close()
    return {"frames": frames, "seconds": wall, "cpu": spent, "open": opened - began, "first": first - began}


def _capture(camera: Camera, count: int) -> None:
    for _ in range(count):
        camera.request()
        select.select([camera.fileno()], [], [])
        camera.take().release()


def _capture_for(camera: Camera, seconds: float) -> int:
    end, frames = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        _capture(camera, 1)
        frames += 1
    return frames


if __name__ == "__main__":
    print(json.dumps(main(float(sys.argv[1]))))
