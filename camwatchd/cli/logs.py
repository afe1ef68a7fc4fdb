# SPDX-License-Identifier: MIT
"""Owns `camwatchctl logs`: what happened to the cameras by journal, file or ledger, and what it amounts to."""

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

from camwatchd.adapters.console import wants_colours
from camwatchd.cli import asking, log_ledger, log_sources, log_text
from camwatchd.cli.duration import at_most
from camwatchd.cli.log_analysis import Analyser
from camwatchd.cli.log_events import Event, Reader
from camwatchd.cli.log_facts import Analysis
from camwatchd.cli.verb import Verb
from camwatchd.cli.when import now
from camwatchd.core.faults import FAULTS, Issue
from camwatchd.errors import ExitStatus

_DAY = 24.0  # hours
_LONGEST = 24.0 * 366  # hours
_ERROR = 3  # syslog's priority

_EPILOG = """\
exit status:
  0   the log was read, whatever it says
  2   wrong arguments, or the file is no log
  69  there is no journal to read
  77  not for this user"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are meant; those from before `since` only tell the trend."""

    cameras: frozenset[str] = frozenset()
    faults: frozenset[str] = frozenset()
    errors: bool = False

    def counts(self, event: Event) -> bool:
        """Whether it belongs to what was asked for."""
        return (not self.cameras or event.camera in self.cameras) and (
            not self.faults or event.fault in self.faults
        )

    def shows(self, event: Event) -> bool:
        """Whether it is worth a line."""
        return not self.errors or event.priority <= _ERROR

    def matches(self) -> list[str]:
        """The same for journalctl, which finds them by its index."""
        cameras = [f"CAMERA={camera}" for camera in sorted(self.cameras)]
        return cameras + [f"FAULT={fault}" for fault in sorted(self.faults)]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recent-errors", action="store_true", help="show only errors; all is analysed")
    parser.add_argument(
        "--hours", metavar="H", type=_hours, help="so far back; default: 24, of a file all of it"
    )
    parser.add_argument(
        "--follow", action="store_true", help="show what is logged from now on, until Ctrl-C"
    )
    asking.cameras(parser)
    parser.add_argument(
        "--fault", metavar="FAULT", action="append", default=[], type=_fault,
        help="only this one, or those of this alert; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--file",
        metavar="FILE",
        help="instead of the journal: JSON lines, or journalctl -o json; -: standard input",
    )
    asking.arguments(parser)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG


def _hours(text: str) -> float:
    """Plain hours, or with a unit of their own."""
    try:
        hours = float(text) if text[-1:].isdigit() else at_most(3600 * _LONGEST)(text) / 3600
    except (ValueError, argparse.ArgumentTypeError):
        hours = 0.0
    if 0 < hours <= _LONGEST:
        return hours
    raise argparse.ArgumentTypeError(f"{text!r}: expected hours, or 90s, 10m, 2h; at most {_LONGEST:g} h")


def _fault(text: str) -> frozenset[str]:
    """A fault, or all that raise an alert of this name."""
    meant = frozenset(name for name, fault in FAULTS.items() if text in (name, fault.issue.value))
    if meant:
        return meant
    raise argparse.ArgumentTypeError(
        f"no fault or alert: {text!r}; see camwatchctl faults, or one of {', '.join(Issue)}"
    )


def _run(options: argparse.Namespace) -> int:
    wanted = Wanted(
        frozenset(options.camera), frozenset().union(*options.fault), errors=options.recent_errors
    )
    try:
        return _tell(options, wanted)
    except log_sources.UnreadableError as error:
        asking.complain(str(error))
        return error.status


