# SPDX-License-Identifier: MIT
"""Owns `make bench-fuzz`: what others may write to the daemon, a million inputs each, guided by coverage.

    python -m tests.fuzz [--inputs N] [--seed S] [--messages M] [--corpus FOLDER] [TARGET ...]

atheris (libFuzzer) makes up the inputs; then what it found is taken again by code as it is shipped, which gives times
and memory. At last a running daemon is told a hundred thousand messages (tests.fuzz.live). None may raise, take 50 ms
of the processor, or leave anything behind: else the exit status is 1, and the inputs are printed, ready for a test.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.bench.table import grid
from tests.fuzz.live import tell
from tests.fuzz.target import NAMES

BOUND = 0.050  # seconds of the processor that one input may take
BLOCKS = 1000  # of memory that may come and go: caches of Python's own
MEGABYTES = 1.0
LIVE = "daemon"
_PLAIN = 10  # one plain input for so many that were made up


def start(module: str, *arguments: object) -> "subprocess.Popen[str]":
    """A part of the work in a process of its own, which the next part need not share memory with."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}  # as far as it goes: the same seed, the same inputs
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def answer(process: "subprocess.Popen[str]", said: str = "") -> dict[str, Any]:
    """What it found; whatever ended it without figures is shown as a defect."""
    out, _ = process.communicate(said)
    lines = [line for line in out.splitlines() if line.startswith("{")]
    figures: dict[str, Any] = (
        json.loads(lines[-1]) if lines else {"inputs": 0, "defects": [f"no figures: {out}"]}
    )
    return figures


def fuzz(
    names: list[str], corpus: Path, inputs: int, seed: int
) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """All at once: guided, then plain."""
    with ThreadPoolExecutor(len(names)) as pool:  # a pipe that nobody reads would stop its writer
        guided = [start("tests.fuzz.guided", name, corpus / name, inputs, seed) for name in names]
        found = list(pool.map(answer, guided))
        plain = [start("tests.fuzz.plain", name, corpus / name, inputs // _PLAIN) for name in names]
        slowest = [json.dumps([data for _, data in one.get("slowest", [])]) for one in found]
        return list(zip(names, found, pool.map(answer, plain, slowest), strict=True))


def faults(guided: dict[str, Any], plain: dict[str, Any]) -> list[str]:
    """What must not be."""
    found = [*guided["defects"], *plain["defects"]]
    found += [
        f"{took:.3f} s: {bytes.fromhex(data)!r}" for took, data in plain.get("slowest", []) if took >= BOUND
    ]
    for name, bound in (("blocks", BLOCKS), ("megabytes", MEGABYTES), ("descriptors", 0)):
        if grown(plain, name) > bound:
            found.append(f"{name} have grown: {plain[name]}")
    return found


def grown(figures: dict[str, Any], name: str) -> float:
    """From the middle, when all caches have been filled, to the end."""
    looks = figures.get(name) or [0.0]
    return float(looks[-1] - looks[len(looks) // 2])


def row(name: str, corpus: Path, guided: dict[str, Any], plain: dict[str, Any]) -> tuple[str, ...]:
    """A line of the table."""
    new = sum(not path.name.startswith("seed-") for path in (corpus / name).iterdir())
    longest = max((took for took, _ in plain.get("slowest", [])), default=0.0)
    return (
        name, str(guided["inputs"]), str(new), str(plain["inputs"]), str(len(guided["defects"] + plain["defects"])),
        f"{1e3 * longest:.1f} ms", f"{grown(plain, 'blocks'):+.0f}", f"{grown(plain, 'megabytes'):+.2f} MB",
        f"{grown(plain, 'descriptors'):+.0f}",
    )  # fmt: skip


HEAD = (
    "target",
    "inputs",
    "reached new code",
    "taken again",
    "raised",
    "longest",
    "blocks",
    "RSS",
    "descriptors",
)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument(
        "targets", nargs="*", choices=[*NAMES, LIVE, []], help="all of them if none is named"
    )
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--messages", type=int, default=100_000, help="to the running daemon")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, help="a folder to begin with and to keep what is found")
    return parser.parse_args()


def main() -> int:
    """The exit status."""
    options = arguments()
    wanted = options.targets or [*NAMES, LIVE]
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        corpus = options.corpus or Path(folder)
        if names := [name for name in NAMES if name in wanted]:
            results = fuzz(names, corpus, options.inputs, options.seed)
            grid(
                "what others write, by atheris",
                [HEAD, *(row(name, corpus, *both) for name, *both in results)],
            )
            failed += [f"{name}: {fault}" for name, *both in results for fault in faults(*both)]
        if LIVE in wanted:
            told = tell(options.messages, options.seed, corpus / "control")
            grid("a running daemon at 30 fps, told anything", told.rows())
            print(f"  answers: {told.heard()}")
            failed += [f"{LIVE}: {fault}" for fault in told.faults]
    print("\n".join(["", *failed] if failed else ["", "nothing raised, took 50 ms or grew"]))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
