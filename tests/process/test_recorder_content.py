# SPDX-License-Identifier: MIT
"""A ledger whose content is wrong: set aside where it is to blame and no bug of ours, and no reboot is forgotten."""

import errno
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from camwatchd.core import records as rec
from camwatchd.core.budget import DAY, WEEK, Kind
from camwatchd.core.flight import HostFacts
from camwatchd.core.ladder import Rung
from camwatchd.core.records import UNASKED
from camwatchd.recorder_desk import NOTE_EVERY, TRY_AGAIN
from tests.adapters.ledger_rig import FAULT, ask
from tests.process.recorder_rig import desktop

BEGIN = rec.Begin("0.1.0", 1)
HEALTHY = rec.CameraHealthy("cam0")
OPENED = rec.IncidentOpened("cam0", FAULT, "")
_ASIDE = "ledger.db.damaged-2026-11-22T2130"

# SQLite's own check finds nothing wrong with any of these.
_NONSENSE = "DROP VIEW asked"
_SLY = {
    "DELETE FROM delivered": True,
    "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'evidence', 'evidenze')": True,
    "PRAGMA user_version = 1": True,
    _NONSENSE: True,
    "UPDATE marks SET camera = CAST(x'63616d30ff' AS TEXT) WHERE kind = 'healthy'": False,  # a name of no camera
    "UPDATE incidents SET words = CAST(x'6162ff' AS TEXT)": False,
}
# An index leads to rows that are not there: the check does not compare them, and who follows is told of damage.
_DAMAGE = """
    CREATE TABLE spare (number INTEGER PRIMARY KEY);
    PRAGMA writable_schema = ON;
    CREATE TEMP TABLE roots AS SELECT name, rootpage FROM main.sqlite_schema WHERE name IN ('boots', 'spare');
    UPDATE main.sqlite_schema AS s SET rootpage = (SELECT rootpage FROM roots WHERE roots.name != s.name)
        WHERE name IN ('boots', 'spare');
"""


def _tamper(folder: Path, statements: str) -> None:
    with closing(sqlite3.connect(folder / "state" / "ledger.db")) as db:
        db.executescript(statements)


def _used(folder: Path, start: str = "start-1") -> None:
    """A ledger that grants a reboot."""
    with desktop(folder, start=start) as desk:
        desk.take(BEGIN, HEALTHY)


def _aside(folder: Path) -> list[str]:
    """What lies beside the ledger."""
    return sorted(
        path.name for path in (folder / "state").glob("ledger.db.damaged-*") if "journal" not in path.name
    )


