# SPDX-License-Identifier: MIT
"""Owns `camwatchctl history`: boots and incidents in order of time, from the ledger; needs no daemon."""

import argparse
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from camwatchd.cli import colour, faults, past
from camwatchd.cli.duration import at_most
from camwatchd.cli.verb import Verb
from camwatchd.core.plain import to_plain
from camwatchd.core.timespan import DAY

if TYPE_CHECKING:
    from camwatchd.adapters.ledger_reading import Copy
    from camwatchd.adapters.ledger_story import History

_LONGEST = 36600.0  # days; the ledger keeps no more than some hundred


def document(history: "History", notes: tuple[str, ...]) -> dict[str, Any]:
    """What `--json` prints; newest first, as the text is."""
    return {**to_plain(history), "notes": list(notes)}


def notes(copy: "Copy", history: "History", aside: tuple[str, ...]) -> tuple[str, ...]:
    """What a human must know of the ledger itself."""
    found = []
    if copy.is_old:
        found.append(
            f"the ledger is of an older camwatchd (version {copy.version}), which kept nothing of machine and frames; "
            "the daemon brings it forward at its next start"
        )
    if not history.knows_this_boot:
        found.append("camwatchd has not run yet since this machine booted; see: systemctl status camwatchd")
    if aside:
        found.append(
            f"could not be used and was set aside, older incidents may be in it: {', '.join(aside)}"
        )
    return tuple(found)


def narrowed(history: "History", wanted: frozenset[str], *, drills: bool) -> "History":
    """Only incidents of these faults, of all if there are none; `drills`: exercises too."""
    kept = (
        one for one in history.incidents if (not wanted or one.fault in wanted) and (drills or not one.drill)
    )
    return replace(history, incidents=tuple(kept))


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--days",
        metavar="N",
        type=_days,
        help="only the last so many days in which the machine was on: 12h, 7d or plain days",
    )
    parser.add_argument("--camera", metavar="NAME", default="", help="only incidents of this one")
    parser.add_argument(
        "--fault", metavar="FAULT", action="append", default=[], type=faults.meant,
        help="only incidents of this one, or of those of this alert; may be repeated",
    )  # fmt: skip
    parser.add_argument("--no-drills", action="store_true", help="without alarm drills")
    past.arguments(parser)


def _days(text: str) -> float:
    return at_most(_LONGEST * DAY, "d")(text) / DAY


def _run(options: argparse.Namespace) -> int:
    from camwatchd.adapters import ledger_reading, ledger_story
    from camwatchd.cli.history_text import text

    try:
        with past.opened(options) as copy:
            if wrong := past.unknown(copy, options.camera):
                return past.refused(wrong)
            history = ledger_story.history(copy.db, past.this_boot(), options.days, options.camera)
            history = narrowed(history, frozenset().union(*options.fault), drills=not options.no_drills)
            told = notes(copy, history, ledger_reading.set_aside(options.state_dir))
            for_people = colour.painted(text(history, told))
    except ledger_reading.LedgerError as error:
        return past.failed(error)
    written = json.dumps(document(history, told), indent=2) if options.json else for_people
    sys.stdout.write(f"{written}\n")
    open_now = any(not incident.ended and not incident.drill for incident in history.incidents)
    return past.OPEN if open_now else past.OVER


VERB = Verb(
    "history",
    "show boots and incidents in order of time, the newest first; needs no daemon",
    _arguments,
    _run,
)
