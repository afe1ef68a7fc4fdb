# SPDX-License-Identifier: MIT
"""Whatever lies where the ledger should be: it is opened, or set aside and kept, and never written over."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from camwatchd.adapters import ledger_dump
from camwatchd.adapters import ledger_schema as schema
from camwatchd.adapters.ledger_file import LedgerFile
from camwatchd.core import records as rec
from tests.adapters.ledger_rig import start

DATED = "ledger.db.damaged-2026-11-22T2130"
_NOBODY = 65534


def used(folder: Path) -> Path:
    """A ledger with something in it."""
    with start(folder) as running:
        running.write(rec.Begin("0.1.0", 1), rec.CameraHealthy("cam0"))
        running.write(*(rec.IncidentOpened(f"cam{n}", "frames-stopped", "x" * 500) for n in range(200)))
    return folder / "ledger.db"


def names(folder: Path) -> list[str]:
    """What lies in the folder, without SQLite's journals."""
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith("-journal"))


def _scramble(path: Path) -> None:
    with path.open("r+b") as file:
        for page in range(3, path.stat().st_size // 4096, 3):
            file.seek(page * 4096)
            file.write(os.urandom(2048))


def _link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE marks (number)")


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(schema.STEPS) + 1}")


_DAMAGES: dict[str, Callable[[Path], object]] = {
    "is damaged": _scramble,
    "is damaged (file is not a database)": lambda path: path.write_text("no database\n" * 500),
    "is damaged (database disk image is malformed)": lambda path: os.truncate(path, 3 * 4096),
    "is damaged (": lambda path: os.truncate(path, 50),
    "was an empty file": lambda path: os.truncate(path, 0),
    "cannot be read (Too many levels of symbolic links)": _link,
    "cannot be read (Is a directory)": _folder,
    "is another program's file": _foreign,
    "was written by a newer camwatchd (version 4, we know 3)": _newer,
}


@pytest.mark.parametrize(("wrong", "damage"), _DAMAGES.items())
def test_what_cannot_be_used_is_set_aside(
    tmp_path: Path, wrong: str, damage: Callable[[Path], object]
) -> None:
    """Under a dated name; the new ledger knows no camera, and both are said."""
    damage(used(tmp_path))

    with start(tmp_path) as running:
        assert not running.facts().ever_healthy
        assert () == running.ledger.story()
        aside, begun = running.file.tidings
    assert aside.startswith(f"the ledger {wrong}")
    assert aside.endswith(f"set aside as {DATED}")
    assert "\n" not in aside
    assert "new ledger was begun" in begun
    assert {"ledger.db", DATED} <= set(names(tmp_path))


def test_a_sound_ledger_is_opened_without_a_word(tmp_path: Path) -> None:
    """Nothing is set aside, nothing is begun."""
    used(tmp_path)

    with start(tmp_path) as running:
        assert [] == running.file.tidings
        assert running.facts().ever_healthy
    assert ["ledger.db"] == names(tmp_path)


