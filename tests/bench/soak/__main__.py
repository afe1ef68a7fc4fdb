# SPDX-License-Identifier: MIT
"""Owns the soaks: long runs that a test has no time for.

python -m tests.bench.soak recoveries|night|availability|machine [--help]
"""

import argparse
import importlib
import sys

from tests.bench.soak.run import SoakError

_COMMANDS = {
    "recoveries": "hundreds of recoveries in a row: nothing may grow",
    "night": "random faults from a seed: nothing may be broken afterwards",
    "availability": "healthy time over total time of a month in virtual time, and the fault rate where 99.9 % holds",
    "machine": "healthy time over total time on the kernel camera of the virtual machine",
}


def main() -> int:
    """One of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", allow_abbrev=False)
    verbs = parser.add_subparsers(required=True, dest="command", metavar="command")
    for name, text in _COMMANDS.items():
        module = importlib.import_module(f"tests.bench.soak.{name}")
        verb = verbs.add_parser(name, help=text, description=text)
        module.options(verb)
        verb.set_defaults(run=module.run)
    asked = parser.parse_args()
    try:
        status: int = asked.run(asked)
    except SoakError as error:
        print(f"broken: {error}")
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
