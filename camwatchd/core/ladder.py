# SPDX-License-Identifier: MIT
"""Owns the ladder: the rungs in their order, their default numbers, and what each one cures."""

from dataclasses import dataclass
from enum import Enum, StrEnum


class Rung(StrEnum):
    """The remedies, weakest first; the order of definition is the order of the ladder."""

    RETRY = "retry"
    RESTART_STREAM = "restart-stream"
    RESTART_WORKER = "restart-worker"
    RESET_DEVICE = "reset-device"
    RESTART_SERVICE = "restart-service"
    REBOOT = "reboot"

    @property
    def height(self) -> int:
        """The place on the ladder, 0 at the bottom."""
        return _HEIGHTS[self]


_HEIGHTS = {rung: height for height, rung in enumerate(Rung)}


class Outcome(Enum):
    """How an action ended, as far as the action itself can tell; recovery is proved by frames alone."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NOT_APPLICABLE = "not-applicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class RungPolicy:
    """One row of the ladder; durations in seconds."""

    rung: Rung
    enabled: bool
    attempts: int
    timeout: float  # the action must have ended by then; an action that hangs is an outcome too
    settle: float  # after the action: three healthy frames in a row must arrive within this time
    backoff: float  # before attempt n: backoff * 2 ** (n - 1), at most recovery_cooldown
    cures: str


# `retry` has no attempts of its own: it captures again until max_consecutive_failures.
# fmt: off
LADDER: tuple[RungPolicy, ...] = (
    RungPolicy(rung=Rung.RETRY,           enabled=True,  attempts=0, timeout=0,  settle=0,  backoff=0, cures="a hiccup"),
    RungPolicy(rung=Rung.RESTART_STREAM,  enabled=True,  attempts=2, timeout=30, settle=5,  backoff=0, cures="front-end time-out, stuck buffers"),
    RungPolicy(rung=Rung.RESTART_WORKER,  enabled=True,  attempts=3, timeout=50, settle=10, backoff=2, cures="leaked or wedged libcamera state, dead event loop, crash, replugged camera"),
    RungPolicy(rung=Rung.RESET_DEVICE,    enabled=True,  attempts=1, timeout=20, settle=10, backoff=2, cures="wedged USB camera"),
    RungPolicy(rung=Rung.RESTART_SERVICE, enabled=True,  attempts=1, timeout=0,  settle=15, backoff=0, cures="damage in the supervisor or its environment"),
    RungPolicy(rung=Rung.REBOOT,          enabled=True,  attempts=1, timeout=0,  settle=0,  backoff=0, cures="driver or firmware state that only a boot clears"),
)
# fmt: on

PROOF_FRAMES = 3  # healthy frames in a row that prove a recovery
