# SPDX-License-Identifier: MIT
"""Owns how a worker is ended: asked, made to dump its stack, killed, and when it counts as unkillable."""

import signal
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """Send `signal`, then wait `patience` seconds for the process to be gone."""

    signal: signal.Signals
    patience: float


# SIGTERM lets a healthy worker close its camera; SIGABRT makes faulthandler write the stack of a hanging one to
# stderr; SIGKILL cannot be refused. The kernel's own time-outs on a USB camera that does not answer let a SIGKILL
# take effect only after 3 to 3.5 s, so 15 s without effect mean a task that hangs in the kernel.
STEPS = (Step(signal.SIGTERM, 2.0), Step(signal.SIGABRT, 2.0), Step(signal.SIGKILL, 15.0))

# On the way out everything must be down within 5 s, or systemd counts the stop as a failure.
HURRIED_STEPS = (Step(signal.SIGTERM, 1.5), Step(signal.SIGABRT, 1.0), Step(signal.SIGKILL, 1.5))

RECHECK = 1.0  # seconds between looks at a process that SIGKILL did not end


@dataclass(frozen=True, slots=True)
class Killing:
    """A worker being ended: which steps are left, and when the next one is due."""

    steps: tuple[Step, ...]
    deadline: float

    @property
    def overdue_is_final(self) -> bool:
        """Whether reaching the deadline means that every step was taken."""
        return not self.steps


def begin(now: float, steps: tuple[Step, ...] = STEPS) -> Killing:
    """A killing whose first signal is due at once."""
    return Killing(steps, now)


def advance(killing: Killing, now: float) -> tuple[Killing, signal.Signals | None]:
    """The next step if it is due: what to send (None: nothing now, or nothing left but to look again)."""
    if now < killing.deadline:
        return killing, None
    if not killing.steps:
        return Killing((), now + RECHECK), None
    first, *rest = killing.steps
    return Killing(tuple(rest), now + first.patience), first.signal
