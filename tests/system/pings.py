# SPDX-License-Identifier: MIT
"""Owns what the scenarios of several cameras ask about the watchdog: who is paid, how often, and that it is armed."""

import itertools

from .container import UNIT, Container
from .journal import Entry

PING = r"^camwatchd\.service: Got notification message from PID \d+.*\bWATCHDOG=1\b"
# As systemd says it; below 20 s. With the times of QUICK every lease of a camera in an incident is longer.
_NO_LEASE = r"^1?\d(\.\d+)?s$"


def listen(container: Container) -> None:
    """From now on systemd tells of each datagram that it gets."""
    container.run("systemctl log-level debug")


def interval(container: Container) -> float:
    """Seconds after which systemd would act, once nobody asks for more time than a healthy daemon needs."""
    return float(container.await_unit(WatchdogUSec=_NO_LEASE)["WatchdogUSec"].removesuffix("s"))


def longest_silence(container: Container, since: Entry) -> float:
    """Seconds between two pings, from an entry up to now."""
    now = float(container.run("cut -d ' ' -f 1 /proc/uptime").stdout)
    pings = [ping.at for ping in container.journal.all(PING, after=since, UNIT=UNIT)]
    return max(later - earlier for earlier, later in itertools.pairwise([since.at, *pings, now]))
