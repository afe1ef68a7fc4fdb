# SPDX-License-Identifier: MIT
"""Owns the proof of leaving on purpose: written down, then status 75; resumed by the next start; parked in the end.

The tests play systemd: they start the daemon again in the same runtime and state directories.
"""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from camwatchd.adapters import rundir
from camwatchd.adapters.medium import untrusted
from camwatchd.control.protocol import Pause
from tests.adapters.test_host import in_unit
from tests.process.daemon import Daemon, camera, command, daemon, folders, running
from tests.process.leaving import (
    LEAVING,
    ask,
    camera_facts,
    cure,
    deliver,
    kept,
    ledger,
    marks,
    obedient,
    refusal,
    stall,
    start,
)
from tests.process.recorder_rig import systemctl
from tests.process.side_by_side import SideBySide

together = SideBySide()

_STALL: dict[str, object] = {"kind": "stall", "at_frame": 15}
_REBOOT = LEAVING.replace("settle = 1.5", "enabled = false").replace("attempts = 3", "attempts = 2")


@together
def test_the_whole_way_up_and_back(tmp_path: Path) -> None:
    """A camera that worked and then stalls: restart-service by status 75, resumed with its counts; the reboot is
    refused by name and the camera parked; frames that return unpark it. For the ledger it is one incident."""
    with obedient(tmp_path, LEAVING + camera("cam0")) as rig:
        rig.event("camera.started")
        stall(tmp_path)
        leaving = rig.event("service.leaving")
        rig.ends(75)
        last_words = [note.text for note in rig.notes[-2:]]
    found = kept(tmp_path)
    with obedient(tmp_path, LEAVING + camera("cam0")) as rig:
        rig.event("daemon.started")
        resumed = camera_facts(tmp_path)
        parked = rig.event("alert.critical", refusal=refusal(tmp_path))
        rig.status(rf"frames-stopped; parked, no reboot \({refusal(tmp_path)}\), next probe in")
        deliver(tmp_path)
        recovery = rig.event("alert.recovery")
        rig.stop()

    assert ("restart-service", "frames-stopped") == (leaving["rung"], leaving["fault"])
    assert ["STATUS=leaving for restart-service (cam0: frames-stopped)", "STOPPING=1"] == last_words
    assert (1, 1, "") == (len(found.starts), len(found.restarts), found.intent)
    before = found.incidents["cam0"]
    assert (2, 4) <= (before.failed_recoveries, before.failures)
    assert before.failures <= resumed.consecutive_failures
    assert (2, "restart-service") == (resumed.failed_recoveries, resumed.rung)
    assert [] == [line for line in rig.alerts("cam0") if line["event"] == "alert.capture_failure"]
    assert parked["message"].startswith("CAMERA_CRITICAL: cam0: frames-stopped: parked, no reboot (")
    assert (None, 100) == (recovery.facts.get("rung"), recovery["health_score"])
    assert ["boot", "start", "service-restart", "start", "healthy", "clean-stop"] == marks(tmp_path)
    (incident,) = ledger(tmp_path)["incidents"]
    assert "healthy by itself" == incident["ended"]
    steps = [(step["rung"], step["outcome"]) for step in incident["steps"]]
    assert [
        ("", "named"), ("restart-stream", "failed"), ("restart-worker", "failed"),
        ("reset-device", "not-applicable"), ("restart-service", "granted"), ("restart-service", "failed"),
        ("restart-worker", "failed"), ("reboot", "refused"), ("", "parked"), ("", "succeeded"),
    ] == steps  # fmt: skip


@together
def test_a_service_restart_that_helps(tmp_path: Path) -> None:
    """A camera that the next start brings back: recovered by restart-service, and nothing of it is kept."""
    with daemon(tmp_path, LEAVING + camera("cam0", _STALL)) as rig:
        rig.event("service.leaving")
        rig.ends(75)
    cure(tmp_path)
    with start(tmp_path) as rig:
        recovery = rig.event("alert.recovery")
        rig.stop()

    assert "restart-service" == recovery["rung"]
    assert ({}, 1) == (kept(tmp_path).incidents, len(kept(tmp_path).restarts))
    (incident,) = ledger(tmp_path)["incidents"]
    assert "healthy by restart-service 1" == incident["ended"]


@pytest.mark.parametrize("config", ["[daemon\n", LEAVING + camera("cam0")], ids=["broken", "good"])
@together
def test_with_an_intent_every_start_leaves_at_once(tmp_path: Path, config: str) -> None:
    """A reboot was decided in this boot: status 75 before a configuration is read; nothing is started or said to
    systemd, and what is kept stays as it is."""
    folders(tmp_path, config)
    intent = rundir.Kept(boot=rundir.boot_id(), starts=(1.0,), intent="reboot for cam0: frames-stopped")
    rundir.save(str(tmp_path / "run"), intent)
    for _ in range(2):
        with running(Daemon(tmp_path, command())) as rig:
            rig.ends(75)
        (said,) = rig.noise
        assert said.startswith("camwatchd: reboot for cam0: frames-stopped: leaving with status 75")
        assert ([], []) == (rig.lines, rig.notes)

    assert intent == kept(tmp_path)
    assert [tmp_path / "run/kept.json"] == [*(tmp_path / "run").iterdir(), *(tmp_path / "state").iterdir()]


