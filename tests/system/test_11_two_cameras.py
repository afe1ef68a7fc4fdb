# SPDX-License-Identifier: MIT
"""Proves that a dead camera costs no more than itself: neither the budget nor the watchdog of its neighbour."""

import pytest

from camwatchd.core.alerts import CRITICAL

from .container import Container
from .lastrungs import (
    CLIMB,
    DEAD,
    LADDER,
    LOST,
    SOON,
    STEEP,
    STRAIGHT,
    await_reboot,
    climbed,
    marks,
    plug,
)
from .pings import interval, listen, longest_silence
from .quick import QUICK, camera

pytestmark = pytest.mark.system

WELL = camera("well")
MOST = 2  # reboots that frames-stopped is worth: core/faults.py


@pytest.mark.scenario(
    11, "one of two required cameras is dead: its own reboots only, then it is parked", seconds=70
)
def test_a_dead_camera_reboots_by_its_own_budget_and_leaves_the_other_alone(container: Container) -> None:
    """Two required cameras, one dead, one healthy: reboots by the budget of the dead one only, then it is parked and
    the other goes on with the watchdog armed.
    """
    container.configure(QUICK, STEEP, STRAIGHT, WELL, camera("dead", LOST))
    container.drop_in(SOON)
    container.boot()
    leaving = None
    for _ in range(MOST):
        leaving = await_reboot(container, "dead", after=leaving)
        container.configure(QUICK, STEEP, STRAIGHT, WELL, camera("dead", DEAD))
        container.boot()
    listen(container)

    parked = container.entry(
        MESSAGE_ID=CRITICAL.message_id, CAMERA="dead", REFUSAL="did-not-help", timeout=CLIMB
    )
    assert f"reboots since its last healthy frame: {MOST}, of {MOST}" in parked.message
    assert marks(container, "intent") == ["dead"] * MOST
    assert {entry["CAMERA"] for entry in container.journal.all(EVENT="ladder.leave_asked")} == {"dead"}

    container.await_unit(StatusText=r"^dead PARKED .*parked, no reboot \(did-not-help\).*; well EXCELLENT")
    armed = interval(container)
    container.stays_on(1.5 * armed)
    assert longest_silence(container, parked) < armed / 2
    container.await_unit(ActiveState="^active$", NRestarts="^0$")


@pytest.mark.scenario(11, "an optional camera is dead: alerts, and nothing else", seconds=45)
def test_a_dead_optional_camera_causes_nothing_but_alerts(container: Container) -> None:
    """An optional dead camera: nothing but alerts."""
    container.configure(QUICK, STEEP, WELL, camera("extra", {**LOST, "at": 10}, required=False))
    container.drop_in(SOON)
    container.boot()
    listen(container)

    fault = container.entry(EVENT="alert.capture_failure", CAMERA="extra")
    container.entry(MESSAGE_ID=CRITICAL.message_id, CAMERA="extra", REFUSAL="optional-camera", timeout=CLIMB)
    again = container.entry(EVENT="worker.starting", CAMERA="extra", after=plug(container, 0))
    container.entry(EVENT="ladder.attempt_failed", CAMERA="extra", after=again)
    assert climbed(container, "extra") == LADDER[: LADDER.index("restart-service")]
    assert longest_silence(container, fault) < interval(container) / 2  # also while its ladder was climbed

    container.await_unit(StatusText=r"^extra .*\(optional-camera\).*; well EXCELLENT")
    container.await_unit(ActiveState="^active$", NRestarts="^0$")
    assert container.journal.all(EVENT="ladder.leave_asked") == []
    assert len({entry.boot for entry in container.journal.all()}) == 1
