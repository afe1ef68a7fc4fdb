# SPDX-License-Identifier: MIT
"""Owns a fault as it happens in the machine: the steps one after the other, then the wait for pictures.

    python3 -m tests.peers.guest.direct UNIT STEP...

Prints one JSON object: when it began, when its end began, and when the new device nodes were there. Beside the
program, in the same machine, so that all times are of one clock and no channel stands between.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.peers.guest.pictures import RECORD

PATIENCE = 60.0  # s from the end of the fault; after that a human would have to come
STEADY = 3.0  # s for which pictures must go on coming
_POLL = 0.01

Node = tuple[str, int]


class Director:
    """Each step is a word, and for some a colon and what it is about."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._known = set(_nodes())
        self._stopped: dict[str, int] = {}
        self.node: float | None = None

    def step(self, step: str) -> None:
        word, _, about = step.partition(":")
        match word:
            case "order":
                _order(about)
            case "sleep":
                time.sleep(float(about))
            case "restart":
                subprocess.run(["systemctl", "--no-block", "restart", self._unit], check=True)
            case "stop":
                self._stopped[about] = self._process(about)
                os.kill(self._stopped[about], signal.SIGSTOP)
            case "continue":
                with suppress(ProcessLookupError):  # somebody has made an end of it meanwhile
                    os.kill(self._stopped[about], signal.SIGCONT)
            case "node":
                self._await_node()
            case _:
                raise ValueError(step)

    def _process(self, about: str) -> int:
        if about == "holder":
            return next(_holders())
        unit = "usb-camera.service" if about == "camera" else self._unit
        shown = subprocess.run(
            ["systemctl", "show", "--property=MainPID", "--value", unit], capture_output=True, check=True
        )
        return int(shown.stdout)

    def _await_node(self) -> None:
        """Enumerated is what udev has handed over: until then only root may open it, and it has no name by-id."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if (new := set(_nodes()) - self._known) and all(_handed_over(name) for name, _ in new):
                self.node = time.monotonic()
                return
            time.sleep(_POLL)


def _order(command: str) -> None:
    """To the camera, and until it has obeyed."""
    own = f"/run/peers-{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.bind(own)
        try:
            sender.sendto(command.encode(), "/run/usb-camera.sock")
            answer = sender.recv(256)
        finally:
            Path(own).unlink()
    if answer != b"ok":
        raise RuntimeError(f"{command}: {answer.decode()}")


def _nodes() -> Iterator[Node]:
    for entry in os.scandir("/dev"):
        if entry.name.startswith(("video", "media")):
            with suppress(FileNotFoundError):
                yield entry.name, entry.inode()


def _handed_over(name: str) -> bool:
    with suppress(FileNotFoundError):
        return Path("/dev", name).stat().st_gid != 0
    return False


def _holders() -> Iterator[int]:
    """Processes that have a camera open."""
    for folder in Path("/proc").glob("[0-9]*/fd"):
        with suppress(OSError):
            if any(str(link.readlink()).startswith("/dev/video") for link in folder.iterdir()):
                yield int(folder.parent.name)


def first_steady(after: float) -> float | None:
    """The first good picture from which on they kept coming."""
    lines = (line.split() for line in RECORD.read_text().splitlines())
    good = [float(words[0]) for words in lines if words[1:] == ["good"] and float(words[0]) > after]
    steady = (first for first in good if any(first + STEADY / 2 < then < first + STEADY for then in good))
    return next(steady, None)


def main(unit: str, steps: list[str]) -> dict[str, float | None]:
    """The last step that is no wait is the end of the fault."""
    director = Director(unit)
    last = max(number for number, step in enumerate(steps) if step != "node")
    begun = time.monotonic()
    for number, step in enumerate(steps):
        if number == last:
            over = time.monotonic()
        director.step(step)
    # What a program still had of an unplugged camera is no picture of the one that is plugged in.
    since = director.node or over
    while first_steady(since) is None and time.monotonic() < over + PATIENCE + STEADY:
        time.sleep(STEADY / 10)
    return {"begun": begun, "over": over, "node": director.node, "good": first_steady(since)}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2:])))
