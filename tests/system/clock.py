# SPDX-License-Identifier: MIT
"""Owns the time of day that the service in a container sees; containers share the clock of their host, which no
test may set. What is asked by whoever is not part of the service, PID 1 included, is the true one.
"""

import struct
import subprocess
from pathlib import Path

from .container import Container

_LIBRARY = "/usr/local/lib/clock.so"
_OFFSET = "/usr/local/lib/clock.offset"
_SOURCE = Path(__file__).with_name("clock.c")
YEAR = 31_557_600  # seconds
# For the [Service] section. Also its children see it.
ENVIRONMENT = f"Environment=LD_PRELOAD={_LIBRARY} CLOCK_OFFSET={_OFFSET}\n"


def install(container: Container) -> None:
    """The library, and an offset of 0. Built where the tests run: Debian 13 runs what Debian 12 has built."""
    container.put(_OFFSET, struct.pack("q", 0))
    built = container.tree.with_name("clock.so")
    command = [
        "gcc",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-O2",
        "-fPIC",
        "-shared",
        "-o",
        str(built),
        str(_SOURCE),
    ]
    subprocess.run(command, check=True)
    container.put(_LIBRARY, built.read_bytes(), 0o755)


def set_back(container: Container, years: int) -> None:
    """From now on; negative: it is set forward. In place, as processes have the file mapped."""
    with (container.tree / _OFFSET.lstrip("/")).open("r+b") as file:
        file.write(struct.pack("q", -years * YEAR))
