# SPDX-License-Identifier: MIT
"""`camwatchctl drill` reads as it should, and says of a real daemon that every fault was noticed and cured."""

import io
import json
import sqlite3
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from camwatchd import cli
from camwatchd.cli.drill_text import Practised, document, exit_status, lost, report, said
from camwatchd.control.facts import DaemonFacts, DrillFacts, StatusFacts
from camwatchd.core.drills import EXERCISES
from tests.control.rig import camera, running
from tests.process.daemon import QUICK, daemon
from tests.process.daemon import camera as table
from tests.process.leaving import camera_facts
from tests.test_cli_looking import ctl, interrupted, line_with

STALL = DrillFacts(exercise="stall", expected_fault="frames-stopped", expected_cure="restart-stream")
NOTICED = DrillFacts(
    exercise="stall", expected_fault="frames-stopped", expected_cure="restart-stream",
    fault="frontend-timeout", noticed_after=4.5, alerts=("CAMERA_ISSUE: connection_error",),
)  # fmt: skip
CURED = DrillFacts(
    exercise="stall", expected_fault="frames-stopped", expected_cure="restart-stream", fault="frames-stopped",
    noticed_after=4.5, cure="restart-worker", attempt=1, back_after=6.25, outcome="recovered",
    alerts=("CAMERA_ISSUE: capture_failure", "CAMERA_RECOVERY"),
)  # fmt: skip
FACTS = StatusFacts(
    daemon=DaemonFacts(version="1.2", pid=1, uptime=1.0, status=""), cameras=(camera(model="imx708"),)
)


def test_the_steps() -> None:
    """Each says what is new."""
    lines = [
        said(camera(last_drill=drill, rung="restart-stream", attempt=1)) for drill in (STALL, NOTICED, CURED)
    ]

    assert [
        "not noticed yet",
        "noticed after 4.5 s as frontend-timeout; restart-stream 1",
        "noticed after 4.5 s as frames-stopped; back after 6.2 s, by restart-worker 1",
    ] == lines


def test_the_report() -> None:
    """Expected against seen; what does not apply is passed over, what was not cured is not."""
    done = [
        Practised("cam0", "stall", CURED),
        Practised("cam0", "black", refused="only warns", applicable=False),
    ]
    good = report(done, FACTS, "pi4, 2026-11-23 14:00").splitlines()

    assert ["alarm drills of camwatchd 1.2 on pi4, 2026-11-23 14:00", "cam0: imx708"] == good[:2]
    assert "restart-worker 1 (expected restart-stream)" in good[5]
    assert good[5].endswith("6.2 s       capture_failure, CAMERA_RECOVERY  ok")
    assert good[6].endswith("not applicable")
    assert "cam0 black: only warns" == good[7]
    assert "PASSED: 1 of 1 drills were noticed and cured; 1 did not apply" == good[-1]

    bad = report([*done, Practised("cam0", "stall", NOTICED)], FACTS, "pi4").splitlines()
    assert "frontend-timeout (expected frames-stopped)" in bad[7]
    assert "FAILED: 1 of 2 drills were not noticed and cured as expected; 1 did not apply" == bad[-1]

    short = report(done[:1], FACTS, "pi4", left=2).splitlines()[-1]
    assert "NOT ALL: 1 of 3 drills were noticed and cured; 2 cut short, or not begun" == short


UNMADE = Practised("cam0", "error", refused="cam0 is paused: a drill needs a healthy camera", made=False)
NO_USE = Practised("cam0", "black", refused="only warns", applicable=False, made=False)


@pytest.mark.parametrize(
    ("done", "status", "says"),
    [
        ([UNMADE, UNMADE], 75, "NOT MADE: there was no drill, so nothing is proved; 2 not made"),
        ([UNMADE, NO_USE], 75, "NOT MADE: there was no drill, so nothing is proved; 1 not made; 1 did not apply"),
        ([Practised("cam0", "stall", CURED), UNMADE], 75,
         "NOT ALL: 1 of 2 drills were noticed and cured; 1 not made"),
        ([Practised("cam0", "stall", NOTICED), UNMADE], 1,
         "FAILED: 1 of 2 drills were not noticed and cured as expected; 1 not made"),
        ([Practised("cam0", "stall", refused="lost sight of"), UNMADE], 1,
         "FAILED: 1 of 2 drills were not noticed and cured as expected; 1 not made"),
    ],
)  # fmt: skip
def test_what_was_not_made_has_not_failed(done: list[Practised], status: int, says: str) -> None:
    """A report to keep does not accuse a watchdog that was never asked; nor is it whole."""
    shown = report(done, FACTS, "pi4").splitlines()

    assert (status, says) == (exit_status(done), shown[-1])
    assert any(line.endswith("  not made") for line in shown) == (UNMADE in done)
    assert "cam0 error: cam0 is paused: a drill needs a healthy camera" in shown


