# SPDX-License-Identifier: MIT
"""What the guard does not trust, and so keeps systemd's start limit from rebooting: folders, files, lines, itself."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.guard_rig import Machine, boot_id


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "root")


@pytest.mark.parametrize("kind", ["tmpfs", "ramfs", "overlayfs", "squashfs", ""])
def test_what_need_not_outlive_the_boot_closes(machine: Machine, kind: str) -> None:
    """A record on such a file system proves nothing, healthy or not."""
    (machine.root / "file-system").write_text(f"{kind}\n")
    machine.healthy()
    machine.history("success")

    assert (kind or "unknown file system") in machine.why


@pytest.mark.skipif("tmpfs /dev/shm tmpfs" not in Path("/proc/mounts").read_text(), reason="no /dev/shm")
def test_a_real_tmpfs_is_known() -> None:
    """The system's own stat names a file system as the guard expects it."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        machine = Machine(Path(folder, "root"))
        (machine.root / "bin/stat").unlink()
        machine.history("success")

        assert "is on tmpfs" in machine.why


def a_folder(file: Path) -> None:
    file.mkdir()


def a_pipe(file: Path) -> None:
    os.mkfifo(file)


def a_link(file: Path) -> None:
    file.with_name("target").write_text(f"{boot_id(1)} start 1\n")
    file.symlink_to("target")


@pytest.mark.parametrize("make", [a_folder, a_pipe, a_link])
def test_only_a_regular_file_is_a_record(machine: Machine, make: Callable[[Path], None]) -> None:
    """Nothing else is read or written, even where a camera is healthy."""
    make(machine.file)
    machine.healthy()
    machine.start()
    machine.generate()

    assert "is not root's own" in machine.why
    assert [path.read_text() for path in machine.folder.glob("target")] == [f"{boot_id(1)} start 1\n"][
        : make is a_link
    ]


def test_a_linked_folder_is_not_trusted(machine: Machine) -> None:
    """A link in the place of the folder could lead anywhere."""
    machine.folder.rename(machine.folder.with_name("elsewhere"))
    machine.folder.symlink_to("elsewhere")
    machine.healthy()
    machine.start()

    assert "is not root's own" in machine.said
    assert not machine.file.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_not_trusted(machine: Machine) -> None:
    """Whoever owns the folder can put a link where the guard writes as root."""
    os.chown(machine.folder, 65534, 65534)
    machine.healthy()
    machine.start()

    assert "is not root's own" in machine.said
    assert not machine.file.exists()


DAMAGED = [
    "garbage\n",
    "\n",
    f"{boot_id(1)} start\n",
    f"{boot_id(1)} start 1 2\n",
    f"{boot_id(1)} start one\n",
    f"{boot_id(1)} START 1\n",
    f"{boot_id(1)[1:]} start 1\n",
    f"{boot_id(1)} start 1\n{boot_id(1)} suc",  # the power went while it was written
    f"{boot_id(1)} start 1",
    f"{boot_id(1)} start 1\n" + "\0" * 60,
    f"{boot_id(1)} start 1\n" + "\0" * 60 + "\n",
    "\xff\xfe\n",
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_record_is_set_aside_and_begun_anew(machine: Machine, text: str) -> None:
    """It closes until a camera is healthy, as a new one does; what it was can be looked at."""
    machine.file.write_bytes(text.encode("latin-1"))
    machine.boot()
    assert "is damaged" in machine.why
    assert "its record begins with this boot" in machine.start()
    assert ["2 start 10.00"] == machine.lines
    assert text.encode("latin-1") == machine.file.with_name("guard.damaged").read_bytes()
    machine.healthy()
    machine.run("check")

    assert machine.why == ""


@pytest.mark.parametrize("text", ["", "garbage\n", f"{boot_id(1)} and more\n", f"x\n{boot_id(1)}\n"])
def test_another_mark_of_health_is_none(machine: Machine, text: str) -> None:
    """Only the first word of the first line counts, and only if it is the name of a boot."""
    machine.start()
    (machine.folder / "state/healthy").write_text(text)
    machine.run("check")

    assert bool(machine.why) == (not text.startswith(boot_id(1)))


def test_a_link_is_no_mark_of_health(machine: Machine) -> None:
    """The daemon's folder is the daemon's, and the guard reads as root: it follows no link there."""
    machine.start()
    machine.healthy()
    (machine.folder / "state/healthy").rename(machine.folder / "state/there")
    (machine.folder / "state/healthy").symlink_to("there")
    machine.generate()

    assert "begins with this boot" in machine.why


def test_a_line_that_cannot_be_written_closes_at_once(machine: Machine) -> None:
    """What is not on the disk cannot count against the next boot; the next line that is written opens again."""
    machine.history("success")
    machine.start()
    machine.program("sync", "echo sync: No space left on device >&2; exit 1")
    machine.stop("watchdog")
    assert "could not be written: sync: No space left on device" in machine.why
    (machine.root / "bin/sync").unlink()
    machine.start()

    assert machine.why == ""


def test_a_card_that_does_not_answer_holds_nobody_up(machine: Machine) -> None:
    """A start whose line is not written within 4 s goes on, closed."""
    machine.history("success")
    os.mkfifo(machine.root / "never")
    machine.program("sync", 'read -r _ < "$CAMWATCHD_ROOT/never"')
    machine.start()
    (machine.root / "never").write_text("at last\n")

    assert "no answer within 4 s" in machine.why


@pytest.mark.parametrize("broken", ["awk", "tail", "stat"])
def test_a_guard_that_does_not_work_is_closed(machine: Machine, broken: str) -> None:
    """A tool that fails cannot make it say that reboots are right, and keeps nothing from starting."""
    machine.history("success")
    machine.program(broken, "exit 1")
    machine.start()
    machine.boot()

    assert machine.why != ""


def test_an_unnamed_boot_is_closed(machine: Machine) -> None:
    """Without the kernel's name for this boot nothing can be counted."""
    machine.history("success")
    (machine.root / "proc/sys/kernel/random/boot_id").write_text("")
    machine.run("check")

    assert "does not name this boot" in machine.why
