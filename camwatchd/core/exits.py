# SPDX-License-Identifier: MIT
"""Owns the exit statuses by which a worker tells its supervisor why it ended."""

from enum import IntEnum


class WorkerExit(IntEnum):
    """From 64 up: below lie Python's own (1 traceback, 2 usage), above 128 what shells make of signals."""

    CLEAN = 0  # ordered to stop, or SIGTERM; the camera is closed
    IMPORT_FAILED = 64  # the traceback is the last thing on stderr
    LINK_LOST = 65  # the supervisor closed its end
    ORPHANED = 66  # the supervisor was gone before this worker could tie itself to it
    STALE = 67  # a standby whose packages changed on disk; replace it
    CAMERA_FAILED = 68  # a CameraFailed was sent before; this process can do nothing more with the camera
    BAD_ORDER = 69  # the supervisor sent something that is no order, or not at its time
    BUG = 70  # an exception nobody expected; the traceback is on stderr


def describe(status: int) -> str:
    """What an exit status says, for a human."""
    if status < 0:
        return f"killed by signal {-status}"
    names = {int(code): code.name for code in WorkerExit}
    return f"exit status {status} ({names.get(status, 'unknown').lower().replace('_', ' ')})"
