# SPDX-License-Identifier: MIT
"""Owns the reasons why a reader gets no frame, one class each. Of those that waiting may cure: FrameTimeoutError."""

from camwatchd.errors import CamwatchError


class FrameError(CamwatchError):
    """There is no frame; the message says why, the hint what a human can do."""


class FrameTimeoutError(FrameError):
    """No frame came in time, which waiting may cure: the message says what is wrong and what is being done."""


class DaemonMissingError(FrameTimeoutError):
    """camwatchd is not running, or does not answer."""


class CameraPausedError(FrameTimeoutError):
    """The camera is in its operator's hands (camwatchctl pause)."""


class CameraParkedError(FrameTimeoutError):
    """Nothing more is tried than a look now and then: a human should look at it."""


class NotPermittedError(FrameError):
    """This user may not see the frames, or not change the controls."""


class UnknownCameraError(FrameError):
    """No camera, or no stream of it, has this name."""


class ControlRefusedError(FrameError):
    """The camera does not have such a control, or not with such a value."""


class FrameOverwrittenError(FrameError):
    """A view was used for longer than its frame was there: what was read of it may be of another one."""


class CameraClosedError(FrameError):
    """This Camera was closed, perhaps by another thread."""
