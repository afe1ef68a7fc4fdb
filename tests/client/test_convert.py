# SPDX-License-Identifier: MIT
"""Proves that frames of every format become the colours that they show."""

import io
import pickle
import sys

import numpy as np
import pytest
from PIL import Image

from camwatchd.client import to_jpeg, to_png, to_rgb
from camwatchd.client.convert import to_planes
from camwatchd.client.planes import planes, unpadded
from tests.client.rig import Pixels, frame

SIZE = (6, 4)
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 100, 50)]
# BT.601 with the limited range of video, as the standard's own examples have it.
STUDIO = {(255, 0, 0): (81, 90, 240), (0, 255, 0): (145, 54, 34), (0, 0, 255): (41, 240, 110)}
# BT.709, the same.
STUDIO_709 = {(255, 0, 0): (63, 102, 240), (0, 255, 0): (173, 42, 26), (0, 0, 255): (32, 240, 118)}


def painted(colour: tuple[int, ...]) -> Pixels:
    """(height, width, channels) of one colour."""
    width, height = SIZE
    return np.tile(np.array(colour, np.uint8), (height, width, 1))


def padded(rows: Pixels, stride: int) -> Pixels:
    """With rubbish at the end of each row."""
    whole = np.full((rows.shape[0], stride), 77, np.uint8)
    whole[:, : rows.shape[1]] = rows
    return whole


