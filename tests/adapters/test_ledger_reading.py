# SPDX-License-Identifier: MIT
"""The ledger is read from outside whatever its writer does, tells the past in order, and says why it cannot."""

import gzip
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from camwatchd.adapters import ledger_reading, ledger_story
from camwatchd.adapters import ledger_schema as schema
from camwatchd.adapters.ledger_reading import LedgerError
from camwatchd.adapters.ledger_story import End, History, Incident
from camwatchd.core import records as rec
from camwatchd.core.flight import Before
from camwatchd.core.ladder import Rung
from camwatchd.core.settings import Reboot
from camwatchd.errors import ExitStatus
from tests.adapters.ledger_rig import FAULT, WALL, ask, start
from tests.adapters.test_ledger_flight import OLD

BEGIN, HEALTHY = rec.Begin("0.1.0", 1), rec.CameraHealthy("cam0")
OPENED = rec.IncidentOpened("cam0", FAULT, "no frame", ("kernel: [1] gone", "ERROR RPI"), Before(fps=29.9))


def told(folder: Path, boot: str = "boot-9", days: float | None = None, camera: str = "") -> History:
    """What the ledger tells of the past."""
    copy = ledger_reading.read(folder)
    with closing(copy.db):
        return ledger_story.history(copy.db, boot, days, camera)


def whole(folder: Path, number: int) -> Incident:
    """One incident."""
    copy = ledger_reading.read(folder)
    with closing(copy.db):
        found = ledger_story.incident(copy.db, number)
    assert found is not None
    return found


# --- the file -------------------------------------------------------------------------------------------------


def test_it_is_read_while_a_writer_is_in_the_middle(tmp_path: Path) -> None:
    """Of what is not committed nothing is seen, and the writer goes on undisturbed, as does one that comes later."""
    with start(tmp_path) as running:
        running.write(BEGIN, HEALTHY)
        with schema.transaction(running.ledger._db):
            running.ledger._db.execute("DELETE FROM marks")
            copy = ledger_reading.read(tmp_path)
        running.write(OPENED)
    with closing(copy.db):
        assert 3 == copy.db.execute("SELECT count(*) FROM marks").fetchone()[0]


def test_reading_changes_nothing(tmp_path: Path) -> None:
    """Neither the file nor the folder, though a ledger of the last version is understood in the newest shape."""
    (tmp_path / "ledger.db").write_bytes(gzip.decompress(OLD.read_bytes()))
    before = (tmp_path / "ledger.db").read_bytes()
    copy = ledger_reading.read(tmp_path)
    with closing(copy.db):
        shape = schema.version(copy.db)

    assert (1, len(schema.STEPS)) == (copy.version, shape)
    assert before == (tmp_path / "ledger.db").read_bytes()
    assert ["ledger.db"] == [path.name for path in tmp_path.iterdir()]


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(schema.STEPS) + 1}")


def _foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE marks (number)")


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("harm", "says", "hint"),
    [
        (Path.unlink, "there is no ledger", "--state-dir"),
        (_newer, "newer camwatchd (version 4, this one knows 3)", "downgraded"),
        (_foreign, "another program's file", "sets such a file aside"),
        (_pipe, "it is no file", "state directory"),
        (lambda path: path.write_text("no database\n" * 500), "it is damaged (file is not", ".recover"),
        (lambda path: os.truncate(path, 3 * 4096), "it is damaged (", ".recover"),
        (lambda path: os.truncate(path, 0), "another program's file", "aside"),
    ],
)
def test_what_cannot_be_read_has_its_own_words(
    tmp_path: Path, harm: Callable[[Path], object], says: str, hint: str
) -> None:
    """Missing, newer, foreign, damaged: each says what it is and what to do, and is left as it is."""
    with start(tmp_path) as running:
        running.write(BEGIN)
    harm(tmp_path / "ledger.db")

    with pytest.raises(LedgerError) as caught:
        ledger_reading.read(tmp_path)
    assert says in caught.value.message
    assert hint in caught.value.hint
    assert ExitStatus.EX_UNAVAILABLE == caught.value.status


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_others_are_refused(tmp_path: Path) -> None:
    """Who is neither root nor in the group hears that, and how to join it."""
    with start(tmp_path) as running:
        running.write(BEGIN)
    # A group that nobody here is in: whoever gives up root's user only is still in root's group.
    os.chown(tmp_path, 0, 64999)
    tmp_path.chmod(0o750)
    os.seteuid(65534)
    try:
        with pytest.raises(LedgerError) as caught:
            ledger_reading.read(tmp_path)
    finally:
        os.seteuid(0)

    assert ExitStatus.EX_NOPERM == caught.value.status
    assert "usermod -aG camwatchd" in caught.value.hint


