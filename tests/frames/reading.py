# SPDX-License-Identifier: MIT
"""Owns readers that are processes: each takes every new frame of the simulated camera and looks at it.

    python -m tests.frames.reading SOCKET COUNT RATE

SIGUSR1 to one of them makes it print a line of JSON about what it has seen so far. They are forked from one process,
which has imported what they need; their pids are its first line, and SIGTERM to it ends them.
"""

import json
import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from camwatchd.client import Camera, Frame

_SHORT = 1.0  # s that one wait for a frame lasts


@dataclass(frozen=True)
class Gauges:
    """What may not grow in a process."""

    descriptors: int
    rings: int  # mappings of one
    memory: int  # kB that nobody shares with it


def gauges(pid: int) -> Gauges:
    """As it is now."""
    process = Path(f"/proc/{pid}")
    lines = (process / "status").read_text().splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))
    mapped = (process / "maps").read_text().count("memfd:camwatchd")
    return Gauges(len(list((process / "fd").iterdir())), mapped, own)


@dataclass
class Seen:
    """By one reader until now."""

    pid: int = 0
    frames: int = 0
    wrong: list[str] = field(default_factory=list)
    # s from the first frame that a fresh stream could have given until this reader had one of it, in their order
    resumed: list[float] = field(default_factory=list)


class Watching:
    """Looks at one frame after the other."""

    def __init__(self, rate: float) -> None:
        self.seen = Seen()
        self._interval = 1 / rate
        self._last: Frame | None = None
        self._began = 0.0

    def look(self, frame: Frame, now: float) -> None:
        """Whole, later than the one before, and how late if it is the first of a stream."""
        metadata, last = frame.metadata, self._last
        self.seen.frames += 1
        if metadata.get("Checksum") != zlib.crc32(frame.data):
            self.seen.wrong.append(f"frame {frame.number} is torn")
        if last is not None and frame.sensor_timestamp <= last.sensor_timestamp:
            self.seen.wrong.append(f"frame {frame.number} came after {last.number}, which is newer")
        self._last = frame
        began = frame.sensor_timestamp / 1e9 - metadata["Sequence"] * self._interval
        if self._began and abs(began - self._began) > self._interval / 2:
            self.seen.resumed.append(round(now - began, 4))
        self._began = began

    def report(self) -> None:
        """One line."""
        self.seen.pid = os.getpid()
        os.write(1, json.dumps(asdict(self.seen)).encode() + b"\n")  # at once and in one piece


def read(socket: str, rate: float) -> None:
    """Until it is killed."""
    watching, asked = Watching(rate), []
    signal.signal(signal.SIGUSR1, lambda *_: asked.append(True))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
    with Camera("cam0", socket=socket) as camera:
        while True:
            success, frame = camera.capture_frame_with_timeout(_SHORT)
            if success and frame is not None:
                watching.look(frame, time.monotonic())
            if asked:
                asked.clear()
                watching.report()


class Readers:
    """The test's side of them."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout
        self._out = process.stdout
        self.pids: list[int] = json.loads(self._out.readline())

    def look(self) -> list[Seen]:
        """What each has seen until now."""
        for pid in self.pids:
            os.kill(pid, signal.SIGUSR1)
        return sorted((Seen(**self._line()) for _ in self.pids), key=lambda seen: seen.pid)

    def await_streams(self, count: int, patience: float = 30) -> list[Seen]:
        """Until each has met so many fresh streams."""
        until = time.monotonic() + patience
        while True:
            found = self.look()
            if min(len(seen.resumed) for seen in found) >= count:
                return found
            assert time.monotonic() < until, f"{count} streams: {found}"
            time.sleep(0.05)

    def _line(self) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self._out.readline())
        return line


@contextmanager
def readers(directory: Path, count: int, rate: float) -> Iterator[Readers]:
    """So many, of the daemon in that folder; gone afterwards."""
    command = [sys.executable, "-m", "tests.frames.reading", str(directory / "run/control.sock")]
    with subprocess.Popen([*command, str(count), str(rate)], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Readers(process)
        finally:
            process.terminate()


def main() -> None:
    """Fork, and end with all of them."""
    socket, count, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    pids = []
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
    for _ in range(count):
        if not (pid := os.fork()):
            read(socket, rate)
        pids.append(pid)
    print(json.dumps(pids), flush=True)
    signal.sigwait({signal.SIGTERM})
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
