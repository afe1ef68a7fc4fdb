# SPDX-License-Identifier: MIT
"""What becomes of a record: acknowledged when durable, kept while it cannot be, and no grant without a ledger."""

from dataclasses import replace
from pathlib import Path

import pytest

from camwatchd.adapters import ledger_dump
from camwatchd.core import records as rec
from camwatchd.core.budget import Kind
from camwatchd.core.flight import HostFacts
from camwatchd.core.ladder import Rung
from camwatchd.core.settings import Reboot
from camwatchd.recorder_desk import NOTE_EVERY, TRY_AGAIN
from tests.adapters.ledger_rig import FAULT, ask
from tests.process.recorder_rig import desktop, withheld

BEGIN = rec.Begin("0.1.0", 1)
HEALTHY = rec.CameraHealthy("cam0")
RESTART = ask(rung=Rung.RESTART_SERVICE)


def kinds(folder: Path) -> list[str]:
    """The marks in the ledger."""
    return [mark["kind"] for mark in ledger_dump.read(folder / "state")["marks"]]


def _trouble(folder: Path) -> rec.Unwritten:
    """What is said while the state directory is withheld."""
    return rec.Unwritten(f"File exists: {folder / 'state'}")


def test_each_record_is_acknowledged_in_its_order(tmp_path: Path) -> None:
    """Handed in together they are written together; the serials come back as they came."""
    with desktop(tmp_path) as desk:
        first, *others = desk.take(BEGIN, HEALTHY, rec.CleanStop())

    assert isinstance(first, rec.Opened)
    assert [rec.Written(), rec.Written()] == others
    assert [1, 2, 3] == [serial for serial, _ in desk.said]
    assert ["boot", "start", "healthy", "clean-stop"] == kinds(tmp_path)


def test_the_first_answer_tells_what_became_of_the_ledger(tmp_path: Path) -> None:
    """A new one is said, a boot is told, the cameras that it knows are named, what it lies on is passed on."""
    with desktop(tmp_path) as desk:
        [opened] = desk.take(BEGIN)
        assert isinstance(opened, rec.Opened)
        assert ("", ()) == (opened.untrusted, opened.healthy)
        assert "new ledger" in opened.story[0]
        desk.take(HEALTHY)

    with desktop(tmp_path, boot="boot-2", start="start-2", medium="on tmpfs") as desk:
        [opened] = desk.take(BEGIN)
    assert isinstance(opened, rec.Opened)
    assert ("on tmpfs", ("cam0",)) == (opened.untrusted, opened.healthy)
    assert ["The last boot ended without a clean stop"] == [text[:40] for text in opened.story]


def test_a_grant_is_in_the_ledger_before_it_is_given(tmp_path: Path) -> None:
    """Whoever reads the ledger when the answer comes finds the intent in it."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN, HEALTHY)
        seen: list[list[str]] = []
        desk.desk.say = lambda _serial, _reply: seen.append(kinds(tmp_path))
        desk.desk.take(3, ask())

    assert [["boot", "start", "healthy", "intent"]] == seen


def test_a_request_is_answered_after_all_that_came_before(tmp_path: Path) -> None:
    """The healthy frame that was on the way counts for it."""
    with desktop(tmp_path) as desk:
        replies = desk.take(BEGIN, HEALTHY, ask())

    assert isinstance(replies[-1], rec.Answered)
    assert Kind.GRANTED is replies[-1].verdict.kind


@pytest.mark.parametrize("action", ["none", "", "poweroff"])
def test_systemd_has_the_last_word(tmp_path: Path, action: str) -> None:
    """No reboot is granted where systemd would not reboot; a restart of the service needs no such thing."""
    with desktop(tmp_path, action=action) as desk:
        desk.take(BEGIN, HEALTHY)
        reboot, restart = desk.ask(ask()), desk.ask(RESTART)

    assert ("systemd-silent" if action == "" else "guard-closed") == reboot.name
    assert Kind.GRANTED is restart.kind


def test_switched_off_watchdogs_forbid_reboots(tmp_path: Path) -> None:
    """With `systemd-analyze service-watchdogs no` the start limit does not reboot either."""
    with desktop(tmp_path, watchdogs="no") as desk:
        desk.take(BEGIN, HEALTHY)

        assert "watchdogs-off" == desk.ask(ask()).name


def test_a_ledger_in_memory_grants_no_reboot(tmp_path: Path) -> None:
    """It keeps records and proves nothing; within the boot it knows enough to restart the service."""
    with desktop(tmp_path, medium="/var/lib is on tmpfs") as desk:
        desk.take(BEGIN, HEALTHY)
        reboot, restart = desk.ask(ask()), desk.ask(RESTART)

    assert ("ledger-untrusted", Kind.GRANTED) == (reboot.name, restart.kind)
    assert "on tmpfs" in reboot.detail
    assert "healthy" in kinds(tmp_path)


# --- trouble --------------------------------------------------------------------------------------------------


def test_what_cannot_be_written_is_said_kept_and_written_later(tmp_path: Path) -> None:
    """Each record hears of a trouble once, however often it is tried again; then all are written in their order."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN)
        with withheld(tmp_path):
            assert [_trouble(tmp_path)] == desk.take(HEALTHY)
            assert [] == desk.later(TRY_AGAIN)
            assert [_trouble(tmp_path)] == desk.take(rec.CleanStop())

        assert [rec.Written(), rec.Written()] == desk.later(TRY_AGAIN)
    assert ["boot", "start", "healthy", "clean-stop"] == kinds(tmp_path)


