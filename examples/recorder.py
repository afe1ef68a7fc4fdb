#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Keeps a JPEG file every so many seconds, in a folder a day: a time-lapse that survives the camera's bad days.

    python3 recorder.py FOLDER [--camera cam0] [--every 10]
"""

import argparse
import time
from pathlib import Path

from camwatchd.client import Camera, to_jpeg


def main() -> None:
    """Until Ctrl-C; a picture that is not to be had in time is left out, and why is said."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--camera", default="cam0")
    parser.add_argument("--every", type=float, default=10.0, help="seconds")
    asked = parser.parse_args()
    due = time.monotonic()
    with Camera(asked.camera) as camera:
        while True:
            success, frame = camera.capture_frame_with_timeout(timeout=asked.every)
            if success:
                when = time.localtime(frame.wall_time)
                folder = asked.folder / time.strftime("%Y-%m-%d", when)
                folder.mkdir(parents=True, exist_ok=True)
                (folder / time.strftime("%H%M%S.jpg", when)).write_bytes(to_jpeg(frame))
            else:
                print(f"{time.strftime('%H:%M:%S')}  {camera.trouble()}", flush=True)
            due = max(due + asked.every, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main()
