# SPDX-License-Identifier: MIT
"""Owns the proof that the hand-made JPEG is one, read segment by segment as the standard has it."""

import pytest

from camwatchd.adapters.picture import PictureCheck
from camwatchd.cameras.jpeg import COM, DHT, DQT, EOI, SOF0, SOI, SOS, Jpeg
from camwatchd.core.settings import Checks


@pytest.mark.parametrize("size", [(640, 480), (17, 9), (2, 2)])
@pytest.mark.parametrize("grey", [0, 64, 128, 140, 255])
@pytest.mark.parametrize("texture", [False, True])
def test_jpeg_is_whole(size: tuple[int, int], grey: int, texture: bool) -> None:
    """Its segments follow each other without a gap, name the size, and its data hold no marker before the end."""
    file = bytes(Jpeg(*size, grey, texture=texture).numbered(42))
    assert file.startswith(SOI)
    place, segments = 2, {}
    while (marker := file[place : place + 2]) != SOS:
        length = int.from_bytes(file[place + 2 : place + 4], "big")
        segments[marker] = file[place + 4 : place + 2 + length]
        place += 2 + length

    assert segments.keys() == {COM, DQT, SOF0, DHT}
    assert segments[COM] == b"0000000042"
    assert segments[SOF0][1:5] == size[1].to_bytes(2, "big") + size[0].to_bytes(2, "big")
    data = file[place + 10 :]
    assert data.endswith(EOI)
    assert b"\xff" not in data[:-2].replace(b"\xff\x00", b"")


@pytest.mark.parametrize(("texture", "fault"), [(True, "frozen-picture"), (False, "")])
def test_a_frozen_texture_is_noticed_and_a_flat_night_is_not(texture: bool, fault: str) -> None:
    """The scan of a simulated MJPEG frame is varied enough to tell a frozen picture from a night."""
    check, file = PictureCheck(Checks()), Jpeg(640, 480, 100, texture=texture).numbered(1)
    check.judge(None, file, 0.0)

    assert fault == check.judge(None, file, 60.0).fault
