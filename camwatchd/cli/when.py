# SPDX-License-Identifier: MIT
"""Owns the time of day that a human at the terminal is told; nothing is decided by it."""

import time


def in_words(seconds: float, now: float | None = None) -> str:
    """The time of day so far from now, with the day if it is another one: 14:30, Tue 02:15."""
    now = time.time() if now is None else now
    then, today = time.localtime(now + seconds), time.localtime(now)
    same = (then.tm_year, then.tm_yday) == (today.tm_year, today.tm_yday)
    return time.strftime("%H:%M" if same else "%a %H:%M", then)


def stamp() -> str:
    """Day and time, for what is kept."""
    return time.strftime("%Y-%m-%d %H:%M")