def test_whose_drill_it_is() -> None:
    """Another one's, a new daemon's and that of a camera that is gone say nothing of ours; an older daemon's may."""
    ours = replace(STALL, number=3)
    looks = [
        replace(FACTS, cameras=(camera(last_drill=last),))
        for last in (
            replace(CURED, number=3),
            replace(CURED, number=4),
            replace(CURED, exercise="error"),
            None,
        )
    ]

    assert [False, True, True, True] == [bool(lost(look, "cam0", ours)) for look in looks]
    assert "its end was not seen: another drill began (stall)" == lost(looks[1], "cam0", ours)
    assert "lost sight of: cam1 is no longer configured" == lost(looks[0], "cam1", ours)
    old = [
        replace(FACTS, cameras=(camera(last_drill=replace(CURED, exercise=e)),)) for e in ("stall", "error")
    ]
    assert ["", "its end was not seen: another drill began (error)"] == [lost(f, "cam0", STALL) for f in old]


@pytest.mark.parametrize("other", [replace(CURED, number=2), replace(CURED, exercise="error", number=2)])
def test_another_ones_drill_is_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], other: DrillFacts
) -> None:
    """It may begin and end between two looks: what came of it proves nothing of the one that was ordered here."""
    with running(tmp_path) as rig:
        monkeypatch.setenv("CAMWATCHD_SOCKET", str(rig.path))
        rig.daemon.answering = lambda: rig.daemon.change(["cam0"], last_drill=other)
        status = cli.main(["drill", "stall", "--yes", "--camera", "cam0"])

    out = capsys.readouterr().out
    assert (1, False) == (status, "PASSED" in out)
    assert f"cam0 stall: its end was not seen: another drill began ({other.exercise})\n" in out


def test_a_drill_ends_with_its_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may have a drill of the same number."""
    with running(tmp_path) as rig:
        monkeypatch.setenv("CAMWATCHD_SOCKET", str(rig.path))
        with ctl("drill", "stall", "--yes", "--camera", "cam0") as process:
            line_with(process, "not noticed yet")
            rig.daemon.pid = 915
            out, _ = process.communicate(timeout=30)

    assert (1, True) == (process.returncode, "cam0 stall: lost sight of: camwatchd was restarted\n" in out)


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({}, ""),
        ({"fault": "frontend-timeout", "alerts": ("CAMERA_ISSUE: connection_error", "CAMERA_RECOVERY")}, ""),
        ({"fault": "sensor-io"}, "named sensor-io instead of frames-stopped"),
        ({"cure": "by itself"}, "back by itself, without restart-stream"),
        ({"alerts": ("CAMERA_RECOVERY",)}, "no alert CAMERA_ISSUE: capture_failure"),
        ({"outcome": "not-recovered"}, "not-recovered"),
    ],
)  # fmt: skip
def test_what_passes(changes: dict[str, Any], because: str) -> None:
    """Noticed by its name or one as good, cured by a remedy, told of by both alerts; else it says what is wrong."""
    drill = Practised("cam0", "stall", replace(CURED, **changes))
    told = document(drill)

    assert (not because, because) == (told["passed"], told["failed_because"]) == (drill.passed, drill.wrong)


def test_a_camera_that_is_not_fit_is_in_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of several cameras none is left out in silence, whichever comes first; of the only one it is an error."""
    with running(tmp_path) as rig:
        monkeypatch.setenv("CAMWATCHD_SOCKET", str(rig.path))
        rig.daemon.drilled = CURED
        for unfit in ("cam0", "cam1"):
            rig.daemon.unfit = unfit
            both = cli.main(["drill", "stall", "--yes"])
            told = capsys.readouterr().out
            alone = cli.main(["drill", "stall", "--yes", "--camera", unfit])

            assert (both, alone, (told + capsys.readouterr().out).count("FAILED")) == (75, 75, 0)
            assert f"{unfit} stall: {unfit} is paused: a drill needs a healthy camera" in told
            assert told.splitlines()[-1] == "NOT ALL: 1 of 2 drills were noticed and cured; 1 not made"


