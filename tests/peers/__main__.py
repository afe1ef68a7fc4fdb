# SPDX-License-Identifier: MIT
"""Owns `python -m tests.peers`: every program before every fault, each in a machine of its own, and the table.

What was run is kept in build/peers and not run again, unless --again or --load is given.
"""

import argparse
import math
import subprocess
import sys
import time
from pathlib import Path

from tests.vm.qemu import MachineGoneError

from . import cell
from .faults import FAULTS, Fault
from .programs import PROGRAMS, Program
from .system import built
from .table import render, row

_RUNS = 3  # of a cell in which the rig itself loses the camera, at most


def main() -> None:
    """Until all cells that were chosen are there."""
    options = _options()
    chosen = [
        (fault, program)
        for program in PROGRAMS
        for fault in FAULTS
        if options.peer in (None, program.name) and options.fault in (None, fault.name)
    ]
    todo = [] if options.show else [each for each in chosen if not _is_known(options, *each)]
    place = built() if todo else None
    for fault, program in todo:
        assert place is not None
        started = time.monotonic()
        _say(f"{program.title}: {fault.title} ...")
        _say(f"{_run(place, fault, program)}   [{time.monotonic() - started:.0f} s]")
    (cell.RESULTS / "table.md").write_text(render())
    print(render())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.peers", description=__doc__)
    parser.add_argument("--fault", choices=[fault.name for fault in FAULTS])
    parser.add_argument("--peer", choices=[program.name for program in PROGRAMS])
    parser.add_argument("--again", action="store_true", help="also what has been run already")
    parser.add_argument(
        "--load", type=float, default=math.inf, help="also what was run while the host's load was above this"
    )
    parser.add_argument("--show", action="store_true", help="run nothing; the table as far as it is known")
    return parser.parse_args()


def _is_known(options: argparse.Namespace, fault: Fault, program: Program) -> bool:
    known = cell.kept(fault, program)
    return known is not None and not options.again and known.load <= options.load


def _run(place: tuple[Path, Path], fault: Fault, program: Program) -> str:
    for _ in range(_RUNS):
        try:
            return row(fault, program, cell.run(place, fault, program))
        except cell.SpoiltError as error:
            _say(f"the rig lost the camera by itself, once more: {error}")
        except (subprocess.TimeoutExpired, MachineGoneError) as error:
            return f"{program.title}: not measured, a step did not end in time: {error}"
    return f"inconclusive {_RUNS} times"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
