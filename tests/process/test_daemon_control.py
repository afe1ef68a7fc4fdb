# SPDX-License-Identifier: MIT
"""Owns the proof of what an operator may ask of a real daemon: status, pause, resume, recover, reload."""

import os
import signal
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from camwatchd.control.client import Client, ControlError
from camwatchd.control.protocol import (
    SOCKET_NAME,
    Pause,
    PauseFacts,
    Reason,
    Recover,
    RecoverFacts,
    Reload,
    ReloadFacts,
    Resume,
    ResumeFacts,
    Status,
)
from tests.process.daemon import QUICK, Daemon, camera, daemon
from tests.process.leaving import ask, camera_facts, cure, facts, kept, start
from tests.process.side_by_side import SideBySide

together = SideBySide()

_GRACE = 60.0  # seconds between the end of a pause and systemd's patience
_POLLERS = 20


def leased(rig: Daemon, since: int) -> float:
    """The next watchdog interval that systemd is told, in seconds."""
    return int(rig.note("WATCHDOG_USEC=", since=since).text.removeprefix("WATCHDOG_USEC=")) / 1e6


@together
def test_the_status_of_a_healthy_daemon(tmp_path: Path) -> None:
    """The facts are those of the cameras and of the process, and the line is the one that systemd shows."""
    with daemon(tmp_path, QUICK + camera("cam0") + camera("cam1", required=False), watchdog=60.0) as rig:
        for name in ("cam0", "cam1"):
            rig.event("camera.started", camera=name)
        rig.note("WATCHDOG=1")
        found = facts(tmp_path)

    assert (rig.pid, 60.0, "armed") == (
        found.daemon.pid,
        found.daemon.watchdog_interval,
        found.daemon.reboot_mode,
    )
    assert found.daemon.watchdog_pings >= 1
    assert found.daemon.status.startswith("cam0 EXCELLENT 100/100, ")
    assert [("cam0", True), ("cam1", False)] == [(camera.name, camera.required) for camera in found.cameras]
    assert {("healthy", 100, True, "simulated")} == {
        (camera.phase, camera.health_score, camera.is_capturing, camera.model) for camera in found.cameras
    }


@together
def test_a_pause_releases_the_camera_until_it_is_resumed(tmp_path: Path) -> None:
    """The answer comes when the worker is gone; the other camera goes on; resume takes the camera again."""
    with daemon(tmp_path, QUICK + camera("cam0") + camera("cam1")) as rig:
        for name in ("cam0", "cam1"):
            rig.event("camera.started", camera=name)
        before = rig.workers()
        released = ask(tmp_path, Pause(600.0, ("cam0",)))
        left = rig.workers()
        paused = facts(tmp_path)
        rig.status("cam0 paused by its operator, 10 min left")
        with pytest.raises(ControlError) as refused:
            ask(tmp_path, Recover(("cam0",)))
        resumed = ask(tmp_path, Resume())
        again = rig.event("camera.started", camera="cam0", since=rig.event("camera.resumed").number)

    assert isinstance(released, PauseFacts)
    assert (("cam0",), ()) == (released.cameras, released.occupied)
    assert 595 < released.seconds <= 600
    assert (2, 1) == (len(before), len(left & before))
    assert [("paused", False), ("healthy", True)] == [(c.phase, c.has_worker) for c in paused.cameras]
    assert Reason.PAUSED == refused.value.reason
    assert ResumeFacts(("cam0",)) == resumed
    assert [] == rig.alerts("cam0") + rig.alerts("cam1")
    assert 1 == len(rig.told("camera.opened", camera="cam1"))
    assert again["seconds"] < 10


@together
def test_a_pause_ends_by_itself(tmp_path: Path) -> None:
    """Nobody resumes: when the time is over the camera is taken again."""
    with daemon(tmp_path, QUICK + camera("cam0")) as rig:
        rig.event("camera.started")
        ask(tmp_path, Pause(3.0))
        paused = rig.event("camera.paused")
        resumed = rig.event("camera.resumed", expired=True)
        rig.event("camera.started", since=resumed.number)

    assert resumed["monotonic"] - paused["monotonic"] >= 2.9


