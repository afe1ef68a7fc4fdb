# SPDX-License-Identifier: MIT
"""Proves that a ledger which is damaged, lost or kept in memory grants no reboot, and keeps nothing from running."""

from collections.abc import Callable
from pathlib import Path

import pytest

from .container import UNIT, Container
from .shortcut import WATCHDOG
from .twocameras import IS_MISSING, STALLS, STATE, WORKED, goes_on, intents, now, refused

pytestmark = pytest.mark.system


def corrupt(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def forbid(file: Path) -> None:
    file.chmod(0)


def empty(file: Path) -> None:
    file.write_bytes(b"")


# What is done to it, and what the journal says of it.
DAMAGES: tuple[tuple[Callable[[Path], None], str], ...] = (
    (corrupt, r"the ledger is damaged \(.+\); it was set aside as ledger\.db\.damaged-"),
    (truncate, r"the ledger is damaged \(.+\); it was set aside as ledger\.db\.damaged-"),
    (forbid, r"the ledger cannot be read \(Permission denied\); it was set aside as ledger\.db\.damaged-"),
    (empty, r"the ledger was an empty file; it was set aside as ledger\.db\.damaged-"),
    (Path.unlink, r"^a new ledger was begun: no reboot for a camera before it has given a healthy frame"),
)


@pytest.mark.scenario(13, "ledger corrupt, truncated, unreadable, empty, gone: pings, no reboot", seconds=75)
def test_a_damaged_ledger_grants_nothing(container: Container) -> None:
    """Ledger corrupt, truncated, unreadable, replaced by an empty one: runs, pings, and no reboot without a budget
    it can prove.
    """
    container.configure(*WORKED)
    container.drop_in(WATCHDOG)
    container.boot()
    for name in ("lost", "fine"):
        container.entry(EVENT="camera.started", CAMERA=name)
    goes_on(container)
    container.run(f"systemctl stop {UNIT}; cp -p {STATE}/ledger.db /root")
    container.configure(*IS_MISSING)

    for damage, tidings in DAMAGES:
        container.run(f"cp -p /root/ledger.db {STATE}")
        damage(container.tree / STATE.lstrip("/") / "ledger.db")
        before = now(container)
        container.run(f"systemctl start {UNIT}")
        container.entry(tidings, after=before)
        refused(container, before, "never-healthy")
        assert intents(container) == []
        container.run(f"systemctl stop {UNIT}")

    container.run(f"cp -p /root/ledger.db {STATE}; systemctl start {UNIT}")
    container.entry(EVENT="service.leaving", CAMERA="lost", RUNG="reboot")
    container.await_reboot()


@pytest.mark.scenario(13, "ledger on tmpfs: runs, pings, says so, no reboot")
def test_a_ledger_in_memory_grants_nothing(container: Container) -> None:
    """Ledger on tmpfs: runs, pings, and no reboot without a budget it can prove."""
    container.lend("--tmpfs=/var/lib/camwatchd:mode=755")
    container.configure(*STALLS)
    container.drop_in(WATCHDOG)
    container.boot()

    text = f"{STATE} is on tmpfs, which a boot empties"
    told = container.entry(EVENT="ledger.untrusted")
    assert told.message == f"the ledger proves nothing here: {text}; the machine will not be rebooted"
    container.await_unit(StatusText=f"; ledger: {text}, so no reboots")
    parked = refused(container, told, "ledger-untrusted")
    assert parked["REASON"] == f"no budget can be proved: {text}"
    container.entry("^systemd's start limit will not reboot .*/var/lib/camwatchd is on tmpfs")


@pytest.mark.scenario(13, "ledger replaced by an empty one under a running daemon: pings, no reboot")
def test_a_ledger_that_is_replaced_grants_nothing(container: Container) -> None:
    """Ledger replaced by an empty one: the daemon that wrote the old one has no budget left that it can prove."""
    container.configure(*STALLS)
    container.drop_in(WATCHDOG)
    container.boot()
    for name in ("lost", "fine"):
        container.entry(EVENT="camera.started", CAMERA=name)
    goes_on(container)

    before = now(container)
    container.run(f"cd {STATE} && rm ledger.db && install -o camwatchd -m 640 /dev/null ledger.db")
    refused(container, before, "never-healthy")
    container.entry(
        r"^the ledger was an empty file; it was set aside .*; a new ledger was begun", after=before
    )
    assert intents(container) == []
