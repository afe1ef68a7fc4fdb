# SPDX-License-Identifier: MIT
"""Owns the soak of recoveries: hundreds of them in a row, and nothing in the supervisor may have grown by them.

python -m tests.bench.soak recoveries [--count 200] [--seed 1]
"""

import argparse
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path

from tests.bench.soak import plan
from tests.bench.soak.gauges import Gauges, gauges, kilobytes
from tests.bench.soak.run import Soak, soak
from tests.bench.table import grid

CAMERAS = ("cam0", "cam1")
WARM = 20  # recoveries after which everything that is loaded once has been loaded
_AT_A_TIME = (
    10  # faults of one script; as many while it warms up, since a longer one takes more memory by itself
)
_MEMORY = 1.02  # of the supervisor, between WARM and the end
_SLOWEST = 30.0  # s that a fault may take, its calm included


@dataclass(frozen=True)
class Look:
    """What was seen between two scripts, with everything calm."""

    recoveries: int
    supervisor: Gauges
    recorder: Gauges
    processes: int
    ledger: float  # kB


def options(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    parser.add_argument("--count", type=int, default=200, help="recoveries (200)")
    parser.add_argument("--seed", type=int, default=1, help="of their order (1)")


def run(asked: argparse.Namespace) -> int:
    """1: something has grown."""
    with tempfile.TemporaryDirectory(prefix="camwatchd-soak-") as name, soak(Path(name), CAMERAS) as running:
        looks = [look(running)]
        for wanted in (min(WARM, asked.count), asked.count):
            recover(running, wanted, asked.seed)
            looks.append(look(running))
        resets = running.resets
    show(looks)
    print(f"  devices reset: {dict(resets)}; the kernel's log was read all the while")
    problems = grown(looks[1], looks[-1])
    print("\n".join(problems) or "nothing has grown")
    return 1 if problems else 0


def recover(running: Soak, wanted: int, seed: int) -> None:
    """Script after script, until so many recoveries were told."""
    began = last = time.monotonic()

    def progress() -> None:
        nonlocal last
        if (now := time.monotonic()) > last + 10:
            last = now
            print(f"  {running.recoveries} of {wanted} recoveries, {now - began:.0f} s", flush=True)

    while (missing := wanted - running.recoveries) > 0:
        each = min(_AT_A_TIME, -(-missing // len(CAMERAS)))
        salt = 1000 * seed + running.recoveries  # another order in each script
        scripts = {name: plan.recoveries(salt + number, each) for number, name in enumerate(CAMERAS)}
        running.play(scripts, each * _SLOWEST, progress)


def look(running: Soak) -> Look:
    """Once there is a worker for each camera and one more that stands by (whoever was adopted is still called so)."""
    rig = running.rig
    while len(rig.workers() | rig.workers(standby=True)) != len(CAMERAS) + 1:
        running.look()
    running.let_pass()  # our own connection to the control socket is closed by now
    return Look(
        recoveries=running.recoveries,
        supervisor=gauges(rig.pid),
        recorder=gauges(rig.recorder()),
        processes=len(rig.processes()),
        ledger=kilobytes(rig.directory / "state"),
    )


def grown(warm: Look, end: Look) -> list[str]:
    """What has grown between two looks, in words."""
    numbers = {
        "descriptors of the supervisor": (warm.supervisor.descriptors, end.supervisor.descriptors),
        "threads of the supervisor": (warm.supervisor.threads, end.supervisor.threads),
        "descriptors of the recorder": (warm.recorder.descriptors, end.recorder.descriptors),
        "threads of the recorder": (warm.recorder.threads, end.recorder.threads),
        "processes": (warm.processes, end.processes),
    }
    found = [f"grown: {name}: {old} -> {new}" for name, (old, new) in numbers.items() if new > old]
    share = end.supervisor.rss / warm.supervisor.rss
    if share > _MEMORY:
        found.append(f"grown: memory of the supervisor: {share:.3f} x, allowed {_MEMORY} x")
    return found


def show(looks: list[Look]) -> None:
    """A column for each look."""
    names = ("descriptors", "threads", "RSS, kB", "PSS, kB")
    rows = [("", *(f"after {look.recoveries}" for look in looks))]
    for process in ("supervisor", "recorder"):
        columns = [astuple(getattr(look, process)) for look in looks]
        rows += [(f"{process}: {name}", *map(str, row)) for name, *row in zip(names, *columns, strict=True)]
    rows.append(("child processes", *(str(look.processes) for look in looks)))
    rows.append(("ledger, kB", *(f"{look.ledger:.0f}" for look in looks)))
    grid("recoveries in a row (real daemon, simulated cameras)", rows)