def _tell(options: argparse.Namespace, wanted: Wanted) -> int:
    """Each event as soon as it is read, then the analysis, also where Ctrl-C ends what has no end."""
    live = options.follow or options.file == log_sources.STDIN
    since = _since(options)
    analyser, reader, show = Analyser(since), Reader(), _shower(options, live=live)
    trouble: log_sources.UnreadableError | None = None
    try:
        with suppress(*[KeyboardInterrupt] * live), closing(_lines(options, wanted, since)) as lines:
            for event in filter(wanted.counts, _with_forgotten(options, reader.events(lines), since)):
                analyser.add(event)
                if event.time >= since and wanted.shows(event):
                    show(event)
    except log_sources.UnreadableError as error:
        if not reader.ours:
            raise
        trouble = error  # what was read until then says something, too
    _check(options, reader)
    covered = _covered(options, wanted, reader, since)
    _conclude(options, analyser.result(None if options.file else now(), covered, reader.broken))
    if trouble:
        raise trouble
    return ExitStatus.EX_OK


def _conclude(options: argparse.Namespace, analysis: Analysis) -> None:
    if options.json:
        text = json.dumps(log_text.analysis_document(analysis))
    else:
        text = "\n" * bool(analysis.events) + log_text.analysis_text(analysis)
    sys.stdout.write(f"{text}\n")


def _covered(options: argparse.Namespace, wanted: Wanted, reader: Reader, since: float) -> float:
    """Since when the log would have had what was asked for: what journalctl found by its index does not tell."""
    beginning = since - _span(options)
    if options.file or options.follow or not wanted.matches():
        return max(beginning, reader.first)
    with closing(log_sources.journal([], beginning)) as lines:
        first = next(Reader().events(lines), None)
    return first.time if first else math.inf


def _since(options: argparse.Namespace) -> float:
    """From when on events are shown. Hours of a file count from its last event: it may be of last week."""
    if options.follow and options.file:
        raise log_sources.UnreadableError(
            "a file is not followed", "tail -F FILE | camwatchctl logs --file -", ExitStatus.EX_USAGE
        )
    if options.hours is None and (options.file or options.follow):
        return -math.inf
    if not options.file:
        return now() - _span(options)
    if options.file == log_sources.STDIN:
        raise log_sources.UnreadableError(
            "--hours needs to know the last event first", "give a file instead of -", ExitStatus.EX_USAGE
        )
    events = Reader().events(log_sources.file(options.file))
    return max((event.time for event in events), default=0.0) - _span(options)


def _span(options: argparse.Namespace) -> float:
    return 3600 * float(options.hours or _DAY)


def _lines(options: argparse.Namespace, wanted: Wanted, since: float) -> Generator[bytes, None, None]:
    """Of the journal also the span before, which is as long, unless it is followed."""
    if options.file:
        return log_sources.file(options.file)
    if options.follow:
        return log_sources.journal(wanted.matches(), since, follow=True)
    return log_sources.journal(wanted.matches(), since - _span(options))


def _with_forgotten(options: argparse.Namespace, events: Iterator[Event], since: float) -> Iterator[Event]:
    if options.file or options.follow:
        return events
    return log_ledger.with_forgotten(events, log_ledger.remembered(since - _span(options)))


def _shower(options: argparse.Namespace, *, live: bool) -> Callable[[Event], None]:
    colours = sys.stdout.isatty() and wants_colours(sys.stdout.fileno(), os.environ)

    def show(event: Event) -> None:
        text = json.dumps(log_text.document(event)) if options.json else log_text.line(event, colours)
        sys.stdout.write(f"{text}\n")
        if live:
            sys.stdout.flush()

    return show


def _check(options: argparse.Namespace, reader: Reader) -> None:
    """A file of which nothing can be read is the wrong one."""
    if options.file and reader.broken and not reader.ours:
        raise log_sources.UnreadableError(
            f"{options.file}: none of its {reader.broken} lines is an event",
            "expected JSON lines of camwatchd (--log-format json) or of journalctl -o json",
            ExitStatus.EX_USAGE,
        )


VERB = Verb("logs", "show what happened to the cameras, and what it amounts to", _arguments, _run)