@pytest.mark.parametrize("what", ["of another boot", "damaged", "empty"])
@together
def test_an_intent_that_is_not_of_this_boot_is_ignored(tmp_path: Path, what: str) -> None:
    """The boot that it asked for has come; a file that cannot be read decides nothing either."""
    folders(tmp_path, LEAVING + camera("cam0"))
    rundir.save(str(tmp_path / "run"), rundir.Kept(boot="another", intent="reboot for cam0: frames-stopped"))
    if what != "of another boot":
        text = (tmp_path / "run/kept.json").read_text().replace("another", rundir.boot_id())
        (tmp_path / "run/kept.json").write_text(text[:-1] if what == "damaged" else "")
    with start(tmp_path) as rig:
        rig.event("daemon.started")
        rig.signal(signal.SIGTERM)
        rig.ends(0)

    assert ("", 1) == (kept(tmp_path).intent, len(kept(tmp_path).starts))


@together
def test_a_granted_reboot_leaves_for_good(tmp_path: Path) -> None:
    """Where systemd would reboot: the intent is durable, this start and every further one of the boot leave."""
    if reason := untrusted(tmp_path):
        pytest.skip(f"no reboot is granted here: {reason}")
    in_unit(tmp_path / "host", "")
    systemctl(tmp_path / "bin", "reboot", "yes")
    rules = "[reboot]\nmin_uptime_before_reboot = 0\nwait_for_others = 0\n"
    with obedient(tmp_path, _REBOOT + rules + camera("cam0")) as rig:
        rig.event("camera.started")
        stall(tmp_path)
        leaving = rig.event("service.leaving")
        rig.ends(75)
    with start(tmp_path) as rig:
        rig.ends(75)

    assert "reboot" == leaving["rung"]
    assert "reboot for cam0: frames-stopped" == kept(tmp_path).intent
    assert ["boot", "start", "healthy", "intent"] == marks(tmp_path)
    assert [] == rig.notes


@together
def test_an_optional_camera_never_leaves(tmp_path: Path) -> None:
    """Nothing but alerts: the last rungs are not even asked for, and the refusal names the reason."""
    with daemon(tmp_path, LEAVING + camera("cam0", _STALL, required=False)) as rig:
        parked = rig.event("alert.critical", refusal="optional-camera")
        rig.stop()

    assert "only a required camera may reboot the machine" in parked["message"]
    assert [] == rig.told("ladder.leave_asked")
    assert () == kept(tmp_path).restarts
    assert ["boot", "start", "healthy", "clean-stop"] == marks(tmp_path)


@together
def test_a_camera_that_never_worked_never_leaves(tmp_path: Path) -> None:
    """Without a healthy frame in the ledger neither the service nor the machine is restarted for it."""
    with daemon(tmp_path, LEAVING + camera("cam0", {"kind": "missing", "at": 0})) as rig:
        refused = rig.event("ladder.leave_refused", rung="restart-service")
        known = "never-healthy" if refusal(tmp_path) == "no-systemd" else refusal(tmp_path)
        rig.event("alert.critical", refusal=known)
        rig.stop()

    assert "never-healthy" == refused["refusal"]
    assert [] == rig.told("service.leaving")
    assert () == kept(tmp_path).restarts


@together
def test_frames_that_return_while_the_answer_is_under_way(tmp_path: Path) -> None:
    """Healthy again before the grant has come: it is revoked, nobody leaves, and it counts for nothing."""
    with obedient(tmp_path, LEAVING + camera("cam0")) as rig:
        rig.event("camera.started")
        stall(tmp_path)
        rig.event("alert.capture_failure")
        recorder = rig.recorder()
        os.kill(recorder, signal.SIGSTOP)
        rig.event("ladder.leave_asked", rung="restart-service")
        deliver(tmp_path)
        rig.event("alert.recovery")
        os.kill(recorder, signal.SIGCONT)
        rig.event("service.leave_revoked", camera="cam0", rung="restart-service")
        rig.stop()

    assert [] == rig.told("ladder.leave_refused")
    assert () == kept(tmp_path).restarts
    assert ["boot", "start", "service-restart", "healthy", "revoked", "clean-stop"] == marks(tmp_path)


@together
def test_a_stop_while_the_answer_is_under_way(tmp_path: Path) -> None:
    """SIGTERM before the grant has come: a clean stop all the same, and the grant is revoked."""
    with daemon(tmp_path, LEAVING + camera("cam0", _STALL)) as rig:
        rig.event("alert.capture_failure")
        recorder = rig.recorder()
        os.kill(recorder, signal.SIGSTOP)
        rig.event("ladder.leave_asked", rung="restart-service")
        rig.signal(signal.SIGTERM)
        rig.event("daemon.stopping")
        os.kill(recorder, signal.SIGCONT)
        rig.ends(0)

    assert ((), {}) == (kept(tmp_path).restarts, kept(tmp_path).incidents)
    assert ["boot", "start", "healthy", "service-restart", "clean-stop", "revoked"] == marks(tmp_path)


@together
def test_nobody_leaves_whose_reason_cannot_be_kept(tmp_path: Path) -> None:
    """The next start would not know why: a runtime directory that takes nothing revokes the grant, and what was
    refused is not kept later either, with something else."""
    with daemon(tmp_path, LEAVING + camera("cam0", _STALL)) as rig:
        rig.event("camera.started")
        before = kept(tmp_path)
        (tmp_path / "run/kept.new").mkdir()
        refused = rig.event("ladder.leave_refused", rung="restart-service")
        (tmp_path / "run/kept.new").rmdir()
        ask(tmp_path, Pause(60.0))
        after = kept(tmp_path)
        rig.stop()

    assert "no-runtime-directory" == refused["refusal"]
    assert rig.told("rundir.unwritable")
    assert before == replace(after, paused={})
    assert {"cam0"} == set(after.paused)
    assert ["boot", "start", "healthy", "service-restart", "revoked", "clean-stop"] == marks(tmp_path)
