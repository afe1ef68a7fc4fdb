# SPDX-License-Identifier: MIT
"""Owns the proof of the line to the recorder: nothing is lost, nothing is written twice, and nobody waits for it."""

import os
import select
import signal
import sqlite3
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from camwatchd.adapters.medium import untrusted
from camwatchd.bookkeeper import PATIENCE
from camwatchd.core import records as rec
from camwatchd.core.budget import Kind, Verdict
from camwatchd.core.ladder import Rung
from camwatchd.core.settings import Reboot
from tests.process.bookkeeper_rig import Books, bookkeeping
from tests.process.daemon import DOWN_WITHIN, QUICK, camera, daemon
from tests.process.leaving import LEAVING, facts, kept, ledger, marks, obedient, stall
from tests.process.side_by_side import SideBySide

together = SideBySide()

_ASK = rec.AskLeave("cam0", "frames-stopped", Rung.RESTART_SERVICE, 2, Reboot(), 1, 0)
_HEALTHY = rec.CameraHealthy("cam0")


def attempts(books: Books) -> list[int]:
    """The attempts in the ledger's only incident, in the order in which they were written."""
    (incident,) = books.ledger()["incidents"]
    return [step["attempt"] for step in incident["steps"]]


def failed(number: int) -> rec.AttemptFailed:
    """A record that can be told from others."""
    return rec.AttemptFailed("cam0", Rung.RESTART_WORKER, number, "no frames", 1.0)


# --- a recorder that ends -----------------------------------------------------------------------------------


def test_what_was_written_but_not_acknowledged_is_written_once(tmp_path: Path) -> None:
    """The recorder dies after the ledger has it and before we know: it is sent again, and is not written again."""
    with bookkeeping(tmp_path) as books:
        books.begin()
        for number in (1, 2, 3):
            books.book.note(failed(number))
        lost = 0
        while lost < 3:  # the acknowledgements come, and nobody hears them
            select.select([books.child.link], [], [], PATIENCE)
            lost += len(books.child.receive()[0])
        books.child.signal(signal.SIGKILL)
        books.until_replaced()
        books.book.note(failed(4))
        books.until_written()

        assert [1, 2, 3, 4] == attempts(books)
        assert ["boot", "start"] == books.marks()


def test_what_a_killed_recorder_had_not_taken_goes_to_the_next(tmp_path: Path) -> None:
    """More than is sent ahead: all of it is written, once and in its order."""
    numbers = list(range(1, 36))
    with bookkeeping(tmp_path) as books:
        books.begin()
        books.child.signal(signal.SIGSTOP)
        for number in numbers:
            books.book.note(failed(number))
        books.child.signal(signal.SIGKILL)
        books.until_replaced()
        books.until_written()

        assert numbers == attempts(books)
        assert ["the recorder ended with Killed; the next one starts in 1 s"] == books.told(
            "recorder.exited"
        )


def test_a_recorder_that_cannot_live_is_started_ever_more_rarely(tmp_path: Path) -> None:
    """It ends at every start: 1, 5, then every 30 s, until one opens the ledger; then it is a second again."""
    with bookkeeping(tmp_path) as books:
        true, books.book._arguments = books.book._arguments, ["camwatchd.no_such_recorder"]
        books.book.begin(rec.Begin("0.1.0", 1))
        for _ in range(3):
            books.until_replaced()
        books.book._arguments = true
        books.until_replaced()
        books.until_written()
        books.child.signal(signal.SIGKILL)
        books.until(lambda: books.book.pid is None)

        pauses = [text.rpartition("starts in ")[2] for text in books.told("recorder.exited")]
        assert ["1 s", "5 s", "30 s", "30 s", "1 s"] == pauses
        assert any("No module named" in text for text in books.told("recorder.stderr"))


@pytest.mark.parametrize("how", [["worker", "babbles"], ["mute"]], ids=["babbles", "mute"])
def test_a_recorder_that_is_none_is_replaced(tmp_path: Path, how: list[str]) -> None:
    """It says what is no reply, or closes its link and lives on: it is killed, and the next one gets all records."""
    with bookkeeping(tmp_path) as books:
        true, books.book._arguments = books.book._arguments, ["tests.process.nasty", *how]
        books.book.begin(rec.Begin("0.1.0", 1))
        books.book.note(_HEALTHY)
        books.until(lambda: books.told("recorder.exited"))
        books.book._arguments = true
        books.until_replaced()
        books.until_written()

        assert ["the recorder ended with Killed; the next one starts in 1 s"] == books.told(
            "recorder.exited"
        )
        assert ["boot", "start", "healthy"] == books.marks()
        assert (how != ["mute"]) == bool(books.told("recorder.misspoke"))


