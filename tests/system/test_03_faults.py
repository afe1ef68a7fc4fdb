# SPDX-License-Identifier: MIT
"""Proves on the installed package that each kind of fault is named in the journal and cured in the process."""

from typing import Any

import pytest

from camwatchd.core.alerts import RECOVERY, of_issue
from camwatchd.core.faults import FAULTS

from .container import UNIT, Container
from .quick import QUICK, WATCHDOG, camera

pytestmark = pytest.mark.system

STREAM, WORKER = "restart-stream", "restart-worker"
# Of each camera: what its script does, the fault that it must be called, and the rung that cures it.
# fmt: off
STORIES: dict[str, tuple[dict[str, object], str, str]] = {
    "stalls":  ({"kind": "stall", "until": STREAM},                         "frames-stopped", STREAM),
    "freezes": ({"kind": "frozen", "until": STREAM},                        "frozen-picture", STREAM),
    "chokes":  ({"kind": "truncated", "amount": 50, "until": STREAM},       "buffer-queue",   STREAM),
    "crashes": ({"kind": "crash"},                                          "worker-crashed", WORKER),
    "refuses": ({"kind": "hang", "refuse_signals": True, "until": WORKER},  "worker-silent",  WORKER),
}
# fmt: on
BEGINS = 5  # seconds after its first opening
CURED = 60.0  # seconds


@pytest.mark.scenario(3, "stall, freeze, buffer error, crash, hang: each named and cured in-process")
def test_each_fault_is_named_and_cured(container: Container) -> None:
    """Stall, frozen picture, buffer error, crash, worker refusing to die: each recovered in-process; the journal
    entries carry the fields and the alert names.
    """
    container.configure(QUICK, *(a_camera(name, story[0]) for name, story in STORIES.items()))
    container.drop_in(WATCHDOG)
    container.boot()

    for name, (_, fault, rung) in STORIES.items():
        assert_told(container, name, fault, rung)
    container.await_unit(StatusText="^(?!.*(WARNING|CRITICAL|RECOVERING))")
    container.await_unit(ActiveState="^active$", NRestarts="^0$")


def a_camera(name: str, fault: dict[str, object]) -> str:
    """Its fault begins when all others deliver too."""
    return camera(name, {"at": BEGINS, **fault}, checks__frozen_after=1, checks__frozen_min_deviation=0)


def assert_told(container: Container, name: str, fault: str, rung: str) -> None:
    """The alert, the attempt that helped and the recovery, with what operators filter by."""
    issue = FAULTS[fault].issue
    about: dict[str, Any] = {"CAMERA": name, "FAULT": fault, "_SYSTEMD_UNIT": UNIT}
    alert = container.entry(
        timeout=CURED, MESSAGE_ID=of_issue(issue).message_id, CAMERA_ISSUE=issue, **about
    )
    action = container.entry(EVENT="ladder.action_started", after=alert, CAMERA=name, RUNG=rung, ATTEMPT="1")
    cure = container.entry(timeout=CURED, after=action, MESSAGE_ID=RECOVERY.message_id, RUNG=rung, **about)

    assert alert.message.startswith(f"CAMERA_ISSUE: {issue}: {name}: {fault}: ")
    assert cure.message.startswith(f"CAMERA_RECOVERY: {name}: healthy again by {rung}")
    assert (alert["PRIORITY"], cure["PRIORITY"], cure["ATTEMPT"]) == ("3", "5", "1")
    assert 0 <= int(alert["HEALTH_SCORE"]) <= 100
