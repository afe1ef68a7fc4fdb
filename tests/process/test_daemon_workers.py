# SPDX-License-Identifier: MIT
"""Owns the proof about the processes of a daemon: the standby, one worker a camera, and none that outlives it."""

import os
import select
import signal
import time
from pathlib import Path

from camwatchd.adapters import ledger_dump
from tests.process.daemon import QUICK, Daemon, await_end, camera, daemon
from tests.process.side_by_side import SideBySide

together = SideBySide()

_STANDBY = QUICK.replace("standby = false", "standby = true")


def standby(rig: Daemon, since: int = 0) -> int:
    """The pid of the standby that is ready by now."""
    rig.event("standby.ready", since=since)
    (pid,) = rig.workers(standby=True)
    return pid


@together
def test_the_first_reinitialisation_takes_the_standby(tmp_path: Path) -> None:
    """A crash is cured by the process that stood by, and another takes its place there."""
    with daemon(tmp_path, _STANDBY + camera("cam0")) as rig:
        rig.event("camera.started")
        first, reserve = rig.worker(), standby(rig)
        os.kill(first, signal.SIGSEGV)
        recovery = rig.event("alert.recovery")
        rig.event("standby.ready", since=recovery.number)

        assert rig.workers() == set()  # the camera's worker is the former standby
        assert len(rig.workers(standby=True) - {reserve}) == 1
        assert reserve in rig.processes()


@together
def test_further_attempts_execute_afresh(tmp_path: Path) -> None:
    """When the standby did not help either, the next worker is a new process."""
    with daemon(tmp_path, _STANDBY + camera("cam0", frame_rate=1)) as rig:
        rig.event("camera.started")
        first, reserve = rig.worker(), standby(rig)
        os.kill(first, signal.SIGSEGV)
        second = rig.event("camera.opened", since=rig.event("alert.capture_failure").number)
        os.kill(reserve, signal.SIGSEGV)  # it needs three seconds for three frames
        rig.event("camera.opened", since=second.number + 1)
        (third,) = rig.workers()

        assert third != first
        assert [1, 2] == [line["attempt"] for line in rig.told("ladder.action_started")]


@together
def test_each_incident_has_the_words_of_its_own_workers(tmp_path: Path) -> None:
    """A second fault soon after the first is not told with how the worker before it had died."""
    with daemon(tmp_path, QUICK + camera("cam0")) as rig:
        rig.event("camera.started")
        os.kill(rig.worker(), signal.SIGSEGV)
        cured = rig.event("alert.recovery")
        os.kill(rig.worker(), signal.SIGABRT)
        rig.event("alert.recovery", since=cured.number + 1)
        rig.stop()
    words = [one["words"] for one in ledger_dump.read(tmp_path / "state")["incidents"]]

    assert [(True, False), (False, True)] == [
        ("Fatal Python error: Segmentation fault" in said, "Fatal Python error: Aborted" in said)
        for said in words
    ]


@together
def test_a_dead_standby_is_no_fault(tmp_path: Path) -> None:
    """A standby that is killed is said and harms no camera."""
    with daemon(tmp_path, _STANDBY + camera("cam0")) as rig:
        rig.event("camera.started")
        reserve = standby(rig)
        os.kill(reserve, signal.SIGKILL)
        ended = rig.event("standby.exited")
        rig.event("camera.summary", since=ended.number)

        assert [] == rig.alerts("cam0")


@together
def test_no_standby_where_none_is_wanted(tmp_path: Path) -> None:
    """`standby = false`: no further process, and the first re-initialisation executes one."""
    with daemon(tmp_path, QUICK + camera("cam0", {"kind": "crash", "at": 1})) as rig:
        first = rig.worker()
        rig.event("alert.recovery")
        (second,) = rig.workers()

        assert second != first
        assert {second, rig.recorder()} == rig.own()
        assert [] == rig.told("standby.ready")


@together
def test_workers_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    """SIGKILL of the supervisor ends its workers at once, those that hang, the standby and all others too."""
    cameras = camera("cam0") + camera("cam1", {"kind": "hang", "at_frame": 15, "refuse_signals": True})
    with daemon(tmp_path, _STANDBY + cameras) as rig:
        rig.event("standby.ready")
        rig.event("capture.failed", camera="cam1")
        pids, own = list(rig.processes()), rig.own()
        killed = rig.signal(signal.SIGKILL)

        assert len(own) == 4
        assert all(await_end(pid) - killed < 1 for pid in pids)
        assert rig.process.wait() == -signal.SIGKILL


@together
def test_no_camera_is_opened_while_its_last_worker_lives(tmp_path: Path) -> None:
    """A worker that refuses to die delays its successor: that one is executed only after it was reaped."""
    script = {"kind": "hang", "at_frame": 15, "until": "restart-worker", "refuse_signals": True}
    with daemon(tmp_path, QUICK + camera("cam0", script)) as rig:
        lived = _last_seen(rig.worker())
        opened = rig.event("camera.opened", since=rig.event("ladder.action_started").number)
        (second,) = rig.workers()

        assert {second, rig.recorder()} == rig.own()
        assert opened["monotonic"] > lived
        assert _started_at(second) >= lived - 0.02  # the kernel counts in hundredths


@together
def test_a_restart_of_the_stream_that_hangs_is_not_ordered_again(tmp_path: Path) -> None:
    """The worker that is stuck in it is replaced by a fresh one, and the incident says what it turned out to be."""
    both = {"at": 1.5, "until": "restart-worker"}
    timed_out = {"kind": "stderr", "message": "Camera frontend has timed out!", **both}
    config = QUICK.replace("attempts = 1\nsettle = 1.5", "attempts = 2\ntimeout = 2")
    with daemon(tmp_path, config + camera("cam0", timed_out, {"kind": "hang", **both})) as rig:
        recovery = rig.event("alert.recovery")
        first, second, *rest = [line for line in rig.alerts("cam0") if line.at < recovery.at]
        actions = [line["rung"] for line in rig.told("ladder.action_started")]

        assert ["frontend-timeout", "worker-silent"] == [first["fault"], second["fault"]]
        assert "did not return within 2." in second["evidence"]
        assert 2 <= second["monotonic"] - first["monotonic"] < 3
        assert ["restart-stream", "restart-worker"] == actions
        assert ("restart-worker", 1, []) == (recovery["rung"], recovery["attempt"], rest)


def _last_seen(pid: int) -> float:
    """When a process was last seen alive. Looked for often: how late we hear of its end tells nothing."""
    end, pidfd = select.poll(), os.pidfd_open(pid)
    end.register(pidfd, select.POLLIN)
    seen = looked = time.monotonic()  # before each look: a pause of ours after it makes nobody live longer
    while not end.poll(0):
        seen = looked
        looked = time.monotonic()
        end.poll(5)
    os.close(pidfd)
    return seen


def _started_at(pid: int) -> float:
    """When a process was executed, on the monotonic clock (proc(5): field 22, in ticks since boot)."""
    ticks = int(Path("/proc", str(pid), "stat").read_text().rpartition(") ")[2].split()[19])
    return ticks / os.sysconf("SC_CLK_TCK") + time.monotonic() - time.clock_gettime(time.CLOCK_BOOTTIME)
