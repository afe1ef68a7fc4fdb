# SPDX-License-Identifier: MIT
"""Owns what the machine adds to every time that is measured on it: the wait for a processor."""

from pathlib import Path


def queued(pid: int | str) -> float:
    """Seconds that a process (its first thread), or "self" or "thread-self", has waited for a processor so far."""
    return int(Path("/proc", str(pid), "schedstat").read_text().split()[1]) / 1e9
