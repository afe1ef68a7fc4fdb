# SPDX-License-Identifier: MIT
"""Owns one target without the fuzzer: what was found is taken again, over and over, by code as it is shipped.

    python -m tests.fuzz.plain TARGET CORPUS INPUTS      the slowest so far as JSON on stdin; prints figures as JSON

Instrumented code is slower, and the fuzzer's memory grows with its corpus: times and growth are measured here.
"""

import json
import sys
from pathlib import Path

from tests.fuzz.gauge import SLOWEST, Gauge
from tests.fuzz.target import family

_AGAIN = 5  # times for each of the slowest: what the garbage collector or a page fault added is gone in one of them


def main(name: str, corpus: str, inputs: int, slowest: list[str]) -> None:
    """The corpus round by round; then the slowest inputs of all once more, of each its best."""
    module = family(name)
    gauge = Gauge(module.make(), inputs)
    found = [path.read_bytes() for path in sorted(Path(corpus).iterdir())]
    while not gauge.is_over:
        for data in found:
            gauge(data)
    figures = gauge.figures.plain()
    again = {
        *slowest,
        *(data.hex() for data in module.heavy()),
        *(data for _, data in gauge.figures.slowest),
    }
    best = [(min(gauge(bytes.fromhex(data)) for _ in range(_AGAIN)), data) for data in again]
    print(json.dumps({**figures, "slowest": sorted(best)[-SLOWEST:]}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), json.load(sys.stdin))
