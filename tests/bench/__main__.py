# SPDX-License-Identifier: MIT
"""Owns `make bench`: what detection, recovery and supervision cost, as ratios against a baseline of the same run.

    python -m tests.bench

"At most 5 % over the bare loop" is read as frames a second and as a share of the time between two frames. Processor
time per frame stands beside the same target, and misses it: the bare loop does nothing with a frame.

Nothing here passes or fails by time; the targets stand beside the figures for a human to compare. Run it on a
machine that has nothing else to do. What takes long (soaks, availability) is in `python -m tests.bench.soak`.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable

from tests.bench import recovery, signs
from tests.bench.frames import frames
from tests.bench.load import load
from tests.bench.recoveries import hundred
from tests.bench.rig import cpu_seconds, daemon, rss_megabytes
from tests.bench.table import Row, cpu_target, show

SECONDS = 20.0  # of steady capture
ROUNDS = 3
_REINIT = {True: "own + at most 150 ms", False: ""}  # with a standby and without
CALM = '[daemon]\nstandby = true\nsummary_interval = {}\n[camera.cam0]\nbackend = "simulated"\n'


def bare(seconds: float) -> dict[str, float]:
    """The baseline's figures, from a process of its own."""
    command = [sys.executable, "-m", "tests.bench.bare", str(seconds)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(answer.stdout)
    return figures


def steady(seconds: float = SECONDS) -> list[Row]:
    """Cost per frame and memory at 30 fps, beside the bare loop."""
    base = bare(seconds)
    per_frame = base["cpu"] / base["frames"] * 1e6
    with daemon(CALM.format(seconds)) as running:
        running.await_event("standby.ready")
        worker, recorder = running.child("camwatchd.worker"), running.child("camwatchd.recorder")
        standby = running.child("camwatchd.worker", standby=True)
        first = running.await_event("camera.summary")
        before = cpu_seconds(worker), cpu_seconds(running.process.pid), cpu_seconds(recorder)
        last = running.await_event("camera.summary")
        captured = cpu_seconds(worker) - before[0]
        supervised = cpu_seconds(running.process.pid) - before[1]
        recorded = cpu_seconds(recorder) - before[2]
        sizes = [rss_megabytes(pid) for pid in (running.process.pid, worker, standby, recorder)]
    wall = last["monotonic"] - first["monotonic"]
    frames = last["captures"] - first["captures"]
    rates = base["frames"] / base["seconds"], frames / wall
    added = captured / frames * 1e6 - per_frame
    share = added * rates[0] / 1e4
    return [
        Row("bare loop, frames a second", f"{rates[0]:.2f}", "baseline"),
        Row(
            "supervised loop, frames a second",
            f"{rates[1]:.2f}",
            f"{rates[1] / rates[0]:.3f} x bare",
            "at least 0.95 x",
        ),
        Row("bare loop, CPU per frame", f"{per_frame:.0f} us", "baseline"),
        Row(
            "supervised loop, CPU per frame",
            f"{per_frame + added:.0f} us",
            f"{1 + added / per_frame:.2f} x bare",
            cpu_target(1 + added / per_frame),
        ),
        Row("... added, of the time between frames", f"{added:.0f} us", f"{share:.2f} %", "at most 5 %"),
        Row("supervisor, CPU at 30 fps", f"{100 * supervised / wall:.2f} %", "of a core", "at most 1 %"),
        Row("supervisor, RSS", f"{sizes[0]:.1f} MB", "", "at most 30 MB"),
        Row("worker, CPU at 30 fps", f"{100 * captured / wall:.2f} %", "of a core"),
        Row("worker, RSS", f"{sizes[1]:.1f} MB", ""),
        Row("standby, RSS", f"{sizes[2]:.1f} MB", ""),
        Row("recorder, CPU at 30 fps", f"{100 * recorded / wall:.2f} %", "of a core"),
        Row("recorder, RSS", f"{sizes[3]:.1f} MB", ""),
    ]


def recoveries() -> list[Row]:
    """From a scripted stall to the fault, and from the remedy to the first healthy frames."""
    own = statistics.median([bare(0.1)["first"] for _ in range(5)])
    rows = [Row("the camera's own open, start and first frame", milliseconds(own), "baseline")]
    rows += stalls(own, "restart-stream", [recovery.stall("restart-stream") for _ in range(ROUNDS)], "")
    for standby, name in ((True, ", from standby"), (False, ", no standby")):
        drills = [recovery.stall("restart-worker", standby=standby) for _ in range(ROUNDS)]
        rows += stalls(own, f"restart-worker{name}", drills, _REINIT[standby])
    for standby, name in ((True, ", from standby"), (False, ", no standby")):
        crashes = [recovery.crash(standby=standby) for _ in range(ROUNDS)]
        rows.append(against(own, f"crash: restart-worker to healthy{name}", crashes, _REINIT[standby]))
    return rows


def stalls(own: float, name: str, drills: list[recovery.Stall], target: str) -> list[Row]:
    """A stall that this rung ends: to the fault, from the order to healthy, and all in all."""
    faults, delays = [d.fault for d in drills], [d.delay for d in drills]
    worst = f"worst of {len(drills)}"
    return [
        Row(f"stall until {name}: to the fault", milliseconds(statistics.median(faults))),
        Row("... beyond its deadline", milliseconds(max(delays)), worst, "within 50 ms"),
        against(own, "... from the order to healthy", [d.order for d in drills], target),
        Row(
            "... from the stall to healthy, all rungs",
            milliseconds(statistics.median([d.healthy for d in drills])),
        ),
    ]


def against(own: float, name: str, measured: list[float], target: str) -> Row:
    """A recovery beside the camera's own time."""
    middle = statistics.median(measured)
    ratio = f"{middle / own:.2f} x own, own {1000 * (middle - own):+.0f} ms"
    return Row(name, milliseconds(middle), ratio, target)


def milliseconds(seconds: float) -> str:
    """A short time for the table."""
    return f"{1000 * seconds:.0f} ms"


def foretold(years: float = 10.0) -> list[Row]:
    """Signs of trouble to come, each at its worst; `python -m tests.bench.signs` has all."""
    found: dict[str, list[signs.Result]] = {}
    for sign, _, _, result in signs.rows(years):
        found.setdefault(sign, []).append(result)
    return [
        Row(
            f"{sign}: false ones a year of a camera",
            f"{max(one.false for one in each):.1f}",
            f"a true one after {max(one.delay for one in each):.0f} days",
        )
        for sign, each in found.items()
    ]


GROUPS: tuple[tuple[str, Callable[[], list[Row]]], ...] = (
    ("detection and recovery (simulated camera)", recoveries),
    ("cost of supervision (simulated camera, 640x480, 30 fps)", steady),
    ("frames for applications (a writer and its readers; YUV420)", frames),
    ("signs of trouble to come (simulation, the worst of several kinds of scatter)", foretold),
    ("load on the control socket (simulated camera, 640x480, 30 fps)", load),
    ("a hundred recoveries under eight readers (simulated camera)", hundred),
)


def main() -> None:
    """Run all groups, or those whose title contains the argument."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for title, measure in GROUPS:
        if wanted in title:
            show(title, measure())


if __name__ == "__main__":
    main()
