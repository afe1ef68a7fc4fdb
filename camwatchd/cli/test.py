# SPDX-License-Identifier: MIT
"""Owns `camwatchctl test`: so many test captures, through the running daemon or, where none runs, without it."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from camwatchd.cli import asking, captures, configured, direct
from camwatchd.cli.captures import Capture, Trial
from camwatchd.cli.duration import at_most
from camwatchd.cli.verb import Verb
from camwatchd.client.errors import FrameError, FrameTimeoutError
from camwatchd.control.client import ControlError
from camwatchd.control.facts import StatusFacts
from camwatchd.control.protocol import Status
from camwatchd.core.settings import CameraSettings
from camwatchd.errors import ConfigError, ExitStatus

if TYPE_CHECKING:
    from camwatchd.client.camera import Camera
    from camwatchd.client.frame import Frame

_FAILED = 1
_INTERRUPTED = 128 + signal.SIGINT
_MOST = 10_000
_GIVE_UP = 3  # captures in a row without a frame: the status says more than further waiting
_COMPARABLE = 60.0  # s; a sensor's timestamp that is further away is of another clock


def _number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {_MOST}, got {text!r}")
    return int(text)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-n", "--num-tests", metavar="N", type=_number, default=10, help="captures; default: %(default)s"
    )
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=at_most(86400.0),
        default=5.0,
        help="for a frame: 5s, 1m or plain seconds; default: %(default)g seconds",
    )
    parser.add_argument("--camera", metavar="NAME", help="which one; default: the first")
    configured.arguments(parser)
    asking.arguments(parser)


def _run(options: argparse.Namespace) -> int:
    try:
        facts = asking.ask(options, Status(), StatusFacts)
    except ControlError as error:
        if not isinstance(error.__cause__, FileNotFoundError | ConnectionRefusedError):
            raise  # there is a daemon, which stops or has too much to do, and the camera is its
        return _without_daemon(options)
    name = options.camera or next((camera.name for camera in facts.cameras), "cam0")
    from camwatchd.cli import frames
    from camwatchd.client.camera import Camera

    with Camera(name, socket=options.socket) as camera:
        try:
            return _told(options, through_daemon(camera, options))
        except FrameError as error:
            return frames.failed(options, error)


def _told(options: argparse.Namespace, trial: Trial) -> int:
    if _counts(options):
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()
    shown = json.dumps(captures.document(trial), indent=2) if options.json else captures.text(trial)
    sys.stdout.write(f"{shown}\n")
    if trial.interrupted:
        return _INTERRUPTED
    return ExitStatus.EX_OK if trial.passed else _FAILED


def _progress(options: argparse.Namespace) -> Callable[[int], None]:
    """On a terminal a line that counts; what is told in the end takes its place."""
    if not _counts(options):
        return lambda _done: None

    def show(done: int) -> None:
        sys.stderr.write(f"\r{done} of {options.num_tests} test captures")
        sys.stderr.flush()

    return show


def _counts(options: argparse.Namespace) -> bool:
    return not options.json and sys.stderr.isatty()


# --- through the daemon -----------------------------------------------------------------------------------


def through_daemon(camera: "Camera", options: argparse.Namespace) -> Trial:
    """So many, or as many as there are when somebody presses Ctrl-C, in a capture or between two."""
    done: list[Capture] = []
    try:
        trouble, interrupted = _captured(camera, options, done), False
    except KeyboardInterrupt:
        trouble, interrupted = captures.ended(len(done)), True
    return Trial(camera.name, "daemon", options.num_tests, tuple(done), trouble, interrupted)


def _captured(camera: "Camera", options: argparse.Namespace, done: list[Capture]) -> str:
    """One after the other, each a frame that was not there before; why there are fewer than were asked for."""
    show, missed = _progress(options), 0
    last: Frame | None = None
    for number in range(options.num_tests):
        asked_at = time.monotonic()
        try:
            frame = camera.capture_array(options.timeout)
        except FrameTimeoutError as error:
            missed += 1
            done.append(Capture(time.monotonic() - asked_at, problem=str(error)))
        else:
            done.append(_judged(frame, last, time.monotonic() - asked_at))
            last, missed = frame, 0
        show(number + 1)
        if missed >= _GIVE_UP:
            return f"given up after {len(done)} captures: {_GIVE_UP} in a row brought no frame"
    return ""


def _judged(frame: "Frame", last: "Frame | None", waited: float) -> Capture:
    latency = time.monotonic() - frame.sensor_timestamp / 1e9
    interval = None
    if last is not None and frame.number > last.number:
        interval = (frame.taken_at - last.taken_at) / (frame.number - last.number)
    mean, problem = _seen(frame, last)
    return Capture(waited, latency if 0 <= latency < _COMPARABLE else None, interval, mean, problem)


def _seen(frame: "Frame", last: "Frame | None") -> tuple[float, str]:
    """Brightness, and what is wrong with the picture: the daemon gives none that it found wrong, so this asks anew."""
    from camwatchd.adapters import picture

    if frame.format == "MJPEG":
        return -1.0, picture.damage(frame.data.cast("B"))
    if frame.ndim < 2:
        return -1.0, f"{frame.size} bytes are no whole picture of {frame.format}"
    thin = _thin(frame)
    mean, deviation = picture.measure(thin)
    same = last is not None and last.shape == frame.shape and _thin(last) == thin and deviation >= 2.0
    return mean, "the same picture twice" if same else ""


def _thin(frame: "Frame") -> bytes:
    from camwatchd.adapters import picture

    plane = frame[..., 0] if frame.ndim == 3 else frame[: frame.resolution[1], : frame.resolution[0]]
    return picture.thin_out(plane)


# --- without it -------------------------------------------------------------------------------------------


def _without_daemon(options: argparse.Namespace) -> int:
    try:
        settings = configured.settings(options)
    except ConfigError as error:
        asking.complain(str(error))
        return ExitStatus.EX_CONFIG
    known = {camera.name: camera for camera in settings.cameras or (CameraSettings(),)}
    name = options.camera or next(iter(known))
    if name not in known:
        asking.complain(f"no camera is called {name!r}; there are: {', '.join(known)}")
        return ExitStatus.EX_USAGE
    asking.announce(options, f"camwatchd is not running: {name} is opened without it ...")
    trial = direct.test(settings, known[name], options.num_tests, options.timeout, _progress(options))
    status = _told(options, trial)
    return ExitStatus.EX_UNAVAILABLE if trial.trouble and not trial.captures else status


VERB = Verb(
    "test",
    "take test captures and say how long they took; without the daemon if none runs",
    _arguments,
    _run,
)
