# SPDX-License-Identifier: MIT
"""Owns what the verbs about frames share: the camera that is meant, and what a missing frame is to a shell."""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from camwatchd.cli import asking, unit
from camwatchd.cli.duration import at_most
from camwatchd.client.errors import DaemonMissingError, FrameError, NotPermittedError, UnknownCameraError
from camwatchd.control.client import DEFAULT_SOCKET
from camwatchd.errors import ExitStatus

if TYPE_CHECKING:
    from camwatchd.client.camera import Camera

STDOUT = "-"
LONGEST = 86400.0  # seconds to wait for a frame
_STATUS: tuple[tuple[type[FrameError], ExitStatus], ...] = (
    (NotPermittedError, ExitStatus.EX_NOPERM),
    (UnknownCameraError, ExitStatus.EX_USAGE),
    (DaemonMissingError, ExitStatus.EX_UNAVAILABLE),
    (FrameError, ExitStatus.EX_TEMPFAIL),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The camera, and where the daemon is."""
    parser.add_argument("--camera", metavar="NAME", default="cam0", help="which one; default: %(default)s")
    parser.add_argument("--stream", default="main", help="main, or lores; default: %(default)s")
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=at_most(LONGEST, none=True),
        default=5.0,
        help="for a frame: 500, 5s, 1m; default: %(default)g seconds",
    )
    parser.add_argument(
        "--socket", metavar="PATH", default=argparse.SUPPRESS, help="the daemon's control socket"
    )


def camera(options: argparse.Namespace) -> "Camera":
    """The camera that is meant. numpy is imported here, which the other verbs need not wait for."""
    from camwatchd.client.camera import Camera

    return Camera(options.camera, options.stream, socket=options.socket)


def unwritten(name: str, error: OSError) -> int:
    """Say why a file could not be written, or the standard output, which is not tried again; the exit status."""
    if name != STDOUT:
        asking.complain(f"{name}: {error.strerror or error}")
        return ExitStatus.EX_UNAVAILABLE
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    asking.complain(f"standard output: {error.strerror or error}")
    return ExitStatus.EX_IOERR


def failed(options: argparse.Namespace, error: FrameError) -> int:
    """Say why there is no frame; the exit status."""
    known = isinstance(error, DaemonMissingError) and options.socket == DEFAULT_SOCKET
    asking.complain("\n  ".join([str(error), *filter(None, [unit.said() if known else ""])]))
    return next(status for kind, status in _STATUS if isinstance(error, kind))
