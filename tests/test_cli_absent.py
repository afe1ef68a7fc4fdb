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
from camwatchd.core import days
from camwatchd.core import records as rec
from camwatchd.core.drills import MARK
from camwatchd.core.settings import Reboot
from tests import schemas
from tests.adapters.ledger_rig import FAULT, ask, start
from tests.adapters.test_ledger_flight import OLD
from tests.core.test_days import full
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
        (replace(ENDED, at=200.0), "cam0 was healthy, since 2026-11-22 20:00:04; last incident: frames-stopped"),
        (replace(ENDED, at=104.0, ended="the boot ended: power loss"), "cam0 was healthy, since 2026-11-22 20:00:04"),
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


def test_of_no_camera_nothing_is_said() -> None:
    """None was ever healthy or in trouble; whether that is this boot's fault is no matter then."""
    for boots in ((BOOT,), (replace(BOOT, end=End.UNEXPLAINED),)):
        first, *others = lines(replace(PAST, incidents=(), boots=boots))
        assert first == "ledger: it knows of no camera: none was ever healthy or in trouble here"
        assert len(others) == 2


def test_no_fewer_than_none_are_left() -> None:
    """Whatever was asked for before the limits were lowered; both limits count."""
    asked = tuple(replace(ASKED, at=1000.0 * n) for n in (1, 88, 89))
    past = replace(PAST, boots=(replace(BOOT, asked=asked),))

    left = [
        last_known.of(past, (WELL,), Reboot(max_reboots_per_day=day, max_reboots_per_week=week)).reboots_left
        for day, week in ((1, 9), (2, 9), (4, 9), (4, 4), (4, 2))
    ]
    assert left == [0, 0, 2, 1, 0]


def test_an_observed_reboot_was_none() -> None:
    """It is told as what would have been, also in the boot in which it was; without rules real ones are counted."""
    observed = replace(ASKED, observed=True)
    past = replace(PAST, boots=(replace(BOOT, asked=(ASKED, observed)),))

    told = lines(past, WELL, rules=Reboot(mode="observe"))
    assert told[1].startswith("ledger: a reboot would have been asked for: 2026-11-22 21:00:00, for cam0")
    assert "the limits would leave 3 (so far: 1 in" in told[2]
    assert "so far: 1 in 24 powered-on hours" in lines(past, WELL, wrong="why")[2]


def test_a_configuration_that_cannot_be_read_hides_nothing_else(tmp_path: Path) -> None:
    """Then the limits are not known, and everything else is told."""
    with start(tmp_path, rundir.boot_id()) as ledger:
        ledger.write(rec.Begin("0.1.0", 1), rec.IncidentOpened("cam1", FAULT, "x"))
    known = last_known.read(tmp_path, tmp_path, tmp_path / "none")

    assert (known.reboots_left, "check-config" in known.unlimited) == (None, True)
    assert [(camera.name, camera.in_trouble) for camera in known.cameras] == [("cam1", True)]
    assert "; last healthy: never; see" in next(last_known.sentences(known))


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


def test_no_reboot_is_left_beside_a_ledger_that_was_set_aside(tmp_path: Path) -> None:
    """Its count of them is lost; after a week of powered-on time nothing of it counts any more."""
    (tmp_path / "ledger.db.damaged-2026-11-01T0000").touch()
    (tmp_path / "config.toml").touch()
    for uptime, left in ((400.0, 0), (400.0 + 7 * 86400.0, 4)):
        with start(tmp_path, rundir.boot_id(), uptime=uptime) as ledger:
            ledger.write(rec.Begin("0.1.0", 1), rec.CameraHealthy("cam0"))
            ledger.ledger.note(ledger.moment)
        known = last_known.read(tmp_path, tmp_path / "config.toml", tmp_path)
        assert left == known.reboots_left
        assert (left == 0) == any(
            "reboots left now: 0: none within" in line for line in last_known.sentences(known)
        )


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


def test_only_the_cameras_that_are_named(tmp_path: Path) -> None:
    """None named: all of them."""
    with start(tmp_path) as ledger:
        ledger.write(rec.Begin("0.1.0", 1), rec.CameraHealthy("cam0"), rec.CameraHealthy("cam1"))
        ledger.ledger.note(ledger.moment, {name: days.written(full()) for name in ("cam0", "cam1")})
    known = last_known.read(tmp_path, tmp_path / "no", tmp_path / "no")

    [line] = [line for line in last_known.sentences(known.only(("cam7",)), ("cam7",)) if "knows" in line]
    assert line.startswith("ledger: it knows nothing of cam7: ")
    for names, expected in (((), {"cam0", "cam1"}), (("cam1",), {"cam1"}), (("cam7",), set())):
        told = known.only(names)
        assert {each.name for each in told.cameras} == {each.camera for each in told.signs} == expected


def test_the_last_signs_of_trouble_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One of each camera in words, all in the JSON; what cannot be understood is left out."""
    with start(tmp_path, rundir.boot_id()) as ledger:
        ledger.write(rec.Begin("0.1.0", 1), rec.CameraHealthy("cam0"))
        kept = {"cam0": days.written(full()), "cam1": days.written(days.Life("s")), "cam2": "nonsense"}
        ledger.ledger.note(ledger.moment, kept)
    text, document = status(tmp_path, capsys)

    assert (schemas.mistakes(document, "status"), schemas.strangers(document, "status")) == ([], [])
    [line] = [line for line in text.splitlines() if "a sign of trouble" in line]
    assert line.startswith(
        "  ledger: cam0 had a sign of trouble to come: recoveries a day: 9 on the last day, usual "
    )
    assert line.endswith(" for 3 days (and 3 more)")
    absence = document["absence"]
    assert isinstance(absence, dict)
    assert [sign["name"] for sign in absence["last_known"]["signs"]] == [
        "recoveries", "reopening", "under-voltage", "heat",
    ]  # fmt: skip


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
