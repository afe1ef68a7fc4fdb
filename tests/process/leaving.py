# SPDX-License-Identifier: MIT
"""Owns what the tests of leaving share: a ladder whose last rungs are near, further starts, what is left behind."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from camwatchd.adapters import ledger_dump, rundir
from camwatchd.adapters.medium import untrusted
from camwatchd.control.client import Client
from camwatchd.control.facts import CameraFacts, StatusFacts
from camwatchd.control.protocol import SOCKET_NAME, Answer, Request, Status
from tests.process.daemon import PATIENCE, QUICK, Daemon, command, folders, running
from tests.process.nasty import STALLED

# One attempt a rung; a restart of the service is asked for after two failed recoveries, a reboot after three.
LEAVING = (
    QUICK.replace("[ladder.restart-service]\nenabled = false", "[ladder.restart-service]\nsettle = 1.5")
    .replace("system_reboot_threshold = 1000", "system_reboot_threshold = 4\nmax_recovery_attempts = 3")
    .replace("recovery_cooldown = 1", "recovery_cooldown = 0.3")
    .replace("attempts = 1\nsettle = 1.5", "attempts = 1\nsettle = 0.8")
    .replace("attempts = 2\ntimeout = 4\nsettle = 2.5", "attempts = 1\ntimeout = 4\nsettle = 0.8")
)


@contextmanager
def obedient(directory: Path, config: str) -> Iterator[Daemon]:
    """A start with workers that deliver until the test stalls them, on a machine of their own (see nasty.py)."""
    folders(directory, config)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        line = ["-m", "tests.process.nasty", "obeys", str(theirs.fileno()), ""]
        with running(Daemon(directory, line, 60.0, (theirs.fileno(),))) as rig:
            yield rig


def stall(directory: Path) -> None:
    """From now on no frame comes, whatever is done about it."""
    (directory / STALLED).touch()


def deliver(directory: Path) -> None:
    """Frames come again."""
    (directory / STALLED).unlink()


def cure(directory: Path) -> None:
    """What its script does to the simulated camera is over when it is opened next."""
    memory = directory / "run/simulated-cam0.json"
    state = json.loads(memory.read_text())
    memory.write_text(
        json.dumps({**state, "faults": [{**fault, "over": True} for fault in state["faults"]]})
    )


@contextmanager
def start(directory: Path, *, watchdog: float | None = None) -> Iterator[Daemon]:
    """A further start in folders that an earlier one has left."""
    with running(Daemon(directory, command(), watchdog)) as rig:
        yield rig


def kept(directory: Path) -> rundir.Kept:
    """What the next start will find in the runtime directory."""
    return rundir.load(str(directory / "run"), rundir.boot_id())


def ledger(directory: Path) -> dict[str, Any]:
    """What is written down."""
    return ledger_dump.read(directory / "state")


def marks(directory: Path) -> list[str]:
    """The kinds of the marks in the ledger, in their order."""
    return [mark["kind"] for mark in ledger(directory)["marks"]]


def refusal(directory: Path) -> str:
    """Why no reboot is granted to a daemon under test: no unit started it, or even its ledger is in memory."""
    return "ledger-untrusted" if untrusted(directory / "state") else "no-systemd"


def ask(directory: Path, request: Request) -> Answer:
    """What the daemon answers on its control socket."""
    with Client(directory / "run" / SOCKET_NAME) as client:
        return client.ask(request, PATIENCE)


def facts(directory: Path) -> StatusFacts:
    """How everything is."""
    answer = ask(directory, Status())
    assert isinstance(answer, StatusFacts)
    return answer


def camera_facts(directory: Path) -> CameraFacts:
    """How the only camera is."""
    (found,) = facts(directory).cameras
    return found
