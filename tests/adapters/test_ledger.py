# SPDX-License-Identifier: MIT
"""What the ledger counts for the budget, over boots, revoked intents, cameras, and clocks that jump."""

from pathlib import Path

import pytest

from camwatchd.adapters import ledger_dump
from camwatchd.adapters.ledger import Entry
from camwatchd.core import records as rec
from camwatchd.core.budget import DAY, WEEK, Kind
from camwatchd.core.ladder import Rung
from camwatchd.core.settings import Reboot
from tests.adapters.ledger_rig import FAULT, ask, start

BEGIN = rec.Begin("0.1.0", 1)
HEALTHY = rec.CameraHealthy("cam0")
STOPPED = rec.IncidentOpened("cam0", FAULT, "no frame for 1.5 s")


def marks(folder: Path) -> list[str]:
    """The kinds of all marks, oldest first."""
    return [mark["kind"] for mark in ledger_dump.read(folder)["marks"]]


def test_a_camera_is_known_by_its_healthy_frame(tmp_path: Path) -> None:
    """A new ledger knows no camera; a healthy mark makes one known, in later boots too, and no other camera."""
    with start(tmp_path, "boot-1") as first:
        assert not first.facts().ever_healthy
        assert Kind.REFUSED is first.leave().kind
        first.write(BEGIN, HEALTHY)

    with start(tmp_path, "boot-2") as second:
        assert second.facts().ever_healthy
        assert not second.facts(ask("cam1")).ever_healthy
        assert ("cam0",) == second.ledger.healthy_cameras()


def test_reboots_do_not_help_until_the_camera_is_healthy(tmp_path: Path) -> None:
    """Each intent that no healthy frame of that camera followed counts; one healthy frame forgives them all."""
    seen = []
    for boot in ("boot-1", "boot-2", "boot-3", "boot-4"):
        with start(tmp_path, boot) as running:
            if boot == "boot-1":
                running.write(BEGIN, HEALTHY)
            seen.append((running.facts().unhelpful, running.leave().name))

    assert [(0, ""), (1, ""), (2, "did-not-help"), (2, "did-not-help")] == seen
    with start(tmp_path, "boot-5") as running:
        running.write(BEGIN, HEALTHY)
        assert 0 == running.facts().unhelpful


def test_the_frames_of_another_camera_forgive_nothing(tmp_path: Path) -> None:
    """Unhelpful is counted by camera."""
    with start(tmp_path) as running:
        running.write(BEGIN, HEALTHY, rec.CameraHealthy("cam1"))
        running.leave()
        running.write(rec.CameraHealthy("cam1"))

        assert 1 == running.facts().unhelpful
        assert 0 == running.facts(ask("cam1")).unhelpful


def test_a_revoked_intent_does_not_count(tmp_path: Path) -> None:
    """Frames came back before anybody left: that reboot never was; one granted later counts."""
    with start(tmp_path) as running:
        running.write(BEGIN, HEALTHY)
        running.leave()
        running.write(rec.Revoke("cam0"))
        assert (0, 0, 0) == (running.facts().unhelpful, running.facts().in_a_day, running.facts().in_a_week)

        running.leave()
        assert (1, 1, 1) == (running.facts().unhelpful, running.facts().in_a_day, running.facts().in_a_week)


def test_a_restart_of_the_service_is_revoked_without_touching_an_intent(tmp_path: Path) -> None:
    """What is revoked is what was granted last to that camera, and nothing older."""
    with start(tmp_path) as running:
        running.write(BEGIN, HEALTHY)
        running.leave()
        running.leave(ask(rung=Rung.RESTART_SERVICE))
        running.write(rec.Revoke("cam0"), rec.Revoke("cam0"))

        assert 1 == running.facts().unhelpful


