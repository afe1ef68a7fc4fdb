# SPDX-License-Identifier: MIT
"""Owns one target under atheris: inputs that reach new code are kept and mutated further.

    python -m tests.fuzz.guided TARGET CORPUS INPUTS SEED        prints the figures as JSON

CORPUS is a folder that fills with what was found. The same seed in an empty folder gives the same inputs.
"""

import json
import os
import sys
from pathlib import Path

import atheris

from tests.fuzz.gauge import Gauge
from tests.fuzz.target import Family, family

_LONGEST = (
    400  # bytes of an input: more only takes longer; what has to be long, targets make of it themselves
)
_REPORTS = 100  # spread evenly
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
    gauge = Gauge(module.make(), inputs)

    def one(data: bytes) -> None:
        gauge(data)
        if gauge.figures.inputs % (max(1, inputs // _REPORTS)) == 0:
            print(
                json.dumps(gauge.figures.plain()), flush=True
            )  # the last one counts, also of a run that was ended
        if gauge.is_over:
            os._exit(0)

    options = [
        f"-seed={seed}",
        f"-max_len={_LONGEST}",
        f"-dict={words}",
        "-verbosity=0",
        "-timeout=60",
        "-rss_limit_mb=0",
    ]
    atheris.Setup([sys.argv[0], *options, corpus], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
