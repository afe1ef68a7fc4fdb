# SPDX-License-Identifier: MIT
"""What the ledger tells is in its order and its place: boots by their last word, drills apart from what was real."""

from contextlib import closing
from pathlib import Path

import pytest

from camwatchd.adapters import ledger_reading, ledger_story
from camwatchd.adapters.ledger_story import End
from camwatchd.core import records as rec
from camwatchd.core.budget import Kind, Verdict
from camwatchd.core.drills import MARK
from camwatchd.core.flight import HostFacts
from camwatchd.core.ladder import Rung
from camwatchd.core.settings import Reboot
from tests.adapters.ledger_rig import FAULT, ask, start
from tests.adapters.test_ledger_reading import BEGIN, HEALTHY, OPENED, told, whole

OBSERVE = Reboot(mode="observe")
RULES = {"ask": Reboot(), "observed": OBSERVE}
KINDS = {"ask": Kind.GRANTED, "observed": Kind.OBSERVED}


def test_without_any_boot_there_is_none_to_be_missing(tmp_path: Path) -> None:
    """A ledger that was only just begun does not say that the daemon has not run since this machine booted."""
    with start(tmp_path, "boot-1") as running:
        known = told(tmp_path, "boot-1").knows_this_boot, told(tmp_path, "boot-2").knows_this_boot
        running.ledger._db.execute("DELETE FROM boots")

    assert (True, False) == known
    assert told(tmp_path).knows_this_boot


def test_what_reached_into_the_days_is_told(tmp_path: Path) -> None:
    """A boot or an incident that began before them and ended in them; an incident counts from its boot's beginning."""
    with start(tmp_path, "boot-1", uptime=1000.0) as running:
        running.write(BEGIN)
    with start(tmp_path, "boot-2", uptime=100.0) as running:
        running.write(OPENED)
        running.uptime += 86400.0
        running.write(rec.IncidentClosed("cam0", None, 0, 86400.0), rec.IncidentOpened("cam1", FAULT, ""))
        running.uptime += 40000.0
        running.write(BEGIN)
    seen = {days: told(tmp_path, days=days) for days in (0.25, 0.5, 2.0)}

    assert {0.25: [2], 0.5: [2], 2.0: [2, 1]} == {
        days: [boot.number for boot in past.boots] for days, past in seen.items()
    }
    assert {0.25: [2], 0.5: [2, 1], 2.0: [2, 1]} == {
        days: [line.number for line in past.incidents] for days, past in seen.items()
    }
    assert (2, 100.0) == (whole(tmp_path, 1).boot_number, whole(tmp_path, 1).into_boot)


def test_the_last_proof_of_each_camera_is_told(tmp_path: Path) -> None:
    """Of several boots the newest; a camera that was never healthy has none, and is known all the same."""
    with start(tmp_path, "boot-1", uptime=100.0) as running:
        running.write(BEGIN, HEALTHY, rec.CameraHealthy("cam2"))
    with start(tmp_path, "boot-2", uptime=50.0) as running:
        running.write(BEGIN, HEALTHY, rec.IncidentOpened("cam1", FAULT, ""))
    copy = ledger_reading.read(tmp_path)
    with closing(copy.db):
        proofs = ledger_story.proofs(copy.db)
        cameras = ledger_story.cameras(copy.db)

    assert [("cam0", 150.0), ("cam2", 100.0)] == [(proof.camera, proof.at) for proof in proofs]
    assert ("cam0", "cam1", "cam2") == cameras


