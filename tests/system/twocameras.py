# SPDX-License-Identifier: MIT
"""Owns a machine with two cameras: one is lost and wants its reboot, the other goes on and pays for the watchdog."""

import json
from typing import Any

from .container import Container
from .journal import Entry
from .shortcut import HEALTHY_FOR, QUICK, SHORTCUT, camera

STATE = "/var/lib/camwatchd/state"
FINE = camera("fine")
_STALL: dict[str, object] = {"kind": "stall", "at": HEALTHY_FOR}
_MISSING: dict[str, object] = {"kind": "missing", "message": "Camera(s) not found"}
WORKED = (QUICK, SHORTCUT, FINE, camera("lost"))
STALLS = (QUICK, SHORTCUT, FINE, camera("lost", _STALL))  # after it has worked in this boot
IS_MISSING = (QUICK, SHORTCUT, FINE, camera("lost", _MISSING))  # from the first opening on
_PINGED = "WatchdogTimestampMonotonic"
ANSWERED = 60.0  # seconds until a lost camera has heard whether it may reboot the machine, at most


def now(container: Container) -> Entry:
    """A place in the journal: what comes after this call."""
    last = container.journal.last()
    container.run("logger -t test now")
    return container.entry("^now$", after=last)


def refused(container: Container, since: Entry, refusal: str) -> Entry:
    """The lost camera is parked and may not reboot; the service runs, and pings all the same."""
    parked = container.entry(
        EVENT="alert.critical", CAMERA="lost", REFUSAL=refusal, after=since, timeout=ANSWERED
    )
    goes_on(container)
    assert [] == container.journal.all(EVENT="service.leaving", after=since)
    return parked


def goes_on(container: Container) -> None:
    """It runs as it did, and pings."""
    container.await_unit(ActiveState="^active$", NRestarts="^0$")
    before = _pinged(container)
    container.until(lambda: _pinged(container) > before, "a ping after the last")


def marks(container: Container) -> list[dict[str, Any]]:
    """What the ledger holds that decides about a reboot; also while its file system is not to be seen from here."""
    dump = container.run(f"python3 -m camwatchd.adapters.ledger_dump {STATE} --json")
    found: list[dict[str, Any]] = json.loads(dump.stdout)["marks"]
    return found


def intents(container: Container) -> list[str]:
    """The cameras for which reboots were granted; those that were revoked are left out."""
    found = marks(container)
    revoked = {mark["voids"] for mark in found}
    return [m["camera"] for m in found if m["kind"] == "intent" and m["number"] not in revoked]


def _pinged(container: Container) -> int:
    return int(container.unit(_PINGED)[_PINGED])
