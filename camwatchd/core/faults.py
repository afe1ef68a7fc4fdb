# SPDX-License-Identifier: MIT
"""Owns the fault table: what can be wrong with a camera, and where each fault enters the ladder."""

from dataclasses import dataclass
from enum import StrEnum

from camwatchd.core.ladder import Rung


class Issue(StrEnum):
    """The required alert names, as in `CAMERA_ISSUE: capture_failure`."""

    CAPTURE_FAILURE = "capture_failure"
    BUFFER_ERROR = "buffer_error"
    CONNECTION_ERROR = "connection_error"


@dataclass(frozen=True, slots=True)
class Fault:
    """One row: `hold` is the pause in seconds between probes of a fault that climbing cannot cure (None: climb).

    `max_reboots` is how many reboots in a row may be spent on it without a healthy frame (0: a reboot cannot help).
    """

    name: str
    issue: Issue
    entry: Rung
    max_reboots: int
    hold: float | None
    human: str


_CAPTURE, _BUFFER, _CONNECTION = Issue.CAPTURE_FAILURE, Issue.BUFFER_ERROR, Issue.CONNECTION_ERROR
_STREAM, _WORKER = Rung.RESTART_STREAM, Rung.RESTART_WORKER

# Entry rungs after the field reports on picamera2, libcamera and the Raspberry Pi kernel; what recovered them
# there is what is tried first here. Probing of a busy camera: a human is at work with it, and it has to be back
# within 30 s of its release; importing and opening take a probe up to 8 s of them on a small Pi.
# fmt: off
_ROWS: tuple[Fault, ...] = (
    Fault("frames-stopped",     _CAPTURE,    _STREAM,     2, None, "no frame arrived and nothing gave a reason"),
    Fault("capture-error",      _CAPTURE,    _STREAM,     2, None, "the camera stack raised an error during a capture"),
    Fault("frontend-timeout",   _CONNECTION, _STREAM,     2, None, "libcamera's front end got no data from the sensor; check cable and connector if it returns"),
    Fault("buffer-overflow",    _BUFFER,     _STREAM,     2, None, "frames arrived faster than buffers were free"),
    Fault("buffer-underflow",   _BUFFER,     _STREAM,     2, None, "the camera ran out of queued buffers"),
    Fault("buffer-queue",       _BUFFER,     _STREAM,     2, None, "a buffer could not be queued or returned"),
    Fault("frozen-picture",     _CAPTURE,    _STREAM,     0, None, "frames arrive but the picture never changes"),
    Fault("black-picture",      _CAPTURE,    _STREAM,     0, None, "frames arrive but the picture is black"),
    Fault("saturated-picture",  _CAPTURE,    _STREAM,     0, None, "frames arrive but the picture is white"),
    Fault("broken-picture",     _CAPTURE,    _STREAM,     0, None, "frames arrive but they are damaged or cut short"),
    Fault("out-of-order",       _CAPTURE,    _STREAM,     0, None, "frames arrive out of order or with a standing clock"),
    Fault("sensor-io",          _CONNECTION, _WORKER,     2, None, "the sensor does not answer on its control bus"),
    Fault("device-gone",        _CONNECTION, _WORKER,     1, None, "the camera disappeared while it was streaming"),
    Fault("not-found",          _CONNECTION, _WORKER,     1, None, "no such camera is present; check that it is plugged in"),
    Fault("init-failed",        _CONNECTION, _WORKER,     2, None, "the camera could not be opened, configured or started"),
    Fault("init-timeout",       _CONNECTION, _WORKER,     2, None, "opening or starting the camera did not return in time"),
    Fault("no-memory",          _BUFFER,     _WORKER,     2, None, "no memory was left for camera buffers (CMA)"),
    Fault("event-loop-dead",    _CAPTURE,    _WORKER,     2, None, "picamera2's event loop died of an exception"),
    Fault("worker-exited",      _CAPTURE,    _WORKER,     2, None, "the capture process ended unasked"),
    Fault("worker-crashed",     _CAPTURE,    _WORKER,     2, None, "the capture process was killed by a signal"),
    Fault("worker-silent",      _CAPTURE,    _WORKER,     2, None, "the capture process stopped reporting; a call into the camera stack hangs"),
    Fault("worker-protocol",    _CAPTURE,    _WORKER,     2, None, "the capture process sent something that is no message"),
    Fault("start-timeout",      _CAPTURE,    _WORKER,     2, None, "the camera started but its first frames did not arrive"),
    Fault("import-timeout",     _CAPTURE,    _WORKER,     2, None, "the capture process did not finish its imports in time"),
    Fault("worker-unkillable",  _CAPTURE,    Rung.REBOOT, 2, None, "the capture process hangs in the kernel and cannot be killed"),
    Fault("leftover-worker",    _CAPTURE,    Rung.REBOOT, 2, None, "a capture process of a previous start still holds the camera"),
    Fault("open-limit",         _CONNECTION, Rung.REBOOT, 2, None, "this model stops working after too many opens in one boot; it is not opened again"),
    Fault("busy",               _CONNECTION, _WORKER,     0, 20.0, "another program is using the camera"),
    Fault("permission",         _CONNECTION, _WORKER,     0, 60.0, "the camera's device files may not be opened; is the user in group video?"),
    Fault("device-refused",     _CONNECTION, Rung.RESTART_SERVICE, 0, 60.0, "the sandbox refuses the camera's device files; the kernel had not registered them when the service started"),
    Fault("configuration",      _CAPTURE,    _WORKER,     0, 60.0, "the camera refused its configuration; check the [camera] table"),
    Fault("missing-package",    _CAPTURE,    _WORKER,     0, 60.0, "a Python package is missing or broken"),
)
# fmt: on

# Opens per boot after which a camera model is left as it is. The RP2040 on the AI Camera (imx500) stops answering
# after about 25 opens in one boot, and only a boot revives it (raspberrypi/linux#7613).
OPEN_CAPS: dict[str, int] = {"imx500": 15}

FAULTS: dict[str, Fault] = {row.name: row for row in _ROWS}

# Nothing is there to be opened; a new node says when there is again.
ABSENT = frozenset({"device-gone", "not-found"})