def test_reboots_are_counted_over_all_cameras_in_powered_on_time(tmp_path: Path) -> None:
    """A day and a week consist of the uptimes of all boots; how long the machine was off does not matter."""
    with start(tmp_path, "boot-1", uptime=1000.0) as running:
        running.write(BEGIN, HEALTHY, rec.CameraHealthy("cam1"))
        running.leave()
        running.uptime = 2000.0
        running.ledger.note(running.moment)

    with start(tmp_path, "boot-2", uptime=500.0) as running:
        facts = running.facts(ask("cam1"))
        assert (1, DAY - 1500.0) == (facts.in_a_day, facts.day_frees_in)
        running.leave(ask("cam1"))
        assert 2 == running.facts().in_a_day

        running.uptime = DAY - 999.0  # 24 h and a second after the first
        facts = running.facts()
        assert (1, 1499.0) == (facts.in_a_day, facts.day_frees_in)
        assert (2, WEEK - DAY - 1.0) == (facts.in_a_week, facts.week_frees_in)

        running.uptime = WEEK
        assert (0, 1) == (running.facts().in_a_day, running.facts().in_a_week)


def test_the_time_of_day_decides_nothing(tmp_path: Path) -> None:
    """A clock ten years back or forward changes no fact: a Pi without a battery boots in the past."""
    seen = []
    for folder, walls in (("right", ("2026", "2026", "2026")), ("wrong", ("2036", "1970", "2016"))):
        for number, wall in enumerate(walls):
            text = f"{wall}-11-22 21:30:00"
            with start(tmp_path / folder, f"boot-{number}", wall=text) as running:
                if number == 0:
                    running.write(BEGIN, HEALTHY)
                seen.append((folder, running.facts(), running.leave(), running.ledger.story()))

    assert [s[1:] for s in seen if s[0] == "right"] == [s[1:] for s in seen if s[0] == "wrong"]
    assert seen[-1][1].unhelpful == 2


def test_observed_reboots_are_counted_apart(tmp_path: Path) -> None:
    """In mode observe the observed ones count in the place of intents; armed, they do not count at all."""
    observe = ask(rules=Reboot(mode="observe"))
    with start(tmp_path) as running:
        running.write(BEGIN, HEALTHY)
        kinds = [running.leave(observe).kind for _ in range(3)]

        assert [Kind.OBSERVED, Kind.OBSERVED, Kind.REFUSED] == kinds
        assert (2, 2) == (running.facts(observe).unhelpful, running.facts(observe).in_a_day)
        assert (0, 0) == (running.facts().unhelpful, running.facts().in_a_day)
        assert 2 == marks(tmp_path).count("observed")


def test_a_grant_is_marked_by_what_was_granted(tmp_path: Path) -> None:
    """A reboot leaves an intent, a restart of the service its own mark, a refusal none."""
    with start(tmp_path) as running:
        running.leave()
        running.write(BEGIN, HEALTHY)
        running.leave(ask(rung=Rung.RESTART_SERVICE))
        running.leave()

    assert ["boot", "start", "healthy", "service-restart", "intent"] == marks(tmp_path)


def test_records_that_come_twice_are_written_once(tmp_path: Path) -> None:
    """The serial of a start says what is written already; another start begins its own count."""
    with start(tmp_path, name="a") as running:
        entries = [Entry(1, BEGIN, running.moment), Entry(2, STOPPED, running.moment)]
        for _ in range(2):
            assert ["", ""] == running.ledger.write(entries)

    with start(tmp_path, name="a") as again:
        again.ledger.write([*entries, Entry(3, rec.CleanStop(), again.moment)])
    with start(tmp_path, name="b") as other:
        other.ledger.write([Entry(1, BEGIN, other.moment)])

    assert ["boot", "start", "clean-stop", "start"] == marks(tmp_path)
    [incident] = ledger_dump.read(tmp_path)["incidents"]
    assert 1 == len(incident["steps"])


def test_a_request_that_comes_twice_is_granted_once(tmp_path: Path) -> None:
    """The answer was lost with the recorder: the same request is told the same, and no second intent is counted."""
    with start(tmp_path, name="a") as running:
        running.write(BEGIN, HEALTHY)
        granted = running.leave()
    with start(tmp_path, name="a") as again:
        assert granted == again.ledger.given(3)
        assert again.ledger.given(4) is None
    with start(tmp_path, name="b") as other:
        assert other.ledger.given(3) is None


