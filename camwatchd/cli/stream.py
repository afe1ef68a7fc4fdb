# SPDX-License-Identifier: MIT
"""Owns `camwatchctl stream`: frames on standard output, or what is known of each, for programs in any language."""

import argparse
import json
import select
import sys
import time
from typing import TYPE_CHECKING

from camwatchd.cli import asking, frame_facts, frames
from camwatchd.cli.verb import Verb
from camwatchd.client.errors import FrameError, FrameTimeoutError
from camwatchd.errors import ExitStatus

if TYPE_CHECKING:
    from camwatchd.client import Camera, Frame
    from camwatchd.client.writers import Writer


def _arguments(parser: argparse.ArgumentParser) -> None:
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument(
        "--format", choices=["mjpeg", "y4m", "raw"], default="mjpeg",
        help="mjpeg: one JPEG after the other; y4m: YUV4MPEG2; raw: the bytes of each frame as the camera gives them",
    )  # fmt: skip
    forms.add_argument(
        "--json",
        action="store_true",
        help="for programs: no pictures, but of each frame a line that tells of it",
    )
    parser.add_argument("--max-fps", metavar="N", type=_rate, help="at most so many frames a second")
    parser.add_argument("--give-up", action="store_true", help="end when no frame comes within --timeout")
    frames.arguments(parser)


def _rate(text: str) -> float:
    if not 0 < (value := float(text)) <= 1000:
        raise argparse.ArgumentTypeError(f"expected more than 0, at most 1000, got {text!r}")
    return value


def _run(options: argparse.Namespace) -> int:
    if sys.stdout.isatty() and not options.json:
        asking.complain(
            "frames are no text, and a terminal may not survive them\n"
            "  hint: pipe them: camwatchctl stream | ffplay -; or into a file: camwatchctl stream > FILE"
        )
        return ExitStatus.EX_USAGE
    with frames.camera(options) as camera:
        try:
            return _streamed(camera, options)
        except FrameError as error:
            return frames.failed(options, error)
        except BrokenPipeError:  # who reads has left: no mistake of anybody's
            raise
        except OSError as error:
            return frames.unwritten(frames.STDOUT, error)
        except (RuntimeError, ValueError) as error:
            asking.complain(str(error))
            return ExitStatus.EX_UNAVAILABLE


def _streamed(camera: "Camera", options: argparse.Namespace) -> int:
    write: Writer | None = None
    while True:
        try:
            for frame in camera.frames(max_fps=options.max_fps, timeout=options.timeout):
                write = write or (_told(camera) if options.json else _begun(camera, frame, options))
                write(frame)
                sys.stdout.buffer.flush()
        except FrameTimeoutError as error:
            if options.give_up:
                raise
            if _nobody_reads():
                raise BrokenPipeError from None
            asking.complain(f"{error.message}; waiting for it")


def _told(camera: "Camera") -> "Writer":
    """Instead of its pixels what is known of it, in a line."""
    left_out = frame_facts.LeftOut()

    def tell(frame: "Frame") -> None:
        facts = frame_facts.document(frame, camera.name, camera.stream, time.monotonic())
        asking.say(json.dumps({**facts, "left_out": left_out.note(frame.number)}))

    return tell


def _begun(camera: "Camera", frame: "Frame", options: argparse.Namespace) -> "Writer":
    from camwatchd.client.writers import WRITERS, described, rate

    fps = rate(frame, camera.status().fps, options.max_fps)
    if options.format == "raw":
        asking.complain(f"for ffmpeg, {described(frame, fps)}")
    return _tolerant(WRITERS[options.format](sys.stdout.buffer, fps))


def _tolerant(write: "Writer") -> "Writer":
    """Leaves out what cannot be decoded, which a USB camera sends now and then; says so of the first."""
    from camwatchd.client.convert import UndecodableError

    said = False

    def tried(frame: "Frame") -> None:
        nonlocal said
        try:
            write(frame)
        except UndecodableError as error:
            if not said:
                asking.complain(f"{error}; such pictures are left out")
            said = True

    return tried


def _nobody_reads() -> bool:
    """Whether the reader of our pipe has left, which else only the next frame would tell."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


VERB = Verb(
    "stream", "write frames to standard output, for ffmpeg, GStreamer and the like", _arguments, _run
)
