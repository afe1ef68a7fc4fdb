# SPDX-License-Identifier: MIT
"""Owns the availability of the installed package on the kernel camera: faults of the mix, one after the other.

    python -m tests.bench.soak machine [--minutes 60] [--seed 1] [--pause 40]      (as root, see tests/vm/README.md)

Faults come far more often than in any field, and times are those of an emulated processor: what it shows is that
the whole stack survives the mix, and what each fault cost beside how long it lasted.
"""

import argparse
import statistics
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass

from camwatchd.core.ladder import Rung
from tests.bench.soak.mix import MIX, Onset, Shows, draw
from tests.bench.table import grid
from tests.vm.machine import Entry, Machine
from tests.vm.scene import ITS_ENTRIES, UNIT, Scene, at, camera

_SUMMARY = "EVENT=camera.summary"
_CONFIGURATION = "[daemon]\nsummary_interval = 10\n"
_HEALTHY = r"cam0 EXCELLENT 100/100, [0-9.]+ fps, last frame 0\.[0-9]+ s ago"
_BACK_WITHIN = 180.0  # s; the service may have to be restarted in between
_NOTICED = 90.0  # s until a rung is tried
_INCONCLUSIVE = 2
_OVER = ("alert.recovery", "camera.hiccup_ended", "camera.started")

# What the camera can be told to do, and what ends it. The rest of the mix nobody can do to it from outside.
_ORDERS = {
    Shows.SILENCE: ("stall", "normal"),
    Shows.GONE: ("unplug", "plug"),
    Shows.PICTURE: ("same", "normal"),
}
_SIGNALS = {Shows.CRASH: "SEGV", Shows.HANG: "STOP"}
KINDS = tuple(
    kind
    for kind in MIX
    if (kind.shows in _ORDERS or kind.shows in _SIGNALS) and kind.cure is not Rung.REBOOT
)


@dataclass(frozen=True)
class Cost:
    """What one fault was: how long it lasted, and until when the camera was not healthy."""

    name: str
    lasted: float
    cost: float


def options(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    parser.add_argument("--minutes", type=float, default=60, help="how long faults come (60)")
    parser.add_argument("--seed", type=int, default=1, help="of the faults (1)")
    parser.add_argument(
        "--pause", type=float, default=40, help="seconds between two faults, on average (40)"
    )


def run(asked: argparse.Namespace) -> int:
    """1: the service was restarted by something else than the ladder; 2: the rig itself lost the camera."""
    with Machine() as machine:
        scene = Scene(machine, [])
        scene.start(_CONFIGURATION, camera())
        begun, first = scene.now(), scene.entry(_SUMMARY)
        costs: list[Cost] = []
        broken = suffer(scene, asked, costs)
        last = machine.journal(ITS_ENTRIES, _SUMMARY)[-1]
        total, restarts = scene.now() - begun, int(machine.unit(UNIT, "NRestarts")["NRestarts"])
        wanted = len(machine.journal(ITS_ENTRIES, "EVENT=service.leaving"))
        defect = machine.rig_defect()
    show(costs, total)
    if restarts == 0:
        print(f"  the daemon's own word: {_own_word(first, last)}")
    print(f"  the service was restarted {restarts} times, {wanted} of them by the ladder")
    if defect:
        print(f"inconclusive, run it again: the rig lost the camera by itself: {defect}")
        return _INCONCLUSIVE
    if broken:
        print(f"broken: {broken}")
    return 1 if restarts > wanted or broken else 0


def suffer(scene: Scene, asked: argparse.Namespace, costs: list[Cost]) -> str:
    """One fault after the other, each when the camera is healthy again; what did not come in time, if anything."""
    try:
        _suffer(scene, asked, costs)
    except subprocess.TimeoutExpired as error:
        lines = scene.machine.journal(ITS_ENTRIES, "-n40")
        return "\n".join([str(error), *(f"  {at(line):10.3f}  {line['MESSAGE']}" for line in lines)])
    return ""


def _suffer(scene: Scene, asked: argparse.Namespace, costs: list[Cost]) -> None:
    end, before = time.monotonic() + asked.minutes * 60, 0.0
    for onset in draw(asked.seed, KINDS, 1 / asked.pause, round(asked.minutes * 60)):
        scene.machine.run(f"sleep {onset.at - before:.1f}", onset.at - before + 10, check=True)
        before = onset.at
        if time.monotonic() >= end:
            break
        costs.append(strike(scene, onset))
        print(
            f"  {costs[-1].name}: lasted {costs[-1].lasted:.1f} s, cost {costs[-1].cost:.1f} s", flush=True
        )


def strike(scene: Scene, onset: Onset) -> Cost:
    """One fault, until the camera is healthy again."""
    shows, last = onset.kind.shows, scene.machine.journal(ITS_ENTRIES, "-n1")[-1]
    if shows in _SIGNALS:
        begun = over = scene.kill(_SIGNALS[shows])
        scene.entry("EVENT=alert.capture_failure", after=last)
    elif onset.lasts is None:
        begin, stop = _ORDERS[shows]
        begun = scene.order(begin)
        # A camera that fails again too soon enters higher: what its cure or anything above it would have ended.
        tried = ["EVENT=ladder.action_started", *(f"RUNG={rung}" for rung in _from(onset.kind.cure))]
        _, over = scene.order_at(stop, *tried, after=last, timeout=_NOTICED)
    else:
        begun, over = scene.during(onset.lasts, *_ORDERS[shows])
    return Cost(onset.kind.name, over - begun, _healthy(scene, begun, over) - begun)


def _from(cure: Rung | None) -> list[Rung]:
    return [rung for rung in Rung if cure is not None and rung.height >= cure.height]


def _healthy(scene: Scene, begun: float, over: float) -> float:
    """When the daemon said that a fault was over; what it did not even notice was over with its end."""
    scene.machine.run("sleep 1", check=True)  # a capture may still be counted as failed
    scene.machine.await_property(UNIT, "StatusText", _HEALTHY, timeout=_BACK_WITHIN)
    told = [entry for word in _OVER for entry in scene.machine.journal(ITS_ENTRIES, f"EVENT={word}")]
    return max([over, *(at(entry) for entry in told if at(entry) > begun)])


def show(costs: list[Cost], total: float) -> None:
    """By kind, and all of it."""
    kinds = defaultdict(list)
    for cost in costs:
        kinds[cost.name].append(cost)
    rows = [("kind", "faults", "lasted, mean", "cost, mean", "cost beyond the fault, worst")]
    for name, some in kinds.items():
        lasted, paid = (
            statistics.mean(values) for values in zip(*((c.lasted, c.cost) for c in some), strict=True)
        )
        beyond = max(cost.cost - cost.lasted for cost in some)
        rows.append((name, str(len(some)), f"{lasted:.1f} s", f"{paid:.1f} s", f"{beyond:.1f} s"))
    grid("faults on the kernel camera (real picamera2, emulated processor)", rows)
    down, lasted = sum(cost.cost for cost in costs), sum(cost.lasted for cost in costs)
    print(f"\n  {len(costs)} faults in {total / 60:.1f} minutes lasted {lasted:.0f} s and cost {down:.0f} s")
    print(
        f"  availability {100 * (1 - down / total):.2f} % at {len(costs) / total * 86400:.0f} faults a day"
    )


def _own_word(first: Entry, last: Entry) -> str:
    """What its summaries say of the time between them; a hiccup is no outage to it."""
    counted = int(last["OUTAGES"]) - int(first["OUTAGES"])
    return f"availability {100 * float(last['AVAILABILITY']):.2f} % since its start, {counted} outages"