def test_what_was_set_aside_is_what_it_was(tmp_path: Path) -> None:
    """A ledger of a newer version is kept as it is, for the day when that version comes back."""
    path = used(tmp_path)
    _newer(path)
    content = path.read_bytes()

    with start(tmp_path):
        assert content == (tmp_path / DATED).read_bytes()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that an unprivileged user reaches and owns."""
    with tempfile.TemporaryDirectory() as name:
        if os.geteuid() == 0:
            os.chown(name, _NOBODY, _NOBODY)
        yield Path(name)


def _unprivileged() -> None:
    if os.geteuid() == 0:
        os.seteuid(_NOBODY)


def _privileged() -> None:
    with suppress(PermissionError):
        os.seteuid(0)


def test_an_unreadable_ledger_is_set_aside(open_folder: Path) -> None:
    """Somebody took our permission, as a careless restore does: the file is kept, a new one begun."""
    path = used(open_folder)
    path.chmod(0)
    _unprivileged()
    try:
        with start(open_folder) as running:
            assert "cannot be read (Permission denied)" in running.file.tidings[0]
    finally:
        _privileged()
    assert [DATED, "ledger.db"] == sorted(names(open_folder), key=len, reverse=True)


def test_a_ledger_that_cannot_be_set_aside_stays_where_it_is(open_folder: Path) -> None:
    """The folder may not be written: that is trouble, said with the name of the file, and nothing is lost."""
    path = used(open_folder)
    os.truncate(path, 0)
    open_folder.chmod(0o555)
    path.chmod(0o666)
    _unprivileged()
    try:
        assert _trouble(LedgerFile(open_folder, lambda: "now")).startswith("Permission denied: ")
    finally:
        _privileged()
        open_folder.chmod(0o755)
    assert "ledger.db" in names(open_folder)


def _trouble(file: LedgerFile) -> str:
    with pytest.raises(PermissionError) as caught:
        file.open()
    return schema.explain(caught.value)


def test_at_most_three_are_kept(tmp_path: Path) -> None:
    """The newest is one of them even if the clock says that it is the oldest."""
    stamps = ["2026-11-01T0000", "2026-11-02T0000", "2026-11-02T0000", "2026-11-03T0000", "1970-01-01T0000"]
    for stamp in stamps:
        used(tmp_path)
        os.truncate(tmp_path / "ledger.db", 0)
        LedgerFile(tmp_path, lambda stamp=stamp: stamp).open().close()  # type: ignore[misc]

    left = [name.removeprefix("ledger.db.damaged-") for name in names(tmp_path) if "damaged" in name]
    assert ["1970-01-01T0000", "2026-11-02T0000-2", "2026-11-03T0000"] == left


def test_none_is_written_over(tmp_path: Path) -> None:
    """Two in one minute get two names."""
    for text in ("first", "second"):
        (tmp_path / "ledger.db").write_text(text)
        LedgerFile(tmp_path, lambda: "2026-11-22T2130").open().close()

    assert ["first", "second"] == [(tmp_path / name).read_text() for name in (DATED, f"{DATED}-2")]


def _hot_journal(path: Path) -> bytes:
    """What a power cut in the middle of a big commit leaves: it would be played back at the next opening."""
    with closing(schema.connect(path)) as db:
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE marks SET wall = 'yesterday'")
        db.execute("UPDATE incidents SET evidence = evidence || 'y'")
        content = path.with_name("ledger.db-journal").read_bytes()
        db.execute("ROLLBACK")
    assert content.startswith(b"\xd9\xd5\x05\xf9")
    return content


def test_a_ledger_whose_writer_died_can_be_read(tmp_path: Path) -> None:
    """In the middle of a commit: what was acknowledged is read, and what lies there is left as it is."""
    path = used(tmp_path)
    whole = ledger_dump.read(tmp_path)
    with closing(schema.connect(path)) as db:
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE incidents SET evidence = 'never acknowledged'")
        (tmp_path / "dead").mkdir()
        for file in (path, path.with_name("ledger.db-journal")):
            shutil.copy(file, tmp_path / "dead")
        db.execute("ROLLBACK")
    left = (tmp_path / "dead/ledger.db").read_bytes()

    assert whole == ledger_dump.read(tmp_path / "dead")
    assert b"never acknowledged" in left
    assert left == (tmp_path / "dead/ledger.db").read_bytes()


def test_a_journal_never_meets_a_new_ledger(tmp_path: Path) -> None:
    """It goes with the ledger that it belongs to; one without a ledger is thrown away, not played into a new one."""
    (tmp_path / "ledger.db").write_text("")
    (tmp_path / "ledger.db-journal").write_text("its journal")
    LedgerFile(tmp_path, lambda: "2026-11-22T2130").open().close()
    assert "its journal" == (tmp_path / f"{DATED}-journal").read_text()

    path = used(tmp_path)
    (tmp_path / "ledger.db-journal").write_bytes(_hot_journal(path))
    path.unlink()
    with start(tmp_path) as running:
        assert not running.facts().ever_healthy
        assert ["a new ledger was begun"] == [text.partition(":")[0] for text in running.file.tidings]


def test_a_half_made_ledger_is_made_again(tmp_path: Path) -> None:
    """A power cut while it was begun leaves nothing that looks like a damaged ledger."""
    (tmp_path / "ledger.db.new").write_text("half")

    with start(tmp_path) as running:
        assert ["a new ledger was begun"] == [text.partition(":")[0] for text in running.file.tidings]
    assert ["ledger.db"] == names(tmp_path)


def test_a_ledger_whose_name_is_gone_is_noticed(tmp_path: Path) -> None:
    """What would be written to a file without a name, or under another's, would be lost at the next start."""
    with start(tmp_path) as running:
        assert not running.file.was_replaced()
        (tmp_path / "ledger.db").unlink()
        assert running.file.was_replaced()
        (tmp_path / "ledger.db").write_text("")
        assert running.file.was_replaced()
