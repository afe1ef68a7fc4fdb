# SPDX-License-Identifier: MIT
"""Owns what the kernel says about a process that must not grow: descriptors, threads, memory; and a ledger's size."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Gauges:
    """Of one process; memory in kilobytes. PSS shares out what other processes map too, and moves when they do."""

    descriptors: int
    threads: int
    rss: int
    pss: int


def gauges(pid: int) -> Gauges:
    """As it is now."""
    process = Path(f"/proc/{pid}")
    memory = {
        line.split(":")[0]: int(line.split()[1])
        for line in (process / "smaps_rollup").read_text().splitlines()[1:]
    }
    return Gauges(
        descriptors=len(list((process / "fd").iterdir())),
        threads=len(list((process / "task").iterdir())),
        rss=memory["Rss"],
        pss=memory["Pss"],
    )


def kilobytes(folder: Path) -> float:
    """What the files in a folder hold."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1000
