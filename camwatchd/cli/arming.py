# SPDX-License-Identifier: MIT
"""Owns whether a reboot could come of it: what is configured, beside what systemd would do at the start limit.

The daemon knows only the configuration; in the end a drop-in of the unit decides, the guard's or an administrator's.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from camwatchd.adapters import guard_words
from camwatchd.cli import unit
from camwatchd.cli.absence import Absence
from camwatchd.control.facts import StatusFacts
from camwatchd.core.budget import REBOOTING_ACTIONS

_HINT = "camwatchctl doctor"
_ROOT = Path("/")

Ask = Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arming:
    """What is configured, and what is in effect."""

    mode: str  # [reboot] mode
    action: str  # the effective StartLimitAction= of the unit
    armed: bool  # reboots are configured, and systemd would do it
    trouble: str = ""  # what is wrong with that, in a sentence; empty: it is as configured
    hint: str = ""

    @property
    def in_effect(self) -> bool:
        """Whether systemd would do what is configured."""
        return (self.mode == "armed") == (self.action in REBOOTING_ACTIONS)


def of_status(facts: StatusFacts, ask: Ask = unit.properties) -> Arming | None:
    """Of the daemon that answers; None: it is not the one of systemd's unit, or systemd does not tell."""
    known = ask()
    ours = known.get("MainPID") == str(facts.daemon.pid)
    return judged(facts.daemon.reboot_mode, known) if ours else None


def of_absence(absence: Absence) -> Arming | None:
    """While none answers, as it is configured; None: that is not known, or systemd does not tell."""
    mode = absence.last_known.reboot_mode if absence.last_known else ""
    return judged(mode, absence.unit) if absence.unit else None


def judged(mode: str, known: Mapping[str, str], root: Path = _ROOT) -> Arming | None:
    """What systemd's properties of the unit make of the mode; of a unit that is not there they say nothing."""
    if not mode or known.get("LoadState") != "loaded" or "StartLimitAction" not in known:
        return None
    action = known["StartLimitAction"] or "none"
    trouble = _trouble(mode, action, known.get("DropInPaths", "").split(), root)
    armed = mode == "armed" and action in REBOOTING_ACTIONS
    return Arming(mode=mode, action=action, armed=armed, trouble=trouble, hint=_HINT if trouble else "")


def _trouble(mode: str, action: str, drop_ins: list[str], root: Path) -> str:
    if action not in REBOOTING_ACTIONS:
        return _disarmed(action, drop_ins, guard_words.closed(root)) if mode == "armed" else ""
    if mode != "armed":
        return (
            f"systemd reboots all the same if the service fails again and again: StartLimitAction={action}"
        )
    missing = guard_words.missing(root)
    return f"they have no end if they do not help: {missing}" if missing else ""


def _disarmed(action: str, drop_ins: list[str], closed: str) -> str:
    if closed:
        return f"nothing reboots in this boot: the guard does not let it, because {closed}"
    by = f", by {', '.join(drop_ins)}" if drop_ins else ""
    return f"nothing reboots: StartLimitAction={action} is in effect{by}"


def sentence(arming: Arming | None) -> Iterator[str]:
    """What is wrong, if anything is."""
    if arming and arming.trouble:
        yield f"reboots: {arming.trouble}; see: {arming.hint}"
