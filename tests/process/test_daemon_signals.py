# SPDX-License-Identifier: MIT
"""Owns the proof that SIGTERM and SIGINT end everything in order at any moment of the daemon's life."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.process.daemon import (
    DOWN_WITHIN,
    PATIENCE,
    QUICK,
    Daemon,
    camera,
    command,
    daemon,
    folders,
    running,
)
from tests.process.side_by_side import SideBySide

together = SideBySide()

_HANG: dict[str, object] = {"kind": "hang", "at_frame": 10, "refuse_signals": True}
_STANDBY = QUICK.replace("standby = false", "standby = true")


def ends(rig: Daemon, *signals: signal.Signals) -> None:
    """Each of these signals, one after the other; then everything is down in time and in order."""
    began = min([time.monotonic(), *map(rig.signal, signals)])
    assert rig.ended(0) - began < DOWN_WITHIN
    assert {} == rig.processes()
    rig.close()
    assert [] == rig.noise


def handlers_in_place(pid: int) -> None:
    """Return as soon as SIGTERM has a handler: long before the imports are through."""
    status = Path("/proc", str(pid), "status")
    while True:
        caught = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt"))
        if int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        os.sched_yield()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@together
def test_a_signal_during_the_imports_is_kept(tmp_path: Path, number: signal.Signals) -> None:
    """A signal that arrives before the daemon can act on it is acted on as soon as it can."""
    folders(tmp_path, _STANDBY + camera("cam0"))
    with running(Daemon(tmp_path, command())) as rig:
        handlers_in_place(rig.pid)
        rig.signal(number)
        heard = rig.event("daemon.stopping")
        assert rig.ends(0) - heard.at < DOWN_WITHIN
    assert [] == rig.noise


@together
def test_a_signal_while_the_configuration_is_read_is_kept(tmp_path: Path) -> None:
    """A disk that does not answer delays the end, but nothing of it is lost."""
    folders(tmp_path, "")
    (tmp_path / "config.toml").unlink()
    os.mkfifo(tmp_path / "config.toml")
    with running(Daemon(tmp_path, command())) as rig:
        with (tmp_path / "config.toml").open("w") as config:  # returns when the daemon has opened it too
            rig.signal(signal.SIGTERM)
            config.write(QUICK + camera("cam0"))
        ends(rig)


MOMENTS: dict[str, tuple[str, Callable[[Daemon], object]]] = {
    "worker-importing": (_STANDBY + camera("cam0"), lambda rig: rig.event("daemon.started")),
    "opening": (
        QUICK + camera("cam0", {"kind": "slow-open", "amount": 60}),
        lambda rig: rig.event("worker.entering", call="open"),
    ),
    "healthy": (_STANDBY + camera("cam0") + camera("cam1"), lambda rig: rig.event("standby.ready")),
    "settling": (
        QUICK + camera("cam0", {"kind": "stall", "at_frame": 10}),
        lambda rig: rig.status("done, waiting for frames"),
    ),
    "backoff": (
        QUICK.replace("backoff = 0.1", "backoff = 60").replace("cooldown = 1", "cooldown = 60")
        + camera("cam0", {"kind": "exit", "amount": 3, "at": 0.3, "duration": 1000}),
        lambda rig: rig.event("ladder.waiting"),
    ),
    "busy": (QUICK + camera("cam0", {"kind": "busy"}), lambda rig: rig.status("next probe in")),
    "killing": (QUICK + camera("cam0", _HANG), lambda rig: rig.event("ladder.action_started")),
    "no-camera": (QUICK + "[camera]\n", lambda rig: rig.event("daemon.started")),
}


@pytest.mark.parametrize("moment", MOMENTS)
@together
def test_sigterm_at_any_moment_ends_everything(tmp_path: Path, moment: str) -> None:
    """Down within 5 s, status 0, nothing left: whatever the worker and the ladder are at."""
    config, reached = MOMENTS[moment]
    with daemon(tmp_path, config) as rig:
        reached(rig)
        ends(rig, signal.SIGTERM)

    assert "STOPPING=1" in [note.text for note in rig.notes]
    assert rig.told("daemon.stopping")


@together
def test_a_second_signal_changes_nothing(tmp_path: Path) -> None:
    """SIGTERM and SIGINT together, while a worker refuses to die: one orderly end."""
    with daemon(tmp_path, QUICK + camera("cam0", _HANG)) as rig:
        rig.event("capture.failed")
        ends(rig, signal.SIGINT, signal.SIGTERM, signal.SIGTERM)

    assert len(rig.told("daemon.stopping")) == 1
    assert [note.text for note in rig.notes].count("STOPPING=1") == 1


@together
def test_a_reload_under_way_does_not_outlive_the_daemon(tmp_path: Path) -> None:
    """SIGTERM while the disk does not answer a reload: its reader is ended too, and READY=1 is not said again."""
    with daemon(tmp_path, QUICK + camera("cam0")) as rig:
        rig.event("camera.started")
        (tmp_path / "config.toml").unlink()
        os.mkfifo(tmp_path / "config.toml")  # nobody ever writes to it
        rig.signal(signal.SIGHUP)
        rig.note("RELOADING=1")
        ends(rig, signal.SIGTERM)

    said = [note.text for note in rig.notes if not note.text.startswith("STATUS")]
    assert said[-1] == "STOPPING=1"


@together
def test_a_bad_configuration_at_the_start_is_status_78(tmp_path: Path) -> None:
    """What starting again cannot cure ends with the status that systemd does not restart, and says why."""
    folders(tmp_path, "[supervision]\nframe_timeout = -1\n")
    rig = Daemon(tmp_path, command())
    assert rig.process.wait(PATIENCE) == 78
    rig.close()

    assert "frame_timeout" in "\n".join(rig.noise)
    assert [] == rig.notes


_WATCHER = """
import importlib.abc, runpy, signal, sys

class Watcher(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ("camwatchd", "sdnotify", "structlog", "tomli"):
            return None
        heard = [callable(signal.getsignal(n)) and signal.getsignal(n) is not signal.default_int_handler
                 for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
        print(name, all(heard), flush=True)
        if name == "camwatchd.supervisor":
            sys.exit(0)

sys.meta_path.insert(0, Watcher())
sys.argv[0] = "camwatchd"
runpy.run_module("camwatchd", run_name="__main__")
"""


def test_signals_are_heard_before_the_slow_imports(tmp_path: Path) -> None:
    """Nothing of ours but a few lines, and nothing of others, is imported before the handlers are in place."""
    (tmp_path / "config.toml").touch()
    watcher = [sys.executable, "-c", _WATCHER, *command()[2:]]
    output = subprocess.run(watcher, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    looked_for = [line.split() for line in output.splitlines()]

    assert looked_for[-1] == ["camwatchd.supervisor", "True"]
    assert {name for name, heard in looked_for if heard == "False"} <= {
        "camwatchd", "camwatchd.__main__", "camwatchd.errors", "camwatchd.loop",
    }  # fmt: skip
