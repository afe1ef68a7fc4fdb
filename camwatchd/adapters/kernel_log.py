# SPDX-License-Identifier: MIT
"""Owns how the kernel's log is read: through the journal, by a child that follows it.

Not from /dev/kmsg, which the sandbox keeps from us; the journal may be read by the group systemd-journal. The child
may block on a dying SD card, the supervisor may not. It ends by itself when nobody reads it any more.
"""

import json
import re
from collections.abc import Mapping

from camwatchd.adapters.child import spawn_tool
from camwatchd.core.kernel import WORDS

AT_ONCE = 1000  # lines of this boot that may come in a burst

# The whole boot is read: a sensor that was not found is told of once, in its first seconds, and a service may start
# weeks later. journalctl sifts it, so that what has nothing to do with cameras costs the supervisor nothing.
# JSON, because it has the time at which the journal received a line, by the clock that everybody else's deadlines
# go by. The readable formats show (systemd 252) the kernel's own time, which drifts from that by seconds in a week.
COMMAND = (
    "journalctl", "--dmesg", "--follow", "--lines=all", f"--grep={WORDS}", "--case-sensitive=no", "--output=json",
    "--output-fields=MESSAGE,SYSLOG_IDENTIFIER", "--quiet", "--no-pager",
)  # fmt: skip
_TEXT_LIMIT = 1024  # characters: longer than the kernel's longest
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def follow(environ: Mapping[str, str]) -> tuple[int, int, int]:
    """Start the child; gives its pid, its pidfd and where it is read. OSError: nothing of it is left."""
    return spawn_tool(COMMAND, environ)


def is_own(line: str) -> bool:
    """Whether the child says it of itself: it is no entry, nor what is left of one or said of many after a flood."""
    return not (line.startswith(("{", "camwatchd: ")) or line.endswith("}"))


def parse(line: str) -> tuple[float, str] | None:
    """When the journal received a line of the kernel (monotonic seconds), and its text; None: it is none.

    /dev/kmsg is open to others too, whose lines have another identifier. An entry that was cut is none either: the
    kernel writes no text so long that it has to be.
    """
    try:
        entry = json.loads(line) if line.startswith("{") else {}
        at, text = int(entry["__MONOTONIC_TIMESTAMP"]) / 1e6, _text(entry["MESSAGE"])
        kernel = entry["SYSLOG_IDENTIFIER"] == "kernel"
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return (at, text) if kernel and text else None


def _text(message: object) -> str:
    """A text that cannot be printed comes as a list of its bytes; one that is too large as null."""
    if isinstance(message, list):
        message = bytes(message).decode("utf-8", "replace")
    return _CONTROLS.sub(" ", message)[:_TEXT_LIMIT] if isinstance(message, str) else ""
