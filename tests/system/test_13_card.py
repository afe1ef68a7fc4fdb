# SPDX-License-Identifier: MIT
"""Proves that an SD card which is full, or takes no writes, keeps nothing from running and grants no reboot."""

import pytest

from . import card
from .container import UNIT, Container
from .journal import Entry
from .shortcut import WATCHDOG
from .twocameras import STALLS, goes_on, intents, now, refused

pytestmark = pytest.mark.system

BLOCKED_FOR = 60.0  # seconds
GUARD_OPENS = "^systemd's start limit may reboot this machine again$"


@pytest.mark.scenario(
    13, "full disk: runs, pings, starts, says so, no reboot; writes again once there is room"
)
def test_a_full_disk_grants_nothing(container: Container) -> None:
    """Full disk: runs, pings, and no reboot without a budget it can prove."""
    full = boot_with_card(container)
    card.fill(container)

    told = container.entry(
        "cannot be written: disk full; supervision goes on", EVENT="ledger.unwritable", after=full
    )
    parked = refused(container, full, "ledger-untrusted")
    assert parked["REASON"] == "no budget can be proved: disk full"
    container.await_unit(StatusText="; ledger: disk full, so no reboots")

    container.run(f"systemctl restart {UNIT}")
    refused(container, container.entry(EVENT="ledger.unwritable", after=told), "ledger-untrusted")
    card.make_room(container)
    container.entry(EVENT="ledger.writable", after=told)
    assert intents(container) == []


@pytest.mark.scenario(
    13, "a card that blocks every write for 60 s: runs, pings, says so, no reboot", seconds=75
)
def test_a_blocked_card_grants_nothing(container: Container) -> None:
    """An SD card that blocks every write for 60 s: runs, pings, and no reboot without a budget it can prove."""
    since = boot_with_card(container)
    with card.blocked(container):
        container.entry("cannot be written: no record was written for 10 s", EVENT="ledger.unwritable")
        parked = refused(container, since, "ledger-silent")
        container.await_unit(StatusText="; ledger: no record was written for 10 s, so no reboots")
        container.stays_on(since.at + BLOCKED_FOR - parked.at)
        goes_on(container)

    container.entry(EVENT="ledger.writable", after=since)
    container.entry(EVENT="service.leave_revoked", CAMERA="lost")  # it was granted after all, but too late
    container.until(lambda: intents(container) == [], "no intent")
    goes_on(container)


def boot_with_card(container: Container) -> Entry:
    """Both cameras work, and one will be lost soon; the guard allows a reboot."""
    card.insert(container)
    container.configure(*STALLS)
    container.drop_in(WATCHDOG)
    container.boot()
    container.entry(EVENT="camera.started", CAMERA="lost")
    container.entry(GUARD_OPENS)
    return now(container)
