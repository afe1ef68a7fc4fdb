# SPDX-License-Identifier: MIT
"""Owns the pictures that the USB camera sends as MJPEG: WIDTH_NN.jpg in a folder, ten of each size."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

SIZES = ((320, 240), (640, 480))
PICTURES = 10
STEP = 8  # pixels that the pattern moves from one picture to the next


def picture(width: int, height: int, number: int) -> Image.Image:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = (np.arange(width) + number * STEP) % 256
    pixels[..., 1] = (np.arange(height)[:, None] + number * STEP) % 256
    pixels[:16, : 16 * number] = 255
    return Image.fromarray(pixels)


folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for width, height in SIZES:
    for number in range(PICTURES):
        picture(width, height, number).save(folder / f"{width}_{number:02d}.jpg", quality=85)
