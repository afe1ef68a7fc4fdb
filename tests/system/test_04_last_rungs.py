# SPDX-License-Identifier: MIT
"""Proves the last rungs on a camera that worked and that nothing cures: up to a real reboot, and no further."""

import json
import re

import pytest

from camwatchd.core.alerts import CRITICAL, RECOVERY

from .container import UNIT, Container
from .lastrungs import (
    CLIMB,
    DEAD,
    LADDER,
    LOST,
    SOON,
    STEEP,
    STRAIGHT,
    await_reboot,
    bring_back,
    climbed,
    ledger,
    marks,
    plug,
)
from .quick import QUICK, camera

pytestmark = pytest.mark.system

LONGER_THAN_THE_LADDER = 30  # seconds


@pytest.mark.scenario(
    4, "nothing cures it: the whole ladder in order, a real reboot, the ledger explains it", seconds=45
)
def test_the_whole_ladder_ends_in_a_real_reboot(container: Container) -> None:
    """The whole ladder in order, restart-service through systemd, then a real reboot of the container by
    StartLimitAction; the ledger explains it after the boot.
    """
    container.configure(QUICK, STEEP, camera("cam0", LOST))
    container.drop_in(SOON)
    container.boot()
    restart = container.entry(EVENT="service.leaving", RUNG="restart-service", timeout=CLIMB)
    container.entry("status=75/TEMPFAIL$", after=restart, UNIT=UNIT)
    container.entry("^Started ", after=restart, UNIT=UNIT)
    leaving = await_reboot(container, "cam0")
    assert climbed(container, "cam0") == LADDER

    container.boot()
    story = container.entry(EVENT="ledger.story", after=leaving)
    assert re.search(
        "reboot that camwatchd asked for, .* into it: for cam0 \\(frames-stopped\\)", story.message
    )
    container.entry("the reboot helped$", EVENT="ledger.note")
    (incident,) = ledger(container)["incidents"]
    assert incident["ended"] == "the reboot for cam0 (frames-stopped); it helped"
    assert [(step["rung"], step["outcome"]) for step in incident["steps"] if step["rung"]] == [
        ("restart-stream", "failed"),
        ("restart-worker", "failed"),
        ("reset-device", "not-applicable"),
        ("restart-service", "granted"),
        ("restart-service", "failed"),
        ("reboot", "granted"),
    ]

    # Its script begins anew: by now another incident may be open, which the exit status tells.
    shown = container.run("camwatchctl history", check=False)
    assert "after a reboot that camwatchd asked for, for cam0 (frames-stopped): it helped" in shown.stdout
    assert "so far" in shown.stdout  # it knows which boot is this one
    whole = json.loads(container.run("camwatchctl incident 1 --json").stdout)
    assert (whole["ended"], whole["before"]["model"]) == (incident["ended"], "simulated")
    assert whole["host"]["memory_total"] > 0  # the sandbox lets it be read
    stranger = container.run("setpriv --reuid=65534 --clear-groups camwatchctl history", check=False)
    assert (stranger.returncode, stranger.stdout) == (77, "")


@pytest.mark.scenario(
    4, "two reboots did not help: parked, never again, until the camera comes back", seconds=70
)
def test_after_the_budget_it_parks_until_the_camera_comes_back(container: Container) -> None:
    """After the budget it parks and never reboots again; the camera comes back: unparked by itself, alert, health
    restored.
    """
    container.configure(QUICK, STEEP, STRAIGHT, camera("cam0", LOST))
    container.drop_in(SOON)
    container.boot()
    leaving = None
    for _ in range(2):
        leaving = await_reboot(container, "cam0", after=leaving)
        container.configure(QUICK, STEEP, STRAIGHT, camera("cam0", DEAD))
        container.boot()

    parked = container.entry(
        MESSAGE_ID=CRITICAL.message_id, CAMERA="cam0", REFUSAL="did-not-help", after=leaving, timeout=CLIMB
    )
    assert (
        "parked, no reboot (did-not-help): reboots since its last healthy frame: 2, of 2" in parked.message
    )
    for number in range(2):
        container.entry(EVENT="ladder.leave_asked", RUNG="reboot", after=plug(container, number))
    last = container.journal.last()
    container.run("camwatchctl recover")
    container.entry(EVENT=parked["EVENT"], REFUSAL="did-not-help", after=last)
    container.await_unit(StatusText=r"cam0 .* parked, no reboot \(did-not-help\)", NRestarts="^0$")
    # The guard, which counts boots without any health, would allow one more: the daemon is the first to say no.
    assert container.unit("StartLimitAction") == {"StartLimitAction": "reboot"}
    assert marks(container, "intent") == ["cam0", "cam0"]

    bring_back(container, "cam0")
    back = container.entry(MESSAGE_ID=RECOVERY.message_id, CAMERA="cam0", after=plug(container, 2))
    assert "healthy again by" in back.message
    container.await_unit(StatusText="^cam0 EXCELLENT 100/100", ActiveState="^active$", NRestarts="^0$")
    assert len({entry.boot for entry in container.journal.all()}) == 3


@pytest.mark.scenario(
    4, "the same in observe mode: no reboot, the log says when it would have been", seconds=45
)
def test_observed_only_the_log_tells_of_the_reboot(container: Container) -> None:
    """The same in observe mode: no reboot, the log says when it would have been."""
    observe = '[reboot]\nmode = "observe"\n'
    container.configure(QUICK, STEEP, observe, camera("cam0", {**LOST, "duration": LONGER_THAN_THE_LADDER}))
    container.drop_in(SOON)
    container.boot()

    would = container.entry(EVENT="alert.critical", CAMERA="cam0", REFUSAL="observe", timeout=CLIMB)
    assert 'the machine would be rebooted now, but [reboot] mode = "observe"' in would.message
    assert climbed(container, "cam0") == LADDER[:-1]
    assert marks(container, "observed") == ["cam0"]
    assert container.unit("StartLimitAction") == {"StartLimitAction": "none"}  # nor in any other way

    back = container.entry(EVENT="alert.recovery", CAMERA="cam0", after=would, timeout=CLIMB)
    assert back.message.startswith("CAMERA_RECOVERY: cam0: healthy again by itself")
    container.await_unit(StatusText="^cam0 EXCELLENT 100/100", ActiveState="^active$", NRestarts="^1$")
    assert len({entry.boot for entry in container.journal.all()}) == 1
