# SPDX-License-Identifier: MIT
"""Owns `camwatchctl stream`: frames on standard output, for programs that speak no Python."""

import argparse
import sys

from camwatchd.cli import asking, frames
from camwatchd.cli.verb import Verb
from camwatchd.client.errors import FrameError, NotPermittedError, UnknownCameraError
from camwatchd.errors import ExitStatus


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format", choices=["mjpeg", "y4m", "raw"], default="mjpeg",
        help="mjpeg: one JPEG after the other; y4m: YUV4MPEG2; raw: the bytes of each frame as the camera gives them",
    )  # fmt: skip
    parser.add_argument("--max-fps", metavar="N", type=float, help="at most so many frames a second")
    parser.add_argument("--give-up", action="store_true", help="end when no frame comes within --timeout")
    frames.arguments(parser)


def _run(options: argparse.Namespace) -> int:
    from camwatchd.client.writers import WRITERS

    with frames.camera(options) as camera:
        write = WRITERS[options.format](camera, sys.stdout.buffer)
        while True:
            try:
                for frame in camera.frames(max_fps=options.max_fps, timeout=options.timeout):
                    write(frame)
                    sys.stdout.buffer.flush()
            except FrameError as error:
                if options.give_up or isinstance(error, NotPermittedError | UnknownCameraError):
                    return frames.failed(error)
                asking.complain(f"{error.message}; waiting for it")
            except ValueError as error:
                asking.complain(
                    f"{error}; another --format, or another format in [camera.{camera.name}], does it"
                )
                return ExitStatus.EX_USAGE


VERB = Verb(
    "stream", "write frames to standard output, for ffmpeg, GStreamer and the like", _arguments, _run
)
