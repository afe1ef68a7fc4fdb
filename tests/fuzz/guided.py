# SPDX-License-Identifier: MIT
"""Owns one target under atheris: inputs that reach new code are kept and mutated further.

    python -m tests.fuzz.guided TARGET CORPUS INPUTS SEED        prints the figures as JSON

CORPUS is a folder that fills with what was found. The same seed in an empty folder begins in the same way; what is
found is told whole, and needs no seed to be found again.
"""

import json
import os
import sys
from pathlib import Path

import atheris

from tests.fuzz.gauge import Gauge
from tests.fuzz.target import Family, family

_LONGEST = 400  # bytes of an input: more only takes longer; what has to be long, targets make of it
_REPORTS = 100  # spread evenly; the last one counts, also of a run that was ended
# What is watched of each target, for each line that is costs time: what heeds the input, not what it is made into.
_WATCHED = {
    "control": ["camwatchd.control", "camwatchd.core.plain"],
    "configuration": ["camwatchd.adapters", "tomli"],
    "stderr": ["camwatchd.adapters.stderr", "camwatchd.core.classify", "camwatchd.hearsay"],
}


def dictionary(module: Family, path: Path) -> Path:
    """The target's words as libFuzzer reads them."""
    lines = ["".join(f"\\x{byte:02x}" for byte in word[:64]) for word in module.words()]
    path.write_text("".join(f'"{line}"\n' for line in lines if line))
    return path


def main(name: str, corpus: str, inputs: int, seed: int) -> None:
    """Ends the process itself: libFuzzer never gives back."""
    with atheris.instrument_imports(include=_WATCHED[name], enable_loader_override=False):
        module = family(name)
    Path(corpus).mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(module.seeds()):
        (Path(corpus) / f"seed-{number:04}").write_bytes(data)
    words = dictionary(module, Path(corpus).with_suffix(".words"))
    gauge, each = Gauge(module.make(), inputs), max(1, inputs // _REPORTS)

    def one(data: bytes) -> None:
        gauge(data)
        if gauge.figures.inputs % each == 0:
            print(json.dumps(gauge.figures.plain()), flush=True)
        if gauge.is_over:
            os._exit(0)

    options = [f"-seed={seed}", f"-max_len={_LONGEST}", f"-dict={words}", f"-artifact_prefix={corpus}-"]
    options += ["-verbosity=0", "-rss_limit_mb=0"]  # the gauge says what has grown
    atheris.Setup([sys.argv[0], *options, corpus], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