def test_a_locked_ledger_is_not_waited_for_without_end(tmp_path: Path) -> None:
    """Somebody holds it for longer than a commit takes: that is said, with what to do."""
    with start(tmp_path) as running:
        running.ledger._db.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerError, match="locked by another process"):
            ledger_reading.read(tmp_path)
        running.ledger._db.execute("ROLLBACK")


def test_ledgers_that_were_set_aside_are_named(tmp_path: Path) -> None:
    """They may hold what this one has not."""
    for name in ("a", "b", "b-journal"):
        (tmp_path / f"ledger.db.damaged-{name}").touch()

    assert ("ledger.db.damaged-b", "ledger.db.damaged-a") == ledger_reading.set_aside(tmp_path)


# --- boots ----------------------------------------------------------------------------------------------------


def test_each_boot_has_its_end(tmp_path: Path) -> None:
    """Asked for, after a clean stop, unexplained, and this one; newest first."""
    with start(tmp_path, "boot-1", uptime=7300.0) as running:
        running.write(BEGIN, HEALTHY, OPENED)
        running.leave(ask(rung=Rung.RESTART_SERVICE))
        running.write(BEGIN)
        running.leave()
    for boot, records in (
        ("boot-2", (BEGIN, HEALTHY)),
        ("boot-3", (BEGIN, rec.CleanStop())),
        ("boot-4", ()),
    ):
        with start(tmp_path, boot, uptime=100.0) as running:
            running.write(*records)
    boots = told(tmp_path, "boot-4").boots

    assert [End.NOT_YET, End.CLEAN_STOP, End.UNEXPLAINED, End.REBOOT_ASKED] == [boot.end for boot in boots]
    assert [(2, 1), ("cam0",)] == [(boots[3].starts, boots[3].service_restarts), boots[3].healthy]
    [asked] = boots[3].asked
    assert ("cam0", FAULT, 7300.0, False, True) == (
        asked.camera, asked.fault, asked.into_boot, asked.observed, asked.helped,
    )  # fmt: skip
    assert End.UNEXPLAINED == told(tmp_path, "boot-9").boots[0].end  # the daemon has not run in this one


def test_whether_a_reboot_helped(tmp_path: Path) -> None:
    """Not known while its boot lasts; yes by a healthy frame, no by the next reboot for that camera."""
    with start(tmp_path, "boot-1") as running:
        running.write(BEGIN, HEALTHY)
        running.leave(ask(rules=Reboot(mode="observe")))
        running.leave()
    with start(tmp_path, "boot-2") as running:
        running.write(BEGIN)
        seen = [[asked.helped for asked in boot.asked] for boot in told(tmp_path, "boot-2").boots]
        running.leave()
    assert [[], [None, None]] == seen

    with start(tmp_path, "boot-3") as running:
        running.write(BEGIN, HEALTHY)
    helped = [[asked.helped for asked in boot.asked] for boot in told(tmp_path).boots]
    assert [[], [True], [None, False]] == helped


# --- incidents ------------------------------------------------------------------------------------------------


