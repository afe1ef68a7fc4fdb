# SPDX-License-Identifier: MIT
"""Owns `camwatchctl incident`: the whole story of one incident, or an archive of it to attach to a bug report."""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from camwatchd import __main__ as daemon
from camwatchd.cli import asking, colour, frames, past
from camwatchd.cli.verb import Verb
from camwatchd.core.faults import FAULTS
from camwatchd.core.plain import to_plain
from camwatchd.errors import ExitStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from camwatchd.adapters.ledger_reading import Copy, LedgerError
    from camwatchd.adapters.ledger_story import Headline, History, Incident
    from camwatchd.cli.bundle import Part
    from camwatchd.cli.bundle_parts import Place

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
    from camwatchd.adapters import ledger_reading

    try:
        with past.opened(options) as copy:
            found = _found(options, copy)
    except ledger_reading.LedgerError as error:
        return _saved(options, error) if error.is_damage and options.bundle else past.failed(error)
    if isinstance(found, str):
        return past.refused(found)
    if options.bundle is not None:
        return _bundled(options, found)
    sys.stdout.write(f"{json.dumps(document(found.one), indent=2) if options.json else found.text}\n")
    head = found.one.headline
    return past.OVER if head.ended or head.drill else past.OPEN


@dataclass(frozen=True, slots=True)
class _Found:
    """What the ledger has of it; of `ledger` nothing, if it is not wanted."""

    history: "History"
    one: "Incident"
    text: str
    ledger: dict[str, Any]


def _found(options: argparse.Namespace, copy: "Copy") -> _Found | str:
    """Or why there is nothing to be found."""
    from camwatchd.adapters import ledger_dump, ledger_story

    if wrong := past.unknown(copy, options.camera):
        return wrong
    history = ledger_story.history(copy.db, past.this_boot(), camera=options.camera)
    number = chosen(history.incidents, options.incident)
    one = None if number is None else ledger_story.incident(copy.db, number)
    if one is None:
        return none(options.incident, options.camera, history.incidents)
    ledger = {} if options.bundle is None else ledger_dump.tables(copy.db)
    return _Found(history, one, colour.painted(_text(one)), ledger)


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


def _bundled(options: argparse.Namespace, found: _Found) -> int:
    head = found.one.headline
    what = f"of incident {head.number}"
    return _write(options, f"camwatchd-incident-{head.number}", what, lambda: _parts(options, found))


def _saved(options: argparse.Namespace, error: "LedgerError") -> int:
    """Without an incident, but with the ledger as it is: somebody may save what is in it."""
    from camwatchd.adapters.ledger_file import NAME
    from camwatchd.cli.bundle_parts import without_ledger

    asking.complain(str(error))
    ledger = options.state_dir / NAME
    return _write(
        options,
        "camwatchd-damaged-ledger",
        "without the ledger",
        lambda: without_ledger(_place(options), ledger, error.message),
    )


def _write(options: argparse.Namespace, folder: str, what: str, collect: "Callable[[], list[Part]]") -> int:
    from camwatchd.cli import bundle

    try:
        bundle.check(options.bundle, force=options.force)  # what takes its time comes later
        if options.bundle != "-":
            asking.announce(options, f"collecting what is known {what} ...")
        found = collect()
        size = bundle.write(options.bundle, folder, found, force=options.force)
    except BrokenPipeError:  # whoever reads from our pipe has left
        raise
    except OSError as error:
        if options.bundle == frames.STDOUT:
            return frames.unwritten(options.bundle, error)
        there = isinstance(error, FileExistsError)
        hint = "name a file that is not there yet, or replace it: --force" if there else "name another file"
        asking.complain(f"{options.bundle}: it cannot be written: {error.strerror}\n  hint: {hint}")
        return ExitStatus.EX_UNAVAILABLE
    if options.bundle != "-":
        missing = {part.name: part.missing for part in found if part.missing}
        pictured = any(part.is_picture for part in found)
        facts = {"bundle": options.bundle, "bytes": size, "missing": missing, "picture": pictured}
        sys.stdout.write(f"{json.dumps(facts, indent=2) if options.json else _said(facts)}\n")
    return ExitStatus.EX_OK


def _parts(options: argparse.Namespace, found: _Found) -> "list[Part]":
    from camwatchd.cli.bundle_parts import Sources, parts, picture

    known = parts(Sources(found.one, found.history, found.ledger, _place(options)), document(found.one))
    return [*known, picture(options.socket, found.one.headline.camera)] if options.picture else known


def _place(options: argparse.Namespace) -> "Place":
    from camwatchd.cli.bundle_parts import Place

    return Place(options.socket, Path(options.config), Path(options.conf_dir))


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
