# SPDX-License-Identifier: MIT
"""Proves that what people and packages do to the unit never adds up to a reboot, however often they do it."""

import json

import pytest

from camwatchd.core.budget import BURST

from .container import PATIENCE, UNIT, Container
from .lastrungs import ledger
from .quick import WATCHDOG
from .sabotage import armed, sabotage
from .upgrade import VERSION, upgrade

pytestmark = pytest.mark.system

TWENTY = 20  # starts; systemd reboots at the fifth if they add up
MAIN_PID = f"$(systemctl show --property=MainPID --value {UNIT})"
STORM = f"for i in $(seq {TWENTY}); do systemctl daemon-reload & done; wait"


@pytest.mark.scenario(7, "twenty restarts in a row: no reboot")
def test_twenty_restarts(container: Container) -> None:
    """Twenty systemctl restart in a row: no reboot, and the service is up afterwards."""
    armed(container)
    container.run(f"for i in $(seq {TWENTY}); do systemctl restart {UNIT} || exit; done", timeout=90)
    await_up(container, restarts=0)


@pytest.mark.scenario(7, "twenty restarts while the camera's stop() blocks for 6 s: no reboot", seconds=75)
def test_twenty_restarts_while_stop_blocks(container: Container) -> None:
    """Also while the camera's stop() blocks for 6 s: no reboot, and the service is up afterwards."""
    armed(container)
    sabotage(container, "stops slowly")
    container.run(f"systemctl restart {UNIT}")
    for _ in range(TWENTY):
        await_up(container, restarts=0)  # only a camera that delivers is stopped
        container.run(f"systemctl restart {UNIT}")
    await_up(container, restarts=0)

    assert len(container.journal.all("does not end; sending SIGABRT$", CAMERA="cam0")) == TWENTY
    assert container.journal.all("Failed with result", UNIT=UNIT) == []


@pytest.mark.scenario(7, "an upgrade after as many crashes as are allowed: no reboot", seconds=20)
def test_an_upgrade_after_crashes(container: Container) -> None:
    """An upgrade: no reboot even after as many crashes as systemd allows, the new version is up, and keeps
    configuration and ledger.
    """
    armed(container)
    container.drop_in(WATCHDOG)
    container.run("echo '# ours' >> /etc/camwatchd/config.toml")
    for crash in range(1, BURST):
        container.run(f"kill -SEGV {MAIN_PID}")
        await_up(container, restarts=crash)
    container.drop_in("[Service]\nRestartSec=60\n", name="zz")
    container.run(f"kill -SEGV {MAIN_PID}")
    container.await_unit(SubState="^auto-restart$")  # the next start is the one that is too many
    before = marks(container)
    upgrade(container)

    await_up(container, restarts=0)
    assert json.loads(container.run("camwatchctl status --json").stdout)["daemon"]["version"] == VERSION
    assert container.run("tail -n 1 /etc/camwatchd/config.toml").stdout == "# ours\n"
    assert marks(container)[: len(before)] == before != []


@pytest.mark.scenario(7, "daemon-reload storms and stray SIGTERMs: no reboot")
def test_storms_and_strays(container: Container) -> None:
    """daemon-reload storms; stray SIGTERM: no reboot, and the service is up afterwards."""
    armed(container)
    container.drop_in(WATCHDOG)
    for _ in range(BURST + 2):  # first, as systemd 252 forgets its count with each daemon-reload
        mark = container.journal.last()
        container.run(f"kill -TERM {MAIN_PID}")
        container.entry(EVENT="daemon.started", after=mark)
    await_up(container, restarts=1)  # since the last clean stop

    before = container.unit("InvocationID")
    container.run(STORM, timeout=60)
    assert container.unit("InvocationID") == before
    container.run(f"{{ {STORM}; }} & systemctl restart {UNIT} && wait", timeout=60)
    await_up(container, restarts=0)


def await_up(container: Container, restarts: int) -> None:
    """It runs and its camera delivers, after so many restarts that were systemd's own."""
    up = {"ActiveState": "^active$", "StatusText": "^cam0 EXCELLENT"}
    container.await_unit(PATIENCE, UNIT, **up, NRestarts=f"^{restarts}$")


def marks(container: Container) -> list[dict[str, object]]:
    """What the ledger holds for good: of a camera's health only the last mark is kept."""
    return [mark for mark in ledger(container)["marks"] if mark["kind"] != "healthy"]
