# SPDX-License-Identifier: MIT
"""Owns the scripted faults of the bench: how late a stall is acted on, how long a remedy takes."""

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


def stall() -> tuple[float, float]:
    """Seconds by which the fault came after its deadline, and from the order to restart to health."""
    config = _CONFIG.format(
        standby="false", rate=_RATE, kind="stall", at=_AT, until='until = "restart-stream"'
    )
    with daemon(config) as running:
        running.await_event("camera.started")
        fault = running.await_event("alert.capture_failure", fault="frames-stopped")
        deadline = running.opened_at() + _AT + 3 * _FRAME_DEADLINE
        started = running.await_event("ladder.action_started", rung="restart-stream")
        healthy = running.await_event("alert.recovery", rung="restart-stream")
    return fault["monotonic"] - deadline, healthy["monotonic"] - started["monotonic"]


def crash(*, standby: bool) -> float:
    """Seconds from the order to restart the worker to health."""
    word = "true" if standby else "false"
    with daemon(_CONFIG.format(standby=word, rate=_RATE, kind="crash", at=_AT, until="")) as running:
        if standby:
            running.await_event("standby.ready")
        started = running.await_event("ladder.action_started", rung="restart-worker")
        healthy = running.await_event("alert.recovery", rung="restart-worker")
    return float(healthy["monotonic"] - started["monotonic"])