def test_a_recorder_that_cannot_be_executed_is_trouble(tmp_path: Path) -> None:
    """No process can be had: said with the reason, tried again, and over as soon as it works."""
    with bookkeeping(tmp_path) as books:
        books.environ["TOO_LONG"] = "x" * 1_000_000
        books.book.begin(rec.Begin("0.1.0", 1))
        trouble = books.book.remark
        del books.environ["TOO_LONG"]
        books.later(30)
        books.until_written()

        assert trouble.startswith("ledger: no recorder could be executed: ")
        assert trouble.endswith(", so no reboots")
        assert "" == books.book.trouble


# --- a recorder that does not answer ------------------------------------------------------------------------


def test_silence_is_an_answer_after_ten_seconds(tmp_path: Path) -> None:
    """Who asks hears `ledger-silent`, once; what is granted later is revoked, and the trouble is over with it."""
    heard: list[Verdict] = []
    with bookkeeping(tmp_path) as books:
        books.begin()
        books.book.note(_HEALTHY)
        books.until_written()
        books.child.signal(signal.SIGSTOP)
        books.book.ask(_ASK, heard.append)
        books.later(PATIENCE - 0.5)
        books.book.tick()
        assert ([], "") == (heard, books.book.remark)
        books.later(0.5)
        books.until(lambda: heard)
        assert "ledger: no record was written for 10 s, so no reboots" == books.book.remark
        books.child.signal(signal.SIGCONT)
        books.until(lambda: books.told("service.leave_revoked"))
        books.until_written()

        assert [(Kind.REFUSED, "ledger-silent", 60.0)] == [(v.kind, v.name, v.again_in) for v in heard]
        assert "" == books.book.remark
        assert (1, 1) == (len(books.told("ledger.unwritable")), len(books.told("ledger.writable")))
        assert ["boot", "start", "healthy", "service-restart", "revoked"] == books.marks()


def test_signs_on_their_way_are_no_trouble(tmp_path: Path) -> None:
    """Nothing depends on them: a recorder that is slow to take them keeps no reboot from being granted."""
    with bookkeeping(tmp_path) as books:
        books.begin()
        books.child.signal(signal.SIGSTOP)
        books.book.note(rec.KeepSigns("cam0", "state"))
        books.later(2 * PATIENCE)
        books.book.tick()
        assert "" == books.book.remark
        books.child.signal(signal.SIGCONT)
        books.until_written()

        assert [] == books.told("ledger.unwritable")


def test_a_late_grant_does_not_revoke_a_newer_one(tmp_path: Path) -> None:
    """The card blocks while first a restart and then a reboot is asked for: that the first came too late leaves the
    second in the ledger, where it is counted."""
    if reason := untrusted(tmp_path):
        pytest.skip(f"no reboot is granted here: {reason}")
    heard: list[Verdict] = []
    rules = Reboot(mode="observe", min_uptime_before_reboot=0, wait_for_others=0)
    with bookkeeping(tmp_path) as books:
        books.begin()
        books.book.note(_HEALTHY)
        books.until_written()
        books.child.signal(signal.SIGSTOP)
        books.book.ask(_ASK, heard.append)
        books.later(PATIENCE)
        books.until(lambda: heard)
        books.book.ask(replace(_ASK, rung=Rung.REBOOT, rules=rules), heard.append)
        books.child.signal(signal.SIGCONT)
        books.until(lambda: len(heard) == 2)
        books.until_written()

        assert ["ledger-silent", "observe"] == [verdict.name for verdict in heard]
        assert ["boot", "start", "healthy", "service-restart", "observed"] == books.marks()
        assert 1 == len(books.told("service.leave_revoked"))


@pytest.mark.parametrize("flood", [failed(7), rec.CameraHealthy("cam1")], ids=["attempts", "health"])
def test_a_flood_of_records_drops_what_decides_nothing(tmp_path: Path, flood: rec.Record) -> None:
    """While nothing can be written the memory for it is bounded; the start outlives everything, and health whatever
    decides nothing."""
    with bookkeeping(tmp_path) as books:
        books.environ["TOO_LONG"] = "x" * 1_000_000  # nobody can be executed, so nothing is sent
        books.book.begin(rec.Begin("0.1.0", 1))
        books.book.note(_HEALTHY)
        for _ in range(2000):
            books.book.note(flood)
        waiting = len(books.book._entries)
        del books.environ["TOO_LONG"]
        books.later(30)
        books.until_written()

        assert waiting <= 500
        assert ["boot", "start"] == books.marks()[:2]
        healthy = [mark["camera"] for mark in books.ledger()["marks"] if mark["kind"] == "healthy"]
        assert ["cam0" if flood == failed(7) else "cam1"] == healthy


