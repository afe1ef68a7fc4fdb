# SPDX-License-Identifier: MIT
"""Owns the reasons why a reader gets no frame, one class each."""

from camwatchd.errors import CamwatchError


class FrameError(CamwatchError):
    """There is no frame; the message says why, the hint what a human can do."""


class DaemonMissingError(FrameError):
    """camwatchd is not running, or does not answer."""


class NotPermittedError(FrameError):
    """This user may not see the frames, or not change the controls. Waiting does not help."""


class UnknownCameraError(FrameError):
    """No camera, or no stream of it, has this name. Waiting does not help."""


class FrameTimeoutError(FrameError):
    """No frame came in time, and the camera is not given up: the message says what is being done."""


class CameraPausedError(FrameTimeoutError):
    """The camera is in its operator's hands (camwatchctl pause)."""


class CameraParkedError(FrameTimeoutError):
    """Nothing more is tried than a look now and then: a human should look at it."""


class ControlRefusedError(FrameError):
    """The camera does not have such a control, or not with such a value."""
