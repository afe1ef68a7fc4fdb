# SPDX-License-Identifier: MIT
"""Owns the check of the hardware watchdog: what resets the board when kernel or systemd hang, or a reboot does."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from camwatchd.doctor import systemd
from camwatchd.doctor.finding import Finding, ok, unknown, warning
from camwatchd.doctor.place import Place

NAMES = ("hardware-watchdog",)

_FIRST = "sys/class/watchdog/watchdog0"
_LONGEST = 15  # seconds; the Pi's own counts no further
_BY_WATCHDOG = 0x20  # WDIOF_CARDRESET of linux/watchdog.h


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The device, and what systemd does with it."""

    nodes: tuple[str, ...] = ()
    identity: str = ""
    longest: int | None = None  # seconds
    boot_status: int | None = None
    manager: Mapping[str, str] = field(default_factory=dict)


def find(place: Place) -> Iterator[Finding]:
    """The check."""
    yield check(gather(place))


def gather(place: Place) -> Facts:
    """The facts of this machine."""
    return Facts(
        nodes=tuple(path.name for path in place.files("dev/watchdog[0-9]*")),
        identity=place.read(f"{_FIRST}/identity") or "",
        longest=place.number(f"{_FIRST}/max_timeout"),
        boot_status=place.number(f"{_FIRST}/bootstatus"),
        manager=systemd.manager(place),
    )


def check(facts: Facts) -> Finding:
    """Whether systemd pets it, also while the machine goes down: a driver that hangs can hold up a reboot."""
    name = "hardware-watchdog"
    if not facts.nodes:
        return unknown(
            name, "there is no /dev/watchdog0; on a Pi: dtparam=watchdog=on in /boot/firmware/config.txt"
        )
    which = f"{facts.identity or facts.nodes[0]}{_last_reset(facts)}"
    if not facts.manager:
        return unknown(name, f"{which} is there, but {systemd.NO_SYSTEMD}")
    running = systemd.seconds(facts.manager.get("RuntimeWatchdogUSec", ""))
    going = systemd.seconds(facts.manager.get("RebootWatchdogUSec", ""))
    if not running:
        text = f"{which}: systemd does not use it (RuntimeWatchdogSec=); a kernel that hangs stays so"
        return warning(name, text, _remedy(facts))
    if not going:
        text = f"{which}: not while the machine goes down (RebootWatchdogSec=); a driver that hangs holds up a reboot"
        return warning(name, text, _remedy(facts))
    spans = "the driver's time" if math.isinf(running) else facts.manager["RuntimeWatchdogUSec"]
    return ok(
        name, f"{which}: systemd pets it, within {spans}; {facts.manager['RebootWatchdogUSec']} for a reboot"
    )


def _last_reset(facts: Facts) -> str:
    return " (it ended the last boot)" if (facts.boot_status or 0) & _BY_WATCHDOG else ""


def _remedy(facts: Facts) -> str:
    seconds = min(facts.longest or _LONGEST, _LONGEST)
    return (
        f"sudo mkdir -p /etc/systemd/system.conf.d && printf '[Manager]\\nRuntimeWatchdogSec={seconds}s\\n"
        "RebootWatchdogSec=2min\\n' | sudo tee /etc/systemd/system.conf.d/80-watchdog.conf && "
        "sudo systemctl daemon-reexec"
    )
