# SPDX-License-Identifier: MIT
"""Owns the checks of the last rung: whether systemd's start limit can be reached, what it does then, who guards it."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from camwatchd.adapters import guard_words
from camwatchd.core import arithmetic
from camwatchd.core.budget import BURST, REBOOTING_ACTIONS
from camwatchd.core.settings import Settings
from camwatchd.doctor import systemd
from camwatchd.doctor.finding import Finding, failure, listed, ok, unknown, warning
from camwatchd.doctor.place import NOT_INSTALLED, UNIT, Place

NAMES = ("start-limit", "start-limit-action", "guard")

_RECORD = "var/lib/camwatchd/guard"
_UNWRITTEN = "run/camwatchd-guard/unwritten"
_REVERT = f"systemctl cat {UNIT}  # shows who changes what; to undo it: sudo systemctl revert {UNIT}"
_REINSTALL = "sudo apt install --reinstall camwatchd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The unit, the configuration, and what the guard has left behind."""

    unit: Mapping[str, str]
    settings: Settings | None = None  # None: they cannot be used
    missing: str = ""  # what of it is not there
    record: bool = True  # it has written down a start
    unwritten: str = ""  # why it could not
    closed: str = ""  # why it lets nothing reboot in this boot


def find(place: Place) -> Iterator[Finding]:
    """All checks of this group."""
    facts = gather(place)
    yield limit(facts)
    yield action(facts)
    yield guard(facts)


def gather(place: Place) -> Facts:
    """The facts of this machine."""
    return Facts(
        unit=systemd.unit(place),
        settings=place.settings(),
        missing=guard_words.missing(place.root),
        record=place.has(_RECORD),
        unwritten=place.read(_UNWRITTEN) or "",
        closed=guard_words.closed(place.root),
    )


def limit(facts: Facts) -> Finding:
    """Whether as many starts as systemd counts fit into its interval, even if each hangs for as long as it may."""
    if not systemd.known(facts.unit):
        return unknown("start-limit", _no_unit(facts))
    if facts.settings is None:
        return unknown(
            "start-limit", "without a valid configuration there is no sum", "camwatchctl check-config"
        )
    burst, interval = _limit(facts.unit)
    if not burst or not interval:
        text = f"there is none (StartLimitBurst={burst}, StartLimitIntervalSec={interval:g}): nothing ever reboots"
        return failure("start-limit", text, _REVERT)
    if burst != BURST:
        text = f"StartLimitBurst={burst}, but the daemon counts its starts by {BURST}, or it cannot keep from a reboot"
        return failure("start-limit", text, _REVERT)
    parts = arithmetic.between_starts(facts.settings, _times(facts.unit))
    whole = arithmetic.total(parts)
    shares = " + ".join(f"{part.seconds:.0f} s {part.name}" for part in parts)
    of = "in an interval without end" if math.isinf(interval) else f"of {interval:.0f} s"
    text = f"{burst} starts that hang take {burst} x {whole:.0f} s = {burst * whole:.0f} s {of}"
    if burst * whole > interval and facts.settings.reboot.mode == "armed":
        return failure("start-limit", f"never reached: {text}; one is {shares}", _REVERT)
    return ok("start-limit", text if parts else "no camera is required: nothing is to be reached")


def _limit(unit: Mapping[str, str]) -> tuple[int, float]:
    burst = unit.get("StartLimitBurst", "")
    interval = systemd.seconds(unit.get("StartLimitIntervalUSec", ""))
    return int(burst) if burst.isdecimal() else 0, interval or 0.0


def _times(unit: Mapping[str, str]) -> arithmetic.Unit:
    """What a hanging start costs by this unit; what it does not say is as shipped."""
    shipped = arithmetic.SHIPPED
    start, stop, abort, restart = (
        systemd.seconds(unit.get(name, ""))
        for name in ("TimeoutStartUSec", "TimeoutStopUSec", "TimeoutAbortUSec", "RestartUSec")
    )
    return arithmetic.Unit(
        timeout_start=shipped.timeout_start if start is None else start,
        timeout_stop=shipped.timeout_stop if stop is None else stop,
        timeout_abort=shipped.timeout_abort if abort is None else abort,
        restart=shipped.restart if restart is None else restart,
    )


def action(facts: Facts) -> Finding:
    """What systemd would do at the limit, and whether that is what is configured."""
    if not systemd.known(facts.unit):
        return unknown("start-limit-action", _no_unit(facts))
    effective = facts.unit.get("StartLimitAction", "")
    mode = facts.settings.reboot.mode if facts.settings else "armed"
    if effective in REBOOTING_ACTIONS:
        if mode != "armed":
            text = f'{effective} is in effect, but [reboot] mode = "{mode}"'
            return failure(
                "start-limit-action", text, "sudo systemctl daemon-reload  # the guard looks again"
            )
        return ok("start-limit-action", f"{effective}: as the last resort the machine is rebooted")
    if mode != "armed":
        return ok(
            "start-limit-action", f'{effective or "none"}: nothing reboots, as [reboot] mode = "{mode}"'
        )
    if facts.closed:
        text = f"{effective or 'none'}: the guard lets nothing reboot in this boot, because {facts.closed}"
        return warning(
            "start-limit-action", text, "camwatchctl history  # it opens by itself once a camera is healthy"
        )
    text = (
        f"{effective or 'none'}: nothing reboots; drop-ins: {listed(systemd.drop_ins(facts.unit)) or 'none'}"
    )
    return failure("start-limit-action", text, _REVERT)


def guard(facts: Facts) -> Finding:
    """Whether the guard is there that keeps the start limit from rebooting for ever."""
    if facts.missing and not systemd.known(facts.unit):
        return unknown("guard", NOT_INSTALLED)
    if facts.missing:
        return failure("guard", f"{facts.missing}: boot loops have no end", _REINSTALL)
    if facts.unwritten:
        text = f"it could not write: {facts.unwritten}; so nothing reboots"
        return failure("guard", text, "df -h /var/lib/camwatchd; sudo dmesg | grep -iE 'mmc|ext4|error'")
    if not facts.record:
        return warning(
            "guard", f"no /{_RECORD} yet: it was never started here", "sudo systemctl restart camwatchd"
        )
    return ok("guard", "closed: no reboot in this boot" if facts.closed else "in place; reboots are open")


def _no_unit(facts: Facts) -> str:
    return f"there is no {UNIT} to look at" if facts.unit else systemd.NO_SYSTEMD
