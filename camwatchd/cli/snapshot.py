# SPDX-License-Identifier: MIT
"""Owns `camwatchctl snapshot`: one frame as a picture."""

import argparse
import json
import secrets
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from camwatchd.cli import asking, frame_facts, frames, placing
from camwatchd.cli.verb import Verb
from camwatchd.client.errors import FrameError
from camwatchd.errors import ExitStatus

if TYPE_CHECKING:
    from camwatchd.client import Frame

_SUFFIXES = (".jpg", ".jpeg", ".png")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="NAME.jpg or NAME.png; -: a JPEG to standard output")
    parser.add_argument(
        "--json", action="store_true", help="for programs: what was written, and of which frame"
    )
    frames.arguments(parser)


def _run(options: argparse.Namespace) -> int:
    if mistake := _mistake(options):
        asking.complain(mistake)
        return ExitStatus.EX_USAGE
    try:
        with frames.camera(options) as camera:
            frame = camera.capture_array(options.timeout)
        picture = _encoded(frame, Path(options.file).suffix.lower())
        _write(options.file, picture)
    except FrameError as error:
        return frames.failed(options, error)
    except BrokenPipeError:
        raise
    except OSError as error:
        return frames.unwritten(options.file, error)
    except (RuntimeError, ValueError) as error:
        asking.complain(f"{options.file}: {error}")
        return ExitStatus.EX_UNAVAILABLE
    if options.json:
        sys.stdout.write(f"{json.dumps(document(options, frame, picture, time.monotonic()), indent=2)}\n")
    return ExitStatus.EX_OK


def _mistake(options: argparse.Namespace) -> str:
    """What is wrong with the arguments; empty: nothing."""
    if options.file == frames.STDOUT and options.json:
        return (
            "standard output is for the picture or for the JSON, not for both\n"
            "  hint: camwatchctl snapshot --json picture.jpg"
        )
    if options.file != frames.STDOUT and Path(options.file).suffix.lower() not in _SUFFIXES:
        return f"{options.file}: expected a name that ends in .jpg or .png"
    return ""


def document(options: argparse.Namespace, frame: "Frame", picture: bytes, now: float) -> dict[str, Any]:
    """The file, and the frame in it."""
    kind = "png" if Path(options.file).suffix.lower() == ".png" else "jpeg"
    file = {"file": options.file, "file_format": kind, "file_bytes": len(picture)}
    return {**file, **frame_facts.document(frame, options.camera, options.stream, now)}


def _encoded(frame: "Frame", suffix: str) -> bytes:
    from camwatchd.client import to_jpeg, to_png

    return to_png(frame) if suffix == ".png" else to_jpeg(frame)


def _write(name: str, picture: bytes) -> None:
    """Whole or not at all: another program may look at the file at any moment."""
    if name == frames.STDOUT:
        sys.stdout.buffer.write(picture)
        sys.stdout.buffer.flush()
        return
    # A name that nobody can foresee, and only if there is no such file or link: others may write into this folder too.
    aside = Path(name).with_name(f".{secrets.token_hex(8)}.new")
    with aside.open("xb") as file:
        try:
            file.write(picture)
            file.flush()
            placing.place(aside, Path(name))
        except BaseException:
            aside.unlink(missing_ok=True)
            raise


VERB = Verb("snapshot", "write one frame into a file, as JPEG or PNG", _arguments, _run)