def test_what_became_of_the_ledger_is_told_unasked(tmp_path: Path) -> None:
    """A request finds it damaged: that is in the log with the answer, and belongs to no record that waits."""
    heard: list[Verdict] = []
    with bookkeeping(tmp_path) as books:
        books.begin()
        (tmp_path / "state/ledger.db").write_text("no database")
        books.book.ask(_ASK, heard.append)
        books.until(lambda: heard)

        [note] = books.told("ledger.note")
        assert "it was set aside as ledger.db.damaged-" in note
        assert ("never-healthy", "") == (heard[0].name, books.book.remark)


def test_a_request_that_nobody_could_hear_is_not_made_later(tmp_path: Path) -> None:
    """Its answer was given; as often as a camera asks, the memory for it is bounded."""
    heard: list[Verdict] = []
    with bookkeeping(tmp_path) as books:
        books.environ["TOO_LONG"] = "x" * 1_000_000  # nobody can be executed, so nothing is sent
        books.book.begin(rec.Begin("0.1.0", 1))
        waiting = len(books.book._entries)
        books.book.ask(_ASK, heard.append)
        books.later(PATIENCE)
        books.book.tick()
        still = len(books.book._entries)
        del books.environ["TOO_LONG"]
        books.later(30)
        books.until_written()

        assert (["ledger-silent"], waiting) == ([verdict.name for verdict in heard], still)
        assert ["boot", "start"] == books.marks()


# --- the state directory ------------------------------------------------------------------------------------


def test_a_state_directory_that_takes_nothing_is_named_until_it_does(tmp_path: Path) -> None:
    """What is in its place is said, in log and remark; when it is mended everything is written, and that is said."""
    state = tmp_path / "state"
    state.write_text("in its place")
    with bookkeeping(tmp_path) as books:
        books.book.begin(rec.Begin("0.1.0", 1))
        books.until(lambda: books.book.trouble)
        remark = books.book.remark
        state.unlink()
        books.until_written()

        assert "File exists" in remark
        assert "" == books.book.remark
        assert (1, 1) == (len(books.told("ledger.unwritable")), len(books.told("ledger.writable")))
        assert ["boot", "start"] == books.marks()


def test_a_state_directory_in_memory_is_remarked(tmp_path: Path) -> None:
    """A ledger that a boot empties grants no reboots; STATUS says so as long as it is so."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory, bookkeeping(tmp_path, Path(memory)) as books:
        if not untrusted(Path(memory)):
            pytest.skip("no file system in memory here")
        books.begin()

        assert f"ledger: {memory} is on tmpfs, which a boot empties, so no reboots" == books.book.remark
        assert 1 == len(books.told("ledger.untrusted"))


# --- the end ------------------------------------------------------------------------------------------------


def test_the_last_word_is_written_before_the_recorder_goes(tmp_path: Path) -> None:
    """Told to stop: the clean stop is in the ledger, and the recorder has ended by itself."""
    with bookkeeping(tmp_path) as books:
        books.begin()
        books.book.note(_HEALTHY)
        books.book.end(clean=True)
        books.until(lambda: books.book.pid is None)

        assert ["boot", "start", "healthy", "clean-stop"] == books.marks()
        assert [] == books.told("recorder.exited")


def test_a_dead_recorder_is_replaced_for_the_last_word(tmp_path: Path) -> None:
    """Told to stop while the next one is still to come: it comes at once, for how the boot ended must be known."""
    with bookkeeping(tmp_path) as books:
        books.begin()
        books.child.signal(signal.SIGKILL)
        books.until(lambda: books.book.pid is None)
        books.book.end(clean=True)
        assert books.book.pid is not None
        books.until(lambda: books.book.pid is None)

        assert ["boot", "start", "clean-stop"] == books.marks()


def test_no_recorder_is_started_when_there_is_nothing_to_write(tmp_path: Path) -> None:
    """Leaving with everything written: a recorder that would have been replaced is not."""
    with bookkeeping(tmp_path) as books:
        books.begin()
        books.child.signal(signal.SIGKILL)
        books.until(lambda: books.book.pid is None)
        books.book.end(clean=False)

        assert (None, float("inf")) == (books.book.pid, books.book.deadline)


# --- the daemon and its recorder ----------------------------------------------------------------------------


def has_said_all(recorder: int, directory: Path) -> bool:
    """Whether the ledger knows of the camera's health, and the recorder sleeps again: it has told us too."""
    try:
        is_written = "healthy" in marks(directory)
    except sqlite3.Error:  # not there yet
        return False
    stat = Path("/proc", str(recorder), "stat").read_text()
    return is_written and stat.rpartition(") ")[2][0] == "S"


