# SPDX-License-Identifier: MIT
"""Owns the proof that a reload takes what is good, refuses what is bad, and disturbs no camera that it need not."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.process.daemon import QUICK, Daemon, Line, camera, daemon
from tests.process.side_by_side import SideBySide

together = SideBySide()

_TWO = QUICK + camera("cam0") + camera("cam1", required=False)


@contextmanager
def two_cameras(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon with two healthy cameras."""
    with daemon(tmp_path, _TWO) as rig:
        for name in ("cam0", "cam1"):
            rig.event("camera.started", camera=name)
        yield rig


def reload(rig: Daemon, config: str, event: str = "configuration.reloaded") -> Line:
    """Change the file and send SIGHUP; gives the line about what became of it."""
    lines, notes = len(rig.lines), len(rig.notes)
    (rig.directory / "config.toml").write_text(config)
    rig.signal(signal.SIGHUP)
    begun = rig.note(r"RELOADING=1\nMONOTONIC_USEC=\d+$", since=notes)
    rig.note("READY=1$", since=begun.number)
    return rig.event(event, since=lines)


@together
def test_changed_camera_settings_take_a_new_worker(tmp_path: Path) -> None:
    """A camera whose settings changed is opened anew by a fresh worker; the other one is not touched."""
    with two_cameras(tmp_path) as rig:
        before = rig.workers()
        done = reload(rig, QUICK + camera("cam0", frame_rate=25) + camera("cam1", required=False))
        rig.event("camera.started", camera="cam0", since=done.number)

        assert len(before & rig.workers()) == 1
        assert len(rig.workers()) == 2
        assert len(rig.told("camera.opened", camera="cam1")) == 1
        assert [] == rig.alerts("cam0")


@together
def test_a_changed_ladder_restarts_nothing(tmp_path: Path) -> None:
    """New numbers for the ladder are in force without a new worker."""
    with two_cameras(tmp_path) as rig:
        before = rig.workers()
        reload(
            rig,
            _TWO.replace("[ladder.restart-stream]\nattempts = 1", "[ladder.restart-stream]\nattempts = 3"),
        )
        script = {"kind": "stall", "at": 0.5, "until": "restart-stream"}
        reload(rig, (rig.directory / "config.toml").read_text() + camera("cam2", script))
        started = rig.event("ladder.action_started", camera="cam2")

        assert "attempt 1 of 3" in started["message"]
        assert before < rig.workers()


@together
def test_a_bad_configuration_is_refused_whole(tmp_path: Path) -> None:
    """All problems stand in one log line, STATUS says so, and the last good configuration stays in force."""
    with two_cameras(tmp_path) as rig:
        before = rig.workers()
        bad = _TWO.replace(
            "max_consecutive_failures = 2", 'max_consecutive_failures = "two"\nframe_timeut = 1'
        )
        refused = reload(rig, bad + camera("cam2"), "configuration.refused")

        assert refused["level"] == "error"
        assert all(
            word in refused["message"]
            for word in ("max_consecutive_failures", "frame_timeut", "config.toml")
        )
        assert rig.status("; new configuration refused, see journal")
        assert before == rig.workers()

        notes = len(rig.notes)
        reload(rig, _TWO)
        assert rig.note("STATUS=(?!.*refused)", since=notes)


@together
def test_broken_toml_is_refused_with_its_place(tmp_path: Path) -> None:
    """A file that is no TOML is refused with line and column, and changes nothing."""
    with two_cameras(tmp_path) as rig:
        refused = reload(rig, "[daemon\n", "configuration.refused")

        assert "config.toml, line 1" in refused["message"]


@together
def test_a_changed_level_of_the_log_is_in_force(tmp_path: Path) -> None:
    """More, then less is logged without a restart; what does need one is said."""
    quiet = _TWO.replace('log_level = "debug"', 'log_level = "info"')
    with daemon(tmp_path, quiet) as rig:
        rig.event("camera.started", camera="cam0")
        assert [] == rig.told("worker.entering")
        reload(rig, _TWO + camera("cam2"))
        entering = rig.event("worker.entering", camera="cam2")
        silent = quiet.replace("[daemon]", '[daemon]\nlog_format = "text"') + camera("cam3")
        said = reload(rig, silent, "configuration.needs_restart")
        rig.event("camera.started", camera="cam3", since=said.number)

        assert "debug" == entering["level"]
        assert "log_format" in said["message"]
        assert [] == rig.told("worker.entering", camera="cam3")


@together
def test_the_command_lines_level_outlives_a_reload(tmp_path: Path) -> None:
    """`--log-level` is over the configuration, whatever a reload says."""
    with daemon(tmp_path, QUICK + camera("cam0"), "--log-level", "info") as rig:
        rig.event("camera.started", camera="cam0")
        done = reload(rig, QUICK.replace("summary_interval = 2", "summary_interval = 1") + camera("cam0"))
        rig.event("camera.summary", since=done.number)

        assert [] == [line for line in rig.lines if line["level"] == "debug"]


@together
def test_cameras_come_and_go(tmp_path: Path) -> None:
    """A camera that the new configuration lacks loses its worker; one that is new gets one."""
    with two_cameras(tmp_path) as rig:
        done = reload(rig, QUICK + camera("cam0") + camera("cam9"))
        rig.event("camera.started", camera="cam9", since=done.number)
        status = rig.status("cam9 EXCELLENT", since=next(n.number for n in rig.notes if n.at > done.at))

        assert "cam1" not in status
        assert len(rig.workers()) == 2
        assert len(rig.told("camera.opened", camera="cam0")) == 1


@together
def test_a_removed_camera_ends_its_lease(tmp_path: Path) -> None:
    """When the required camera that is dead leaves the configuration, the others pay for the watchdog again."""
    dead = camera("cam1", {"kind": "missing", "at": 0})
    with daemon(tmp_path, QUICK + camera("cam0") + dead, watchdog=60.0) as rig:
        rig.event("camera.started", camera="cam0")
        rig.event("alert.connection_error", camera="cam1")
        assert not [note for note in rig.notes if note.text == "WATCHDOG=1"]
        reload(rig, QUICK + camera("cam0"))

        assert rig.note("WATCHDOG=1").number == rig.note("WATCHDOG_USEC=60000000").number + 1


@together
def test_reloads_in_a_row_end_with_the_last(tmp_path: Path) -> None:
    """SIGHUPs that arrive while one is being served are served by one more reading."""
    with two_cameras(tmp_path) as rig:
        for rate in (21, 22, 23, 24):
            (rig.directory / "config.toml").write_text(
                QUICK + camera("cam0", frame_rate=rate) + camera("cam1")
            )
            rig.signal(signal.SIGHUP)
        reload(rig, QUICK + camera("cam0") + camera("cam5"))
        rig.event("camera.started", camera="cam5")

        assert len(rig.told("configuration.reloaded")) <= 3