@pytest.mark.parametrize(("damage", "unusable"), _SLY.items())
def test_a_ledger_without_sense_is_replaced_too(tmp_path: Path, damage: str, unusable: bool) -> None:
    """Set aside as if SQLite had found it: what follows is written, and a new ledger grants nothing yet."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN, HEALTHY, rec.IncidentOpened("cam0", FAULT, "", ("a word",)))
    _tamper(tmp_path, damage)
    with desktop(tmp_path, start="start-2") as desk:
        replies = desk.take(BEGIN, rec.AttemptFailed("cam0", Rung.RESTART_STREAM, 1, "", 5.0, ("another",)))
        replies += desk.take(rec.IncidentOpened("cam1", FAULT, ""))
        verdict = desk.ask(ask())
        replies += desk.take(rec.CleanStop())
    assert not any(isinstance(reply, rec.Unwritten) for reply in replies)
    assert unusable == (tmp_path / "state" / _ASIDE).exists()
    assert unusable == any("it was set aside" in str(reply) for _, reply in desk.said)
    assert "never-healthy" == verdict.name or not unusable


# --- no reboot is forgotten -----------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [_NONSENSE, _DAMAGE, "PRAGMA user_version = 1000"])
def test_what_was_set_aside_counts_as_a_budget_that_is_spent(tmp_path: Path, damage: str) -> None:
    """For a week of powered-on time, whatever was wrong with it; a restart of the service needs no such count."""
    _used(tmp_path)
    _tamper(tmp_path, damage)
    with desktop(tmp_path, start="start-2") as desk:
        desk.take(BEGIN, HEALTHY)
        desk.ask(ask())
        desk.take(HEALTHY)
        verdict, restart = desk.ask(ask()), desk.ask(ask(rung=Rung.RESTART_SERVICE))
        desk.now += WEEK - 1
        almost = desk.ask(ask())
        desk.now += 1

        assert Kind.GRANTED is desk.ask(ask()).kind
    assert (Kind.REFUSED, "ledger-set-aside", WEEK) == (verdict.kind, verdict.name, verdict.again_in)
    assert ("ledger-set-aside", 1.0) == (almost.name, almost.again_in)
    assert Kind.GRANTED is restart.kind


def test_a_machine_that_is_up_for_long_forgets_no_sooner(tmp_path: Path) -> None:
    """What counts is when the ledger was set aside, not when the boot began."""
    with desktop(tmp_path, now=2 * WEEK) as desk:  # type: ignore[arg-type]
        desk.take(BEGIN, HEALTHY)
        _tamper(tmp_path, _NONSENSE)
        assert "never-healthy" == desk.ask(ask()).name
        desk.take(HEALTHY)

        assert "ledger-set-aside" == desk.ask(ask()).name


def test_a_power_cut_while_it_is_set_aside_costs_no_count(tmp_path: Path) -> None:
    """Its name is changed, and nothing more was done: what lies there says enough."""
    _used(tmp_path)
    (tmp_path / "state" / "ledger.db").rename(tmp_path / "state" / _ASIDE)
    with desktop(tmp_path, start="start-2") as desk:
        [opened, _] = desk.take(BEGIN, HEALTHY)

        assert "ledger-set-aside" == desk.ask(ask()).name
    assert isinstance(opened, rec.Opened)
    assert "none in 7 powered-on days" in opened.story[0]


def test_a_ledger_that_was_never_lost_is_trusted_beside_others(tmp_path: Path) -> None:
    """What was set aside before it was begun anew by a version that marked nothing, or was put there by a human."""
    _used(tmp_path)
    (tmp_path / "state" / _ASIDE).touch()
    with desktop(tmp_path, boot="boot-2", start="start-2") as desk:
        desk.take(BEGIN)

        assert Kind.GRANTED is desk.ask(ask()).kind


def test_a_bug_that_costs_a_ledger_in_each_boot_makes_no_reboot_loop(tmp_path: Path) -> None:
    """The camera is healthy in each boot and fails again: not one reboot is granted until a week went well."""
    granted = []
    for boot in range(8):  # of two days each
        with desktop(tmp_path, boot=f"boot-{boot}", start=f"start-{boot}") as desk:
            if 1 <= boot < 4:
                _tamper(tmp_path, _NONSENSE)
            desk.take(BEGIN, HEALTHY)
            desk.now += 2 * DAY
            granted.append(desk.ask(ask()).kind is Kind.GRANTED)
            desk.later(NOTE_EVERY)

    assert [0, 6, 7] == [boot for boot, was in enumerate(granted) if was]
    assert 3 == len(_aside(tmp_path))


# --- when it is set aside -------------------------------------------------------------------------------------


def test_a_ledger_without_sense_is_set_aside_whatever_lies_beside(tmp_path: Path) -> None:
    """What was set aside long ago, for whatever reason, does not keep this one from being mended."""
    _used(tmp_path)
    (tmp_path / "state" / "ledger.db.damaged-2025-01-01T0000").touch()
    _tamper(tmp_path, _NONSENSE)
    with desktop(tmp_path, start="start-2") as desk:
        assert "never-healthy" == desk.ask(ask()).name
        assert [rec.Written()] == desk.take(HEALTHY)
    assert _ASIDE in _aside(tmp_path)


def test_one_a_day_is_given_up_for_its_content(tmp_path: Path) -> None:
    """A bug of ours with certain rows would wear out the card: until the day is over the recorder ends."""
    _used(tmp_path)
    (tmp_path / "state" / "ledger.db").unlink()
    (tmp_path / "state" / _ASIDE).touch()
    _used(tmp_path)
    _tamper(tmp_path, _NONSENSE)
    with desktop(tmp_path, start="start-2", now=400 + DAY - 1) as desk:  # type: ignore[arg-type]
        with pytest.raises(sqlite3.OperationalError, match="asked"):
            desk.ask(ask())
        assert [_ASIDE] == _aside(tmp_path)
        desk.now += 1
        assert "never-healthy" == desk.ask(ask()).name

    assert [_ASIDE, f"{_ASIDE}-2"] == _aside(tmp_path)


def test_damage_is_believed_every_time(tmp_path: Path) -> None:
    """It is SQLite's own word and no bug of ours, though its check finds nothing: a day is not waited for."""
    step = rec.AttemptFailed("cam0", Rung.RESTART_STREAM, 1, "", 5.0)
    with desktop(tmp_path) as desk:
        for _ in range(2):
            desk.take(BEGIN, OPENED, step)
            _tamper(tmp_path, _DAMAGE.replace("'boots'", "'steps'"))
            told, answered = desk.take(ask())
            assert "is damaged (database disk image is malformed)" in str(told)
            assert "never-healthy" in str(answered)
    assert [_ASIDE, f"{_ASIDE}-2"] == _aside(tmp_path)