@together
def test_a_killed_recorder_disturbs_no_camera(tmp_path: Path) -> None:
    """It is replaced, and the crash that happened meanwhile is in the ledger once."""
    with daemon(tmp_path, QUICK + camera("cam0")) as rig:
        rig.event("camera.started")
        first, worker = rig.recorder(), rig.worker()
        os.kill(first, signal.SIGKILL)
        gone = rig.event("recorder.exited")
        os.kill(worker, signal.SIGSEGV)
        rig.event("alert.recovery", since=gone.number)
        second = rig.recorder()
        rig.stop()

    assert first != second
    assert 1 == len(rig.told("alert.capture_failure"))
    (incident,) = ledger(tmp_path)["incidents"]
    assert ("worker-crashed", "healthy by restart-worker") == (incident["fault"], incident["ended"][:25])


@together
def test_a_recorder_that_hangs_is_said_and_harms_nobody(tmp_path: Path) -> None:
    """As on an SD card that blocks: after 10 s STATUS, facts and log say that nothing is written; the camera recovers
    and pays for the watchdog all the while; when the card answers again, so do they."""
    with daemon(tmp_path, QUICK + camera("cam0"), watchdog=4.0) as rig:
        rig.event("camera.started")
        recorder = rig.recorder()
        rig.until(lambda: has_said_all(recorder, tmp_path))  # silence counts from its last word on
        os.kill(recorder, signal.SIGSTOP)
        os.kill(rig.worker(), signal.SIGSEGV)
        crashed = rig.event("alert.capture_failure")
        rig.event("alert.recovery")
        said = rig.event("ledger.unwritable")
        rig.status("ledger: no record was written for 10 s, so no reboots$")
        trouble = facts(tmp_path).daemon.ledger_trouble
        rig.note("WATCHDOG=1", since=rig.note("STATUS=.*so no reboots").number)
        os.kill(recorder, signal.SIGCONT)
        written = rig.event("ledger.writable")
        rig.note("STATUS=(?!.*ledger)", since=sum(note.at <= written.at for note in rig.notes))
        rig.stop()

    assert 9.9 < said["monotonic"] - crashed["monotonic"] < 12
    assert "ledger: no record was written for 10 s, so no reboots" == trouble
    assert 1 == len(rig.told("ledger.unwritable"))
    (incident,) = ledger(tmp_path)["incidents"]
    assert incident["ended"].startswith("healthy by restart-worker")


@together
def test_nobody_leaves_on_a_silent_ledger(tmp_path: Path) -> None:
    """The request is refused as `ledger-silent` when its time is over, and the ladder goes on without it."""
    with obedient(tmp_path, LEAVING + camera("cam0")) as rig:
        rig.event("camera.started")
        stall(tmp_path)
        rig.event("alert.capture_failure")
        os.kill(recorder := rig.recorder(), signal.SIGSTOP)
        asked = rig.event("ladder.leave_asked", rung="restart-service")
        refused = rig.event("ladder.leave_refused", rung="restart-service")
        rig.event("ladder.waiting", since=refused.number)
        os.kill(recorder, signal.SIGCONT)
        rig.event("service.leave_revoked", rung="restart-service")
        rig.stop()

    assert "ledger-silent" == refused["refusal"]
    assert 9.9 < refused.at - asked.at < 12
    assert () == kept(tmp_path).restarts
    assert "revoked" in marks(tmp_path)


@together
def test_a_recorder_that_hangs_delays_no_stop(tmp_path: Path) -> None:
    """SIGTERM: down in time with status 0, the recorder too; who was left behind is named."""
    with daemon(tmp_path, QUICK + camera("cam0")) as rig:
        rig.event("camera.started")
        os.kill(rig.recorder(), signal.SIGSTOP)
        took = rig.stop()

    assert took < DOWN_WITHIN
    assert "recorder: did not end in time" == rig.event("daemon.left_behind")["message"]
