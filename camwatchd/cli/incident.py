# SPDX-License-Identifier: MIT
"""Owns `camwatchctl incident`: the whole story of one incident, or an archive of it to attach to a bug report."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from camwatchd import __main__ as daemon
from camwatchd.cli import asking, colour, past
from camwatchd.cli.verb import Verb
from camwatchd.core.faults import FAULTS
from camwatchd.core.plain import to_plain
from camwatchd.errors import ExitStatus

if TYPE_CHECKING:
    from camwatchd.adapters.ledger_reading import Copy
    from camwatchd.adapters.ledger_story import Headline, History, Incident
    from camwatchd.cli.bundle import Part

_LAST = "last"
_DIGITS = 19  # no number in SQLite has more


def document(one: "Incident") -> dict[str, Any]:
    """What `--json` prints: the headline's facts flat at the top, the story below."""
    plain = to_plain(one)
    headline = plain.pop("headline")
    fault = FAULTS.get(one.headline.fault)
    return {**headline, "meaning": fault.human if fault else "", **plain}


def chosen(headlines: "tuple[Headline, ...]", wanted: str) -> int | None:
    """The number of the incident that is meant, of these, the newest first; None: there is none such."""
    numbers = [one.number for one in headlines]
    if wanted == _LAST:
        return numbers[0] if numbers else None
    return int(wanted) if int(wanted) in numbers else None


def _arguments(parser: argparse.ArgumentParser) -> None:
    given = daemon.arguments().parse_args([])
    parser.add_argument(
        "incident", metavar="ID", nargs="?", type=_wanted, default=_LAST,
        help="its number, as history shows it, or last; default: %(default)s",
    )  # fmt: skip
    parser.add_argument("--camera", metavar="NAME", default="", help="last: of this one")
    parser.add_argument(
        "--bundle", metavar="FILE",
        help="write an archive (.tar.gz) with all there is to know about it; - is standard output",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace FILE if it is there")
    parser.add_argument(
        "--picture",
        action="store_true",
        help="with what the camera sees now; else there is no picture in it",
    )
    parser.add_argument(
        "--config", default=given.config, metavar="FILE", help="for --bundle; default: %(default)s"
    )
    parser.add_argument(
        "--conf-dir", default=given.conf_dir, metavar="DIR", help="drop-ins; default: %(default)s"
    )
    parser.add_argument(
        "--socket",
        metavar="PATH",
        default=argparse.SUPPRESS,
        help="the daemon's control socket, for --bundle",
    )
    past.arguments(parser)


def _wanted(text: str) -> str:
    if text != _LAST and not (text.isascii() and text.isdigit() and len(text) < _DIGITS):
        raise argparse.ArgumentTypeError(f"expected the number of an incident, or last, got {text!r}")
    return text


def _run(options: argparse.Namespace) -> int:
    from camwatchd.adapters.ledger_reading import LedgerError

    try:
        with past.opened(options) as copy:
            return _shown(options, copy)
    except LedgerError as error:
        return past.failed(error)


def _shown(options: argparse.Namespace, copy: "Copy") -> int:
    from camwatchd.adapters import ledger_story

    if wrong := past.unknown(copy, options.camera):
        return past.refused(wrong)
    history = ledger_story.history(copy.db, past.this_boot(), camera=options.camera)
    number = chosen(history.incidents, options.incident)
    one = None if number is None else ledger_story.incident(copy.db, number)
    if one is None:
        return past.refused(none(options.incident, options.camera, history.incidents))
    if options.bundle is not None:
        return _bundled(options, copy, history, one)
    sys.stdout.write(
        f"{json.dumps(document(one), indent=2) if options.json else colour.painted(_text(one))}\n"
    )
    return past.OVER if one.headline.ended or one.headline.drill else past.OPEN


def _text(one: "Incident") -> str:
    from camwatchd.cli.incident_text import text

    hint = f"camwatchctl incident {one.headline.number} --bundle FILE.tar.gz"
    return f"{text(one)}\n\nfor a bug report: {hint}"


def none(wanted: str, camera: str, known: "tuple[Headline, ...]") -> str:
    """There is no such incident: which there are."""
    whose = f" of {camera}" if camera else ""
    if not known:
        return f"the ledger has no incident{whose}\n  hint: see: camwatchctl history"
    there = f"{known[-1].number} to {known[0].number}" if len(known) > 1 else str(known[0].number)
    return f"there is no incident {wanted}{whose}; the ledger has {there}\n  hint: see: camwatchctl history"


def _bundled(options: argparse.Namespace, copy: "Copy", history: "History", one: "Incident") -> int:
    from camwatchd.cli import bundle

    try:
        bundle.check(options.bundle, force=options.force)  # what takes its time comes later
        if options.bundle != "-":
            asking.announce(options, f"collecting what is known of incident {one.headline.number} ...")
        found = _parts(options, copy, history, one)
        folder = f"camwatchd-incident-{one.headline.number}"
        size = bundle.write(options.bundle, folder, found, force=options.force)
    except BrokenPipeError:  # whoever reads from our pipe has left
        raise
    except OSError as error:
        there = isinstance(error, FileExistsError)
        hint = "name a file that is not there yet, or replace it: --force" if there else "name another file"
        asking.complain(f"{options.bundle}: it cannot be written: {error.strerror}\n  hint: {hint}")
        return ExitStatus.EX_UNAVAILABLE
    if options.bundle != "-":
        missing = {part.name: part.missing for part in found if part.missing}
        pictured = any(part.data for part in found)
        facts = {"bundle": options.bundle, "bytes": size, "missing": missing, "picture": pictured}
        sys.stdout.write(f"{json.dumps(facts, indent=2) if options.json else _said(facts)}\n")
    return ExitStatus.EX_OK


def _parts(options: argparse.Namespace, copy: "Copy", history: "History", one: "Incident") -> "list[Part]":
    from camwatchd.cli.bundle_parts import Sources, parts, picture

    config, drop_ins = Path(options.config), Path(options.conf_dir)
    found = parts(Sources(one, history, copy.db, options.socket, config, drop_ins), document(one))
    return [*found, picture(options.socket, one.headline.camera)] if options.picture else found


def _said(facts: dict[str, Any]) -> str:
    without = (
        "without what looks like a secret"
        if facts["picture"]
        else "without pictures and what looks like a secret"
    )
    lines = [f"written: {facts['bundle']}, {facts['bytes'] / 1000:.0f} kB; {without}"]
    lines += [f"not in it: {name}: {why}" for name, why in facts["missing"].items()]
    return "\n".join([*lines, "look through it before you publish it; README.txt in it says what is what"])


VERB = Verb(
    "incident", "show the whole story of one incident, or bundle it for a bug report; needs no daemon",
    _arguments, _run,
)  # fmt: skip
