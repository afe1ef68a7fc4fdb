# SPDX-License-Identifier: MIT
"""Owns test captures without the daemon: by a worker as the daemon has them, with a deadline for everything."""

import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from camwatchd.adapters.child import Child, spawn_worker
from camwatchd.adapters.host import Host
from camwatchd.adapters.stderr import StderrReader
from camwatchd.cli import captures
from camwatchd.cli.captures import Capture, Trial
from camwatchd.core import classify, killing
from camwatchd.core import messages as msg
from camwatchd.core.exits import describe
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import Rung
from camwatchd.core.settings import CameraSettings, Settings

_WORDS = 5  # of its last lines that are told


def test(
    settings: Settings, camera: CameraSettings, number: int, timeout: float, progress: Callable[[int], None]
) -> Trial:
    """Open the camera as the daemon would, take so many frames, and close it."""
    with TemporaryDirectory(prefix="camwatchctl-") as folder, _worker(camera) as child:
        talk = _Talk(child, settings, number, timeout, progress)
        child.send(msg.Open(camera, settings.supervision, folder))
        interrupted = False
        try:
            trouble = talk.trouble()
        except KeyboardInterrupt:
            trouble, interrupted = captures.ended(len(talk.captures)), True
    return Trial(camera.name, "direct", number, tuple(talk.captures[:number]), trouble, interrupted)


@contextmanager
def _worker(camera: CameraSettings) -> Iterator[Child]:
    """It is gone afterwards, unless it hangs in the kernel."""
    child = spawn_worker(camera.backend, {"LIBCAMERA_LOG_NO_COLOR": "1", **os.environ})
    try:
        yield child
    finally:
        for step in killing.STEPS if child.status is None else ():
            child.signal(step.signal)
            if _await(step.patience, child.pidfd):
                child.reap()
                break
        child.close()


def _await(seconds: float, *descriptors: int) -> list[int]:
    """Those that are readable by then."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return [descriptor for descriptor, _ in poll.poll(max(0.0, seconds) * 1000)]


class _Talk:
    """What the worker says, until there are enough frames, or a reason why there are none."""

    def __init__(
        self, child: Child, settings: Settings, number: int, timeout: float, progress: Callable[[int], None]
    ) -> None:
        rules, row = settings.supervision, settings.ladder[Rung.RESTART_WORKER.height]
        self._child, self._stderr = child, StderrReader(child.stderr)
        self._number, self._timeout, self._progress = number, timeout, progress
        self._doing, self._until = "importing its packages", time.monotonic() + rules.import_timeout
        self._opening, self._first = row.timeout, rules.first_frame_timeout
        self._asked_at = time.monotonic()
        self._trouble = ""
        self.captures: list[Capture] = []

    def trouble(self) -> str:
        """Why there are fewer frames than are wanted; empty: there are not."""
        while len(self.captures) < self._number and not self._trouble:
            if not self._wait():
                return (
                    f"{self._doing}: no end after {time.monotonic() - self._asked_at:.0f} s{self._words()}"
                )
            reports, closed = self._child.receive()
            for report in reports:
                self._hear(msg.decode_report(report))
            if closed and not self._trouble:
                return f"the capture process ended while {self._doing}: {self._status()}{self._words()}"
        return self._trouble

    def _wait(self) -> bool:
        """False: it has taken too long. What it writes is read meanwhile, or it would wait for us."""
        descriptors = [self._child.link.fileno()] + ([] if self._stderr.closed else [self._child.stderr])
        ready = _await(self._until - time.monotonic(), *descriptors)
        if self._child.stderr in ready:
            self._stderr.read_ready()
        return bool(ready)

    def _hear(self, report: msg.Report) -> None:
        match report:
            case msg.Imported():
                self._now("opening the camera", self._opening)
            case msg.Streaming():
                self._now("waiting for the first frame", self._first)
            case msg.Frames():
                self._count(report)
                self._now("waiting for a frame", self._timeout)
            case msg.CaptureFailed(fault, evidence, waited):
                self.captures += [Capture(waited, problem=f"{FAULTS[fault].human}: {evidence}")]
                self._progress(len(self.captures))
            case msg.CameraFailed():
                self._trouble = self._why(report)

    def _now(self, doing: str, bound: float) -> None:
        self._doing, self._asked_at = doing, time.monotonic()
        self._until = self._asked_at + bound

    def _count(self, frames: msg.Frames) -> None:
        """Of several that are reported together the last one is known, and the longest latency."""
        waited = (time.monotonic() - self._asked_at) / frames.count
        interval = frames.frame_duration or None
        one = Capture(waited, frames.latency, interval, frames.mean)
        slowest = Capture(waited, frames.latency_max, interval, frames.mean)
        self.captures += [*[one] * (frames.count - 1), slowest]
        self._progress(min(len(self.captures), self._number))

    def _why(self, report: msg.CameraFailed) -> str:
        fault = report.fault or classify.of_exceptions(report.chain, report.call) or "init-failed"
        if (told := self._clue()) is not None:
            fault = classify.better_name(fault, told, 0.0)
        held = Host().camera_holders() if fault == "busy" else []
        holders = f"; held by {', '.join(held)}" if held else ""
        return f"{fault}: {FAULTS[fault].human}{holders}\n  {report.call}(): {' <- '.join(report.chain)}"

    def _clue(self) -> str | None:
        if _await(0.0, self._child.stderr):
            self._stderr.read_ready()
        found = [finding.fault for line in self._stderr.tail if (finding := classify.of_line(line))]
        return found[-1] if found else None

    def _status(self) -> str:
        if not _await(1.0, self._child.pidfd):
            return "it lives on"
        self._clue()
        status = self._child.reap()
        return f"{describe(status)}: {FAULTS[classify.of_exit(status)].human}"

    def _words(self) -> str:
        return "".join(f"\n  {line}" for line in list(self._stderr.tail)[-_WORDS:])
