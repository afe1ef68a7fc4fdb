# SPDX-License-Identifier: MIT
"""Owns the measurement of what the recorder writes in a day in which all is well, with signs and without.

    python -m tests.bench.writes [FOLDER]

The recorder's own desk and a true ledger in FOLDER (of the file system that matters; here, by default), on a clock of
our own: a day takes seconds. By the recorder is what the kernel counts for this process, write_bytes in /proc/self/io;
at the disk, what it counts for FOLDER's block device: whatever else writes there is in it, so give it one of its own.
"""

import os
import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from camwatchd.core import days
from camwatchd.core import records as rec
from camwatchd.core.circumstances import Sample
from camwatchd.core.timespan import DAY
from camwatchd.outlook import EVERY
from tests.process.recorder_rig import Desktop, desktop

_WEEKS = 10  # of a camera's life before the day that is measured
_HOURS = round(DAY / EVERY)


def main(folder: str) -> None:
    """A line for each number of cameras: bytes of a commit, and of a day."""
    for cameras in (0, 1, 2, 4):
        with tempfile.TemporaryDirectory(prefix="camwatchd-writes-", dir=folder) as name:
            written, at_disk, commits = day(Path(name), cameras)
        size = len(days.written(life(random.Random(0)))) if cameras else 0
        print(
            f"signs of {cameras} cameras, {size} bytes each: {commits} commits; "
            f"by the recorder {_told(written, commits)}; at the disk {_told(at_disk, commits)}"
        )


def _told(written: int, commits: int) -> str:
    return f"{written / commits / 1e3:.1f} KB each, {written / 1e6:.2f} MB a day"


def day(folder: Path, cameras: int) -> tuple[int, int, int]:
    """What is written in a day: bytes by us and at the disk, and how often. The hour before it is not counted."""
    chance = random.Random(1)
    lives = [life(chance) for _ in range(cameras)]
    with desktop(folder) as desk:
        desk.take(rec.Begin("0.1.0", 1), *(rec.CameraHealthy(f"cam{number}") for number in range(4)))
        _hour(desk, lives, chance)
        before, at_disk, commits = _written(), _at_disk(folder), desk.changes()
        for _ in range(_HOURS):
            lives = _hour(desk, lives, chance)
        return _written() - before, _at_disk(folder) - at_disk, desk.changes() - commits


def life(chance: random.Random) -> days.Life:
    """A camera that has lived for some weeks: numbers of all their digits."""
    known = days.Life("0123abcd")
    for _ in range(7 * _WEEKS):
        for _ in range(_HOURS):
            known = _later(known, chance)
        known = known.after(known.day)
    return known


def _hour(desk: Desktop, lives: list[days.Life], chance: random.Random) -> list[days.Life]:
    lives = [_later(known, chance) for known in lives]
    for number, known in enumerate(lives):
        desk.take(rec.KeepSigns(f"cam{number}", days.written(known), rec.About.USUAL))
    desk.later(EVERY)
    return lives


def _later(known: days.Life, chance: random.Random) -> days.Life:
    """An hour of it."""
    captures = round(EVERY * 30)
    part = days.Day(
        observed=EVERY, healthy=EVERY * chance.uniform(0.99, 1.0), failures=chance.randrange(2),
        drops=chance.randrange(9), recoveries=chance.randrange(2),
        latency=captures * chance.uniform(0.03, 0.04), captures=captures,
        opening=chance.random(), openings=chance.randrange(2),
    )  # fmt: skip
    sample = Sample(chance.random() < 0.1, chance.random() < 0.1, round(chance.uniform(45, 75), 1))
    circumstances = known.circumstances.usual(sample)
    if part.failures:
        circumstances = circumstances.incident(sample, known.now)
    return replace(known, day=known.day.add(part), circumstances=circumstances)


def _written() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))


def _at_disk(folder: Path) -> int:
    device = folder.stat().st_dev
    stat = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
    return 512 * int(stat.read_text().split()[6]) if stat.exists() else 0


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else ".")
