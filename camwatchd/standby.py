# SPDX-License-Identifier: MIT
"""Owns the standby: one worker with its imports done and nothing opened, ready to be handed a camera."""

from collections.abc import Callable, Mapping

from camwatchd.adapters.child import spawn_worker
from camwatchd.adapters.host import Host
from camwatchd.adapters.stderr import StderrReader
from camwatchd.core.exits import WorkerExit
from camwatchd.core.killing import HURRIED_STEPS
from camwatchd.core.messages import Imported, Report
from camwatchd.core.settings import CameraSettings, Daemon
from camwatchd.loop import Loop
from camwatchd.ports import EventLog
from camwatchd.slot import Slot, Worker

ENOUGH_MEMORY = (
    850 * 1024 * 1024
)  # bytes of MemTotal from which "auto" keeps a standby: a Pi with 1 GB and more
_AGAIN = 600.0  # seconds until a standby that failed is tried again


def backend_of(cameras: tuple[CameraSettings, ...]) -> str:
    """The backend whose imports a standby makes: picamera2's serve every camera, the simulated one's do not."""
    return "picamera2" if any(camera.backend == "picamera2" for camera in cameras) else "simulated"


class Standby:
    """Keeps one worker ready. `tick()` replaces it; whoever needs it takes it."""

    def __init__(
        self,
        *,
        loop: Loop,
        log: EventLog,
        host: Host,
        clock: Callable[[], float],
        environ: Mapping[str, str],
    ) -> None:
        self._log, self._clock, self._environ = log, clock, environ
        self._slot = Slot(loop, self, host, clock)
        self._enough = (
            host.memory_total() >= ENOUGH_MEMORY
        )  # it does not change, and this is asked every turn
        self._backend = ""
        self._not_before = 0.0

    @property
    def deadline(self) -> float:
        """When the slot wants to be ticked."""
        return self._slot.deadline

    @property
    def pid(self) -> int | None:
        """The process that stands by."""
        return None if self._slot.worker is None else self._slot.worker.child.pid

    def ensure(self, daemon: Daemon, backend: str) -> None:
        """Have a standby of this backend, or none where the settings or the memory say so. Repeating is harmless."""
        wanted = daemon.standby is True or (daemon.standby == "auto" and self._enough)
        if self._slot.worker is not None and (not wanted or backend != self._backend):
            self._slot.end()
        if wanted and self._slot.worker is None and self._clock() >= self._not_before:
            self._start(backend)

    def take(self, backend: str) -> Worker | None:
        """The standby, if it is one of this backend; one that still imports is ahead of any other process."""
        worker = self._slot.worker
        if worker is None or self._slot.ending or backend != self._backend:
            return None
        if not worker.child.imported:
            worker.child.hurry()  # it is waited for now
        return self._slot.release()

    def end(self) -> None:
        """Let it go, quickly."""
        self._slot.end(HURRIED_STEPS)

    def tick(self) -> None:
        """Do what is due."""
        self._slot.tick()

    def _start(self, backend: str) -> None:
        try:
            child = spawn_worker(backend, self._environ, standby=True, background=True)
        except (
            OSError
        ) as error:  # no memory, no process, no descriptor: cameras do without, at their own pace
            self._not_before = self._clock() + _AGAIN
            self._log.warning("standby.failed", message=f"no standby worker could be executed: {error}")
            return
        self._backend = backend
        self._slot.adopt(Worker(child, StderrReader(child.stderr)))

    def reported(self, report: Report) -> None:
        if isinstance(report, Imported) and self._slot.worker is not None:
            self._slot.worker.child.imported = True
            self._slot.worker.child.versions = report.versions
            self._log.debug("standby.ready", seconds=round(report.seconds, 3), versions=str(report.versions))

    def wrote(self, line: str) -> None:
        self._log.debug("standby.stderr", message=line)

    def misspoke(self, text: str) -> None:
        self._log.warning("standby.misspoke", message=f"the standby worker is replaced: {text}")
        self._slot.end()

    def exited(self, status: int) -> None:
        if status == WorkerExit.STALE:
            self._log.info(
                "standby.stale", message="the camera packages changed on disk; replacing the standby"
            )
            return
        self._not_before = self._clock() + _AGAIN
        self._log.warning(
            "standby.exited", message=f"the standby worker ended with status {status}", status=status
        )

    def reaped(self) -> None:
        """The slot is free; the next `ensure()` fills it."""

    def signalled(self, pid: int, name: str) -> None:
        self._log.debug("standby.signalled", pid=pid, signal=name)

    def refuses_to_die(self, evidence: str) -> None:
        self._log.warning("standby.unkillable", message=f"the standby cannot be killed: {evidence}")
