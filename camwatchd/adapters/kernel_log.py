# SPDX-License-Identifier: MIT
"""Owns how the kernel's log is read: through the journal, by a child that follows it.

Not from /dev/kmsg, which the sandbox keeps from us; the journal may be read by the group systemd-journal. The child
may block on a dying SD card, the supervisor may not. It ends by itself when nobody reads it any more.
"""

import re
from collections.abc import Mapping

from camwatchd.adapters.child import spawn_tool

BACKLOG = (
    1000  # lines of this boot that are read first: a sensor that was not found is told of once, at boot
)

# Monotonic stamps say how old a line is, whatever the time of day does.
COMMAND = (
    "journalctl", "--dmesg", "--follow", f"--lines={BACKLOG}", "--output=short-monotonic", "--no-hostname",
    "--quiet", "--no-pager",
)  # fmt: skip
_LINE = re.compile(r"\[ *(\d+\.\d+)\] kernel: (.*)")


def follow(environ: Mapping[str, str]) -> tuple[int, int, int]:
    """Start the child; gives its pid, its pidfd and where it is read. OSError: nothing of it is left."""
    return spawn_tool(COMMAND, environ)


def parse(line: str) -> tuple[float, str] | None:
    """When the kernel wrote it (monotonic seconds), and its text; None: the child's own words."""
    match = _LINE.match(line)
    return (float(match[1]), match[2]) if match else None
