# SPDX-License-Identifier: MIT
"""Owns what can be known of the picamera2 backend without libcamera; the rest is test_camera_contract.py's."""

import select
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from camwatchd.cameras.base import CameraError
from camwatchd.cameras.choice import check_format, choose_camera, choose_usb_format, lores_size
from camwatchd.cameras.luma import ENCODED, KNOWN, luma
from camwatchd.cameras.pending import Pending
from camwatchd.cameras.wake import Wake
from camwatchd.core.settings import CameraSettings

# As Picamera2.global_camera_info() gives them: a Pi with two equal sensors and a webcam.
LEFT = {"Model": "imx708", "Id": "/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a", "Num": 1, "Rotation": 180}
RIGHT = {"Model": "imx708", "Id": "/base/axi/pcie@120000/rp1/i2c@80000/imx708@1a", "Num": 0, "Rotation": 180}
WEBCAM = {"Model": "C270 HD WEBCAM", "Id": "/base/axi/pcie@120000/rp1/usb@200000-1:1.0-046d:0825", "Num": 2}
CAMERAS = [LEFT, RIGHT, WEBCAM]


@pytest.mark.parametrize(
    ("wanted", "position"),
    [
        ({}, 0),
        ({"index": 2}, 2),
        ({"id": RIGHT["Id"]}, 1),
        ({"model": "C270 HD WEBCAM"}, 2),
        ({"model": "imx708"}, 0),
        ({"model": "imx708", "index": 1}, 1),
    ],
)
def test_camera_is_the_first_that_fits(wanted: dict[str, Any], position: int) -> None:
    """Id, model and index all have to fit; without any the first camera of the list is taken."""
    assert choose_camera(CameraSettings(**wanted), CAMERAS) == position


@pytest.mark.parametrize("wanted", [{"index": 3}, {"id": "imx708"}, {"model": "imx708", "index": 2}])
def test_missing_camera_is_named_with_those_present(wanted: dict[str, Any]) -> None:
    """When no camera fits, the error is the fault `not-found` and lists every camera that is there."""
    with pytest.raises(CameraError) as caught:
        choose_camera(CameraSettings(**wanted), CAMERAS)

    assert caught.value.fault == "not-found"
    assert all(str(info["Id"]) in str(caught.value) for info in CAMERAS)


def test_no_camera_at_all_is_said() -> None:
    """An empty list is the fault `not-found` too, and reads as such."""
    with pytest.raises(CameraError, match="none at all") as caught:
        choose_camera(CameraSettings(), [])

    assert caught.value.fault == "not-found"


@pytest.mark.parametrize(
    ("offered", "size", "expected"),
    [
        ({"MJPEG": [(640, 480)], "YUYV": [(640, 480)]}, (640, 480), "YUYV"),
        ({"MJPEG": [(1280, 720)], "YUYV": [(1280, 720)]}, (1280, 720), "MJPEG"),
        ({"MJPEG": [(640, 480)], "YUYV": [(320, 240)]}, (640, 480), "MJPEG"),
        ({"MJPEG": [(640, 480)]}, (320, 200), "MJPEG"),
        ({"NV12": [(640, 480)]}, (640, 480), "NV12"),
        ({}, (640, 480), "YUYV"),
    ],
)
def test_auto_format_of_usb_cameras(
    offered: dict[str, list[tuple[int, int]]], size: tuple[int, int], expected: str
) -> None:
    """YUYV where USB can carry it at full rate, MJPEG for larger pictures, else whatever is offered."""
    assert choose_usb_format(offered, size) == expected


def test_replaced_or_unknown_format_is_a_configuration_fault() -> None:
    """libcamera puts another format in the place of one that it does not have; that is not passed over."""
    check_format("auto", "YUYV")
    check_format("MJPEG", "MJPEG")
    for wanted, actual in (("RGB888", "YUYV"), ("RGB8888", None), ("auto", "R8")):
        with pytest.raises(CameraError) as caught:
            check_format(wanted, actual)
        assert caught.value.fault == "configuration"


