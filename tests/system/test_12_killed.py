# SPDX-License-Identifier: MIT
"""Proves that SIGKILL of everything at any moment costs neither the ledger, nor a record in it, nor a reboot more."""

import pytest

from .container import Container
from .killing import Memory, granted, kill_in, seeded, started
from .sabotage import RETRY_SOON
from .shortcut import LOST, QUICK, SHORTCUT, camera

pytestmark = pytest.mark.system

AT_ONCE = "[Service]\nRestartSec=0.1\n"
GONE: dict[str, object] = {"kind": "gone", "at": 6}
# An incident every other second, each cured at once by restart-stream.
TIMED_OUT = "Dequeue timer of 1000000.00us has expired! Camera frontend has timed out!"
FLAPS = [
    {"kind": "stderr", "message": TIMED_OUT, "at": 6 + 2 * n, "until": "restart-stream"} for n in range(100)
]
# Reboots are only told of, and one after the other is.
OBSERVED = '[reboot]\nmode = "observe"\nmax_reboots_per_day = 100\nmax_reboots_per_week = 500\n'
BUDGET = 2
ARMED = f"[reboot]\nmax_reboots_per_day = {BUDGET}\nmax_boots_without_health = 10\n"


@pytest.mark.scenario(
    12, "100 times SIGKILL during incidents: the ledger opens, nothing is lost", seconds=150
)
def test_the_ledger_survives_a_hundred_kills(container: Container) -> None:
    """SIGKILL of everything at 100 random moments during incidents (start limit reset in between): the ledger opens
    every time, no acknowledged record is lost.
    """
    container.configure(QUICK, SHORTCUT, OBSERVED, camera("flaps", *FLAPS), camera("lost", GONE))
    container.drop_in(AT_ONCE)
    container.boot()
    for name in ("flaps", "lost"):
        container.entry(EVENT="camera.started", CAMERA=name)
    first = mark = container.entry(EVENT="alert.connection_error", CAMERA="lost")

    moments, memory = seeded(), Memory()
    for _ in range(100):
        mark = container.journal.last() or mark
        assert kill_in(container, moments.uniform(0, 1.2), reset=True)
        memory.compare(container)
        assert started(container, mark)
    answered = container.entry(EVENT="alert.critical", CAMERA="lost", after=mark)
    memory.compare(container)

    told = [e for e in container.journal.all(EVENT="alert.critical", CAMERA="lost") if "REFUSAL" in e.fields]
    assert memory.count("start") >= len({entry["_PID"] for entry in told}) > 0
    assert memory.count("observed") >= sum(entry["REFUSAL"] == "observe" for entry in told)
    assert container.journal.all("set aside|a new ledger was begun|ledger cannot be", after=first) == []
    assert answered.boot == first.boot


@pytest.mark.scenario(12, "30 more without reset: no more reboots than the budget allows", seconds=90)
def test_thirty_kills_cost_no_more_reboots_than_the_budget(container: Container) -> None:
    """30 more without reset: reboots never above the budget."""
    container.configure(QUICK, SHORTCUT, ARMED, camera("fine"), LOST)
    container.drop_in(AT_ONCE)
    container.drop_in(RETRY_SOON, unit="camwatchd-retry.timer")
    container.boot()
    container.entry("^systemd's start limit may reboot this machine again", SYSLOG_IDENTIFIER="guard")

    moments, reboots, kills = seeded(), 0, 0
    while kills < 30:
        mark = container.journal.last()
        kills += kill_in(container, moments.uniform(0, 1.2), reset=False)
        while not started(container, mark):
            container.await_reboot(ready=False)
            reboots += 1

    assert 0 < reboots <= BUDGET
    assert reboots + 1 == len({entry.boot for entry in container.journal.all()})
    assert len(granted(container)) <= BUDGET
    container.entry(
        rf"^systemd's start limit will not reboot .* \(max_reboots_per_day = {BUDGET}\)",
        SYSLOG_IDENTIFIER="guard",
    )
    container.await_unit(ActiveState="^active$")
