# SPDX-License-Identifier: MIT
"""Who else is at work: package operations from real locks, inhibitors from files as logind writes them."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from camwatchd.adapters.host import Host
from camwatchd.adapters.others import at_work
from tests.adapters.test_host import put

_INHIBITOR = """# This is private data. Do not parse.
WHAT=shutdown:sleep
MODE=block
UID=0
PID=77
WHO=backup of Ren\\303\\251
WHY=copying \\x2fhome
FIFO=/run/systemd/inhibit/1.ref
"""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A machine with a process 77 and an inhibitor of it."""
    return put(tmp_path, proc__77__comm="backup\n", run__systemd__inhibit__1=_INHIBITOR)


def _lock(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0)
    fcntl.lockf(fd, fcntl.LOCK_EX)
    yield
    os.close(fd)


@pytest.mark.parametrize(
    "name",
    [
        "var/lib/dpkg/lock-frontend",
        "var/lib/dpkg/lock",
        "var/lib/apt/lists/lock",
        "var/cache/apt/archives/lock",
    ],
)
def test_a_package_operation_is_named(tmp_path: Path, name: str) -> None:
    """Whoever holds a lock of dpkg or apt, by the kernel's own list; one that only lies there is nobody's."""
    (tmp_path / "proc").symlink_to("/proc")
    lock = _lock(tmp_path / name)
    next(lock)
    locked = at_work(Host(tmp_path))
    next(lock, None)

    comm = Path("/proc/self/comm").read_text().strip()
    assert (f"package operation by {comm} (pid {os.getpid()})",) == locked
    assert () == at_work(Host(tmp_path))


def test_an_inhibitor_is_named_with_its_reason(host: Host) -> None:
    """Who and why, in their own letters."""
    assert ("shutdown inhibited by backup of René (copying /home)",) == at_work(host)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("MODE=block", "MODE=delay"),
        ("MODE=block", "MODE=block-weak"),
        ("WHAT=shutdown:sleep", "WHAT=sleep:handle-power-key"),
        ("PID=77", "PID=78"),
    ],
)
def test_what_forbids_no_reboot_is_none(host: Host, old: str, new: str) -> None:
    """Delays, weak ones, those against something else, and those whose process is gone."""
    put(host.root, run__systemd__inhibit__1=_INHIBITOR.replace(old, new))

    assert () == at_work(host)


def test_the_fifo_beside_it_is_not_opened(host: Host) -> None:
    """logind keeps one for each inhibitor; reading it would wait for ever."""
    os.mkfifo(host.root / "run/systemd/inhibit/1.ref")

    assert 1 == len(at_work(host))


def test_a_machine_without_dpkg_and_logind_has_nobody(tmp_path: Path) -> None:
    """What is not there is not at work."""
    assert () == at_work(Host(tmp_path))
