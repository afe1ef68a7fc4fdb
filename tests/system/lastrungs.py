# SPDX-License-Identifier: MIT
"""Owns what the scenarios of the last rungs share: a steep ladder, cameras that nothing cures, what was climbed."""

from itertools import groupby
from typing import Any

from camwatchd.adapters import ledger_dump

from .container import UNIT, Container
from .journal import Entry
from .quick import WATCHDOG

# On top of QUICK: every rung is climbed once, and a reboot may follow as soon as they are spent.
STEEP = """
[supervision]
first_frame_timeout = 2
max_recovery_attempts = 2
system_reboot_threshold = 4
[ladder.restart-worker]
attempts = 1
settle = 2
[ladder.restart-service]
settle = 3
[reboot]
min_uptime_before_reboot = 1
"""

# What is left of RestartSec=: four starts that leave at once lie between a granted reboot and its beginning.
SOON = f"{WATCHDOG}RestartSec=0.2\n"

# Straight to the reboot, where the rung before it is not the point.
STRAIGHT = """
[ladder.restart-service]
enabled = false
"""

# Scripts begin anew with each boot: the first camera works for a while in every boot, the second one never does.
LOST: dict[str, object] = {"kind": "stall", "at": 5}
DEAD: dict[str, object] = {"kind": "stall"}

CLIMB = 60.0  # seconds; up the whole ladder, on a busy machine
LADDER = ["retry", "restart-stream", "restart-worker", "restart-service", "reboot"]
_RETRY, _RUNGS = "capture.failed", ("ladder.action_started", "service.leaving")
_STATE = "var/lib/camwatchd/state"
_WORKERS = "grep -l 'camwatchd[.]worker' /proc/[0-9]*/cmdline | cut -d / -f 3"
_MEMORY, _OVER = "/run/camwatchd/simulated-{}.json", """'s/"over": false/"over": true/g'"""


def climbed(container: Container, name: str) -> list[str]:
    """The rungs that were climbed for a camera, in their order; repetitions are left out."""
    about = [entry for entry in container.journal.all(CAMERA=name) if "EVENT" in entry.fields]
    rungs = [
        "retry" if e["EVENT"] == _RETRY else e["RUNG"] for e in about if e["EVENT"] in (_RETRY, *_RUNGS)
    ]
    return [rung for rung, _ in groupby(rungs)]


def ledger(container: Container) -> dict[str, Any]:
    """What the ledger holds, also while the container is off."""
    return ledger_dump.read(container.tree / _STATE)


def marks(container: Container, kind: str) -> list[str]:
    """The cameras of the ledger's marks of one kind, oldest first."""
    return [mark["camera"] for mark in ledger(container)["marks"] if mark["kind"] == kind]


def await_reboot(container: Container, name: str, *, after: Entry | None = None) -> Entry:
    """Until the daemon has left for a camera and systemd's start limit has rebooted for it; it stays off."""
    leaving = container.entry(
        EVENT="service.leaving", RUNG="reboot", CAMERA=name, after=after, timeout=CLIMB
    )
    assert container.await_end(CLIMB) == "reboot"
    container.entry(r"Start request repeated too quickly\.$", after=leaving, UNIT=UNIT)
    container.entry(rf"^Rebooting: unit {UNIT} failed", after=leaving, _PID="1")
    return leaving


def plug(container: Container, number: int) -> Entry | None:
    """A device node appears, which has a parked camera probed at once; a mark to look from."""
    mark = container.journal.last()
    container.run(f"touch /dev/video{number}")
    return mark


def bring_back(container: Container, name: str) -> None:
    """The camera itself works again: its fault is over. A worker that has it open knows better, until it is gone."""
    # The shell's own kill: the container has no other.
    container.run(f'pids=$({_WORKERS}); test -z "$pids" || kill -KILL $pids')
    container.run(f"sed -i {_OVER} {_MEMORY.format(name)}")
