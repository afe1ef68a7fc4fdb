# SPDX-License-Identifier: MIT
"""Owns what can be told while the daemon does not answer: what systemd knows of it, and what the ledger does."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from camwatchd.cli import last_known, unit
from camwatchd.cli.last_known import LastKnown
from camwatchd.control.client import ControlError
from camwatchd.control.protocol import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """There is nobody to ask."""

    reason: str  # control.protocol.Reason
    message: str
    hint: str
    unit: Mapping[str, str] | None = None  # systemd's properties of the service; None: it says nothing
    last_known: LastKnown | None = None  # what was written down before; null: nobody looked
    ledger: tuple[str, ...] = ()  # the same in sentences


@dataclass(frozen=True, slots=True)
class Records:
    """Where to read what was written down: the ledger, and the configuration, which has the limits."""

    state_dir: Path
    config: Path
    conf_dir: Path
    cameras: tuple[str, ...] = ()  # only these; none: all


def of(error: ControlError, *, units: bool, records: Records | None = None) -> Absence:
    """What is known; `units`: it is the daemon of systemd's unit that does not answer. `records`: look there, too."""
    absent = error.reason in (Reason.UNREACHABLE, Reason.SILENT)
    facts = unit.properties() if units and absent else None
    past = None
    if records and absent:
        past = last_known.read(records.state_dir, records.config, records.conf_dir).only(records.cameras)
    return Absence(
        reason=error.reason, message=error.message, hint=error.hint, unit=facts or None, last_known=past,
        ledger=tuple(last_known.sentences(past, records.cameras)) if past and records else (),
    )  # fmt: skip


def text(absence: Absence, *more: str) -> str:
    """For humans: what happened, a hint, then whatever is known; lines without one at the end."""
    lines = [absence.message, f"  hint: {absence.hint}" if absence.hint else ""]
    lines += [f"  {unit.sentence(absence.unit)}"] if absence.unit else []
    return "\n".join([*filter(None, lines), *(f"  {line}" for line in (*absence.ledger, *more))])