def test_a_batch_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """What fails in the middle leaves nothing behind that was never acknowledged."""
    with start(tmp_path) as running:
        entries = [Entry(1, STOPPED, running.moment), Entry(2, rec.CameraHealthy(None), running.moment)]  # type: ignore[arg-type]
        with pytest.raises(Exception, match="NOT NULL"):
            running.ledger.write(entries)
        assert [] == ledger_dump.read(tmp_path)["incidents"]

        running.ledger.write(entries[:1])
        assert 1 == len(ledger_dump.read(tmp_path)["incidents"])


# --- the story ------------------------------------------------------------------------------------------------


def test_the_first_boot_has_no_story(tmp_path: Path) -> None:
    """There is nothing to tell before there was a boot."""
    with start(tmp_path) as running:
        assert () == running.ledger.story()


def test_a_reboot_that_was_asked_for_is_told(tmp_path: Path) -> None:
    """Camera, fault and when it was; only on the first start of the new boot."""
    with start(tmp_path, "boot-1", uptime=7300.0) as running:
        running.write(BEGIN, HEALTHY)
        running.leave()

    with start(tmp_path, "boot-2", "first") as first:
        [sentence] = first.ledger.story()
    with start(tmp_path, "boot-2", "second") as second:
        assert () == second.ledger.story()
    for word in ("camwatchd asked for", "cam0", FAULT, "2 h"):
        assert word in sentence


def test_the_story_is_told_again_to_the_same_start(tmp_path: Path) -> None:
    """The recorder died before it could tell it: the next one of the same start does."""
    for name in ("boot-1", "boot-2"):
        with start(tmp_path, name) as running:
            running.write(BEGIN)

    with start(tmp_path, "boot-2") as again:
        assert 1 == len(again.ledger.story())


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ((BEGIN, rec.CleanStop()), "clean stop of camwatchd"),
        ((BEGIN,), "power loss, panic or hardware watchdog"),
        ((BEGIN, rec.CleanStop(), BEGIN), "power loss, panic or hardware watchdog"),
    ],
)
def test_the_end_of_a_boot_is_named(tmp_path: Path, records: tuple[rec.Record, ...], told: str) -> None:
    """A clean stop is one only if the service was not started again; without it nobody asked for the boot."""
    with start(tmp_path, "boot-1") as running:
        running.write(*records)

    with start(tmp_path, "boot-2") as running:
        [sentence] = running.ledger.story()
    assert told in sentence


def test_a_revoked_intent_did_not_end_the_boot(tmp_path: Path) -> None:
    """It was power loss after all."""
    with start(tmp_path, "boot-1") as running:
        running.write(BEGIN, HEALTHY)
        running.leave()
        running.write(rec.Revoke("cam0"), HEALTHY)

    with start(tmp_path, "boot-2") as running:
        assert "power loss" in running.ledger.story()[0]


def test_a_reboot_that_helped_is_said_once(tmp_path: Path) -> None:
    """The first healthy frame after it is the proof; the camera that was not rebooted for proves nothing."""
    with start(tmp_path, "boot-1") as running:
        running.write(BEGIN, HEALTHY, STOPPED)
        running.leave()

    with start(tmp_path, "boot-2") as running:
        notes = running.write(BEGIN, rec.CameraHealthy("cam1"), HEALTHY, HEALTHY)
    assert ["", "", notes[2], ""] == notes
    assert "the reboot helped" in notes[2]
    [incident] = ledger_dump.read(tmp_path)["incidents"]
    assert f"the reboot for cam0 ({FAULT}); it helped" == incident["ended"]


# --- the flight recorder --------------------------------------------------------------------------------------