@pytest.mark.parametrize(
    ("size", "expected"),
    [((640, 480), (320, 240)), ((1920, 1080), (320, 180)), ((4608, 2592), (306, 172)), ((320, 240), None)],
)
def test_check_stream_is_small_even_and_of_the_same_shape(
    size: tuple[int, int], expected: tuple[int, int] | None
) -> None:
    """The lores stream is at most 320 pixels wide, with even sides; a small main stream needs none."""
    assert lores_size(size) == expected


# One row of two pixels as it lies in memory, brightness 10 and 20, colours 1 and 2.
ROWS = {
    "YUV420": [10, 20], "YVU420": [10, 20], "NV12": [10, 20], "NV21": [10, 20],
    "YUYV": [10, 1, 20, 2], "YVYU": [10, 2, 20, 1], "UYVY": [1, 10, 2, 20], "VYUY": [2, 10, 1, 20],
    "RGB888": [1, 10, 2, 1, 20, 2], "BGR888": [2, 10, 1, 2, 20, 1],
    "XRGB8888": [1, 10, 2, 255, 1, 20, 2, 255], "XBGR8888": [2, 10, 1, 255, 2, 20, 1, 255],
    "RGB161616": [0, 1, 9, 10, 0, 2, 0, 1, 9, 20, 0, 2], "BGR161616": [0, 2, 9, 10, 0, 1, 0, 2, 9, 20, 0, 1],
}  # fmt: skip


def test_every_raw_format_is_tested() -> None:
    """The table below leaves out no format that the backend accepts."""
    assert ROWS.keys() == KNOWN - ENCODED


@pytest.mark.parametrize("format_", sorted(ROWS))
@pytest.mark.parametrize("padding", [0, 1, 61])
def test_brightness_is_a_view_at_any_stride(format_: str, padding: int) -> None:
    """The sample has one byte per pixel, is inside the buffer, and skips the padding of rows and the other planes."""
    row = ROWS[format_]
    stride = len(row) + padding
    buffer = np.full(stride * 4 * 3 // 2, 99, np.uint8)
    buffer[: stride * 4].reshape(4, stride)[:, : len(row)] = row
    sample = luma(buffer, format_, (2, 4), stride)

    assert sample.tolist() == [[10, 20]] * 4
    assert np.shares_memory(sample, buffer)
    assert not sample.flags.owndata


class Request:
    """Stands for picamera2's CompletedRequest: counts how often it is released."""

    def __init__(self) -> None:
        self.released = 0

    def release(self) -> None:
        self.released += 1


class DoneJob:
    """Stands for picamera2's Job once it has ended."""

    def __init__(self, result: Request | Exception) -> None:
        self.result = result

    def get_result(self, timeout: float | None = None) -> Request:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.fixture
def wake() -> Iterator[Wake]:
    wake = Wake()
    yield wake
    wake.close()


def test_frame_is_handed_over_once(wake: Wake) -> None:
    """A frame that arrives is the worker's: it is not released, and cannot be taken again."""
    pending, request = Pending(wake), Request()
    pending.arrived(DoneJob(request))

    assert [pending.ended, pending.completed(), pending.ended] == [True, request, False]
    assert request.released == 0


@pytest.mark.parametrize("order", ["arrived then given up", "given up then arrived"])
def test_given_up_frame_is_released_once_in_either_order(wake: Wake, order: str) -> None:
    """The job ends while the worker gives up: whoever is second releases the frame, and nobody is woken."""
    pending, request = Pending(wake), Request()
    steps = [lambda: pending.arrived(DoneJob(request)), pending.abandon]
    for step in steps if order.startswith("arrived") else reversed(steps):
        step()

    assert request.released == 1
    assert not pending.ended
    assert not _readable(wake)


def test_what_the_job_met_is_raised(wake: Wake) -> None:
    """A job that ended with an exception wakes the worker, which then meets that exception."""
    pending = Pending(wake)
    pending.arrived(DoneJob(ValueError("boom")))

    assert _readable(wake)
    with pytest.raises(ValueError, match="boom"):
        pending.completed()


def _readable(wake: Wake) -> bool:
    return bool(select.select([wake], [], [], 0)[0])
