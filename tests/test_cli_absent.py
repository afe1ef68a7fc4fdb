# SPDX-License-Identifier: MIT
"""While the daemon is down `status` tells what was written down before, or why that cannot be read; so does `logs`."""

import gzip
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from camwatchd.adapters import rundir
from camwatchd.adapters.ledger_story import Asked, Boot, End, Headline, History, Proof
from camwatchd.cli import last_known
from camwatchd.core import records as rec
from camwatchd.core.drills import MARK
from camwatchd.core.settings import Reboot
from tests import schemas
from tests.adapters.ledger_rig import FAULT, ask, start
from tests.adapters.test_ledger_flight import OLD
from tests.log_rig import journalctl
from tests.test_cli_control import run

BOOT = Boot(
    number=1, id="b", wall="2026-11-22 19:00:00", at=0.0, uptime=90000.0, after=None, after_reboot=None,
    end=End.NOT_YET, starts=1, service_restarts=0, healthy=(), asked=(),
)  # fmt: skip
ASKED = Asked(
    camera="cam0", fault=FAULT, at=89000.0, wall="2026-11-22 21:00:00", into_boot=89000.0, observed=False, helped=None
)  # fmt: skip
ENDED = Headline(
    number=3, camera="cam0", boot="b", at=100.0, wall="2026-11-22 20:00:00", fault=FAULT, evidence="", seconds=4.0,
    ended="healthy by restart-worker 1", failed_attempts=0, trimmed=False, parked=False,
)  # fmt: skip
WELL = Proof(camera="cam0", at=104.0, wall="2026-11-22 20:00:04")
PAST = History(now=90000.0, boots=(BOOT,), incidents=(ENDED,), keep_incidents=500, keep_days=400.0)


def lines(past: History, *proofs: Proof, rules: Reboot | None = None, wrong: str = "") -> list[str]:
    """What a human is told of the past."""
    return list(last_known.sentences(last_known.of(past, proofs, rules, wrong)))


def test_each_camera_its_last_state_and_the_reboots() -> None:
    """Since when it was healthy, the last incident, what was asked for, and what is left."""
    assert lines(PAST, WELL, rules=Reboot()) == [
        "ledger: cam0 was healthy, since 2026-11-22 20:00:04; last incident: frames-stopped at 2026-11-22 20:00:00, "
        "healthy by restart-worker 1; see: camwatchctl incident 3",
        "ledger: no reboot that camwatchd asked for is remembered",
        'ledger: reboots left now: 4 (so far: 0 in 24 powered-on hours, 0 in 7 days; [reboot] mode = "armed")',
    ]


@pytest.mark.parametrize(
    ("incident", "says"),
    [
        (replace(ENDED, ended=""), "was IN TROUBLE: frames-stopped since 2026-11-22 20:00:00; last healthy: 2026"),
        (replace(ENDED, at=200.0, ended="the boot ended: power loss"), "IN TROUBLE: frames-stopped since 2026-11-22"),
        (replace(ENDED, ended="", drill=True), "cam0 was healthy, since 2026-11-22 20:00:04; no incident"),
    ],
)  # fmt: skip
def test_trouble_is_what_was_not_over(incident: Headline, says: str) -> None:
    """Open, or cut off by the end of the boot; a drill is none."""
    assert says in lines(replace(PAST, incidents=(incident,)), WELL)[0]


def test_the_newest_is_told() -> None:
    """Of several incidents, and of several reboots that were asked for in one boot."""
    later = replace(ASKED, at=89500.0, wall="2026-11-22 21:30:00")
    new = replace(ENDED, number=4, at=300.0, ended="")
    past = replace(PAST, incidents=(new, ENDED), boots=(replace(BOOT, asked=(ASKED, later)),))
    told = lines(past, WELL)

    assert "cam0 was IN TROUBLE" in told[0]
    assert told[0].endswith("see: camwatchctl incident 4")
    assert "in this boot: 2026-11-22 21:30:00" in told[1]


def test_a_reboot_counts_in_the_budget_of_its_mode() -> None:
    """One in the last day; in observe mode only observed ones count. Without rules nothing is made up."""
    past = replace(PAST, boots=(replace(BOOT, asked=(ASKED,)),))

    assert "a REBOOT WAS ASKED FOR in this boot: 2026-11-22 21:00:00, for cam0" in lines(past, WELL)[1]
    assert "reboots left now: 3 (so far: 1 in" in lines(past, WELL, rules=Reboot())[2]
    assert "reboots left now: 0" in lines(past, WELL, rules=Reboot(max_reboots_per_day=1))[2]
    for mode, so_far in (("observe", 0), ("off", 1)):
        said = lines(past, WELL, rules=Reboot(mode=mode))[2]  # type: ignore[arg-type]
        assert (
            f'nothing reboots now, as [reboot] mode = "{mode}"; the limits would leave {4 - so_far}' in said
        )
    assert "how many are left is not known: why" in lines(past, WELL, wrong="why")[2]
    old = replace(PAST, boots=(replace(BOOT, asked=(replace(ASKED, at=1000.0), ASKED)),))
    assert (
        "left now: 3 (so far: 1 in 24 powered-on hours, 2 in 7 days" in lines(old, WELL, rules=Reboot())[2]
    )
    over = replace(past, boots=(replace(BOOT, end=End.REBOOT_ASKED, asked=(replace(ASKED, helped=False),)),))
    assert [lines(over, WELL)[0], lines(over, WELL)[2]] == [
        "ledger: camwatchd has not run since this machine booted; what follows is from before",
        "ledger: last reboot asked for: 2026-11-22 21:00:00, for cam0 (frames-stopped): it did not help",
    ]


