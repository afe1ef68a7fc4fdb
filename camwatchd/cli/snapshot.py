# SPDX-License-Identifier: MIT
"""Owns `camwatchctl snapshot`: one frame as a picture."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from camwatchd.cli import asking, frames
from camwatchd.cli.verb import Verb
from camwatchd.client.errors import FrameError
from camwatchd.errors import ExitStatus

if TYPE_CHECKING:
    from camwatchd.client import Frame


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="NAME.jpg or NAME.png; -: a JPEG to standard output")
    frames.arguments(parser)


def _run(options: argparse.Namespace) -> int:
    suffix = Path(options.file).suffix.lower()
    if options.file != "-" and suffix not in (".jpg", ".jpeg", ".png"):
        asking.complain(f"{options.file}: expected a name that ends in .jpg or .png")
        return ExitStatus.EX_USAGE
    try:
        with frames.camera(options) as camera:
            frame = camera.capture_array(options.timeout)
        _write(options.file, suffix, frame)
    except FrameError as error:
        return frames.failed(error)
    except (OSError, RuntimeError, ValueError) as error:
        asking.complain(f"{options.file}: {error}")
        return ExitStatus.EX_UNAVAILABLE
    return ExitStatus.EX_OK


def _write(name: str, suffix: str, frame: "Frame") -> None:
    """Whole or not at all: another program may look at the file at any moment."""
    from camwatchd.client import to_jpeg, to_rgb

    if name == "-":
        sys.stdout.buffer.write(to_jpeg(frame))
        return
    aside = Path(f"{name}.new")
    if suffix == ".png":
        from PIL import Image

        Image.fromarray(to_rgb(frame)).save(aside, "PNG")
    else:
        aside.write_bytes(to_jpeg(frame))
    os.replace(aside, name)


VERB = Verb("snapshot", "write one frame into a file, as JPEG or PNG", _arguments, _run)
