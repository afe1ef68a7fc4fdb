#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Says when something moves in front of the camera.

    sudo apt install python3-opencv
    python3 motion.py [--camera cam0] [--share 1.0]
"""

import argparse
import time

import cv2

from camwatchd.client import Camera, FrameError, to_rgb


def main() -> None:
    """Compare each picture with the background that has formed so far."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--camera", default="cam0")
    parser.add_argument("--share", type=float, default=1.0, help="percent of the picture that must have changed")
    asked = parser.parse_args()
    background = cv2.createBackgroundSubtractorMOG2(history=200, detectShadows=False)
    with Camera(asked.camera) as camera:
        while True:
            try:
                for frame in camera.frames(max_fps=10):
                    changed = background.apply(cv2.resize(to_rgb(frame), (320, 240)))
                    if (share := 100 * cv2.countNonZero(changed) / changed.size) >= asked.share:
                        print(f"{time.strftime('%H:%M:%S')}  motion: {share:.1f} % of the picture", flush=True)
            except FrameError as error:
                print(f"{time.strftime('%H:%M:%S')}  {error.message}", flush=True)


if __name__ == "__main__":
    main()
