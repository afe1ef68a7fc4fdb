# SPDX-License-Identifier: MIT
"""Owns the processes left over from a previous start: they may still hold a camera, so nothing opens one before
they are gone.
"""

import os
import time
from collections.abc import Callable
from functools import partial

from camwatchd.adapters.host import Host
from camwatchd.loop import Loop
from camwatchd.ports import EventLog

PATIENCE = 30.0  # seconds until what SIGKILL did not end counts as unkillable
_NEVER = float("inf")


class Leftovers:
    """Awaits them; `present` while there are any. systemd has sent them SIGKILL before it started us."""

    def __init__(
        self, loop: Loop, host: Host, log: EventLog, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._loop, self._host, self._log, self._clock = loop, host, log, clock
        self._pidfds: dict[int, int] = {}
        self._on_gone: Callable[[], None] = lambda: None
        self._on_stuck: Callable[[str], None] = lambda _: None
        self.deadline = _NEVER

    @property
    def present(self) -> bool:
        """Whether one is still there."""
        return bool(self._pidfds)

    def look(
        self, on_gone: Callable[[], None], on_stuck: Callable[[str], None], within: float = PATIENCE
    ) -> None:
        """Find them, once, before the first worker starts. `within`: when a worker that waits for them is given up."""
        self._on_gone, self._on_stuck = on_gone, on_stuck
        for pid in self._host.leftovers(frozenset({os.getpid()})):
            self._await(pid)
        if self.present:
            self.deadline = self._clock() + min(PATIENCE, within)
            self._log.warning(
                "leftover.found", pids=sorted(self._pidfds),
                message=f"processes of a previous start are still here ({sorted(self._pidfds)}); waiting for them",
            )  # fmt: skip

    def tick(self) -> None:
        """Patience is over."""
        self.deadline = _NEVER
        stuck = [task for pid in self._pidfds for task in self._host.stuck_tasks(pid)]
        self._on_stuck("; ".join(stuck) or f"processes {sorted(self._pidfds)} do not end")

    def _await(self, pid: int) -> None:
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        self._pidfds[pid] = pidfd
        self._loop.watch(pidfd, partial(self._gone, pid))

    def _gone(self, pid: int) -> None:
        pidfd = self._pidfds.pop(pid)
        self._loop.forget(pidfd)
        os.close(pidfd)
        if not self.present:
            self.deadline = _NEVER
            self._on_gone()
