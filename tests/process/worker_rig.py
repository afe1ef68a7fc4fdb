# SPDX-License-Identifier: MIT
"""Owns the test's side of a worker: a real process on a real socketpair, read with a deadline."""

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from camwatchd.core.messages import MAX_MESSAGE, Frames, Imported, Open, Order, Report, decode_report, encode
from camwatchd.core.settings import CameraSettings, Checks, ScriptedFault, Supervision

R = TypeVar("R")

PATIENCE = 20.0  # seconds; only ever waited for in full by a test that fails


class WorkerRig:
    """A worker under test, and everything it said with the time of its arrival."""

    def __init__(
        self, directory: Path, *options: str, supervisor: int | None = None, **environment: str
    ) -> None:
        self.directory = directory
        self.heard: list[tuple[float, Report]] = []
        self.link, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.link.settimeout(PATIENCE)
        with far, (directory / "stderr").open("wb") as stderr:
            command = [sys.executable, "-m", "camwatchd.worker", "--link", str(far.fileno())]
            command += ["--supervisor", str(supervisor or os.getpid())]
            self.process = subprocess.Popen(
                [*command, *(options or ("--backend", "simulated"))],
                pass_fds=[far.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                process_group=0,
                env={**os.environ, **environment},
            )

    def order(self, order: Order) -> None:
        self.link.send(encode(order))

    def open(
        self,
        *faults: ScriptedFault,
        rules: Supervision | None = None,
        checks: Checks | None = None,
        suspicion: tuple[str, str] = ("", ""),
        **camera: object,
    ) -> None:
        """Have it open a simulated camera with this script."""
        settings = CameraSettings(
            backend="simulated", fault=faults, checks=checks or Checks(), **camera  # type: ignore[arg-type]
        )  # fmt: skip
        self.order(Open(settings, rules or Supervision(), str(self.directory), *suspicion))

    def hear(self) -> Report | None:
        """The next report; None at the end."""
        try:
            datagram = self.link.recv(MAX_MESSAGE + 1)
        except ConnectionResetError:
            return None  # it ended with orders unread
        if not datagram:
            return None
        report = decode_report(datagram)
        self.heard.append((time.monotonic(), report))
        return report

    def until(self, kind: type[R], that: Callable[[R], bool] = lambda _: True) -> R:
        """The next report of this kind that is so; fails if the worker ends before, or takes too long."""
        until = time.monotonic() + PATIENCE
        while (report := self.hear()) is not None and time.monotonic() < until:
            if isinstance(report, kind) and that(report):
                return report
        raise AssertionError(f"no {kind.__name__}; heard {self.reports()[-5:]}, stderr: {self.stderr()}")

    def streaming(self, *faults: ScriptedFault, **how: object) -> Frames:
        """Open a camera and wait for its first healthy frame."""
        self.until(Imported)
        self.open(*faults, **how)  # type: ignore[arg-type]
        return self.until(Frames)

    def reports(self) -> list[Report]:
        return [report for _, report in self.heard]

    def ended(self) -> int:
        """How it ended, after the last that it said."""
        while self.hear() is not None:
            pass
        return self.process.wait(PATIENCE)

    def stderr(self) -> str:
        return (self.directory / "stderr").read_text()


@contextmanager
def worker(
    directory: Path, *options: str, supervisor: int | None = None, **environment: str
) -> Iterator[WorkerRig]:
    """A worker that is gone afterwards whatever happens."""
    rig = WorkerRig(directory, *options, supervisor=supervisor, **environment)
    try:
        yield rig
    finally:
        rig.link.close()
        rig.process.kill()
        rig.process.wait(PATIENCE)


def await_end(pidfd: int) -> bool:
    """Whether a process that is no child of ours ends in time."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(PATIENCE * 1000))
