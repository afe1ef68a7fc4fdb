# SPDX-License-Identifier: MIT
"""A damaged ledger is said by every verb that reads it, and what can be told without it is told."""

import json
import random
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from camwatchd.core import records as rec
from camwatchd.core.ladder import Rung
from tests.adapters.ledger_rig import FAULT, start
from tests.test_cli_control import run

_PAGE = 4096
_ANSWERS = {0, 1, 2, 69}  # it is there, an incident is open, there is none such, it cannot be read


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small ledger of two boots."""
    folder = tmp_path_factory.mktemp("sound")
    for boot in ("boot-1", "boot-2"):
        with start(folder, boot) as running:
            running.write(rec.Begin("0.1.0", 1), rec.CameraHealthy("cam0"))
            for number in range(6):
                running.write(
                    rec.IncidentOpened("cam0", FAULT, "no frame", (f"line {number}",)),
                    rec.AttemptFailed("cam0", Rung.RESTART_STREAM, 1, "none came", 5.0),
                    rec.IncidentClosed("cam0", Rung.RESTART_WORKER, 1, 9.0),
                )
            running.leave()
    return (folder / "ledger.db").read_bytes()


def damaged(sound: bytes, count: int) -> Iterator[bytes]:
    """The same ones every time: flipped bytes, lost pages, lost ends."""
    chance = random.Random(6)
    for number in range(count):
        found = bytearray(sound)
        if number % 3 == 0:
            for _ in range(chance.choice((1, 3, 20, 200))):
                found[chance.randrange(len(found))] = chance.randrange(256)
        elif number % 3 == 1:
            at = chance.randrange(len(found) // _PAGE) * _PAGE
            found[at : at + _PAGE] = chance.randbytes(_PAGE) if number % 2 else bytes(_PAGE)
        else:
            at, size = chance.randrange(len(found)), chance.choice((16, 300))
            found[at : at + size] = chance.randbytes(size)
        yield bytes(found)


def test_no_damage_is_answered_with_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sound: bytes
) -> None:
    """An answer or a refusal with a hint, of every verb that reads the ledger."""
    refused = 0
    for content in damaged(sound, 45):
        (tmp_path / "ledger.db").write_bytes(content)
        for argv in (["history"], ["incident", "3", "--json"]):
            status, _, err = run(capsys, *argv, "--state-dir", str(tmp_path))
            assert status in _ANSWERS
            assert status != 69 or "hint: " in err
            refused += status == 69
    assert refused > 30


_SLY = (  # what SQLite's own check does not find
    "DELETE FROM keep",
    "UPDATE incidents SET words = CAST(x'6162ff' AS TEXT), evidence = CAST(x'6162ff' AS TEXT)",
    "UPDATE incidents SET at = 9e999, wall = 'never', host = '{', before = '[[[', seconds = -9e999",
    "UPDATE boots SET before = -9e999",
    "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'evidence', 'evidenze')",
    "PRAGMA user_version = 1",
    "DROP VIEW asked",
)


@pytest.mark.parametrize("damage", _SLY)
def test_sly_damage_is_said_or_borne(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sound: bytes, damage: str
) -> None:
    """By logs and by status while the daemon is down, too; logs still shows what it has."""
    (tmp_path / "ledger.db").write_bytes(sound)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        db.executescript(damage)
    for argv in (["history"], ["incident", "last"], ["incident", "last", "--json"]):
        assert run(capsys, *argv, "--state-dir", str(tmp_path))[0] in _ANSWERS
    here = ("--state-dir", str(tmp_path), "--socket", str(tmp_path / "none"))
    assert 69 == run(capsys, "status", *here)[0]
    run(capsys, "logs", *here)


def test_a_bundle_of_a_damaged_ledger_has_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sound: bytes
) -> None:
    """As it is, and says so: somebody may save what is in it."""
    (tmp_path / "ledger.db").write_bytes(sound[: -2 * _PAGE])
    target = tmp_path / "bug.tar.gz"
    status, out, err = run(
        capsys, "incident", "--bundle", str(target), "--json", "--state-dir", str(tmp_path),
        "--socket", str(tmp_path / "none"), "--config", str(tmp_path / "none.toml"),
    )  # fmt: skip
    with tarfile.open(target) as found:
        files = {Path(name).name: found.extractfile(name) for name in found.getnames()}
        content = {name: file.read() for name, file in files.items() if file}
    assert 0 == status
    assert "it is damaged (" in err
    assert "it is damaged (" in json.loads(out)["missing"]["incident.txt"]
    assert sound[: -2 * _PAGE] == content["ledger.db"]
    assert "ledger.db is as it was found" in content["README.txt"].decode()
