# SPDX-License-Identifier: MIT
"""Owns a row of recoveries of every kind under readers, for the test and for the bench."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from camwatchd.frames.layout import WORD
from camwatchd.frames.reader import Reader
from tests.frames.reading import Gauges, Readers, Seen, gauges
from tests.frames.rig import ring
from tests.process.daemon import PATIENCE, Daemon, await_end, camera, daemon

RATE = 50

_WARM = 3  # streams after which everything that is loaded once has been loaded
_NOTICED = 5.0  # s until it is noticed everywhere who has left
_APART = 8  # frames from the end of one fault to the next
_ERRING = 15  # frames more that pass while the camera raises errors
_LOOKED_AT = 40  # frames for a look at the worker before the first crash
# Times as short as can be, and no rung is ever spent: the camera is an optional one, for which that is no matter.
_CONFIG = """
[daemon]
standby = false
[supervision]
max_consecutive_failures = 1
frame_timeout = 0.15
first_frame_timeout = 2
recovery_cooldown = 0.1
system_reboot_threshold = 1000
[ladder.restart-service]
enabled = false
[ladder.restart-stream]
attempts = 20
settle = 1.5
[ladder.restart-worker]
attempts = 20
timeout = 4
settle = 2.5
backoff = 0.1
"""


@dataclass(frozen=True)
class Row:
    """So many of each kind, one after the other."""

    streams: int  # restarted by the ladder, after a stall or an error
    crashes: int  # of workers
    copies: int  # in the middle of which a worker is killed
    services: int  # restarted

    @property
    def total(self) -> int:
        return self.streams + self.crashes + self.copies + self.services

    def script(self) -> list[dict[str, object]]:
        """Stalls and errors that a restart of the stream cures, then crashes."""
        stall: dict[str, object] = {"kind": "stall", "until": "restart-stream"}
        error = {"kind": "error", "message": "simulated", "until": "restart-stream"}
        faults = [error if n % 10 == 9 else stall for n in range(self.streams)]
        frame, timed = 0, []
        for number, fault in enumerate([*faults, *[{"kind": "crash"}] * self.crashes]):
            frame += _APART + (_LOOKED_AT if number == self.streams else 0)
            timed.append({**fault, "at_frame": frame})
            frame += _ERRING if fault is error else 0
        return timed


@dataclass(frozen=True)
class Outcome:
    """What the readers have seen, and what each process had at the beginning and at the end."""

    seen: list[Seen]
    supervisor: tuple[Gauges, Gauges]
    worker: tuple[Gauges, Gauges]
    readers: list[tuple[Gauges, Gauges]]


def perform(directory: Path, attached: Readers, row: Row, met: int = 0) -> Outcome:
    """All of them; the readers will have met so many streams once the daemon that is started here delivers."""
    config = _CONFIG + camera("cam0", *row.script(), width=320, height=240, frame_rate=RATE, required=False)
    with daemon(directory, config) as running:
        running.event("camera.started")
        attached.await_streams(met + _WARM)
        pid = running.worker()
        supervisor, worker, *others = (gauges(process) for process in (running.pid, pid, *attached.pids))
        attached.await_streams(met + row.streams)
        used = (worker, settled(pid, worker))
        attached.await_streams(met := met + row.streams + row.crashes)
        kill_in_mid_copy(running, attached, row.copies, met)
        supervised = (supervisor, settled(running.pid, supervisor))
    met += row.copies
    for _ in range(row.services):
        met += 1
        with daemon(directory, config):
            seen = attached.await_streams(met)
            after = [settled(*reader) for reader in zip(attached.pids, others, strict=True)]
    return Outcome(seen, supervised, used, list(zip(others, after, strict=True)))


def settled(pid: int, before: Gauges) -> Gauges:
    """As it is once who has left was noticed."""
    until = time.monotonic() + _NOTICED
    while (now := gauges(pid)).descriptors > before.descriptors and time.monotonic() < until:
        time.sleep(0.05)
    return now


def kill_in_mid_copy(running: Daemon, attached: Readers, count: int, met: int) -> None:
    """Each worker in turn dies between the two stores that say which frame is in a slot."""
    with ring(running.directory / "run" / "control.sock") as reader:
        for done in range(1, count + 1):
            while not _killed_in_mid_copy(running.worker(), reader):
                pass
            attached.await_streams(met + done)


def _killed_in_mid_copy(pid: int, reader: Reader) -> bool:
    """False: it went by itself, since a fault of the script was still to come."""
    try:
        _stop_in_mid_copy(pid, reader)
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, FileNotFoundError):
        return False
    await_end(pid)
    return True


def _stop_in_mid_copy(pid: int, reader: Reader) -> None:
    """A process that is stopped is where it was: it is let go on and stopped again until that is in mid-copy."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        coming = (reader.head + 1) % WORD
        if reader._sequence(coming) % 2 == 0:
            continue
        os.kill(pid, signal.SIGSTOP)
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            pass
        if reader._sequence(coming) % 2:
            return
        os.kill(pid, signal.SIGCONT)
    raise AssertionError("the worker was never seen in mid-copy")