def test_an_incident_has_a_headline_and_the_whole_story(tmp_path: Path) -> None:
    """How long, how many attempts, its boot; steps with their time, the kernel's lines apart from the worker's."""
    with start(tmp_path, "boot-1", uptime=100.0) as running:
        running.write(BEGIN, OPENED)
        running.uptime = 112.0
        running.write(rec.AttemptFailed("cam0", Rung.RESTART_STREAM, 1, "no frame", 5.0, ("WARN V4L2",)))
        running.write(rec.CameraParked("cam0", FAULT, "daily-limit", "4 reboots"))
        running.write(rec.IncidentOpened("cam1", "busy", "held"))
        open_one, first = told(tmp_path).incidents
        running.write(rec.IncidentClosed("cam0", Rung.RESTART_WORKER, 2, 61.5))
    found = whole(tmp_path, 1)

    assert (12.0, 1, True, "") == (first.seconds, first.failed_attempts, first.parked, first.ended)
    assert ("cam1", 0, False) == (open_one.camera, open_one.failed_attempts, open_one.parked)
    assert (61.5, "healthy by restart-worker 2") == (found.headline.seconds, found.headline.ended)
    assert [(0.0, "named"), (12.0, "failed"), (12.0, "parked"), (12.0, "succeeded")] == [
        (step.after, step.outcome) for step in found.steps
    ]
    assert (("kernel: [1] gone",), ("ERROR RPI", "WARN V4L2")) == (found.kernel, found.words)
    assert (1, 100.0, Before(fps=29.9)) == (found.boot_number, found.into_boot, found.before)


@pytest.mark.parametrize(
    ("rung", "kept", "told_of_it"),
    [
        (Rung.RESTART_WORKER, 0.1, 0.1),
        (Rung.RESTART_WORKER, 2.9, 2.9),  # it began when the attempt before it had ended
        (Rung.RESTART_WORKER, 7.1, 0.0),  # as a former version wrote it: since the first failure
        (None, 0.0, 0.0),
        (None, 15.0, 0.0),
    ],
)
def test_a_remedy_took_no_longer_than_since_the_one_before(
    tmp_path: Path, rung: Rung | None, kept: float, told_of_it: float
) -> None:
    """What cannot be how long an attempt took is not told as that; the incident's own seconds are."""
    with start(tmp_path, uptime=100.0) as running:
        running.write(BEGIN, OPENED)
        running.uptime = 109.0
        running.write(rec.AttemptFailed("cam0", Rung.RESTART_STREAM, 1, "no frame", 9.0))
        running.uptime = 112.0
        running.write(rec.IncidentClosed("cam0", rung, 1, 15.0, took=kept))
    found = whole(tmp_path, 1)

    assert [0.0, 9.0, told_of_it] == [step.seconds for step in found.steps]
    assert 15.0 == found.headline.seconds


def test_a_long_incident_says_that_it_is_not_whole(tmp_path: Path) -> None:
    """Its first and last steps are kept; one step less than that is all there was."""
    failed = rec.AttemptFailed("cam0", Rung.RESTART_WORKER, 1, "no frame", 5.0)
    seen = []
    with start(tmp_path) as running:
        running.write(OPENED, *[failed] * 38)
        for _ in range(3):
            headline = told(tmp_path).incidents[0]
            seen.append((headline.failed_attempts, headline.trimmed))
            running.write(failed)

    assert [(38, False), (39, True), (39, True)] == seen


def test_days_are_powered_on_days(tmp_path: Path) -> None:
    """What ended longer ago is left out, whatever the clock said then; an open incident never is; cameras choose."""
    with start(tmp_path, "boot-1", wall="2036-01-01 00:00:00") as running:
        running.write(
            BEGIN, OPENED, rec.IncidentClosed("cam0", None, 0, 1.0), rec.IncidentOpened("cam1", FAULT, "")
        )
        running.uptime += 86400.0
        running.write(rec.IncidentOpened("cam0", FAULT, ""))

    assert [[3, 2, 1], [3, 2], [3]] == [
        [line.number for line in told(tmp_path, days=days, camera=camera).incidents]
        for days, camera in ((None, ""), (0.5, ""), (0.5, "cam0"))
    ]


def test_what_an_older_version_did_not_keep_is_none(tmp_path: Path) -> None:
    """A ledger of version 1 is told all the same: no frames and no machine, but steps, words and how boots ended."""
    (tmp_path / "ledger.db").write_bytes(gzip.decompress(OLD.read_bytes()))
    history, first = told(tmp_path), whole(tmp_path, 1)

    assert (None, None, None) == (first.before, first.host, first.host_last)
    assert 1 == len(first.words)
    assert ["", f"the reboot for cam0 ({FAULT}); it helped", "healthy by restart-worker 1"] == [
        line.ended for line in history.incidents
    ]
    assert [End.UNEXPLAINED, End.REBOOT_ASKED] == [boot.end for boot in history.boots]


