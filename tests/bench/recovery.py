# SPDX-License-Identifier: MIT
"""Owns the scripted faults of the bench: how late a stall is acted on, how long a remedy takes."""

from dataclasses import dataclass

from tests.bench.rig import daemon

_AT = 4.0  # seconds after the first open: past the start, with the standby ready
_FRAME_DEADLINE = 1.5  # what core.liveness makes of 100 frames a second
_RATE = 100  # the last frame before the stall is known to a hundredth of a second

_CONFIG = """
[daemon]
standby = {standby}
[camera.cam0]
backend = "simulated"
frame_rate = {rate}
[[camera.cam0.fault]]
kind = "{kind}"
at = {at}
{until}
"""


@dataclass(frozen=True, slots=True)
class Stall:
    """How one stall went, in seconds."""

    fault: float  # from the stall to the fault
    delay: float  # ... beyond its deadline
    order: float  # from the order to the remedy that cures it until three healthy frames
    healthy: float  # from the stall until then, with the remedies below it that were tried in vain


def stall(rung: str, *, standby: bool = False) -> Stall:
    """A stall that nothing below this rung ends, under the ladder as it is shipped."""
    word = "true" if standby else "false"
    config = _CONFIG.format(standby=word, rate=_RATE, kind="stall", at=_AT, until=f'until = "{rung}"')
    with daemon(config) as running:
        running.await_event("camera.started")
        began = running.opened_at() + _AT
        fault = running.await_event("alert.capture_failure", fault="frames-stopped")["monotonic"]
        started = running.await_event("ladder.action_started", rung=rung)["monotonic"]
        healthy = running.await_event("alert.recovery", rung=rung)["monotonic"]
    return Stall(fault - began, fault - began - 3 * _FRAME_DEADLINE, healthy - started, healthy - began)


def crash(*, standby: bool) -> float:
    """Seconds from the order to restart the worker to health; the old one is gone already."""
    word = "true" if standby else "false"
    with daemon(_CONFIG.format(standby=word, rate=_RATE, kind="crash", at=_AT, until="")) as running:
        if standby:
            running.await_event("standby.ready")
        started = running.await_event("ladder.action_started", rung="restart-worker")
        healthy = running.await_event("alert.recovery", rung="restart-worker")
    return float(healthy["monotonic"] - started["monotonic"])
