# SPDX-License-Identifier: MIT
"""Owns what is asked of the daemon besides frames, and which error each of its refusals is."""

import json
from typing import Any, TypeVar

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
from camwatchd.control.protocol import (
    MAX_REQUEST,
    Adjust,
    AdjustFacts,
    Answer,
    Reason,
    Request,
    Status,
    encode_request,
)
from camwatchd.core.plain import to_plain
from camwatchd.core.state import Phase
from camwatchd.core.timespan import duration

A = TypeVar("A", bound=Answer)

_ASK = 1.0  # s for the daemon to say how the camera is; it answers within milliseconds or not at all
_LEAST = 0.2  # s of these, however little time there is
_KINDS: dict[Reason, type[FrameError]] = {
    Reason.CONTROLS: ControlRefusedError,
    Reason.MALFORMED: ControlRefusedError,  # nothing else that is asked here has a form of its own
    Reason.PERMISSION: NotPermittedError,
    Reason.CAMERA: UnknownCameraError,
    Reason.CROWDED: FrameTimeoutError,
}


def status(path: str, name: str, patience: float = _ASK) -> CameraFacts:
    """How the camera is."""
    answer = _asked(path, Status(), StatusFacts, patience)
    for camera in answer.cameras:
        if camera.name == name:
            return camera
    known = ", ".join(camera.name for camera in answer.cameras) or "none"
    raise UnknownCameraError(f"no camera is called {name!r}; there are: {known}")


def reason(path: str, name: str, timeout: float) -> FrameError:
    """Why no frame came within this time; a daemon that does not say so costs a tenth of it more, at least 0.2 s."""
    head = f"{name}: no frame within {timeout:g} s"
    try:
        camera = status(path, name, min(_ASK, max(_LEAST, timeout / 10)))
    except DaemonMissingError as error:  # its few tenths are not what was waited
        return type(error)(f"{head}: {error.message}", error.hint)
    return explained(camera, head)


def adjusted(path: str, name: str, controls: dict[str, Any], patience: float = PATIENCE) -> AdjustFacts:
    """What is set once these are, and what can be."""
    request = Adjust(name, {control: _sendable(control, value) for control, value in controls.items()})
    if (size := len(encode_request(1, request))) > MAX_REQUEST:
        raise ControlRefusedError(f"controls of {size} bytes: {MAX_REQUEST} is the most that can be sent")
    try:
        return _asked(path, request, AdjustFacts, patience)
    except _NotNowError as error:  # the daemon is there, as its status proves, and the camera is not
        raise explained(status(path, name), error.message, "set them again") from error


def explained(
    camera: CameraFacts, head: str, cure: str = "wait longer than a frame takes"
) -> FrameTimeoutError:
    """Why there are no frames, or no answer, as the status tells it. `cure`: what helps if the camera is well."""
    if camera.paused_for > 0:
        hint = "camwatchctl resume ends the pause"
        return CameraPausedError(
            f"{head}: paused by its operator for {duration(camera.paused_for)} more", hint
        )
    text = ", ".join(part for part in (camera.fault, camera.fault_meaning, camera.next_action) if part)
    if camera.phase == Phase.PARKED:
        return CameraParkedError(f"{head}: {text}", "a human should look: camwatchctl status")
    hint = cure if camera.is_capturing else ""
    return FrameTimeoutError(f"{head}: {text or f'the camera is {camera.phase}'}", hint)


class _NotNowError(DaemonMissingError):
    """The camera did not answer, or will not: the status tells why."""


def _asked(path: str, request: Request, kind: type[A], patience: float) -> A:
    try:
        with Client(path) as client:
            answer = client.ask(request, patience)
    except ControlError as error:
        if isinstance(request, Adjust) and error.reason in (Reason.DOWN, Reason.SILENT):
            silent = f"{request.camera}: no answer within {patience:g} s"
            raise _NotNowError(error.message if error.reason is Reason.DOWN else silent) from error
        raise _KINDS.get(error.reason, DaemonMissingError)(error.message, error.hint) from error
    if not isinstance(answer, kind):
        text = f"expected {kind.__name__}, got {type(answer).__name__}"
        raise DaemonMissingError(
            f"camwatchd's answer cannot be understood: {text}", "is it of another release?"
        )
    return answer


def _sendable(name: str, value: object) -> object:
    """As JSON knows it; numpy's numbers and arrays, which applications reckon with, as Python's."""
    try:
        plain = to_plain(_pythons(value))
        json.dumps(plain, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ControlRefusedError(f"{name}: this value cannot be sent: {error}") from None
    return plain


def _pythons(value: Any) -> object:
    if isinstance(value, list | tuple):
        return [_pythons(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value
