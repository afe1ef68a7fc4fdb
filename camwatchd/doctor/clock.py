# SPDX-License-Identifier: MIT
"""Owns the check of the clock: a Pi has none of its own, and asks the network after each start."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass

from camwatchd.doctor.finding import Finding, ok, unknown, warning
from camwatchd.doctor.place import Place

NAMES = ("clock",)

_TIME_ERROR = 5  # adjtimex(2): not synchronised
_STRUCT_TIMEX = 512  # bytes; it has 208 at most
_TIMESYNCD = "run/systemd/timesync/synchronized"  # touched at the first answer of a server


@dataclass(frozen=True, slots=True)
class Facts:
    """What the kernel and systemd-timesyncd know."""

    kernel: bool | None  # None: it does not say
    timesyncd: bool
    window: str = ""  # [reboot] window


def find(place: Place) -> Iterator[Finding]:
    """The check."""
    yield check(gather(place))


def gather(place: Place) -> Facts:
    """The facts of this machine."""
    settings = place.settings()
    window = settings.reboot.window if settings else ""
    return Facts(_kernel(), place.has(_TIMESYNCD), window)


def _kernel() -> bool | None:
    # Without a mode in its first field it only asks, which everybody may.
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_STRUCT_TIMEX))
    return None if state < 0 else state != _TIME_ERROR


def check(facts: Facts) -> Finding:
    """Whether what the log says of times is true."""
    if facts.kernel or facts.timesyncd:
        return ok("clock", f"synchronised, says {'the kernel' if facts.kernel else 'systemd-timesyncd'}")
    if facts.kernel is None:
        return unknown("clock", "the kernel does not say whether the clock is synchronised")
    bound = f", and [reboot] window = {facts.window!r} does not bind" if facts.window else ""
    text = f"not synchronised: times in the log may be wrong{bound}; no decision depends on it"
    return warning("clock", text, "sudo timedatectl set-ntp true; timedatectl timesync-status")
