# SPDX-License-Identifier: MIT
"""Owns what systemd says of the unit and of itself, in numbers; and what the package has shipped."""

import math
import re
from collections.abc import Mapping

from camwatchd.core import arithmetic
from camwatchd.core.budget import BURST
from camwatchd.doctor.place import UNIT, Place

OF_UNIT = (
    "LoadState", "UnitFileState", "ActiveState", "SubState", "Result", "StatusText", "NRestarts", "MainPID",
    "ConditionResult", "NeedDaemonReload", "DropInPaths", "FragmentPath",
    "StartLimitIntervalUSec", "StartLimitBurst", "StartLimitAction", "FailureAction", "SuccessAction",
    "WatchdogUSec", "TimeoutStartUSec", "TimeoutStopUSec", "TimeoutAbortUSec", "RestartUSec",
    "Type", "NotifyAccess", "Restart", "KillMode", "SendSIGKILL", "OOMPolicy", "User",
)  # fmt: skip
OF_MANAGER = ("ServiceWatchdogs", "RuntimeWatchdogUSec", "RebootWatchdogUSec", "Version")
SHIPPED: Mapping[str, str | float] = {
    "StartLimitIntervalUSec": arithmetic.START_LIMIT_INTERVAL,
    "StartLimitBurst": str(BURST),
    "TimeoutStartUSec": arithmetic.TIMEOUT_START,
    "TimeoutStopUSec": arithmetic.TIMEOUT_STOP,
    "TimeoutAbortUSec": arithmetic.TIMEOUT_ABORT,
    "RestartUSec": arithmetic.RESTART,
    "FailureAction": "none",
    "SuccessAction": "none",
    "Type": "notify",
    "NotifyAccess": "main",
    "Restart": "on-abnormal",
    "KillMode": "mixed",
    "SendSIGKILL": "yes",
    "OOMPolicy": "continue",
    "User": "camwatchd",
}
NO_SYSTEMD = "no systemd answers here"

_SECONDS = {
    "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0,
    "w": 7 * 86400.0, "month": 30.44 * 86400.0, "y": 365.25 * 86400.0,
}  # fmt: skip
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(us|ms|month|min|s|h|d|w|y)")


def unit(place: Place) -> dict[str, str]:
    """The unit's properties; {}: there is no systemd that answers."""
    return place.show(*OF_UNIT, unit=UNIT)


def manager(place: Place) -> dict[str, str]:
    """systemd's own."""
    return place.show(*OF_MANAGER)


def seconds(text: str) -> float | None:
    """A span as systemctl writes it: 1h 25min, 15s, infinity, 0; None: it is none."""
    if text == "infinity":
        return math.inf
    parts = _SPAN.findall(text)
    if not parts:
        return 0.0 if text == "0" else None
    return float(sum(float(number) * _SECONDS[unit] for number, unit in parts))


def known(facts: Mapping[str, str]) -> bool:
    """Whether this is a unit that is there."""
    return facts.get("LoadState") in ("loaded", "masked")


def differing(facts: Mapping[str, str]) -> list[str]:
    """Each property that is not as the package ships it, with both values."""
    return [
        f"{name} is {facts[name]}, shipped {shipped if isinstance(shipped, str) else f'{shipped:g}s'}"
        for name, shipped in SHIPPED.items()
        if name in facts and facts[name] != shipped and seconds(facts[name]) != shipped
    ]


def drop_ins(facts: Mapping[str, str]) -> list[str]:
    """The files that change the unit."""
    return facts.get("DropInPaths", "").split()
