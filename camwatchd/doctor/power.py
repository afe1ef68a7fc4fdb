# SPDX-License-Identifier: MIT
"""Owns the checks of what makes cameras fail without being their fault: weak power, heat."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from camwatchd.doctor.finding import Finding, failure, ok, unknown, warning
from camwatchd.doctor.place import Place

NAMES = ("power", "throttling", "temperature")

# Bits of the firmware's get_throttled: now, and 16 higher since boot.
_UNDER_VOLTAGE = 0x1
_THROTTLING = {0x2: "clock capped", 0x4: "throttled", 0x8: "soft temperature limit"}
_SINCE_BOOT = 16
_HOT, _TOO_HOT = 80.0, 85.0  # degrees; the firmware throttles from 80, and all it can from 85
_SUPPLY = "vcgencmd get_throttled  # use the supply made for this board, a short cable, a powered hub for USB cameras"
_COOLING = "vcgencmd measure_temp; vcgencmd get_throttled  # give it a heat sink, a fan or shade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the firmware and the kernel's sensors say."""

    throttled: int | None = None  # None: no firmware says
    alarm: bool | None = None  # the kernel's own watch of the supply
    degrees: float | None = None  # of the warmest zone


def find(place: Place) -> Iterator[Finding]:
    """All checks of this group."""
    facts = gather(place)
    yield power(facts)
    yield throttling(facts)
    yield temperature(facts)


def gather(place: Place) -> Facts:
    """The facts of this machine."""
    zones = [place.number(path) for path in place.files("sys/class/thermal/thermal_zone*/temp")]
    known = [zone / 1000.0 for zone in zones if zone is not None]
    return Facts(throttled=_throttled(place), alarm=_alarm(place), degrees=max(known, default=None))


def _throttled(place: Place) -> int | None:
    """Of the firmware's driver; where it does not show it, from the firmware itself."""
    files = place.files("sys/devices/platform/soc*/soc*:firmware/get_throttled")
    said = next((text for path in files if (text := place.read(path))), None)
    match = re.search(
        r"(?:0x|^)([0-9a-fA-F]+)$", (said or place.run("vcgencmd", "get_throttled") or "").strip()
    )
    return int(match[1], 16) if match else None


def _alarm(place: Place) -> bool | None:
    for path in place.files("sys/class/hwmon/hwmon*/name"):
        if place.read(path) == "rpi_volt":
            number = place.number(path.with_name("in0_lcrit_alarm"))
            return None if number is None else number > 0
    return None


def power(facts: Facts) -> Finding:
    """The supply's voltage."""
    bits = facts.throttled or 0
    if bits & _UNDER_VOLTAGE or facts.alarm:
        return failure("power", "under-voltage now: cameras fail by it, and so do SD cards", _SUPPLY)
    if bits & _UNDER_VOLTAGE << _SINCE_BOOT:
        return warning("power", "under-voltage since this boot: cameras fail by it", _SUPPLY)
    if facts.throttled is None and facts.alarm is None:
        return unknown("power", "neither firmware nor kernel watch the supply here")
    return ok("power", "no under-voltage" + (" since this boot" if facts.throttled is not None else ""))


def throttling(facts: Facts) -> Finding:
    """What the firmware does against heat and weak power."""
    if facts.throttled is None:
        return unknown("throttling", "no firmware says (vcgencmd get_throttled)")
    now = [word for bit, word in _THROTTLING.items() if facts.throttled & bit]
    past = [word for bit, word in _THROTTLING.items() if facts.throttled & bit << _SINCE_BOOT]
    if now or past:
        text = f"now: {', '.join(now)}" if now else f"since this boot: {', '.join(past)}"
        return warning("throttling", f"{text} (0x{facts.throttled:x}); frames may come late", _COOLING)
    return ok("throttling", f"none since this boot (0x{facts.throttled:x})")


def temperature(facts: Facts) -> Finding:
    """Of the processor."""
    if facts.degrees is None:
        return unknown("temperature", "the kernel has no sensor")
    text = f"{facts.degrees:.0f} degrees"
    if facts.degrees >= _TOO_HOT:
        return failure("temperature", f"{text}: the board slows down to save itself", _COOLING)
    if facts.degrees >= _HOT:
        return warning("temperature", f"{text}: near the limit of {_TOO_HOT:.0f}", _COOLING)
    return ok("temperature", text)
