# SPDX-License-Identifier: MIT
"""How much memory frames for applications may take, on small machines too."""

import pytest

from camwatchd.core import room
from camwatchd.core.settings import CameraSettings, Settings

ZERO_2_W = 437_216 * 1024  # MemTotal of 512 MB
PI_5 = 8_000_000_000
VGA, FULL_HD, TWELVE_MEGAPIXELS = 640 * 480 * 2, 1920 * 1080 * 3, 4056 * 3040 * 3


@pytest.mark.parametrize(
    ("frame", "memory", "slots"),
    [
        (VGA, ZERO_2_W, 4),
        (FULL_HD, ZERO_2_W, 4),
        (TWELVE_MEGAPIXELS, ZERO_2_W, 2),
        (TWELVE_MEGAPIXELS, PI_5, 4),
        (VGA, 0, 4),
    ],
)
def test_without_slots_there_are_as_many_as_fit(frame: int, memory: int, slots: int) -> None:
    """Four, or two where four would take more than an eighth."""
    assert slots == room.usual_slots([frame], memory)


def test_what_is_usual_is_allowed_on_the_smallest_machine() -> None:
    """Even of the largest pictures of a camera module 3: 73 MB of 448."""
    slots = room.usual_slots([TWELVE_MEGAPIXELS], ZERO_2_W)

    assert "" == room.objection(room.of_rings([TWELVE_MEGAPIXELS], slots), ZERO_2_W)


def test_a_quarter_is_the_most() -> None:
    """Said with both numbers; of a memory of unknown size nothing is said."""
    assert "" == room.objection(100_000_000, 400_000_000)
    assert "100.1 MB would be more than a quarter of the memory, which has 400.0 MB" == room.objection(
        100_100_000, 400_000_000
    )
    assert "" == room.objection(100_100_000, 0)


def camera(name: str, slots: int | None, **keys: int | str) -> CameraSettings:
    return CameraSettings(name=name, slots=slots, **keys)  # type: ignore[arg-type]


def test_slots_that_have_no_room_are_refused() -> None:
    """With the sum, and a number that has."""
    settings = Settings(cameras=(camera("a", 16, width=4056, height=3040, format="RGB888"),))
    [found] = room.contradictions(settings, ZERO_2_W)

    assert ("camera.a.slots",) == found.keys
    assert (
        "frames that take at most a quarter of the memory, 111.9 MB; 16 of 4056x3040 take 591.9 MB"
        == found.expected
    )
    assert "slots = 2 has room here" == found.hint
    assert [] == list(room.contradictions(settings, PI_5))


def test_cameras_share_the_room() -> None:
    """Each alone would fit; the one that takes most is blamed first, and one without slots not at all."""
    settings = Settings(
        cameras=(
            camera("a", 4, width=1920, height=1080, format="RGB888"),
            camera("b", 16, width=1920, height=1080, format="RGB888"),
            camera("c", None, width=4056, height=3040),
        )
    )
    [found] = room.contradictions(settings, ZERO_2_W)

    assert ("camera.b.slots", "camera.a.slots") == found.keys
    assert found.expected.endswith("16 of 1920x1080 take 99.5 MB, with the other cameras 124.4 MB")
    assert "slots = 8 has room here" == found.hint


def test_pictures_that_never_fit_are_said_to_be_too_large() -> None:
    """Fewer slots do not help then."""
    settings = Settings(cameras=(camera("a", 2, width=16384, height=16384),))
    [found] = room.contradictions(settings, ZERO_2_W)

    assert "take smaller pictures" in found.hint
