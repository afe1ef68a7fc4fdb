# SPDX-License-Identifier: MIT
"""`camwatchctl ladder` marks who is where, and tells what a fault would come to under the configured rules."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from camwatchd import cli
from camwatchd.cli import ladder, simulation
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import LADDER, Rung
from camwatchd.core.rehearsal import End
from camwatchd.core.settings import CameraSettings, Reboot, Settings, Supervision
from tests.control.rig import camera, running

CLIMBING = camera(
    "cam1",
    phase="backoff",
    fault="not-found",
    rung="restart-worker",
    attempt=2,
    next_action="restart-worker 2/3 in 4 s",
)


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    status = cli.main(["ladder", *argv])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_the_present_position_is_marked() -> None:
    """The row of its rung, and below the table what it is doing there."""
    shown = ladder.text(LADDER, Supervision(), [camera("cam0"), CLIMBING]).splitlines()

    assert ["restart-worker"] == [line.split()[1] for line in shown[2:8] if line.startswith("> ")]
    assert ["> cam1 is at restart-worker: not-found; restart-worker 2/3 in 4 s"] == shown[8:]
    assert [[], [CLIMBING]] == [
        ladder.climbers(rung, [camera("cam0"), CLIMBING]) for rung in (LADDER[0].rung, LADDER[2].rung)
    ]


def test_only_the_camera_that_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It alone is marked; one that there is not is a mistake, with a daemon and without."""
    with running(tmp_path) as rig:
        rig.daemon.cameras = (camera("cam0"), CLIMBING)
        there = ["--socket", str(rig.path)]
        well, ill = (run(capsys, "--camera", name, *there) for name in ("cam0", "cam1"))
        rows = json.loads(run(capsys, "--camera", "cam0", "--json", *there)[1])
        wrong = run(capsys, "--camera", "cam7", *there)
    alone = [run(capsys, "--camera", name, "--socket", "/nowhere") for name in ("cam0", "cam1")]

    assert (0, "cam0 is not on the ladder: it is well, or paused or starting") == (
        well[0],
        well[1].splitlines()[-1],
    )
    assert (0, True) == (ill[0], "> cam1 is at restart-worker" in ill[1])
    assert [[]] * len(LADDER) == [row["cameras"] for row in rows]
    assert (2, "", True) == (*wrong[:2], "no camera is called 'cam7'; there are: cam0, cam1" in wrong[2])
    assert [0, 2] == [status for status, _, _ in alone]


def test_a_healthy_camera_is_on_no_rung() -> None:
    """And without a daemon nobody is said to be."""
    drawn = ladder.text(LADDER, Supervision(), None)

    assert drawn in ladder.text(LADDER, Supervision(), [camera("cam0")])
    assert "no camera is on the ladder" in ladder.text(LADDER, Supervision(), [camera("cam0")])
    assert "off" in ladder.text([replace(row, enabled=False) for row in LADDER], Supervision(), None)


def test_where_a_fault_enters_nothing_is_waited_for() -> None:
    """As the backoff is explained: before a first attempt only after another rung, or for one that is unplugged."""
    crashed, unplugged = (
        simulation.of(Settings(), CameraSettings(), fault, usb=True).soonest.moments[:2]
        for fault in ("worker-crashed", "device-gone")
    )
    stalled = simulation.of(Settings(), CameraSettings(), "frames-stopped", usb=True).soonest.moments
    climbs = [moment for moment in stalled if moment.what == "attempt" and moment.attempt == 1]
    waited = [moments[1].after - moments[0].after for moments in (crashed, unplugged)]
    backoff = LADDER[Rung.RESTART_WORKER.height].backoff

    assert [0.0, backoff] == waited
    assert [Rung.RESTART_STREAM, Rung.RESTART_WORKER] == [moment.rung for moment in climbs[:2]]
    assert climbs[0].after == stalled[0].after


@pytest.mark.parametrize("threshold", [10, 1000])
def test_a_reboot_that_waits_for_many_failures(threshold: int) -> None:
    """The highest threshold that may be configured is waited for; what is the same over and over is told once."""
    settings = Settings(supervision=Supervision(system_reboot_threshold=threshold))
    found = simulation.of(settings, CameraSettings(), "init-timeout", usb=True)
    shown = simulation.text(found)

    assert (End.REBOOT, threshold > 10) == (found.latest.end, "and so on: " in shown)
    assert len(shown.splitlines()) < 30


@pytest.mark.parametrize("mode", ["observe", "off"])
def test_a_reboot_that_nobody_may_do_ends_in_a_park(mode: Literal["observe", "off"]) -> None:
    """It is asked for all the same, and refused; the table of outages says so, too."""
    settings = Settings(reboot=Reboot(mode=mode))
    found = simulation.of(settings, CameraSettings(), "frames-stopped", usb=False)
    shown = simulation.text(found)

    assert (End.PARKED, End.PARKED) == (found.soonest.end, found.latest.end)
    assert "asks whether the machine may be rebooted" in shown
    assert f'parked ([reboot] mode = "{mode}", so nothing reboots)' in shown
    assert "until it is parked: then it is probed" in shown
    assert "parked" in simulation.outages([found])


def test_an_optional_camera_waits_for_no_reboot() -> None:
    """What is done again and again is told without one."""
    settings = Settings(supervision=Supervision(system_reboot_threshold=100))
    shown = simulation.text(
        simulation.of(settings, CameraSettings(required=False), "init-timeout", usb=False)
    )

    assert "restart-worker again, until the thresholds of [supervision] are reached" in shown
    assert "reboot" not in shown.replace("only a required camera may reboot the machine", "")


def test_positions_that_are_not_known_are_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table without marks looks like one on which nobody is."""
    monkeypatch.setenv("CAMWATCHD_SOCKET", str(tmp_path / "control.sock"))
    (tmp_path / "config.toml").write_text("")
    places = ["--config", str(tmp_path / "config.toml"), "--conf-dir", str(tmp_path / "conf.d")]
    status, shown, _ = run(capsys, *places)

    assert (0, True) == (status, "\nwho is where is not known: camwatchd is not running" in shown)


def test_a_simulation_needs_no_daemon(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It takes the numbers of the configuration, and of the camera that is meant."""
    file = tmp_path / "config.toml"
    file.write_text(
        "[supervision]\nmax_consecutive_failures = 6\n[camera.front]\n[camera.side]\nindex = 1\nrequired = false\n"
    )
    places = ["--config", str(file), "--conf-dir", str(tmp_path / "conf.d")]

    status, shown, _ = run(capsys, "--simulate", "frames-stopped", *places)
    assert (0, True) == (status, "\n9.0 s " in shown)
    assert "required camera front" in shown
    assert "longest time without frames: " in shown
    status, shown, _ = run(capsys, "--simulate", "frames-stopped", "--camera", "side", "--json", *places)
    assert [("side", "parked", 9.0)] == [
        (r["camera"], r["latest"]["end"], r["soonest"]["moments"][0]["after"]) for r in json.loads(shown)
    ]
    assert (2, "") == run(capsys, "--simulate", "busy", "--camera", "rear", *places)[:2]
    file.write_text("[camera.front]\nwidth = 0\n")
    status, _, problem = run(capsys, "--simulate", "busy", *places)
    assert (78, True) == (status, "camera.front.width" in problem)


def test_the_longest_outage_of_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """One row each, in the order of the table."""
    _, shown, _ = run(capsys, "--simulate", "all")

    assert list(FAULTS) == [line.split()[0] for line in shown.splitlines()[2:]]
