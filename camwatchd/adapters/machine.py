# SPDX-License-Identifier: MIT
"""Owns what the machine has to say to a reboot: how long it is up, what systemd would do, who is at work, the hour."""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from camwatchd.adapters import others
from camwatchd.adapters.host import Host
from camwatchd.core.budget import NO_UNIT, Facts
from camwatchd.core.settings import WINDOW, Reboot

# systemd-timesyncd, which Raspberry Pi OS and Debian install, touches it at the first answer of a time server.
# Asking the kernel (adjtimex) would see other programs too, but a service with ProtectClock= may not ask it.
_SYNCHRONIZED = "run/systemd/timesync/synchronized"
_PATIENCE = 3.0  # seconds for one question to systemd; the supervisor waits 10 s for the whole answer
_DAY = 86400.0


def _boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine below `host.root`; `unit` is the service that we run as, empty if we are none."""

    unit: str
    host: Host = field(default_factory=Host)
    systemctl: str = "systemctl"
    boottime: Callable[[], float] = _boottime
    wall: Callable[[], time.struct_time] = time.localtime

    def uptime(self) -> float:
        """Seconds since this boot began: since PID 1 did, for a container shares its host's clocks.

        The kernel counts the start of a process on CLOCK_BOOTTIME, so that is the clock to compare with.
        """
        return max(0.0, self.boottime() - _started(self.host.root / "proc/1/stat"))

    def look(self, rules: Reboot, facts: Facts) -> Facts:
        """The facts with the machine's part filled in."""
        action, service_watchdogs = self._systemd()
        return replace(
            facts,
            action=action,
            service_watchdogs=service_watchdogs,
            others=others.at_work(self.host),
            window_opens_in=self._window_opens_in(rules.window),
        )

    def _systemd(self) -> tuple[str, bool]:
        if not self.unit:
            return NO_UNIT, True
        action = self._show("--property=StartLimitAction", self.unit)
        watchdogs = self._show("--property=ServiceWatchdogs") if action else ""
        return (action, watchdogs == "yes") if action and watchdogs else ("", True)

    def _show(self, *arguments: str) -> str:
        """The value of one property; empty: systemd does not say."""
        try:
            done = subprocess.run(  # noqa: S603  # our own words, and no shell
                [self.systemctl, "show", "--value", *arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                timeout=_PATIENCE, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.decode("ascii", "replace").strip() if done.returncode == 0 else ""

    def _window_opens_in(self, window: str) -> float:
        if not window or not (self.host.root / _SYNCHRONIZED).exists():
            return 0.0
        now = self.wall()
        return opens_in(window, now.tm_hour * 3600.0 + now.tm_min * 60.0 + now.tm_sec)


def opens_in(window: str, time_of_day: float) -> float:
    """Seconds until a window like "22:00-04:30" opens; 0: it is open. One that ends when it begins is a whole day."""
    match = WINDOW.fullmatch(window)
    assert match is not None, window  # the settings accept nothing else
    begin, end = (int(match[i]) * 3600.0 + int(match[i + 1]) * 60.0 for i in (1, 3))
    since_begin, length = (time_of_day - begin) % _DAY, (end - begin) % _DAY or _DAY
    return 0.0 if since_begin < length else _DAY - since_begin


def _started(stat: Path) -> float:
    """When a process began, in seconds of CLOCK_BOOTTIME: field 22 of proc(5)'s stat, counted behind the name."""
    try:
        return int(stat.read_text().rpartition(") ")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    except OSError:  # hidden from us (hidepid=): then the machine's own clock must do
        return 0.0
