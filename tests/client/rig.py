# SPDX-License-Identifier: MIT
"""Owns what the tests of applications share: a daemon with a camera, frames without one, another user."""

import os
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from camwatchd.client import Camera, Frame, FrameTimeoutError
from camwatchd.client.frame import made_of
from camwatchd.control.client import Client
from camwatchd.control.protocol import Pause
from camwatchd.frames.layout import Facts
from camwatchd.frames.reader import Raw
from tests.process.daemon import PATIENCE, QUICK, Daemon, camera, daemon

Pixels = npt.NDArray[np.uint8]
NOBODY = 65534

# The camera cannot be there, and nothing but a look now and then is left to be done.
PARKING = QUICK.replace(
    "system_reboot_threshold = 1000", "system_reboot_threshold = 1\nmax_recovery_attempts = 1"
) + camera("cam0", {"kind": "missing", "at": 0}, required=False)


def socket_of(running: Daemon) -> str:
    """Where it listens."""
    return str(running.directory / "run" / "control.sock")


def of(running: Daemon, name: str = "cam0") -> Camera:
    """A camera of this daemon."""
    return Camera(name, socket=socket_of(running))


def pause(running: Daemon, seconds: float = 60.0) -> None:
    """As an operator does it."""
    with Client(socket_of(running)) as client:
        client.ask(Pause(seconds), PATIENCE)


@contextmanager
def healthy(directory: Path, *faults: dict[str, object], **keys: object) -> Iterator[tuple[Daemon, Camera]]:
    """A daemon whose camera has delivered a frame, and that camera."""
    with daemon(directory, QUICK + camera("cam0", *faults, **keys)) as running, of(running) as cam:
        cam.capture_array(PATIENCE)
        yield running, cam


def frame(data: Pixels, name: str, size: tuple[int, int], stride: int, metadata: bytes = b"{}") -> Frame:
    """A frame that no camera has taken."""
    width, height = size
    facts = Facts(
        number=1, sensor_timestamp=0, taken_at=0, wall=0.0, width=width, height=height, stride=stride,
        size=data.size, format=name, metadata_size=len(metadata),
    )  # fmt: skip
    return made_of(Raw(facts, metadata, data.reshape(-1)))


def in_a_child(work: Callable[[], bool]) -> bool:
    """What this comes to in a fork; an exception there is printed, and False."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads, from Python 3.12 on
        child = os.fork()
    if child == 0:
        good = False
        try:
            good = work()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0 if good else 1)
    return os.waitpid(child, 0)[1] == 0


def become_nobody(directory: Path) -> None:
    """Without any right, but in this folder."""
    os.chdir(directory)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def times_out(cam: Camera, timeout: float) -> FrameTimeoutError:
    """The reason why there is no frame within this time; one from just before may be left."""
    for _ in range(2):
        try:
            cam.capture_array(timeout)
        except FrameTimeoutError as error:
            return error
    raise AssertionError("there are frames")


def environment(running: Daemon, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Of a program that asks this daemon, not systemd's."""
    root = str(Path(__file__).parents[2])
    return {**os.environ, "CAMWATCHD_SOCKET": socket_of(running), "PYTHONPATH": root, **(more or {})}
