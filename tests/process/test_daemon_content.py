# SPDX-License-Identifier: MIT
"""Owns the proof that a picture which failed is no health again after a restart, and not held against it for ever."""

from pathlib import Path
from typing import Any

import pytest

from tests.process.daemon import QUICK, Daemon, Line, camera, daemon
from tests.process.side_by_side import SideBySide

together = SideBySide()

# The ladder is spent in about 5 s: the fault outlasts it even on a busy machine.
_LASTING = {"at": 1, "duration": 14}
_CONFIG = QUICK.replace("settle = 1.5", "settle = 0.5").replace("settle = 2.5", "settle = 1")

CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "frozen": ("frozen", "frozen-picture", {"checks__frozen_after": 0.5}),
    "frozen-mjpeg": ("frozen", "frozen-picture", {"checks__frozen_after": 0.5, "format": "MJPEG"}),
    "black": ("black", "black-picture", {"checks__content_after": 0.5, "checks__on_black": "recover"}),
    "white": (
        "saturated",
        "saturated-picture",
        {"checks__content_after": 0.5, "checks__on_saturated": "recover"},
    ),
}


def _healthy_again(rig: Daemon) -> Line:
    """The recovery from what lasts; fails if it comes before its time."""
    fault = rig.event("alert.capture_failure")
    critical = rig.event("alert.critical")
    recovery = rig.event("alert.recovery")
    assert [fault, critical, recovery] == rig.alerts("cam0")
    return recovery


@pytest.mark.parametrize("case", CASES)
@together
def test_a_restart_is_no_recovery_of_the_same_picture(tmp_path: Path, case: str) -> None:
    """While the same bad picture comes from stream after stream and worker after worker, the ladder is climbed, no
    recovery is told and no watchdog ping is sent; when another picture comes, it is over."""
    kind, name, keys = CASES[case]
    with daemon(
        tmp_path, _CONFIG + camera("cam0", {"kind": kind, **_LASTING}, **keys), watchdog=60.0
    ) as rig:
        started = rig.event("camera.started")
        recovery = _healthy_again(rig)
        actions = [line["rung"] for line in rig.told("ladder.action_started")]
        fault = rig.event("alert.capture_failure")
        lease = next(note for note in rig.notes if note.at >= fault.at and "WATCHDOG_USEC=" in note.text)
        paid = rig.note("WATCHDOG=1$", since=lease.number)

        assert fault["fault"] == name
        assert ["restart-stream", "restart-worker", "restart-worker"] == actions[:3]
        assert {"restart-worker"} == set(actions[3:])
        assert recovery.at - started.at > 12
        assert paid.at > recovery.at - 1


@together
def test_suspicion_ends_with_the_incident(tmp_path: Path) -> None:
    """A picture that was bad once and then well may be bad again for its whole time, in a fresh worker too."""
    script: tuple[dict[str, object], ...] = (
        {"kind": "black", "at": 1, "until": "restart-stream"},
        {"kind": "crash", "at": 6},
        {"kind": "black", "at": 6},
    )
    checks = {"checks__content_after": 1.5, "checks__on_black": "recover"}
    with daemon(tmp_path, QUICK + camera("cam0", *script, **checks)) as rig:
        crash = rig.event("alert.capture_failure", fault="worker-crashed")
        black = rig.event("alert.capture_failure", fault="black-picture", since=crash.number)
        alerts = rig.alerts("cam0")

    first = [line["fault"] for line in alerts if line["event"] == "alert.capture_failure"]
    between = [line["event"] for line in alerts if crash.number < line.number < black.number]
    assert ["black-picture", "worker-crashed", "black-picture"] == first
    assert ["alert.recovery"] == between