def test_another_trouble_is_said_again(tmp_path: Path) -> None:
    """First the folder is gone, then the health mark cannot be written: both are told."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN)
        with withheld(tmp_path):
            told = desk.take(HEALTHY)
        (tmp_path / "state" / "healthy").mkdir()
        told += desk.later(TRY_AGAIN)
        (tmp_path / "state" / "healthy").rmdir()
        told += desk.later(TRY_AGAIN)

    first, second, *rest = told
    assert _trouble(tmp_path) == first
    assert rec.Unwritten(f"Is a directory: {tmp_path / 'state' / 'healthy.new'}") == second
    assert [rec.Written()] == rest


def test_nothing_is_granted_that_cannot_be_written(tmp_path: Path) -> None:
    """Not even a restart of the service; and the refused request leaves no intent behind when the trouble ends."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN, HEALTHY)
        with withheld(tmp_path):
            verdicts = [desk.ask(ask()), desk.ask(RESTART), desk.ask(ask(rules=Reboot(mode="observe")))]
        desk.later(TRY_AGAIN)

        assert Kind.GRANTED is desk.ask(ask()).kind
    assert {(Kind.REFUSED, "ledger-untrusted")} == {(verdict.kind, verdict.name) for verdict in verdicts}
    assert all("File exists" in verdict.detail for verdict in verdicts)
    assert 1 == kinds(tmp_path).count("intent")


def test_a_ledger_that_lacks_something_grants_nothing(tmp_path: Path) -> None:
    """As long as a record waits the ledger is behind the truth, even if it could be written again by now."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN, HEALTHY)
        with withheld(tmp_path):
            desk.take(rec.IncidentOpened("cam0", FAULT, ""))
            assert "ledger-untrusted" == desk.ask(ask()).name
        assert Kind.GRANTED is desk.ask(ask()).kind  # it was written on the way


def test_a_start_without_a_ledger_is_told_its_story_later(tmp_path: Path) -> None:
    """The daemon goes on; what the ledger has to say comes when it can be opened."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN)
    with desktop(tmp_path, boot="boot-2", start="start-2") as desk:
        with withheld(tmp_path):
            assert [_trouble(tmp_path)] == desk.take(BEGIN)
        [opened] = desk.later(TRY_AGAIN)

    assert isinstance(opened, rec.Opened)
    assert "power loss" in opened.story[0]


def test_a_ledger_that_is_damaged_meanwhile_is_replaced_at_once(tmp_path: Path) -> None:
    """The records go into the new one, which is said with the next acknowledgement and grants nothing yet."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN, HEALTHY)
        (tmp_path / "state" / "ledger.db").write_text("no database\n" * 1000)
        [written] = desk.take(rec.IncidentOpened("cam0", FAULT, ""))

        assert isinstance(written, rec.Written)
        assert "set aside as ledger.db.damaged-2026-11-22T2130" in written.note
        assert "never-healthy" == desk.ask(ask()).name


@pytest.mark.parametrize("content", [None, b""])
def test_a_ledger_that_is_taken_away_is_noticed(tmp_path: Path, content: bytes | None) -> None:
    """Deleted, or replaced by an empty file: what follows is not written to a file that nobody finds again."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN, HEALTHY)
        (tmp_path / "state" / "ledger.db").unlink()
        if content is not None:
            (tmp_path / "state" / "ledger.db").write_bytes(content)
        [written] = desk.take(rec.CleanStop())

        assert isinstance(written, rec.Written)
        assert "a new ledger was begun" in written.note
        assert "never-healthy" == desk.ask(ask()).name
    lost = [] if content is None else ["set-aside"]
    assert ["boot", *lost, "clean-stop"] == kinds(tmp_path)


def test_only_a_fault_of_the_service_itself_restarts_it_for_a_new_camera(tmp_path: Path) -> None:
    """A camera that never worked here is no reason, unless it was the sandbox that kept it from working."""
    restart = replace(ask(rung=Rung.RESTART_SERVICE), fault="not-found")
    with desktop(tmp_path) as desk:
        desk.take(BEGIN)
        names = [desk.ask(replace(restart, fault=fault)).name for fault in ("not-found", "device-refused")]

    assert ["never-healthy", ""] == names


