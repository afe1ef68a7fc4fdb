# SPDX-License-Identifier: MIT
"""Owns the proof about cameras that cannot be opened yet: held by others, not plugged in, held by a leftover."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.adapters.test_host import in_unit
from tests.process.daemon import QUICK, Daemon, Line, camera, folders, running
from tests.process.leaving import cure
from tests.process.side_by_side import SideBySide
from tests.process.test_leftovers import put_stuck

together = SideBySide()

_PATIENT = QUICK.replace("backoff = 0.1", "backoff = 60").replace("cooldown = 1", "cooldown = 60")


@contextmanager
def machine(directory: Path, config: str) -> Iterator[Daemon]:
    """A daemon that watches its runtime directory for device nodes instead of /dev."""
    folders(directory, config)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = ["-m", "tests.process.nasty", "normal", str(theirs.fileno()), ""]
        with running(Daemon(directory, command, 60.0, (theirs.fileno(),))) as rig:
            yield rig


def plug_in(rig: Daemon, node: str) -> Line:
    """A device node appears; gives the line that says so."""
    (rig.directory / "run" / node).touch()
    return rig.event("device.appeared", message=f"new device nodes: {node}")


@together
def test_a_busy_camera_is_held_probed_and_comes_back(tmp_path: Path) -> None:
    """Somebody else's camera: no attempt is spent on it, probes find it busy until it is free, then it delivers."""
    with machine(tmp_path, _PATIENT + camera("cam0", {"kind": "busy", "at": 0})) as rig:
        fault = rig.event("alert.connection_error", fault="busy")
        held = rig.event("ladder.waiting", since=fault.number)
        again = plug_in(rig, "video0")
        held_again = rig.event("ladder.waiting", since=again.number)
        cure(tmp_path)
        # A further device cuts the pause short two seconds after the last one that did.
        summary = rig.event("camera.summary", since=held_again.number)
        rig.event("camera.summary", since=summary.number + 1)
        free = plug_in(rig, "video1")
        recovery = rig.event("alert.recovery", since=free.number)

    assert fault["message"].startswith("CAMERA_ISSUE: connection_error: cam0: busy: ")
    assert (20.0, "cam0: next probe in 20 s") == (held["seconds"], held["message"])
    assert rig.status("busy; next probe in [12]")
    assert [0, 0] == [line["attempt"] for line in rig.told("ladder.waiting")]
    assert 100 == recovery["health_score"]


@together
def test_a_camera_that_is_plugged_in_is_found_at_once(tmp_path: Path) -> None:
    """A missing camera is tried again as soon as a device node appears, however long the ladder would wait."""
    with machine(tmp_path, _PATIENT + camera("cam0", {"kind": "missing", "at": 0})) as rig:
        fault = rig.event("alert.connection_error", fault="not-found")
        waiting = rig.event("ladder.waiting", since=fault.number)
        cure(tmp_path)
        plugged = plug_in(rig, "video0")
        recovery = rig.event("alert.recovery")

    assert fault["message"].startswith("CAMERA_ISSUE: connection_error: cam0: not-found: ")
    assert waiting["seconds"] == 60
    assert recovery.at - plugged.at < 10
    assert "restart-worker" == recovery["rung"]


@together
def test_an_alternating_disorder_is_a_fault_where_one_failure_is_enough(tmp_path: Path) -> None:
    """Every second frame out of order: with max_consecutive_failures = 1 the stream is restarted for it."""
    config = QUICK.replace("max_consecutive_failures = 2", "max_consecutive_failures = 1")
    script = {"kind": "out-of-order", "at": 0.5, "until": "restart-stream"}
    with machine(tmp_path, config + camera("cam0", script)) as rig:
        fault, recovery = rig.event("alert.capture_failure"), rig.event("alert.recovery")

    assert "out-of-order" == fault["fault"]
    assert ("restart-stream", 100) == (recovery["rung"], recovery["health_score"])


@together
def test_what_a_slow_opening_waits_for_in_the_kernel_is_told(tmp_path: Path) -> None:
    """The kernel itself says nothing for as long as it waits; where a task of the worker hangs may be seen."""
    config = QUICK.replace("timeout = 4", "timeout = 30")
    (tmp_path / "host").mkdir()
    with machine(tmp_path, config + camera("cam0", {"kind": "slow-open", "amount": 6.5, "at": 0})) as rig:
        put_stuck(tmp_path / "host", rig.worker())
        said = rig.event("camera.slow")
        rig.event("camera.started")

    assert "waits in the kernel: task 77 in uvc_stop_streaming" == said["evidence"]
    assert "init-timeout" == said["suspicion"]


@together
def test_nothing_is_opened_while_a_leftover_lives(tmp_path: Path) -> None:
    """A process of a previous start is waited for: no worker is executed before it is gone."""
    with subprocess.Popen(["sleep", "1000"]) as leftover:
        in_unit(tmp_path / "host", f"{leftover.pid}\n")
        with machine(tmp_path, QUICK + camera("cam0")) as rig:
            found = rig.event("leftover.found")
            rig.note("READY=1")
            rig.event("camera.summary")
            before = rig.own() - {rig.recorder()}
            leftover.kill()
            opened = rig.event("camera.opened")

    assert [leftover.pid] == found["pids"]
    assert set() == before
    assert opened.at > found.at + 1
