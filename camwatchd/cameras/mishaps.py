# SPDX-License-Identifier: MIT
"""Owns how scripted faults strike: the words, exceptions and signals of a real camera stack that fails.

The texts are those of picamera2 and libcamera, so that whoever classifies them meets the real ones.
"""

import contextlib
import errno
import os
import re
import signal
import threading
import time
from pathlib import Path
from typing import NoReturn

from camwatchd.core.settings import ScriptedFault

NOT_FOUND = "Camera(s) not found (Do not forget to disable legacy camera with raspi-config)."
NO_INIT = "Camera __init__ sequence did not complete."
GONE = "Failed to queue request: No such device"
GONE_AT_START = "Failed to start camera: No such device"
BUSY_LINE = " INFO Camera camera.cpp:1028 Pipeline handler in use by another process"
FRONTEND_LINE = "ERROR RPI pipeline_base.cpp:1365 {}"

_LIBCAMERA_LINE = re.compile(r"\[\d+:\d\d:\d\d\.\d{9}\] ")
_JUNK = bytes(range(0xFF, 0x7F, -1))  # no UTF-8, no JSON, no message
_MEGABYTE = 1_000_000
_FLOOD_BLOCK = 4096  # bytes: a pipe takes this much whole or not at all (PIPE_BUF)


def open_or_fail(missing: ScriptedFault | None, busy: ScriptedFault | None) -> None:
    """What picamera2's constructor does while the camera is absent or somebody else has it."""
    if missing and not missing.message:
        raise IndexError(
            "list index out of range"
        )  # picamera2 before 0.3.37, indexing an empty list of cameras
    if missing:
        raise RuntimeError(NO_INIT) from RuntimeError(missing.message)
    if busy:
        log(BUSY_LINE)
        raise RuntimeError(NO_INIT) from RuntimeError("Failed to acquire camera: Device or resource busy")


def log(line: str) -> None:
    """One line on stderr as libcamera writes it; a line that already has libcamera's prefix is left as it is."""
    if not _LIBCAMERA_LINE.match(line):
        minutes, seconds = divmod(time.clock_gettime_ns(time.CLOCK_MONOTONIC), 60 * 10**9)
        stamp = f"{minutes // 60}:{minutes % 60:02}:{seconds // 10**9:02}.{seconds % 10**9:09}"
        line = f"[{stamp}] [{threading.get_native_id()}] {line}"
    os.write(2, f"{line}\n".encode())


def strike(fault: ScriptedFault, link_fd: int) -> None:
    """Give one cue of the script."""
    match fault.kind:
        case "stderr":
            for line in fault.message.splitlines():
                log(line if _LIBCAMERA_LINE.match(line) else FRONTEND_LINE.format(line))
        case "flood":
            _flood(fault)
        case "garbage":
            _garble(link_fd)
        case "exit":
            os._exit(int(fault.amount))
        case "crash":
            # Through raise(): while this thread dies it holds the GIL, so faulthandler reads stacks that stand still.
            signal.raise_signal(signal.Signals[fault.signal])


def _flood(fault: ScriptedFault) -> None:
    line = f"{fault.message or ' WARN V4L2 v4l2_videodevice.cpp:2155 the same thing again and again'}\n".encode()
    block = line * (_FLOOD_BLOCK // len(line) or 1)
    rest = int(fault.amount * _MEGABYTE)
    while rest > 0:
        rest -= os.write(2, block)


def _garble(link_fd: int) -> None:
    if link_fd < 0:
        return  # no link was handed to the camera, as in a test of the camera alone
    try:
        os.write(link_fd, _JUNK)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EPIPE):
            raise


def hang(fault: ScriptedFault) -> NoReturn:
    """Never return, as a call that is stuck below Python: handlers of signals run, but their exceptions are lost.

    A call stuck in the kernel refuses every signal but SIGKILL: then even faulthandler's own handler is replaced.
    With a file (one that never answers) a thread of ours waits for it in the kernel, as libcamera's threads do for a
    driver: not even SIGKILL ends that, and the process looks like a zombie meanwhile.
    """
    if fault.message:
        threading.Thread(target=Path(fault.message).open, name="stuck", daemon=True).start()
    if fault.refuse_signals:
        for number in (signal.SIGTERM, signal.SIGABRT):
            signal.signal(number, signal.SIG_IGN)
    while True:
        with contextlib.suppress(BaseException):
            signal.pause()