def test_facts_of_another_version_are_understood_in_part(tmp_path: Path) -> None:
    """A field that is new is left out; what is no JSON is nothing."""
    with start(tmp_path) as running:
        running.write(OPENED, rec.IncidentOpened("cam1", FAULT, ""))
        running.ledger._db.execute(
            """UPDATE incidents SET before = '{"fps": 5.0, "colour": "red"}' WHERE number = 1"""
        )
        running.ledger._db.execute("UPDATE incidents SET before = '{', host = '[]' WHERE number = 2")

    assert Before(fps=5.0) == whole(tmp_path, 1).before
    assert (None, None) == (whole(tmp_path, 2).before, whole(tmp_path, 2).host)
    assert WALL == whole(tmp_path, 1).headline.wall


# --- the file again -------------------------------------------------------------------------------------------


def test_a_ledger_of_this_version_is_not_old(tmp_path: Path) -> None:
    """Only of one that is older it is said that it lacks something."""
    with start(tmp_path) as running:
        running.write(BEGIN)
    with ledger_reading.opened(tmp_path) as copy:
        young = copy.is_old
    (tmp_path / "ledger.db").write_bytes(gzip.decompress(OLD.read_bytes()))
    with ledger_reading.opened(tmp_path) as copy:
        assert (False, True) == (young, copy.is_old)


def test_a_folder_that_is_a_file_has_no_ledger(tmp_path: Path) -> None:
    """As one that is not there: what to do is the same."""
    (tmp_path / "state").touch()

    with pytest.raises(LedgerError, match="there is no ledger"):
        ledger_reading.read(tmp_path / "state")


@pytest.mark.parametrize(
    "change", ["PRAGMA user_version = 0", "DROP TABLE steps", "ALTER TABLE boots RENAME TO ships"]
)
def test_a_file_is_ours_by_version_and_tables(tmp_path: Path, change: str) -> None:
    """One alone proves nothing: another program may number its versions, or have a table of marks."""
    with start(tmp_path) as running:
        running.write(BEGIN)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        db.execute(change)

    with pytest.raises(LedgerError, match="another program's file"):
        ledger_reading.read(tmp_path)


def _zeroed(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-4096] + bytes(4096))


def _misnumbered(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 1")


def _unreadable(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content.replace(b"CREATE TABLE keep", b"CREATE \xff\xfeBLE keep"))


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (_zeroed, "it is damaged ("),
        (_misnumbered, "duplicate column"),
        (_unreadable, "decode byte 0xff"),  # SQLite quotes what it does not understand
    ],
)
def test_damage_that_a_copy_does_not_meet_is_found(
    tmp_path: Path, harm: Callable[[Path], object], says: str
) -> None:
    """Of a page that was never written, or a shape that is none of ours: nobody is told to try again."""
    with start(tmp_path) as running:
        running.write(*(rec.IncidentOpened(f"cam{n}", FAULT, "x" * 500) for n in range(50)))
    harm(tmp_path / "ledger.db")

    with pytest.raises(LedgerError) as caught:
        ledger_reading.read(tmp_path)
    assert caught.value.is_damage
    assert says in caught.value.message
    assert f"sqlite3 {tmp_path / 'ledger.db'} .recover" in caught.value.hint


@pytest.mark.parametrize("loss", ["DELETE FROM keep", "DROP TABLE keep"])
def test_what_makes_no_sense_later_is_damage_too(tmp_path: Path, loss: str) -> None:
    """A row that somebody's knife has cut out is missed by whoever asks for it, and not by SQLite."""
    with start(tmp_path) as running:
        running.write(BEGIN)
        running.ledger._db.execute(loss)

    with (
        pytest.raises(LedgerError, match="it is damaged") as caught,
        ledger_reading.opened(tmp_path) as copy,
    ):
        ledger_story.history(copy.db, "boot-1")
    assert caught.value.is_damage