@pytest.mark.parametrize(
    ("story", "end"),
    [
        ("begin", End.UNEXPLAINED),
        ("begin stop", End.CLEAN_STOP),
        ("begin stop begin", End.UNEXPLAINED),
        ("begin cam0 begin stop", End.CLEAN_STOP),
        ("begin stop cam0", End.REBOOT_ASKED),
        ("begin cam0 cam1 observed", End.REBOOT_ASKED),
        ("begin observed", End.UNEXPLAINED),
    ],
)
def test_a_boot_ends_as_its_last_word_says(tmp_path: Path, story: str, end: End) -> None:
    """And as the daemon says at its next start; if by a reboot, then by the last one that was asked for in earnest."""
    with start(tmp_path, "boot-1") as running:
        for word in story.split():
            match word:
                case "begin":
                    running.write(BEGIN, HEALTHY, rec.CameraHealthy("cam1"), rec.CameraHealthy("cam2"))
                case "stop":
                    running.write(rec.CleanStop())
                case "observed":
                    running.leave(ask("cam2", rules=OBSERVE))
                case camera:
                    running.leave(ask(camera))
    with start(tmp_path, "boot-2") as running:
        [sentence] = running.ledger.story()
    this, before = told(tmp_path, "boot-2").boots

    assert (end, end) == (before.end, this.after)
    said = {
        End.CLEAN_STOP: "after a clean stop",
        End.REBOOT_ASKED: "with a reboot",
        End.UNEXPLAINED: "without a clean",
    }
    assert said[end] in sentence
    asked = (
        [word for word in story.split() if word.startswith("cam")][-1:] if end is End.REBOOT_ASKED else []
    )
    assert asked == ([this.after_reboot.camera] if this.after_reboot else [])
    assert [one.observed for one in before.asked] == [
        word == "observed" for word in story.split() if word in ("cam0", "cam1", "observed")
    ]


def test_an_exercise_is_told_from_the_real(tmp_path: Path) -> None:
    """What began as a drill is one until something is named in it that was not practised."""
    with start(tmp_path) as running:
        for camera in ("cam0", "cam1", "cam2"):
            evidence = "no frame" if camera == "cam2" else f"{MARK}: no frame"
            running.write(rec.IncidentOpened(camera, FAULT, evidence))
        running.write(rec.RungSkipped("cam3", Rung.RESET_DEVICE, "its beginning was lost with a ledger"))
        running.write(rec.FaultNamed("cam0", FAULT, f"{MARK}: still none"))
        running.write(rec.FaultNamed("cam1", FAULT, "the drill is over, and the camera is not back"))

    assert {"cam0": True, "cam1": False, "cam2": False, "cam3": False} == {
        line.camera: line.drill for line in told(tmp_path).incidents
    }


@pytest.mark.parametrize(
    ("boots", "helped"),
    [
        (("ask", ""), [None]),
        (("ask", "healthy"), [True]),
        (("ask healthy", ""), [None]),  # before the machine went down: that was not the reboot
        (("ask", "other"), [None]),
        (("ask", "ask"), [False, None]),
        (("ask", "", ""), [False]),
        (("ask", "", "healthy"), [True]),
        (("ask", "observed healthy"), [True, None]),
        (("ask", "ask", "healthy"), [False, True]),
    ],
)
def test_a_reboot_helped_its_camera(
    tmp_path: Path, boots: tuple[str, ...], helped: list[bool | None]
) -> None:
    """Healthy after it and before the next one; not known while its boot lasts; what was only observed has no say."""
    for number, words in enumerate(boots, 1):
        with start(tmp_path, f"boot-{number}") as running:
            running.write(BEGIN)
            for word in words.split():
                match word:
                    case "ask" | "observed":
                        serial = next(
                            running._serials
                        )  # asked in any case: whether it is allowed is no matter
                        verdict = Verdict(KINDS[word])
                        running.ledger.settle(serial, ask(rules=RULES[word]), verdict, running.moment)
                    case "healthy" | "other":
                        running.write(HEALTHY if word == "healthy" else rec.CameraHealthy("cam1"))
    asked = [one for boot in reversed(told(tmp_path, f"boot-{len(boots)}").boots) for one in boot.asked]

    assert helped == [one.helped for one in asked]
    assert {400.0} == {one.into_boot for one in asked}


def test_the_machine_is_told_as_it_was_first_and_last(tmp_path: Path) -> None:
    """Each in its place."""
    with start(tmp_path) as running:
        running.write(OPENED)
        running.ledger._db.execute(
            """UPDATE incidents SET host = '{"temperature": 51.0}', host_last = '{"temperature": 61.0}'"""
        )
    found = whole(tmp_path, 1)

    assert (HostFacts(temperature=51.0), HostFacts(temperature=61.0)) == (found.host, found.host_last)
