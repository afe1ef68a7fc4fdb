# SPDX-License-Identifier: MIT
"""Owns that every key of a [camera] table reaches picamera2, and that what a camera does not take is told.

The library is not here: what it is asked for is, and a stand-in of the few names that the backend uses.
"""

import importlib
import socket
import sys
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from camwatchd.cameras.base import Camera, CameraError, Identity
from camwatchd.cameras.options import controls, flips, not_taken, options
from camwatchd.core.ladder import LADDER, Rung
from camwatchd.core.liveness import CALL_BOUNDS
from camwatchd.core.messages import MAX_MESSAGE, Open, Remark, decode_report
from camwatchd.core.settings import CameraSettings, Supervision
from camwatchd.worker_link import Link
from camwatchd.worker_loop import CaptureLoop

# As Picamera2.camera_controls gives them: minimum, maximum, default.
PI = {
    "FrameDurationLimits": (16_000, 10_000_000, 33_333), "Brightness": (-1.0, 1.0, 0.0),
    "AeEnable": (False, True, None),
    "AfWindows": ((0, 0, 0, 0), (65535, 65535, 65535, 65535), (0, 0, 0, 0)),
}  # fmt: skip
USB = {"Brightness": (-1.0, 1.0, 0.0)}


def asked(*, on_csi: bool = True, **keys: Any) -> dict[str, Any]:
    """What picamera2 is asked for by a table with these keys."""
    known = PI if on_csi else USB
    return options(
        CameraSettings(**keys), on_csi=on_csi, known=known, offered=lambda: {"MJPEG": [(640, 480)]}
    )


@pytest.mark.parametrize(
    ("keys", "option", "expected"),
    [
        ({}, "main", {"size": (640, 480), "format": "YUV420"}),
        (
            {"width": 800, "height": 600, "format": "RGB888"},
            "main",
            {"size": (800, 600), "format": "RGB888"},
        ),
        ({"on_csi": False}, "main", {"size": (640, 480), "format": "MJPEG"}),
        ({}, "lores", {"size": (320, 240), "format": "YUV420"}),
        ({"lores": False}, "lores", None),
        ({"on_csi": False}, "lores", None),
        ({"width": 320, "height": 240}, "lores", None),
        ({"buffer_count": 3}, "buffer_count", 3),
        ({}, "buffer_count", None),
        ({"controls": {"Brightness": 0.5}}, "controls", {"Brightness": 0.5}),
        ({"frame_rate": 20}, "controls", {"FrameDurationLimits": (50_000, 50_000)}),
        ({"controls": {"FrameRate": 20}}, "controls", {"FrameRate": 20}),
        ({"frame_rate": 20, "on_csi": False}, "controls", {}),
    ],
)
def test_every_key_is_asked_for(keys: dict[str, Any], option: str, expected: object) -> None:
    """Size, format, check stream, buffers, controls and frame rate; what is not set is picamera2's choice."""
    assert asked(**keys).get(option) == expected


def test_the_operators_limits_win_over_the_frame_rate() -> None:
    """Whoever gives FrameDurationLimits means them."""
    limits = {"FrameDurationLimits": (40_000, 60_000)}
    assert controls(CameraSettings(frame_rate=30, controls=limits), PI) == limits


def test_an_unknown_control_is_a_configuration_fault() -> None:
    """The error names the control and those that there are."""
    with pytest.raises(CameraError, match=r"no \['Sharpnes'\] here; there is .*Brightness") as caught:
        controls(CameraSettings(controls={"Sharpnes": 1.0}), PI)

    assert caught.value.fault == "configuration"


@pytest.mark.parametrize("wanted", [(False, False), (True, False), (False, True), (True, True)])
def test_flips_are_not_confused(wanted: tuple[bool, bool]) -> None:
    """Mirrored stays mirrored, and upside down upside down."""
    hflip, vflip = wanted
    assert flips(CameraSettings(hflip=hflip, vflip=vflip)) == {"hflip": hflip, "vflip": vflip}


def in_force(
    size: tuple[int, int] = (640, 480), *, hflip: bool = False, vflip: bool = False
) -> dict[str, Any]:
    """A camera's configuration in force."""
    return {"main": {"size": size}, "transform": SimpleNamespace(hflip=hflip, vflip=vflip)}