def test_nobody_is_drilled_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a terminal to ask at, --yes is needed; no order reaches the daemon."""
    with running(tmp_path) as rig:
        monkeypatch.setenv("CAMWATCHD_SOCKET", str(rig.path))
        monkeypatch.setattr("sys.stdin", io.StringIO())
        status = cli.main(["drill", "stall"])

    assert (2, []) == (status, rig.daemon.orders)
    assert "--yes" in capsys.readouterr().err


def test_drills_that_are_cut_short_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the daemon dies, the report says of which drill nothing is known any more; what is done is in it."""
    with ExitStack() as life:
        daemon = life.enter_context(running(tmp_path))
        monkeypatch.setenv("CAMWATCHD_SOCKET", str(daemon.path))
        with ctl("drill", "--all", "--yes", "--json") as process:
            assert daemon.daemon.told.wait(30)
            life.close()
            out, err = process.communicate(timeout=30)

    (lost,) = json.loads(out)["drills"]
    assert (process.returncode, lost["passed"]) == (69, False)
    assert lost["failed_because"].startswith("lost sight of: camwatchd ")
    assert err.startswith("camwatchctl: camwatchd is not running")


def test_ctrl_c_says_that_a_drill_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon ends it by itself, and cures what it has pretended."""
    with running(tmp_path) as daemon:
        monkeypatch.setenv("CAMWATCHD_SOCKET", str(daemon.path))
        with ctl("drill", "stall", "--yes", "--camera", "cam0") as process:
            line_with(process, "not noticed yet")
            status, _, err = interrupted(process)

    assert (status, "the drill under way goes on, and is over within" in err) == (130, True)


def test_every_drill_on_a_real_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is noticed by its name and cured by its rung, marked wherever it is told, and counted nowhere."""
    checks = {"checks__frozen_after": 0.5, "checks__on_black": "recover", "checks__content_after": 0.5}
    monkeypatch.setenv("CAMWATCHD_SOCKET", str(tmp_path / "run" / "control.sock"))
    with daemon(tmp_path, QUICK.replace("settle = 1.5", "settle = 5") + table("cam0", **checks)) as rig:
        since = rig.event("camera.started").number
        assert 0 == cli.main(["drill", "--all", "--yes", "--json"])
        shown = json.loads(capsys.readouterr().out)["drills"]
        told = [
            line for line in rig.lines[since:] if line["event"].startswith(("alert.", "ladder.", "drill."))
        ]
        facts = camera_facts(tmp_path)
        rig.status(r"cam0 DRILL \(hang\) RECOVERING .*worker-silent")
        assert 0 == cli.main(["pause", "60"])
        assert 75 == cli.main(["drill", "--yes", "stall"])
        assert 75 == cli.main(["drill", "--yes", "--all"])

    found = [drill["found"] for drill in shown]
    assert all(drill["passed"] for drill in shown)
    assert [(row.name, row.fault, row.cure) for row in EXERCISES.values()] == [
        (drill["exercise"], drill["fault"], drill["cure"]) for drill in found
    ]
    assert all(drill["alerts"][-1] == "CAMERA_RECOVERY" for drill in found)
    assert len(told) > 4 * len(EXERCISES)
    assert [] == [
        line.facts for line in told if line.facts.get("drill") != 1 or "DRILL" not in line["message"]
    ]
    totals = facts.totals
    assert (0, 0, None, 0) == (totals.outages, totals.failures, totals.mttr, facts.recoveries_24h)
    with sqlite3.connect(tmp_path / "state" / "ledger.db") as ledger:
        incidents = ledger.execute("SELECT evidence, ended FROM incidents").fetchall()
        marks = ledger.execute("SELECT count(*) FROM marks WHERE kind = 'healthy'").fetchall()
    assert len(EXERCISES) == len(incidents)
    assert all(evidence.startswith("DRILL: ") and ended for evidence, ended in incidents)
    assert marks == [(1,)]
