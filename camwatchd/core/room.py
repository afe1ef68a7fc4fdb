# SPDX-License-Identifier: MIT
"""Owns how much memory frames for applications may take: how many are kept, and what is too much.

The frames of a ring are shared memory that cannot be dropped: what they take is gone for everybody else, and a Pi
Zero 2 W has 512 MB.
"""

from collections.abc import Iterator, Sequence

from camwatchd.core.settings import CameraSettings, Contradiction, Settings

USUAL, FEWEST = 4, 2  # slots
_USUAL_SHARE = 8  # 1/n of all memory that the usual number may take
_MOST_SHARE = 4  # and whatever is configured
# Bytes of a pixel, by picamera2's names; all others have two.
_BYTES = {"YUV420": 1.5, "YVU420": 1.5, "NV12": 1.5, "NV21": 1.5, "RGB888": 3.0, "BGR888": 3.0}
_BYTES |= {"XBGR8888": 4.0, "XRGB8888": 4.0}


def usual_slots(sizes: Sequence[int], memory_total: int) -> int:
    """Where none are configured: fewer where the usual number would take more than its share; `sizes`: of a frame."""
    fits = of_rings(sizes, USUAL) * _USUAL_SHARE <= memory_total or not memory_total
    return USUAL if fits else FEWEST


def of_rings(sizes: Sequence[int], slots: int) -> int:
    """Bytes that so many frames of each of these sizes take."""
    return sum(sizes) * slots


def objection(size: int, memory_total: int) -> str:
    """Why rings of one camera, or of all, may not take so much; 0 is a memory of unknown size."""
    if not memory_total or size * _MOST_SHARE <= memory_total:
        return ""
    return f"{_mb(size)} would be more than a quarter of the memory, which has {_mb(memory_total)}"


def contradictions(settings: Settings, memory_total: int) -> Iterator[Contradiction]:
    """Slots that cannot be on this machine, as far as is known before a camera was opened."""
    greedy = sorted((camera for camera in settings.cameras if camera.slots), key=_ring, reverse=True)
    total = sum(map(_ring, greedy))
    if not objection(total, memory_total):
        return
    largest = greedy[0]
    frames = f"{largest.slots} of {largest.width}x{largest.height} take {_mb(_ring(largest))}"
    others = f", with the other cameras {_mb(total)}" if len(greedy) > 1 else ""
    yield Contradiction(
        tuple(f"camera.{camera.name}.slots" for camera in greedy),
        f"frames that take at most a quarter of the memory, {_mb(memory_total // _MOST_SHARE)}; {frames}{others}",
        _hint(largest, total, memory_total),
    )


def _hint(camera: CameraSettings, total: int, memory_total: int) -> str:
    others = total - _ring(camera)
    for fewer in (8, 4, 2):
        size = others + of_rings([expected_frame(camera)], fewer)
        if fewer < (camera.slots or 0) and not objection(size, memory_total):
            return f"slots = {fewer} has room here"
    return "leave slots out, or take smaller pictures: width, height, or a format with fewer bytes a pixel"


def _ring(camera: CameraSettings) -> int:
    return of_rings([expected_frame(camera)], camera.slots or 0)


def expected_frame(camera: CameraSettings) -> int:
    """Bytes of a frame of the main stream, as far as is known before the camera was opened."""
    return round(camera.width * camera.height * _BYTES.get(camera.format, 2.0))


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