def planar(colour: tuple[int, int, int], size: tuple[int, int] = SIZE, stride: int = 8) -> Pixels:
    """YUV420 of one colour, with padding."""
    width, height = size
    y, u, v = (np.full((height, width), part, np.uint8) for part in colour)
    half = (slice(0, (height + 1) // 2), slice(0, (width + 1) // 2))
    parts = [padded(y, stride), padded(u[half], stride // 2), padded(v[half], stride // 2)]
    return np.concatenate([part.reshape(-1) for part in parts])


@pytest.mark.parametrize(
    ("name", "order"),
    [("RGB888", (2, 1, 0)), ("BGR888", (0, 1, 2)), ("XRGB8888", (2, 1, 0, 3)), ("XBGR8888", (0, 1, 2, 3))],
)
def test_packed_formats(name: str, order: tuple[int, ...]) -> None:
    """Names give the order of bits in a little-endian word: RGB888 is blue, green, red in memory."""
    colour = (200, 100, 50, 255)
    rows = painted(tuple(colour[at] for at in order)).reshape(SIZE[1], -1)
    found = frame(padded(rows, 32), name, SIZE, 32)

    assert (SIZE[1], SIZE[0], len(order)) == found.shape
    assert (to_rgb(found) == painted(colour[:3])).all()
    assert not np.shares_memory(to_rgb(found), np.asarray(found))
    assert rows.tobytes() == unpadded(found)


@pytest.mark.parametrize("colour", STUDIO)
def test_yuv420_is_of_the_range_of_video(colour: tuple[int, int, int]) -> None:
    """Small pictures as BT.601 has them, large ones as BT.709: picamera2's choice for video."""
    small = frame(planar(STUDIO[colour]), "YUV420", SIZE, 8)
    large = frame(planar(STUDIO_709[colour], (1280, 720), 1280), "YUV420", (1280, 720), 1280)

    assert (6, 8) == small.shape
    assert np.abs(to_rgb(small).astype(int) - painted(colour)).max() <= 2
    assert np.abs(to_rgb(large)[::240, ::320].astype(int) - np.array(colour)).max() <= 2


def test_full_range_is_to_be_asked_for() -> None:
    """As JPEG has its colours: what is written by Pillow is read by us."""
    y, u, v = (
        np.asarray(part)[0, 0] for part in Image.new("RGB", (2, 2), (200, 100, 50)).convert("YCbCr").split()
    )
    found = to_rgb(frame(planar((int(y), int(u), int(v))), "YUV420", SIZE, 8), "jpeg")

    assert np.abs(found.astype(int) - painted((200, 100, 50))).max() <= 2


@pytest.mark.parametrize("name", ["YUV420", "YVU420", "NV12", "NV21", "YUYV", "YVYU", "UYVY", "VYUY"])
def test_planes_are_found(name: str) -> None:
    """Y, U and V of every layout, without padding."""
    width, height = SIZE
    y, u, v = 10, 20, 30
    if name in ("YUV420", "YVU420"):
        data = planar((y, u, v) if name == "YUV420" else (y, v, u))
    elif name in ("NV12", "NV21"):
        pair = (u, v) if name == "NV12" else (v, u)
        pairs = np.tile(np.array(pair, np.uint8), (height // 2, width // 2))
        data = np.concatenate([padded(np.full((height, width), y, np.uint8), 8), padded(pairs, 8)])
    else:
        four = [{"Y": y, "U": u, "V": v}[letter] for letter in name]
        data = padded(np.tile(np.array(four, np.uint8), (height, width // 2)), 16)
    stride = 16 if name.startswith(("YUY", "YVY", "UYV", "VYU")) else 8
    found = planes(frame(data, name, SIZE, stride))

    assert [(y, y), (u, u), (v, v)] == [(part.min(), part.max()) for part in found]
    assert (height, width) == found[0].shape
    assert found[1].shape == found[2].shape
    assert found[1].shape in ((height // 2, width // 2), (height, width // 2))
    assert 77 not in unpadded(frame(data, name, SIZE, stride))


def test_an_odd_size_is_no_trouble() -> None:
    """5x3: U and V have a column and a row for the half."""
    odd = frame(planar(STUDIO[255, 0, 0], (5, 3), 8), "YUV420", (5, 3), 8)

    assert (3, 5, 3) == to_rgb(odd).shape
    assert np.abs(to_rgb(odd).astype(int) - np.array((255, 0, 0))).max() <= 2


@pytest.mark.parametrize("colour", COLOURS)
def test_colours_go_to_planes_and_back(colour: tuple[int, int, int]) -> None:
    """What y4m makes of a camera that gives red, green and blue."""
    y, u, v = to_planes(painted(colour), "bt601")
    data = np.concatenate([y.reshape(-1), u.reshape(-1), v.reshape(-1)])
    back = to_rgb(frame(data, "YUV420", SIZE, 6))

    assert np.abs(back.astype(int) - painted(colour)).max() <= 3
    assert STUDIO.get(colour, (y[0, 0], u[0, 0], v[0, 0])) == (y[0, 0], u[0, 0], v[0, 0])


def test_jpeg_and_png_show_the_picture() -> None:
    """Pillow sees what the camera saw; a JPEG of the camera's own is not written anew."""
    red = frame(painted((0, 0, 255)), "RGB888", SIZE, SIZE[0] * 3)
    written = to_jpeg(red)
    encoded = frame(np.frombuffer(written, np.uint8), "MJPEG", SIZE, 0)

    assert np.abs(np.asarray(Image.open(io.BytesIO(written))).astype(int) - painted((255, 0, 0))).max() <= 3
    assert (np.asarray(Image.open(io.BytesIO(to_png(red)))) == painted((255, 0, 0))).all()
    assert written == to_jpeg(encoded)
    assert np.abs(to_rgb(encoded).astype(int) - painted((255, 0, 0))).max() <= 3


def test_without_pillow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs no JPEG goes on without it."""
    red = frame(painted((0, 0, 255)), "RGB888", SIZE, SIZE[0] * 3)
    monkeypatch.setitem(sys.modules, "PIL", None)

    assert (to_rgb(red) == painted((255, 0, 0))).all()
    with pytest.raises(RuntimeError, match="this needs Pillow: sudo apt install python3-pil"):
        to_jpeg(red)


def test_a_format_that_is_not_known_is_refused() -> None:
    """By its name; its bytes are there all the same."""
    raw = frame(np.arange(48, dtype=np.uint8), "SBGGR10_CSI2P", SIZE, 8)

    assert (48,) == raw.shape
    with pytest.raises(ValueError, match="SBGGR10_CSI2P cannot be converted here"):
        to_rgb(raw)


def test_a_frame_goes_through_a_queue() -> None:
    """To another process, with all that is known of it."""
    sent = frame(painted((1, 2, 3)), "BGR888", SIZE, SIZE[0] * 3, b'{"ExposureTime": 5}')
    found = pickle.loads(pickle.dumps(sent))

    assert (found == sent).all()
    assert (sent.facts, {"ExposureTime": 5}, True) == (found.facts, found.metadata, found.valid())