def _twice(error: Exception) -> Callable[..., object]:
    """Goes wrong with the open ledger and with it opened afresh; with another one it would go well."""
    errors = [error, error]

    def look(*args: object) -> object:
        if errors:
            raise errors.pop()
        return args[-1] if args else HostFacts()

    return look


def test_a_wrong_call_of_ours_costs_no_ledger(tmp_path: Path) -> None:
    """Though it would go well with an empty one. The record is not acknowledged, so that it comes again."""
    with desktop(tmp_path) as desk:
        desk.desk.look = _twice(sqlite3.ProgrammingError("a value too few"))  # type: ignore[assignment]
        desk.take(BEGIN, HEALTHY)
        with pytest.raises(sqlite3.ProgrammingError):
            desk.take(OPENED)
        assert [1, 2] == [serial for serial, _ in desk.said]
        assert [rec.Written()] == desk.take()
    assert [] == _aside(tmp_path)


def _coded(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError()
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "trouble"),
    [(OSError(errno.EIO, "?"), "I/O error"), (_coded(sqlite3.SQLITE_FULL), "disk full")],
)
def test_what_time_may_mend_costs_no_ledger(tmp_path: Path, error: Exception, trouble: str) -> None:
    """It is said, and what waits is written as soon as it can be."""
    with desktop(tmp_path) as desk:
        desk.desk.look = _twice(error)  # type: ignore[assignment]
        desk.take(BEGIN)
        [unwritten] = desk.take(OPENED)
        assert isinstance(unwritten, rec.Unwritten)
        assert unwritten.trouble.startswith(trouble)
        assert [rec.Written()] == desk.later(TRY_AGAIN)
    assert [] == _aside(tmp_path)


def test_an_error_beside_the_ledger_costs_no_ledger(tmp_path: Path) -> None:
    """What the machine is asked is not in it, and may work the next time."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN, HEALTHY)
        desk.desk.machine = SimpleNamespace(  # type: ignore[assignment]
            look=_twice(ValueError("nonsense")), uptime=lambda: 400.0, wall=lambda: time.gmtime(400)
        )
        with pytest.raises(ValueError, match="nonsense"):
            desk.ask(ask())
    assert [] == _aside(tmp_path)


def test_a_bug_of_ours_costs_no_ledger(tmp_path: Path) -> None:
    """A record that no ledger takes ends the recorder, as before; the ledger stays where it is."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN, HEALTHY)
        with pytest.raises(UnicodeEncodeError):
            desk.take(rec.Revoke("\udcff"))
        desk.desk._waiting.clear()
    assert [] == _aside(tmp_path)


# --- that it is told ------------------------------------------------------------------------------------------


def test_what_a_request_finds_is_told_at_once(tmp_path: Path) -> None:
    """Before its answer and once; the next record may be days away."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN, HEALTHY)
        _tamper(tmp_path, _NONSENSE)
        before = len(desk.said)
        desk.ask(ask())
        (serial, told), (_, answer) = desk.said[before:]
        later = desk.take(HEALTHY)

    assert (UNASKED, rec.Written, rec.Answered) == (serial, type(told), type(answer))
    assert f"it was set aside as {_ASIDE}; a new ledger was begun" in str(told)
    assert [rec.Written()] == later


def test_what_the_clock_finds_is_told_at_once(tmp_path: Path) -> None:
    """While all is well nothing else is written for weeks."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN)
        (tmp_path / "state" / "ledger.db").write_text("no database")
        [told] = desk.later(NOTE_EVERY)
        assert [] == desk.later(NOTE_EVERY)

    assert "is damaged (file is not a database); it was set aside" in str(told)


def test_what_is_not_over_yet_is_told_when_it_is(tmp_path: Path) -> None:
    """It was set aside, and no new one can be begun: the trouble is the answer, and the rest comes with its end."""
    with desktop(tmp_path) as desk:
        desk.take(BEGIN)
        (tmp_path / "state" / "ledger.db").write_text("no database")
        (tmp_path / "state" / "ledger.db.new").mkdir()
        [refused] = desk.take(ask())
        (tmp_path / "state" / "ledger.db.new").rmdir()
        told, answered = desk.take(ask())

    assert isinstance(refused, rec.Answered)
    assert "ledger-untrusted" == refused.verdict.name
    assert "it was set aside" in str(told)
    assert isinstance(answered, rec.Answered)