@pytest.mark.parametrize(
    ("keys", "actual", "known", "told"),
    [
        ({"hflip": True}, in_force(hflip=True), PI, ""),
        ({"hflip": True}, in_force(), PI, "hflip = true is not possible"),
        ({}, in_force(vflip=True), PI, "vflip = false is not possible"),
        ({"vflip": True}, in_force(), PI, "vflip = true is not possible"),
        ({}, in_force((640, 360)), PI, "640x480 is not offered by this camera; it gives 640x360"),
        ({"frame_rate": 60}, in_force(), PI, ""),
        ({"frame_rate": 90}, in_force(), PI, "frame_rate = 90: this camera has 0.1 to 62.5"),
        ({"frame_rate": 20}, in_force(), USB, "frame_rate cannot be set"),
        ({"controls": {"Brightness": 2}}, in_force(), PI, "controls: Brightness = 2: this camera has -1.0 to 1.0"),
        ({"controls": {"Brightness": -1, "AeEnable": True}}, in_force(), PI, ""),
        ({"controls": {"AfWindows": [(0, 0, 9, 9)]}}, in_force(), PI, ""),
        ({"controls": {"FrameDurationLimits": (10, 20_000)}}, in_force(), PI, "controls: FrameDurationLimits = "),
    ],
)  # fmt: skip
def test_what_is_not_taken_is_told(
    keys: dict[str, Any], actual: dict[str, Any], known: dict[str, Any], told: str
) -> None:
    """A camera that works otherwise than asked is no fault, but said; one that does as asked is not talked about."""
    remarks = not_taken(CameraSettings(**keys), actual, known)

    assert len(remarks) == (told != "")
    assert "".join(remarks).startswith(told)


# --- the backend itself, on a stand-in of the library ------------------------------------------------------


class Library:
    """Stands for picamera2 with one camera of a Pi, which flips nothing."""

    camera_properties = {"ColorFilterArrangement": 0}  # noqa: RUF012  # as the library has it
    camera_controls = PI
    asked: dict[str, Any]
    position: int

    def __init__(self, position: int) -> None:
        Library.position = position

    @staticmethod
    def global_camera_info() -> list[dict[str, Any]]:
        return [{"Id": "left", "Model": "imx708"}, {"Id": "right", "Model": "imx477"}]

    def create_video_configuration(self, **asked: Any) -> dict[str, Any]:
        Library.asked = asked
        return asked

    def configure(self, configuration: dict[str, Any]) -> None:
        streams = {
            name: {**configuration[name], "stride": 640, "framesize": 460_800} for name in ("main", "lores")
        }
        self.configuration = {**configuration, **streams, "transform": SimpleNamespace(hflip=0, vflip=0)}

    def camera_configuration(self) -> dict[str, Any]:
        return self.configuration

    def close(self) -> None: ...


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The backend's module, as if the library were installed."""
    libcamera, picamera2 = ModuleType("libcamera"), ModuleType("picamera2")
    vars(libcamera).update(Transform=SimpleNamespace, StreamRole=None)
    vars(picamera2).update(Picamera2=Library, MappedArray=None)
    for name, module in (("libcamera", libcamera), ("picamera2", picamera2)):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "camwatchd.cameras.picamera2", raising=False)
    yield importlib.import_module("camwatchd.cameras.picamera2")
    monkeypatch.delitem(sys.modules, "camwatchd.cameras.picamera2")


def test_the_backend_asks_for_all_of_it(backend: Any) -> None:
    """What the table says arrives at the library, of the camera that it names; what that did not take is told."""
    settings = CameraSettings(model="imx477", hflip=True, buffer_count=5, controls={"Brightness": 0.1})
    camera = backend.create(settings, "")
    who = camera.open()
    camera.close()

    assert Library.asked == {
        "main": {"size": (640, 480), "format": "YUV420"}, "lores": {"size": (320, 240), "format": "YUV420"},
        "controls": {"Brightness": 0.1}, "buffer_count": 5, "transform": SimpleNamespace(hflip=True, vflip=False),
    }  # fmt: skip
    assert (who.camera_id, who.model, who.width, who.height) == ("right", "imx477", 640, 480)
    assert Library.position == 1
    assert [remark.partition(" is")[0] for remark in who.remarks] == ["hflip = true"]
    assert [(stream.name, stream.width, stream.stride) for stream in who.streams] == [
        ("main", 640, 640),
        ("lores", 320, 640),
    ]


def test_a_stop_is_given_up_after_its_stack_was_dumped(backend: Any) -> None:
    """With both at once the dump may be lost; and all of a restart still fits into its rung."""
    row = LADDER[Rung.RESTART_STREAM.height]
    others = CALL_BOUNDS["cancel"] + CALL_BOUNDS["start"]

    assert CALL_BOUNDS["stop"] < backend.STOP_BOUND <= row.timeout - others


class Opened:
    """A camera that opens with a remark, and does not start."""

    def open(self) -> Identity:
        return Identity("left", "imx708", "YUV420", 640, 480, remarks=("hflip is not possible",))

    def start(self) -> None:
        raise CameraError("no more is needed")


def test_the_worker_passes_on_what_is_to_be_told() -> None:
    """What the camera has not taken goes to the supervisor, which logs it, after who it is."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with near, far:
        camera = cast("Camera", Opened())
        order = Open(CameraSettings(), Supervision(), "")
        CaptureLoop(camera=camera, order=order, link=Link(near), wakeup=-1).run()
        told = [decode_report(far.recv(MAX_MESSAGE)) for _ in range(4)]

    assert [type(report).__name__ for report in told] == ["Entering", "Opened", "Remark", "Entering"]
    assert told[2] == Remark("adjusted", "hflip is not possible")
