# SPDX-License-Identifier: MIT
"""Owns what is asked of the daemon besides frames, and which error each of its refusals is."""

from typing import Any

from camwatchd.client.errors import (
    CameraParkedError,
    CameraPausedError,
    ControlRefusedError,
    DaemonMissingError,
    FrameError,
    FrameTimeoutError,
    NotPermittedError,
    UnknownCameraError,
)
from camwatchd.control.client import PATIENCE, Client, ControlError
from camwatchd.control.facts import CameraFacts, StatusFacts
from camwatchd.control.protocol import Adjust, AdjustFacts, Answer, Reason, Request, Status
from camwatchd.core.state import Phase

_ASK = 1.0  # s for the daemon to say how the camera is; it answers within milliseconds or not at all
_KINDS: dict[Reason, type[FrameError]] = {
    Reason.CONTROLS: ControlRefusedError,
    Reason.PERMISSION: NotPermittedError,
    Reason.CAMERA: UnknownCameraError,
    Reason.DOWN: FrameTimeoutError,
}


def status(path: str, name: str) -> CameraFacts:
    """How the camera is."""
    answer = _asked(path, Status(), _ASK)
    assert isinstance(answer, StatusFacts)
    for camera in answer.cameras:
        if camera.name == name:
            return camera
    known = ", ".join(camera.name for camera in answer.cameras) or "none"
    raise UnknownCameraError(f"no camera is called {name!r}; there are: {known}")


def adjusted(path: str, name: str, controls: dict[str, Any]) -> AdjustFacts:
    """What is set once these are, and what can be."""
    answer = _asked(path, Adjust(name, controls), PATIENCE, name)
    assert isinstance(answer, AdjustFacts)
    return answer


def explained(camera: CameraFacts, head: str) -> FrameTimeoutError:
    """Why there are no frames, as the status tells it."""
    if camera.paused_for > 0:
        hint = "camwatchctl resume ends the pause"
        return CameraPausedError(f"{head}: paused by its operator for {camera.paused_for:.0f} s more", hint)
    text = ", ".join(part for part in (camera.fault, camera.fault_meaning, camera.next_action) if part)
    if camera.phase == Phase.PARKED:
        return CameraParkedError(f"{head}: {text}", f"a human should look: camwatchctl status {camera.name}")
    hint = "wait longer than a frame takes" if camera.is_capturing else ""
    return FrameTimeoutError(f"{head}: {text or f'the camera is {camera.phase}'}", hint)


def _asked(path: str, request: Request, patience: float, camera: str = "") -> Answer:
    try:
        with Client(path) as client:
            return client.ask(request, patience)
    except ControlError as error:
        if error.reason is Reason.DOWN and camera:
            raise explained(status(path, camera), error.message) from error
        raise _KINDS.get(error.reason, DaemonMissingError)(error.message, error.hint) from error