def test_a_drill_that_turned_out_to_be_real_is_none(tmp_path: Path) -> None:
    """Marked as long as all that was found in it was practised."""
    with start(tmp_path, rundir.boot_id()) as ledger:
        ledger.write(rec.Begin("0.1.0", 1), rec.CameraHealthy("cam0"), rec.CameraHealthy("cam1"))
        for camera in ("cam0", "cam1"):
            ledger.write(rec.IncidentOpened(camera, FAULT, f"{MARK}: no frame"))
        ledger.write(rec.FaultNamed("cam1", FAULT, "the drill is over, and the camera is not back"))
    known = last_known.read(tmp_path, tmp_path / "config.toml", tmp_path)

    assert [(camera.name, camera.in_trouble) for camera in known.cameras] == [
        ("cam0", False),
        ("cam1", True),
    ]


def test_an_incident_that_a_restart_cut_off_is_over_with_the_next_frame(tmp_path: Path) -> None:
    """Whoever restarts the service by hand in the middle of one leaves none open for ever."""
    with start(tmp_path, rundir.boot_id(), "first") as ledger:
        ledger.write(
            rec.Begin("0.1.0", 1), rec.CameraHealthy("cam0"), rec.IncidentOpened("cam0", FAULT, "x")
        )
    with start(tmp_path, rundir.boot_id(), "second", uptime=460.0) as ledger:
        ledger.write(rec.Begin("0.1.0", 2), rec.CameraHealthy("cam0"))
    [camera] = last_known.read(tmp_path, tmp_path / "config.toml", tmp_path).cameras

    assert (camera.in_trouble, camera.ended) == (False, "healthy after the service was started anew")


# --- the verb -------------------------------------------------------------------------------------------------


def status(
    folder: Path, capsys: pytest.CaptureFixture[str], config: str = ""
) -> tuple[str, dict[str, object]]:
    """Stderr and JSON of `status` while nobody answers."""
    (folder / "camwatchd.toml").write_text(config)
    argv = [
        "status",
        "--state-dir",
        str(folder),
        "--config",
        str(folder / "camwatchd.toml"),
        "--conf-dir",
        str(folder / "no"),
    ]
    argv = ["--socket", str(folder / "nobody.sock"), *argv]
    code, out, err = run(capsys, *argv)
    as_json, document, silent = run(capsys, *argv, "--json")
    assert (code, out, as_json, silent) == (69, "", 69, "")
    return err, json.loads(document)


def test_text_and_json_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The flat keys are those of no camera; the rest is in the schema."""
    with start(tmp_path, rundir.boot_id()) as ledger:
        ledger.write(
            rec.Begin("0.1.0", 1), rec.CameraHealthy("cam0"), rec.IncidentOpened("cam0", FAULT, "x")
        )
        ledger.leave(ask())
    text, document = status(tmp_path, capsys)
    absence = document["absence"]
    assert isinstance(absence, dict)

    assert (schemas.mistakes(document, "status"), schemas.strangers(document, "status")) == ([], [])
    assert (document["should_reboot"], document["health_score"]) == (False, 0)
    assert all(f"  {line}\n" in text for line in absence["ledger"])
    assert absence["last_known"]["reboot"]["in_this_boot"] is True
    assert absence["last_known"]["reboots_left"] == 3
    assert "a REBOOT WAS ASKED FOR" in text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no ledger"),
        (b"SQLite format 3\0 and then nothing of it", "it is damaged"),
        (b"", "another program's file"),
    ],
)  # fmt: skip
def test_why_the_ledger_says_nothing(
    content: bytes | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what to do; the exit status is still that of a daemon that does not answer."""
    if content is not None:
        (tmp_path / "ledger.db").write_bytes(content)
    text, document = status(tmp_path, capsys)

    assert says in text
    assert "    hint: " in text
    assert schemas.mistakes(document, "status") == []


def test_an_older_ledger_and_a_broken_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the last version wrote is read; that the daemon may be down for its configuration is said."""
    (tmp_path / "ledger.db").write_bytes(gzip.decompress(OLD.read_bytes()))
    text, _ = status(tmp_path, capsys, config="nonsense = ")

    assert "cam0 was healthy" in text
    assert "cam1 was IN TROUBLE" in text
    assert "the configuration cannot be used; see: camwatchctl check-config" in text


@pytest.mark.parametrize("argv", [[], ["--camera", "cam0"], ["--fault", "busy"]], ids=repr)
def test_that_nothing_could_be_read_is_not_that_nothing_was(
    argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With nothing of the daemon in the journal and without a ledger, "faults: none" would be a guess."""
    folder = journalctl(tmp_path)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    status, out, err = run(capsys, "logs", *argv, "--state-dir", str(tmp_path))
    ended, told, _ = run(capsys, "logs", *argv, "--state-dir", str(tmp_path), "--json")

    assert (status, out, ended) == (69, "", 69)
    assert "the journal has nothing of camwatchd, and of the ledger: " in err
    assert "there is no ledger" in json.loads(told)["error"]
