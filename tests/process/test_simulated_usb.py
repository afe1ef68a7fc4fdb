# SPDX-License-Identifier: MIT
"""Owns the proof that a simulated camera sits on USB when its script says so, and that a reset of that cures it."""

from pathlib import Path

import pytest

from camwatchd.cameras.simulated import SimulatedCamera
from camwatchd.core.ladder import Outcome, Rung
from camwatchd.core.settings import ScriptedFault
from camwatchd.usb_reset import reset_simulated
from tests.process.test_simulated import SILENCE, arrives, fault, settings, streaming

STALL = fault("stall", until=Rung.RESET_DEVICE)


def place(directory: Path, *script: ScriptedFault) -> str:
    """Where a camera says that it is plugged in."""
    camera = SimulatedCamera(settings(*script), str(directory))
    try:
        return camera.open().usb
    finally:
        camera.close()


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ((), ""),
        ((fault("stall", until=Rung.RESTART_WORKER),), ""),
        ((STALL,), "simulated:cam0"),
        ((fault("reset-hangs"),), "simulated:cam0"),
        ((fault("reset-refused", at=99.0),), "simulated:cam0"),
    ],
)
def test_it_is_on_usb_if_a_reset_plays_a_part(
    tmp_path: Path, script: tuple[ScriptedFault, ...], expected: str
) -> None:
    """A script in which a reset cures, hangs or is refused needs a device; no other camera has one."""
    assert expected == place(tmp_path, *script)
    assert bool(expected) == (tmp_path / "usb-cam0").exists()


def test_a_reset_cures_what_a_fresh_worker_does_not(tmp_path: Path) -> None:
    """The same camera opened again stays silent; opened after a reset it delivers, also the time after that."""
    with streaming(tmp_path, STALL) as camera:
        before = arrives(camera, SILENCE)
    with streaming(tmp_path, STALL) as camera:
        again = arrives(camera, SILENCE)
    report = reset_simulated("cam0", tmp_path)
    with streaming(tmp_path, STALL) as camera:
        after = arrives(camera)
    with streaming(tmp_path, STALL) as camera:
        later = arrives(camera)

    assert Outcome.SUCCEEDED is report.outcome
    assert [False, False, True, True] == [before, again, after, later]


def test_a_reset_cures_once(tmp_path: Path) -> None:
    """What begins after it needs another one."""
    late = fault("stall", at_frame=3, until=Rung.RESET_DEVICE)
    with streaming(tmp_path, late) as camera:
        assert arrives(camera)
    reset_simulated("cam0", tmp_path)
    with streaming(tmp_path, late) as camera:
        while arrives(camera, SILENCE):
            camera.take().release()
    with streaming(tmp_path, late) as camera:
        assert not arrives(camera, SILENCE)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [("reset-hangs", "hangs"), ("reset-refused", "refused"), ("gone", ""), ("stall", "answers")],
)
def test_the_device_shows_how_it_answers(tmp_path: Path, kind: str, shown: str) -> None:
    """While it lasts; unplugged there is no device, and afterwards it answers again."""
    script = (fault(kind, duration=SILENCE), fault("reset-refused", at=99.0))
    device = tmp_path / "usb-cam0"
    camera = SimulatedCamera(settings(*script), str(tmp_path))
    if kind == "gone":
        with pytest.raises(IndexError):
            camera.open()
    else:
        camera.open()
    first = device.read_text() if device.exists() else ""
    camera.close()
    with streaming(tmp_path, fault("slow-open", amount=SILENCE), *script) as second:
        assert arrives(second)

    assert (shown, "answers") == (first, device.read_text())