# --- signs ----------------------------------------------------------------------------------------------------


def test_what_is_known_of_a_cameras_days_costs_no_write(tmp_path: Path) -> None:
    """It is acknowledged at once and waits for the next write, whatever that is; the newest counts."""
    kept = rec.SignsKept("cam0", rec.About.NOTHING)
    with desktop(tmp_path) as desk:
        desk.take(BEGIN)
        before = desk.changes()
        assert [kept, kept] == desk.take(rec.KeepSigns("cam0", "one"), rec.KeepSigns("cam0", "two"))
        assert before == desk.changes()
        desk.later(NOTE_EVERY)
        assert before + 1 == desk.changes()
        desk.take(rec.KeepSigns("cam1", "three"))
        desk.take(HEALTHY)
        assert before + 2 == desk.changes()
        told = desk.take(*(rec.RecallSigns(f"cam{number}") for number in range(3)))

    assert [("cam0", "two"), ("cam1", "three"), ("cam2", "")] == [
        (reply.camera, reply.state) for reply in told if isinstance(reply, rec.SignsRecalled)
    ]


def test_the_next_boot_finds_what_was_known_at_the_end(tmp_path: Path) -> None:
    """Of a start that had nothing else to write, too."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN)
        desk.take(rec.KeepSigns("cam0", "state"))
    with desktop(tmp_path, boot="boot-2", start="start-2") as desk:
        _, recalled = desk.take(BEGIN, rec.RecallSigns("cam0"))

    assert rec.SignsRecalled("cam0", "state") == recalled


def test_signs_wait_for_a_ledger_that_cannot_be_written(tmp_path: Path) -> None:
    """They are no trouble by themselves, and none is lost."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN)
        with withheld(tmp_path):
            assert [rec.SignsKept("cam0", rec.About.NOTHING)] == desk.take(rec.KeepSigns("cam0", "state"))
            assert [] == desk.later(NOTE_EVERY)
        desk.later(TRY_AGAIN)

        assert [rec.SignsRecalled("cam0", "state")] == desk.take(rec.RecallSigns("cam0"))


def test_the_machine_is_looked_at_only_when_asked_for(tmp_path: Path) -> None:
    """For an incident, and for what is usual."""
    with desktop(tmp_path) as desk:
        desk.desk.look = lambda: HostFacts(temperature=61.5)
        told = desk.take(*(rec.KeepSigns("cam0", "", about) for about in rec.About))

    assert [None, 61.5, 61.5] == [
        reply.host.temperature for reply in told if isinstance(reply, rec.SignsKept)
    ]


# --- the health mark ------------------------------------------------------------------------------------------


def test_a_healthy_boot_is_marked_for_the_guard(tmp_path: Path) -> None:
    """The boot's id, there before the acknowledgement, whatever an earlier boot or a damaged file left there."""
    mark = tmp_path / "state" / "healthy"
    mark.parent.mkdir()
    mark.write_bytes(b"\xff\xfe")
    for boot in ("boot-1", "boot-2"):
        with desktop(tmp_path, boot=boot) as desk:
            seen: list[str] = []
            desk.desk.say = lambda _serial, _reply, seen=seen: seen.append(mark.read_text())  # type: ignore[misc]
            desk.take(HEALTHY)

        assert [f"{boot}\n"] == seen


def test_an_optional_camera_makes_no_boot_a_healthy_one(tmp_path: Path) -> None:
    """Nobody may reboot for it, so it proves nothing to the guard; the ledger knows it all the same."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN, rec.CameraHealthy("cam1", required=False))

    assert not (tmp_path / "state" / "healthy").exists()
    assert "healthy" in kinds(tmp_path)


def test_the_mark_is_written_once_a_boot(tmp_path: Path) -> None:
    """Neither a second healthy frame nor a second start writes it again."""
    inodes = set()
    for name in ("a", "b"):
        with desktop(tmp_path, start=name) as desk:
            desk.take(HEALTHY, HEALTHY)
            inodes.add((tmp_path / "state" / "healthy").stat().st_ino)

    assert 1 == len(inodes)


def test_a_mark_that_cannot_be_written_is_trouble(tmp_path: Path) -> None:
    """What the guard must know is not acknowledged without it."""
    (tmp_path / "state" / "healthy").mkdir(parents=True)
    with desktop(tmp_path) as desk:
        [told] = desk.take(HEALTHY)
        (tmp_path / "state" / "healthy").rmdir()

        assert isinstance(told, rec.Unwritten)
        assert "Is a directory" in told.trouble
        assert [rec.Written] == [type(reply) for reply in desk.later(TRY_AGAIN)]
