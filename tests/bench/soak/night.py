# SPDX-License-Identifier: MIT
"""Owns the night: random faults, lengths and gaps on several cameras, and what must hold whatever comes.

    python -m tests.bench.soak night [--minutes 5] [--seed S]

The same seed gives the same faults. 1: something is broken, and is named.
"""

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from camwatchd.adapters import ledger_dump
from tests.bench.soak import plan
from tests.bench.soak.gauges import gauges, kilobytes
from tests.bench.soak.run import Scripts, Soak, longest_silence, soak
from tests.process.daemon import Line

OPTIONAL = ("spare",)
_CHAPTER = 60.0  # s of one script
_PAUSE = 12.0  # s between two faults of a camera, on average
_LAST_CALM = 12.0  # s; then the log says again how much it kept back
_PATIENCE = 120.0  # s that a script may take longer than planned: its clock runs on while a camera is down


def options(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    parser.add_argument("--minutes", type=float, default=5, help="how long faults come (5)")
    parser.add_argument("--seed", type=int, help="of the faults (a random one, printed)")
    parser.add_argument("--cameras", type=int, default=4, help="required ones, beside an optional one (4)")


def run(asked: argparse.Namespace) -> int:
    """Scripts until the time is over, then the account."""
    seed = random.randrange(10**6) if asked.seed is None else asked.seed
    required = tuple(f"cam{number}" for number in range(asked.cameras))
    print(
        f"night of seed {seed}: {asked.minutes:g} minutes, {len(required)} cameras and an optional one",
        flush=True,
    )
    folder = tempfile.TemporaryDirectory(prefix="camwatchd-soak-")
    with folder as name, soak(Path(name), required, OPTIONAL) as running:
        before = gauges(running.rig.pid)
        faults = sleep_through(running, seed, asked.minutes * 60)
        problems = list(broken(running))
        show(running, faults)
        print(f"  supervisor before {before}\n  supervisor after  {gauges(running.rig.pid)}")
    print("\n".join(problems) or "nothing is broken")
    return 1 if problems else 0


def sleep_through(running: Soak, seed: int, seconds: float) -> Counter[object]:
    """Script after script; counts the faults by their kinds."""
    faults: Counter[object] = Counter()
    for number, length in enumerate(chapters(seconds)):
        scripts = script(running.cameras, f"{seed}/{number}", length)
        struck = [fault["kind"] for faults_of_one in scripts.values() for fault in faults_of_one]
        faults.update(struck)
        began = time.monotonic()
        running.play(scripts, length + _PATIENCE, lambda: None)
        took = time.monotonic() - began
        print(
            f"  script {number + 1}: {len(struck)} faults, all healthy again after {took:.0f} s", flush=True
        )
    # The last one is the same for all: after a calm, a crash lets the log say what it kept back.
    running.play(
        {name: [{"at": _LAST_CALM, "kind": "crash"}] for name in running.cameras}, _PATIENCE, lambda: None
    )
    return faults


def chapters(seconds: float) -> Iterator[float]:
    """The lengths of the scripts."""
    while seconds > 0:
        yield min(seconds, _CHAPTER)
        seconds -= _CHAPTER


def script(cameras: tuple[str, ...], seed: str, seconds: float) -> Scripts:
    """Every camera has a story of its own."""
    return {name: plan.night(f"{seed}/{name}", seconds, _PAUSE) for name in cameras}


# --- what must hold ---------------------------------------------------------------------------------------


def broken(running: Soak) -> Iterator[str]:
    """Each invariant that does not hold, in words; that the daemon lives and all are healthy was seen before."""
    if (silence := longest_silence(running.rig.notes)) >= 1:
        yield f"systemd would have killed the daemon: {silence:.2f} of the interval passed without a ping"
    for name in running.cameras:
        if (opens := opened(running, name)) > (starts := started(running, name)):
            yield f"{name}: opened {opens} times by {starts} workers"
    incidents = ledger_dump.read(running.rig.directory / "state")["incidents"]
    yield from (
        f"an incident was never closed: {incident}" for incident in incidents if not incident["ended"]
    )
    if len(incidents) != running.recoveries and running.recoveries < 500:  # the ledger keeps so many
        yield f"{len(incidents)} incidents were opened, and {running.recoveries} recoveries told"
    yield from (f"a traceback: {line.facts}" for line in running.rig.lines if "Traceback" in str(line.facts))


def opened(running: Soak, name: str) -> int:
    """How often a camera was opened, as the daemon counts it for the cap of some models."""
    return int((running.rig.directory / f"run/opens-{name}").read_text())


def started(running: Soak, name: str) -> int:
    """How many workers were ordered for it. What the log kept back may be more of them: then it is not compared."""
    return sum(1 + line.facts.get("suppressed", 0) for line in running.rig.lines if _starts(line, name))


def _starts(line: Line, name: str) -> bool:
    ordered = line.fits("ladder.action_started", {"rung": "restart-worker", "camera": name})
    return ordered or line.fits("worker.starting", {"camera": name})


def show(running: Soak, faults: Counter[object]) -> None:
    """The night in figures."""
    rig = running.rig
    pings = sum(note.text == "WATCHDOG=1" for note in rig.notes)
    opens = sum(opened(running, name) for name in running.cameras)
    starts = sum(started(running, name) for name in running.cameras)
    print(f"  faults: {', '.join(f'{number} {kind}' for kind, number in sorted(faults.items(), key=str))}")
    print(f"  {faults.total()} faults, {running.recoveries} recoveries, {starts} workers, {opens} openings")
    print(f"  {pings} watchdog pings, the longest pause {longest_silence(rig.notes):.2f} of its interval")
    print(f"  devices reset: {dict(running.resets)}")
    print(f"  ledger {kilobytes(rig.directory / 'state'):.0f} kB")
