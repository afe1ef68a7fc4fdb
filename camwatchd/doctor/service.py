# SPDX-License-Identifier: MIT
"""Owns the checks of the unit as systemd runs it: state, overrides, the off switch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from camwatchd.adapters import mask
from camwatchd.control.client import Client, ControlError
from camwatchd.control.protocol import Reason
from camwatchd.doctor import systemd
from camwatchd.doctor.finding import Finding, failure, listed, ok, unknown, warning
from camwatchd.doctor.place import UNIT, Place

NAMES = ("service", "service-watchdog", "unit-overrides", "disable-file")

DISABLE = "boot/firmware/camwatchd.disable"
_GENERATED = "/run/systemd/generator"
# With these the unit reboots at the first failure, waits for ever for what cannot be killed, or hears nobody.
_FATAL = ("FailureAction", "SuccessAction", "SendSIGKILL", "NotifyAccess", "Type", "User")
_REVERT = f"systemctl cat {UNIT}  # shows who changes what; to undo it: sudo systemctl revert {UNIT}"
_START = "sudo systemctl start camwatchd"
_JOURNAL = f"journalctl -u {UNIT} -b -n 50 --no-pager"
_MANY = 3  # restarts by systemd, which the ladder may ask for now and then; whoever starts it by hand begins anew


@dataclass(frozen=True, slots=True)
class Facts:
    """What systemd says, and whether the file is there."""

    unit: Mapping[str, str]
    manager: Mapping[str, str]
    disabled: bool = False
    deserted: bool = False  # nobody listens at its socket
    mask: tuple[str, str] = ("masked", "")  # if it is: how, and what lifts that


def find(place: Place) -> Iterator[Finding]:
    """All checks of this group."""
    facts = gather(place)
    yield service(facts)
    yield watchdog(facts)
    yield overrides(facts)
    yield disable_file(facts)


def gather(place: Place) -> Facts:
    """The facts of this machine."""
    return Facts(
        systemd.unit(place), systemd.manager(place), place.has(DISABLE),
        deserted=_deserted(place.socket), mask=mask.explained(UNIT, place.root),
    )  # fmt: skip


def _deserted(socket: str) -> bool:
    """A daemon that is there and does not answer is another matter: the check of the versions asks it."""
    try:
        Client(socket).close()
    except ControlError as error:
        return error.reason is Reason.UNREACHABLE
    return False


def service(facts: Facts) -> Finding:
    """Whether it runs, and will after the next boot."""
    unit = facts.unit
    if not unit:
        return unknown("service", systemd.NO_SYSTEMD)
    if not systemd.known(unit):
        return failure("service", f"systemd knows no {UNIT}", "sudo apt install --reinstall camwatchd")
    if unit["LoadState"] == "masked":
        how, remedy = facts.mask
        return failure("service", f"{UNIT} is {how}", remedy)
    state, restarts = f"{unit.get('ActiveState')} ({unit.get('SubState')})", unit.get("NRestarts") or "0"
    again = f"restarted by systemd {restarts} times"
    if unit.get("ActiveState") == "failed":
        return failure("service", f"{state}, result {unit.get('Result')}", f"{_JOURNAL}; {_START}")
    if unit.get("SubState") == "auto-restart":
        text = f"it failed and waits to be started again: {state}, result {unit.get('Result')}; {again}"
        return failure("service", text, _JOURNAL)
    if facts.deserted and unit.get("ActiveState") == "active":
        return failure("service", f"{state}, but nobody listens at its socket; {again}", _JOURNAL)
    if unit.get("ActiveState") not in ("active", "activating", "reloading"):
        return warning("service", f"it does not run: {state}", _START)
    if unit.get("UnitFileState") not in ("enabled", "enabled-runtime"):
        text = f"{state}, but not after the next boot: it is {unit.get('UnitFileState') or 'not enabled'}"
        return warning("service", text, f"sudo systemctl enable {UNIT}")
    text = f"{state}, enabled, pid {unit.get('MainPID')}; {again}"
    return warning("service", text, _JOURNAL) if int(restarts) >= _MANY else ok("service", text)


def watchdog(facts: Facts) -> Finding:
    """Whether systemd watches it. While it runs it lengthens the interval itself, so that is not compared."""
    if not systemd.known(facts.unit):
        return unknown(
            "service-watchdog", systemd.NO_SYSTEMD if not facts.unit else "there is no unit to look at"
        )
    if facts.manager.get("ServiceWatchdogs") == "no":
        text = "switched off for all services: a hanging daemon is not noticed, and no reboot is granted"
        return failure("service-watchdog", text, "sudo systemd-analyze service-watchdogs yes")
    interval = systemd.seconds(facts.unit.get("WatchdogUSec", ""))
    if interval in (None, 0.0) or interval == float("inf"):
        return failure("service-watchdog", "systemd does not watch it: WatchdogSec= is off", _REVERT)
    return ok("service-watchdog", f"systemd waits at most {facts.unit['WatchdogUSec']} for a healthy frame")


def overrides(facts: Facts) -> Finding:
    """What drop-ins made of the unit that the package ships."""
    if not systemd.known(facts.unit):
        return unknown(
            "unit-overrides", systemd.NO_SYSTEMD if not facts.unit else "there is no unit to look at"
        )
    changed = systemd.differing(facts.unit)
    if any(text.startswith(_FATAL) for text in changed):
        return failure("unit-overrides", listed(changed, 8), _REVERT)
    if changed:
        return warning("unit-overrides", listed(changed, 8), _REVERT)
    if facts.unit.get("NeedDaemonReload") == "yes":
        text = "files of the unit have changed since systemd read them"
        return warning("unit-overrides", text, "sudo systemctl daemon-reload")
    files = [path for path in systemd.drop_ins(facts.unit) if not path.startswith(_GENERATED)]
    return ok(
        "unit-overrides", f"nothing of the arithmetic is changed{f' by {listed(files)}' if files else ''}"
    )


def disable_file(facts: Facts) -> Finding:
    """The off switch on the boot partition."""
    if facts.disabled:
        text = f"/{DISABLE} is there: the service does not start"
        return warning("disable-file", text, f"sudo rm /{DISABLE} && {_START}")
    return ok("disable-file", f"no /{DISABLE}")
