# SPDX-License-Identifier: MIT
"""Owns which of a dead worker's last lines are shown: those that tell what it hung in or died of."""

from collections.abc import Sequence

_LINES = 12  # without a stack dump: a traceback ends with the exception
_DUMP_LINES = 40
_CALLS = 6  # of each thread in a dump; the first is where it hangs

# How faulthandler begins: of a fatal signal, of a call that took too long, and each thread.
_BEGINNINGS = ("Fatal Python error:", "Timeout (", "Current thread", "Thread 0x")
_THREADS = _BEGINNINGS[2:]


def telling(lines: Sequence[str]) -> tuple[str, ...]:
    """The end of what a worker wrote, or its stack dump: there the most recent call of a thread comes first."""
    start = _start_of_dump(lines)
    if start is None:
        return tuple(lines[-_LINES:])
    shown, calls = [], 0
    for line in lines[start:]:
        calls = 0 if line.startswith(_THREADS) else calls + line.startswith("  File ")
        if calls <= _CALLS:
            shown.append(line)
    return tuple(shown[:_DUMP_LINES])


def headline(shown: Sequence[str]) -> str:
    """What fits into a sentence of the lines that are shown: the exception, or a dump's reason and where it was."""
    if not shown or not shown[0].startswith(_BEGINNINGS):
        return shown[-1].strip() if shown else ""
    threads = [n for n, line in enumerate(shown) if line.startswith(_THREADS)]
    current = [n for n in threads if shown[n].startswith(_BEGINNINGS[2])]
    # A call that took long is dumped without saying which thread is which; the main thread is the last.
    start = (current or threads or [0])[-1]
    call = next((line.strip() for line in shown[start:] if line.startswith("  File ")), "")
    return f"{shown[0]} {call}".strip()


def _start_of_dump(lines: Sequence[str]) -> int | None:
    """Of the last fatal error; a call that only took long is no news once an exception was raised after it."""
    fatal = [n for n, line in enumerate(lines) if line.startswith(_BEGINNINGS[0])]
    others = [n for n, line in enumerate(lines) if line.startswith(_BEGINNINGS)]
    raised = [n for n, line in enumerate(lines) if line.startswith("Traceback ")]
    if fatal or not others:
        return fatal[-1] if fatal else None
    return None if raised and raised[-1] > others[0] else others[0]
