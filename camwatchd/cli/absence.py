# SPDX-License-Identifier: MIT
"""Owns what can be told while the daemon does not answer: what systemd knows of it, and what the ledger does."""

from collections.abc import Mapping
from dataclasses import dataclass

from camwatchd.cli import unit
from camwatchd.control.client import ControlError
from camwatchd.control.protocol import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """There is nobody to ask."""

    reason: str  # control.protocol.Reason
    message: str
    hint: str
    unit: Mapping[str, str] | None = None  # systemd's properties of the service; None: it says nothing
    # What was written down before: sentences, the latest incident first. Nobody reads the ledger here yet.
    ledger: tuple[str, ...] = ()


def of(error: ControlError, *, units: bool) -> Absence:
    """What is known; `units`: it is the daemon of systemd's unit that does not answer."""
    known = units and error.reason in (Reason.UNREACHABLE, Reason.SILENT)
    facts = unit.properties() if known else None
    return Absence(reason=error.reason, message=error.message, hint=error.hint, unit=facts or None)


def text(absence: Absence) -> str:
    """For humans: what happened, a hint, then whatever is known; lines without one at the end."""
    lines = [absence.message, f"  hint: {absence.hint}" if absence.hint else ""]
    lines += [f"  {unit.sentence(absence.unit)}"] if absence.unit else []
    return "\n".join([*filter(None, lines), *(f"  {line}" for line in absence.ledger)])