@together
def test_the_watchdogs_lease_covers_the_pause(tmp_path: Path) -> None:
    """Systemd is told once to wait until a minute after the end, hears no ping meanwhile, and then the steady
    interval again."""
    with daemon(tmp_path, QUICK + camera("cam0"), watchdog=60.0) as rig:
        rig.note("WATCHDOG=1", since=rig.note("WATCHDOG_USEC=60000000").number)
        since = len(rig.notes)
        ask(tmp_path, Pause(120.0))
        lease = leased(rig, since)
        rig.event("camera.summary", since=rig.event("camera.summary", since=len(rig.lines)).number + 1)
        during = [note.text for note in rig.notes[since:] if "WATCHDOG" in note.text]
        ask(tmp_path, Resume())
        rig.note("WATCHDOG_USEC=60000000", since=len(during) + since)

    assert lease >= 120 + _GRACE
    assert 1 == len(during)


@together
def test_a_pause_survives_a_restart(tmp_path: Path) -> None:
    """The next start of the service leaves the camera to its operator for the time that is left, on a lease that
    covers it; what was resumed before is taken at once."""
    with daemon(tmp_path, QUICK + camera("cam0") + camera("cam1"), watchdog=60.0) as rig:
        for name in ("cam0", "cam1"):
            rig.event("camera.started", camera=name)
        ask(tmp_path, Pause(600.0))
        ask(tmp_path, Resume(("cam1",)))
        rig.stop()
    ends = kept(tmp_path).paused
    with start(tmp_path, watchdog=60.0) as rig:
        rig.event("camera.started", camera="cam1")
        cam0, cam1 = facts(tmp_path).cameras
        left = ends["cam0"] - time.monotonic()
        lease = leased(rig, 0)
        ask(tmp_path, Resume())
        rig.event("camera.started", camera="cam0")
        rig.stop()

    assert {"cam0"} == set(ends)
    assert ("paused", False, "healthy") == (cam0.phase, cam0.has_worker, cam1.phase)
    assert left <= cam0.paused_for < left + 5
    assert lease >= left + _GRACE
    assert {} == kept(tmp_path).paused


@together
def test_a_recovery_on_demand_takes_the_camera_anew(tmp_path: Path) -> None:
    """Ordered for one camera, it gets another worker and is healthy again; the ladder is not climbed for it."""
    with daemon(tmp_path, QUICK + camera("cam0") + camera("cam1")) as rig:
        for name in ("cam0", "cam1"):
            rig.event("camera.started", camera=name)
        before = rig.workers()
        answer = ask(tmp_path, Recover(("cam1",)))
        ordered = rig.event("camera.recover_ordered", camera="cam1")
        rig.event("camera.started", camera="cam1", since=ordered.number)
        after = rig.workers()

    assert isinstance(answer, RecoverFacts)
    assert ("cam1",) == answer.cameras
    assert (2, 1) == (len(after), len(after & before))
    assert [] == rig.alerts("cam1")


@together
def test_a_recovery_on_demand_unparks(tmp_path: Path) -> None:
    """A human who has mended the camera need not wait for the next probe."""
    parked = QUICK.replace(
        "system_reboot_threshold = 1000", "system_reboot_threshold = 1\nmax_recovery_attempts = 1"
    )
    with daemon(tmp_path, parked + camera("cam0", {"kind": "missing", "at": 0}, required=False)) as rig:
        rig.event("alert.critical", refusal="optional-camera")
        before = camera_facts(tmp_path)
        cure(tmp_path)
        ask(tmp_path, Recover())
        rig.event("camera.started")
        after = camera_facts(tmp_path)

    assert ("parked", "optional-camera", True) == (before.phase, before.refusal, before.is_critical)
    assert ("healthy", "", False) == (after.phase, after.refusal, after.is_critical)


