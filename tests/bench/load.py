# SPDX-License-Identifier: MIT
"""Owns what clients of the control socket cost a daemon at 30 fps: those that ask much, and those that never read."""

import json
import subprocess
import sys
from typing import Any

from tests.bench.table import Row
from tests.bench.watching import Seen, Watched, watched

SECONDS = 20.0
KINDS = (
    ("one client, 10 Hz", "looking", 1),
    ("50 clients, 10 Hz, a connection each time", "looking", 50),
    ("50 clients, 10 Hz, connections that stay", "staying", 50),
    ("20 clients that never read", "deaf", 20),
    ("20 readers of frames that never read", "attached", 20),
)


def clients(watched: Watched, kind: str, count: int, seconds: float) -> "subprocess.Popen[str]":
    """So many of that kind, for so long."""
    command = [
        sys.executable,
        "-m",
        "tests.bench.clients",
        kind,
        str(count),
        str(watched.socket),
        str(seconds),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def scene(watched: Watched, kind: str, count: int, seconds: float) -> tuple[Seen, dict[str, Any]]:
    """What the daemon did meanwhile, and what became of one more client that asks at 10 Hz beside them."""
    started = {}

    def begin() -> "subprocess.Popen[str]":
        started["crowd"] = clients(watched, kind, count, seconds)
        return started.setdefault("calm", clients(watched, "looking", 1, seconds))

    seen = watched.during(begin)
    return seen, {name: json.loads(process.communicate()[0]) for name, process in started.items()}


def load(seconds: float = SECONDS) -> list[Row]:
    """Each kind beside a daemon that has but one client."""
    rows: list[Row] = []
    with watched() as daemon:
        base: Seen | None = None
        for name, kind, count in KINDS:
            seen, calls = scene(daemon, kind, count, seconds)
            rows += told(name, seen, base or seen, calls)
            base = base or seen
    return rows


def told(name: str, seen: Seen, base: Seen, calls: dict[str, Any]) -> list[Row]:
    """The rows of one kind."""
    rate, usual = seen.captures / seen.seconds, base.captures / base.seconds
    crowd, calm = calls["crowd"], calls["calm"]
    was = "baseline" if seen is base else f"{rate / usual:.3f} x"
    became = f"{crowd['answered']} answered, {crowd['refused']} refused, {crowd['lost']} lost"
    return [
        Row(name, f"{crowd['asked']} questions", became),
        Row("... frames a second", f"{rate:.2f}", was),
        Row("... frames failed, dropped or late", f"{seen.missed}", f"{base.missed} without", "none more"),
        Row(
            "... latest deadline in the supervisor",
            f"{1e3 * seen.lateness:.1f} ms",
            f"{1e3 * base.lateness:.1f} ms without",
            "under 50 ms",
        ),
        Row(
            "... longest between two watchdog pings",
            f"{seen.gap:.2f} s",
            f"{base.gap:.2f} s without",
            "under 20 s",
        ),
        Row(
            "... another client's answer, median and worst",
            f"{1e3 * calm['median']:.1f} and {1e3 * calm['worst']:.1f} ms",
            f"{calm['answered']} of {calm['asked']}",
        ),
        Row("... supervisor, CPU", f"{100 * seen.cpu:.1f} %", "of a core"),
        Row("... supervisor, RSS", f"{seen.megabytes:.1f} MB", f"{seen.grown:+.2f} MB", "at most 30 MB"),
    ]