def test_an_incident_keeps_every_rung_and_how_it_ended(tmp_path: Path) -> None:
    """Fault, evidence, each attempt with outcome, reason and seconds, verdicts, words, and the end."""
    with start(tmp_path) as running:
        running.write(
            BEGIN,
            HEALTHY,
            STOPPED,
            rec.AttemptFailed("cam0", Rung.RESTART_STREAM, 1, "no frame within 5 s", 5.2),
            rec.FaultNamed("cam0", "worker-silent", "stop() hangs"),
            rec.CameraParked("cam0", "worker-silent", "daily-limit", "4 reboots", ("old words",)),
            rec.IncidentClosed("cam0", Rung.RESTART_WORKER, 2, 61.0, ("last", "words"), took=0.1),
        )

    [incident] = ledger_dump.read(tmp_path)["incidents"]
    told = [(s["rung"], s["attempt"], s["outcome"], s["reason"], s["seconds"]) for s in incident["steps"]]
    assert [
        ("", 0, "named", f"{FAULT}: no frame for 1.5 s", 0.0),
        ("restart-stream", 1, "failed", "no frame within 5 s", 5.2),
        ("", 0, "named", "worker-silent: stop() hangs", 0.0),
        ("", 0, "parked", "daily-limit: 4 reboots", 0.0),
        ("restart-worker", 2, "succeeded", "", 0.1),
    ] == told
    assert ("worker-silent", "no frame for 1.5 s") == (incident["fault"], incident["evidence"])
    assert ("old words\nlast\nwords", 61.0) == (incident["words"], incident["seconds"])
    assert "healthy by restart-worker 2" == incident["ended"]


def test_an_incident_goes_on_over_a_restart_of_the_service(tmp_path: Path) -> None:
    """It is opened again by the next start; it is still one."""
    with start(tmp_path, name="a") as running:
        running.write(BEGIN, HEALTHY, STOPPED)
        running.leave(ask(rung=Rung.RESTART_SERVICE))
    with start(tmp_path, name="b") as running:
        running.write(BEGIN, STOPPED, rec.IncidentClosed("cam0", Rung.RESTART_SERVICE, 1, 30.0))

    [incident] = ledger_dump.read(tmp_path)["incidents"]
    assert ["named", "granted", "named", "succeeded"] == [step["outcome"] for step in incident["steps"]]


@pytest.mark.parametrize(
    ("last", "how"),
    [
        ((), "the boot ended: power loss, panic or hardware watchdog"),
        ((rec.CleanStop(),), "the boot ended after a clean stop"),
    ],
)
def test_an_open_incident_ends_with_its_boot(tmp_path: Path, last: tuple[rec.Record, ...], how: str) -> None:
    """The next boot closes what the last one left open; a new fault is a new incident."""
    with start(tmp_path, "boot-1") as running:
        running.write(BEGIN, STOPPED, *last)
    with start(tmp_path, "boot-2") as running:
        running.write(BEGIN, STOPPED)

    incidents = ledger_dump.read(tmp_path)["incidents"]
    assert [how, ""] == [incident["ended"] for incident in incidents]


def test_an_incident_whose_beginning_is_lost_is_kept_all_the_same(tmp_path: Path) -> None:
    """The ledger was begun in the middle of it: what follows is written down."""
    with start(tmp_path) as running:
        running.write(BEGIN, rec.AttemptFailed("cam0", Rung.RESTART_WORKER, 3, "no frames", 60.0))

    [incident] = ledger_dump.read(tmp_path)["incidents"]
    assert ("unknown", ["failed"]) == (incident["fault"], [step["outcome"] for step in incident["steps"]])


def test_a_verdict_that_is_only_repeated_is_not_written_again(tmp_path: Path) -> None:
    """Who asks every ten seconds and hears the same must not wear out the card; another answer is written."""
    with start(tmp_path) as running:
        running.write(BEGIN, STOPPED)
        for _ in range(3):
            running.leave()
        running.leave(ask(rules=Reboot(mode="off")))

    [incident] = ledger_dump.read(tmp_path)["incidents"]
    refused = [
        step["reason"].partition(":")[0] for step in incident["steps"] if step["outcome"] == "refused"
    ]
    assert ["never-healthy", "reboots-off"] == refused


def test_words_of_half_characters_are_kept(tmp_path: Path) -> None:
    """A camera stack may write anything; SQLite takes no half characters."""
    with start(tmp_path) as running:
        running.write(rec.IncidentOpened("cam0", FAULT, "Kamera \udce9"))

    assert "Kamera ?" == ledger_dump.read(tmp_path)["incidents"][0]["evidence"]