@together
def test_a_refused_reload_answers_with_its_problems(tmp_path: Path) -> None:
    """Who asked for it hears what is wrong with which file, all at once, and nothing has changed."""
    with daemon(tmp_path, QUICK + camera("cam0")) as rig:
        rig.event("camera.started")
        bad = QUICK.replace(
            "max_consecutive_failures = 2", 'max_consecutive_failures = "two"\nframe_timeut = 1'
        )
        (tmp_path / "config.toml").write_text(bad + camera("cam1"))
        refused = ask(tmp_path, Reload())
        names = [camera.name for camera in facts(tmp_path).cameras]
        (tmp_path / "config.toml").write_text(QUICK + camera("cam0") + camera("cam1"))
        taken = ask(tmp_path, Reload())
        after = [camera.name for camera in facts(tmp_path).cameras]
        rig.event("camera.started", camera="cam1")

    assert isinstance(refused, ReloadFacts)
    assert all(w in refused.problems for w in ("max_consecutive_failures", "frame_timeut", "config.toml"))
    assert (["cam0"], ReloadFacts(), ["cam0", "cam1"]) == (names, taken, after)


@together
def test_a_reload_that_comes_too_late_is_refused(tmp_path: Path) -> None:
    """While the daemon stops nothing is read any more, whoever asks; and systemd does not hear of it."""
    hang = {"kind": "hang", "at_frame": 15, "refuse_signals": True}
    with daemon(tmp_path, QUICK + camera("cam0", hang)) as rig:
        rig.event("capture.failed")
        rig.signal(signal.SIGTERM)
        rig.event("daemon.stopping")
        rig.signal(signal.SIGHUP)
        answer = ask(tmp_path, Reload())
        rig.ends(0)

    assert ReloadFacts("camwatchd is stopping") == answer
    assert [] == [note for note in rig.notes if "RELOADING" in note.text]


@together
def test_a_pause_outlives_a_reload(tmp_path: Path) -> None:
    """New settings of a paused camera wait for the end of its pause."""
    with daemon(tmp_path, QUICK + camera("cam0")) as rig:
        rig.event("camera.started")
        ask(tmp_path, Pause(600.0))
        (tmp_path / "config.toml").write_text(QUICK + camera("cam0", width=128))
        ask(tmp_path, Reload())
        paused = camera_facts(tmp_path)
        since = len(rig.lines)
        ask(tmp_path, Resume())
        opened = rig.event("camera.opened", since=since)

    assert ("paused", False) == (paused.phase, paused.has_worker)
    assert "128x48" in opened["message"]


def poll(path: Path, until: threading.Event, counts: list[int]) -> None:
    """Ask for the status as fast as it comes; a connection that has to make room is made anew."""
    count = 0
    while not until.is_set():
        try:
            with Client(path) as client:
                while not until.is_set():
                    client.ask(Status())
                    count += 1
        except ControlError as error:
            if error.reason is not Reason.CROWDED:
                raise
    counts.append(count)


def test_a_fault_is_handled_whoever_asks_meanwhile(tmp_path: Path) -> None:
    """More clients than are let in ask without a pause: a crash is acted on within a second, and all are served."""
    with daemon(tmp_path, QUICK + camera("cam0")) as rig, ExitStack() as stack:
        rig.event("camera.started")
        done, counts = threading.Event(), list[int]()
        line = (tmp_path / "run" / SOCKET_NAME, done, counts)
        for client in [threading.Thread(target=poll, args=line) for _ in range(_POLLERS)]:
            client.start()
            stack.callback(client.join)
        stack.callback(done.set)
        killed = time.monotonic()
        os.kill(rig.worker(), signal.SIGSEGV)
        acted = rig.event("ladder.action_started", rung="restart-worker")
        rig.event("alert.recovery")
        stack.close()
        rig.stop()

    assert acted["monotonic"] - killed < 1
    assert _POLLERS == len(counts)
    assert sum(counts) > 100
