# SPDX-License-Identifier: MIT
"""Owns a real daemon that is watched while others bother it: its frames, deadlines, pings, memory and cost."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from camwatchd.control.protocol import SOCKET_NAME
from tests.bench.rig import cpu_seconds, rss_megabytes
from tests.process.daemon import Daemon, Line, folders, running
from tests.process.test_daemon_responsive import Probe

FRAME_RATE = 30
SUMMARY = 5  # seconds: more often than one in ten, the log keeps most of them back after a while
WATCHDOG = 20.0  # seconds; a ping is due every quarter of them, with the next report of frames
_CONFIG = f"""
[daemon]
standby = false
summary_interval = {SUMMARY}
[camera.cam0]
backend = "simulated"
width = 640
height = 480
frame_rate = {FRAME_RATE}
"""
_COUNTED = ("captures", "failures", "dropped", "late")


@dataclass(frozen=True)
class Seen:
    """What the daemon did in `seconds`."""

    seconds: float
    captures: int
    failures: int  # captures that missed their deadline
    dropped: int  # frames
    late: int
    lateness: float  # seconds: the longest delay of a deadline in the supervisor's loop, and of none in fifty a second
    gap: float  # seconds: the longest between two pings to systemd
    cpu: float  # share of a core
    megabytes: float  # resident, at the end
    grown: float  # megabytes since the beginning

    @property
    def missed(self) -> int:
        """Deadlines of frames."""
        return self.failures + self.dropped + self.late


@dataclass
class Watched:
    """The daemon, and the probe in its loop."""

    rig: Daemon
    probe: Probe

    @property
    def socket(self) -> Path:
        return self.rig.directory / "run" / SOCKET_NAME

    def during(self, begin: "Callable[[], subprocess.Popen[str]]") -> Seen:
        """Watch it while that process runs, from one summary to another."""
        first, note = self._summary(), len(self.rig.notes)
        work = begin()
        cpu, size = cpu_seconds(self.rig.pid), rss_megabytes(self.rig.pid)
        began, lateness = time.monotonic(), [self._lateness()]
        while work.poll() is None:
            lateness.append(self._lateness())
        spent = (cpu_seconds(self.rig.pid) - cpu) / (time.monotonic() - began)
        end = rss_megabytes(self.rig.pid)
        last = self._summary()
        seconds = last.at - first.at
        pings = [n.at for n in self.rig.notes[note:] if "WATCHDOG=1" in n.text]
        counts = {name: last[name] - first[name] for name in _COUNTED}
        gap = max((after - before for before, after in pairwise(pings)), default=0.0)
        return Seen(
            seconds,
            **counts,
            lateness=max(lateness),
            gap=gap,
            cpu=spent,
            megabytes=end,
            grown=end - size,
        )

    def _summary(self) -> Line:
        return self.rig.event("camera.summary", since=len(self.rig.lines))

    def _lateness(self) -> float:
        """The worst of the next twenty."""
        self.probe.ask()
        return self.probe.answer()


@contextmanager
def watched() -> Iterator[Watched]:
    """A daemon with a healthy camera."""
    probe = Probe()
    with tempfile.TemporaryDirectory(prefix="camwatchd-bench-") as name:
        folders(Path(name), _CONFIG)
        fd = probe.theirs.fileno()
        rig = Daemon(Path(name), ["-m", "tests.process.nasty", "normal", str(fd), ""], WATCHDOG, (fd,))
        with running(rig):
            rig.event("camera.started", camera="cam0")
            yield Watched(rig, probe)
    probe.close()
