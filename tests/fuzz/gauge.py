# SPDX-License-Identifier: MIT
"""Owns what is measured of a target: what it raised, how long an input took, and what stays allocated."""

import gc
import heapq
import os
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.target import Target

SLOWEST = 20  # inputs that are kept, to be taken again
_DEFECTS = 10  # different ones that are told
_LOOKS = 10  # at what is allocated, evenly spread


@dataclass
class Figures:
    """Of one run."""

    inputs: int = 0
    cpu: float = 0.0  # seconds that the target took
    defects: list[str] = field(default_factory=list)  # an input each, with its traceback
    slowest: list[tuple[float, str]] = field(
        default_factory=list
    )  # seconds of the processor, and the input in hex
    blocks: list[int] = field(default_factory=list)  # allocated by Python
    megabytes: list[float] = field(default_factory=list)  # resident; the fuzzer's own corpus is part of it
    descriptors: list[int] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class Gauge:
    """Takes `count` inputs. Time is the processor's: what else a busy machine does is no delay of ours."""

    def __init__(self, target: Target, count: int) -> None:
        self.figures = Figures()
        self._target, self._count = target, count
        self._each = max(1, count // _LOOKS)
        self._seen: set[str] = set()

    @property
    def is_over(self) -> bool:
        return self.figures.inputs >= self._count

    def __call__(self, data: bytes) -> float:
        """One input; gives the seconds it took."""
        figures, before = self.figures, time.thread_time()
        try:
            self._target.take(data)
        except Exception as error:
            self._note(data, error)
        took = time.thread_time() - before
        figures.cpu += took
        figures.inputs += 1
        keep = heapq.heappush if len(figures.slowest) < SLOWEST else heapq.heappushpop
        if len(figures.slowest) < SLOWEST or took > figures.slowest[0][0]:
            keep(figures.slowest, (took, data.hex()))
        if figures.inputs % self._each == 0:
            self.look()
        return took

    def look(self) -> None:
        """What is allocated now."""
        gc.collect()
        self.figures.blocks.append(sys.getallocatedblocks())
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.figures.megabytes.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
        self.figures.descriptors.append(len(list(Path("/proc/self/fd").iterdir())))

    def _note(self, data: bytes, error: Exception) -> None:
        """One input for each place in which something is raised."""
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} {frame.filename}:{frame.lineno}"
        if place not in self._seen and len(self._seen) < _DEFECTS:
            self._seen.add(place)
            text = "".join(traceback.format_exception(error)[-6:])
            self.figures.defects.append(f"take({data!r})\n{text}")
