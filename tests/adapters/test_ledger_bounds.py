# SPDX-License-Identifier: MIT
"""The ledger stays small whatever happens for however long, and forgets nothing that a verdict counts."""

from contextlib import closing
from pathlib import Path

from camwatchd.adapters import ledger_dump
from camwatchd.adapters.ledger import Ledger
from camwatchd.adapters.ledger_boots import Moment
from camwatchd.adapters.ledger_file import LedgerFile
from camwatchd.adapters.ledger_schema import transaction
from camwatchd.core import records as rec
from camwatchd.core.budget import DAY, WEEK, Kind
from camwatchd.core.ladder import Rung
from camwatchd.core.settings import Reboot
from camwatchd.recorder_desk import NOTE_EVERY
from tests.adapters.ledger_rig import FAULT, WALL, ask, start
from tests.process.recorder_rig import desktop

_YEARS = 401 * DAY


def _worst(camera: str) -> list[rec.Record]:
    """An incident as big as one can be."""
    words = tuple("w" * 100 for _ in range(200))
    failed = rec.AttemptFailed(camera, Rung.RESTART_WORKER, 1, "r" * 1000, 60.0)
    return [
        rec.IncidentOpened(camera, FAULT, "e" * 2000),
        *[failed] * 45,
        rec.IncidentClosed(camera, Rung.RESTART_WORKER, 1, 60.0, words),
        rec.CameraHealthy(camera),
    ]


def test_five_hundred_incidents_are_kept(tmp_path: Path) -> None:
    """The newest 500; an open one of long ago stays until it ends."""
    with start(tmp_path) as running:
        running.write(rec.IncidentOpened("cam1", FAULT, ""))
        for _ in range(520):
            running.write(rec.IncidentOpened("cam0", FAULT, ""), rec.IncidentClosed("cam0", None, 0, 1.0))
        running.ledger.note(running.moment)

        incidents = ledger_dump.read(tmp_path)["incidents"]
    assert [1, *range(22, 522)] == [incident["number"] for incident in incidents]


def test_a_camera_that_never_rests_is_bounded_too(tmp_path: Path) -> None:
    """Something is written every minute, so that the powered-on time need never be noted by itself."""
    with desktop(tmp_path) as desk:
        desk.take(rec.Begin("0.1.0", 1), rec.Keep(20, 30.0))
        for _ in range(60):
            desk.take(rec.IncidentOpened("cam0", FAULT, ""), rec.IncidentClosed("cam0", None, 0, 1.0))
            desk.later(60.0)
        desk.take(rec.IncidentOpened("cam0", FAULT, ""))

    assert [*range(41, 62)] == [one["number"] for one in ledger_dump.read(tmp_path / "state")["incidents"]]


def test_an_incident_is_kept_short(tmp_path: Path) -> None:
    """Its first and last steps, and as much text as is worth it: 500 of the worst are less than 16 MB."""
    with start(tmp_path) as running:
        for number in range(100):
            running.write(*_worst(f"cam{number % 3}"))

    incidents = ledger_dump.read(tmp_path)["incidents"]
    assert {40} == {len(incident["steps"]) for incident in incidents}
    assert "named" == incidents[0]["steps"][0]["outcome"]
    assert (tmp_path / "ledger.db").stat().st_size * 5 < 16 << 20


def test_the_file_shrinks_with_what_is_forgotten(tmp_path: Path) -> None:
    """400 powered-on days later the incidents are gone, and their pages are the file system's again."""
    with start(tmp_path) as running:
        for _ in range(50):
            running.write(*_worst("cam0"))
        full = (tmp_path / "ledger.db").stat().st_size
        running.uptime += _YEARS
        running.ledger.note(running.moment)

    assert [] == ledger_dump.read(tmp_path)["incidents"]
    assert (tmp_path / "ledger.db").stat().st_size < full / 4


def test_a_flapping_camera_leaves_one_healthy_mark_a_boot(tmp_path: Path) -> None:
    """Only the newest counts; the marks of other boots and cameras stay."""
    for boot in ("boot-1", "boot-2"):
        with start(tmp_path, boot) as running:
            running.write(rec.CameraHealthy("cam1"), *[rec.CameraHealthy("cam0")] * 50)

    kinds = [(mark["kind"], mark["camera"]) for mark in ledger_dump.read(tmp_path)["marks"]]
    assert 2 == kinds.count(("healthy", "cam0")) == kinds.count(("healthy", "cam1"))


def test_starts_without_end_do_not_fill_the_ledger(tmp_path: Path) -> None:
    """Marks beyond the newest 2000 go, but for what a verdict still counts."""
    with start(tmp_path) as running:
        running.write(rec.CameraHealthy("cam0"))
        running.leave()
        running.write(*[rec.Begin("0.1.0", 1)] * 3000)
        running.ledger.note(running.moment)
        facts = running.facts()

    assert 2002 == len(ledger_dump.read(tmp_path)["marks"])
    assert (True, 1, 1) == (facts.ever_healthy, facts.unhelpful, facts.in_a_day)


def test_that_a_count_was_lost_is_never_forgotten_too_early(tmp_path: Path) -> None:
    """A ledger that takes the place of another remembers it for a week, however much happens in it."""
    (tmp_path / "ledger.db.damaged-2026-11-01T0000").touch()
    with start(tmp_path) as running:
        running.write(*[rec.Begin("0.1.0", 1)] * 3000)
        running.ledger.note(running.moment)

        assert WEEK == running.facts().forgotten_frees_in


def test_years_do_not_renew_a_budget(tmp_path: Path) -> None:
    """A camera that no reboot helped is not rebooted for again only because it is long ago."""
    with start(tmp_path) as running:
        running.write(rec.CameraHealthy("cam0"))
        kinds = [running.leave().kind, running.leave().kind]
        running.write(rec.CameraHealthy("cam1"))
        running.uptime += _YEARS
        running.ledger.note(running.moment)

        assert [Kind.GRANTED, Kind.GRANTED] == kinds
        assert "did-not-help" == running.leave().name
        assert running.facts(ask("cam1", rules=Reboot())).ever_healthy


def test_a_thousand_boots_are_kept(tmp_path: Path) -> None:
    """A machine that boots every minute does not fill the ledger, and its powered-on time goes on."""
    with closing(LedgerFile(tmp_path, lambda: "now").open()) as db:
        with transaction(db):
            rows = ((f"boot-{number}", "start", 60.0 * number, 60.0, WALL) for number in range(1000))
            db.executemany(
                "INSERT INTO boots (id, start, before, uptime, wall) VALUES (?, ?, ?, ?, ?)", rows
            )
        for number in range(1000, 1010):
            Ledger(db, f"boot-{number}", "start").enter(Moment(60.0, WALL))

    ledger = ledger_dump.read(tmp_path)
    assert 1000 == len(ledger["boots"])
    assert 1009 * 60.0 == ledger["boots"][-1]["before"]


def test_a_healthy_day_writes_every_ten_minutes(tmp_path: Path) -> None:
    """Looked at every second, the ledger of a healthy machine changes 144 times a day: less than once a minute."""
    with desktop(tmp_path) as desk:
        desk.take(rec.Begin("0.1.0", 1), rec.CameraHealthy("cam0"))
        before = desk.changes()
        for _ in range(int(DAY)):
            desk.now += 1.0
            desk.desk.tick()

        assert DAY / NOTE_EVERY == desk.changes() - before == 144
