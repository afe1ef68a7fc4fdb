# SPDX-License-Identifier: MIT
"""Keeps a JPEG file every so many seconds, in a folder a day: a time-lapse that survives the camera's bad days.

python3 -m camwatchd.examples.recorder FOLDER [--camera cam0] [--every 10]
"""

import argparse
import time
from pathlib import Path

from camwatchd.client import Camera, Frame, FrameError, to_jpeg


def main() -> None:
    """Until Ctrl-C; a picture that is not to be had in time is left out, and why is said."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--camera", default="cam0")
    parser.add_argument("--every", type=float, default=10.0, help="seconds")
    asked = parser.parse_args()
    due = time.monotonic()
    with Camera(asked.camera) as camera:
        while True:
            try:
                keep(camera.capture_array(timeout=asked.every), asked.folder)
            except FrameError as error:
                print(f"{time.strftime('%H:%M:%S')}  {error.message}", flush=True)
            due = max(due + asked.every, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))


def keep(frame: Frame, folder: Path) -> None:
    """FOLDER/2026-11-30/134501-250.jpg: when it was taken."""
    when, fraction = time.localtime(frame.wall_time), round(frame.wall_time % 1 * 999)
    day = folder / time.strftime("%Y-%m-%d", when)
    day.mkdir(parents=True, exist_ok=True)
    (day / f"{time.strftime('%H%M%S', when)}-{fraction:03}.jpg").write_bytes(to_jpeg(frame))


if __name__ == "__main__":
    main()
