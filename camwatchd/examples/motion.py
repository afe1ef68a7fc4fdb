# SPDX-License-Identifier: MIT
"""Says when something moves in front of the camera; needs OpenCV.

sudo apt install python3-opencv
python3 -m camwatchd.examples.motion [--camera cam0] [--share 1.0]
"""

import argparse
import sys
import time

from camwatchd.client import Camera, FrameTimeoutError, to_rgb

try:
    import cv2
except ImportError:
    sys.exit("this needs OpenCV: sudo apt install python3-opencv")


def main() -> None:
    """Compare each picture with the background that has formed so far, until Ctrl-C."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--camera", default="cam0")
    parser.add_argument(
        "--share", type=float, default=1.0, help="percent of the picture that must have changed"
    )
    asked = parser.parse_args()
    background = cv2.createBackgroundSubtractorMOG2(history=200, detectShadows=False)
    with Camera(asked.camera) as camera:
        while True:
            try:
                for frame in camera.frames(max_fps=10):
                    changed = background.apply(cv2.resize(to_rgb(frame), (320, 240)))
                    if (share := 100 * cv2.countNonZero(changed) / changed.size) >= asked.share:
                        say(f"motion: {share:.1f} % of the picture")
            except FrameTimeoutError as error:
                say(error.message)  # and wait for the camera


def say(text: str) -> None:
    """With the time of day."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


if __name__ == "__main__":
    main()
