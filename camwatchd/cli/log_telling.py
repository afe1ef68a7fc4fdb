# SPDX-License-Identifier: MIT
"""Owns how `camwatchctl logs` goes through a log: which events are meant, since when, and what is told of them.

Imported only when it is wanted, so that no other verb waits for it.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

from camwatchd.adapters.entry import readable
from camwatchd.cli import asking, colour, log_ledger, log_sources, log_text, unit
from camwatchd.cli.log_analysis import OVER, Analyser
from camwatchd.cli.log_events import Event, Reader
from camwatchd.cli.log_facts import Analysis
from camwatchd.cli.log_past import Past
from camwatchd.cli.when import now
from camwatchd.errors import ExitStatus

_DAY = 24.0  # hours
_ERROR = 3  # syslog's priority


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are meant; those from before `since` only tell the trend."""

    cameras: frozenset[str] = frozenset()
    faults: frozenset[str] = frozenset()
    errors: bool = False

    def counts(self, event: Event) -> bool:
        """Whether it belongs to what was asked for."""
        return self.concerns(event) and (not self.faults or event.fault in self.faults)

    def concerns(self, event: Event) -> bool:
        """Whether it is of a camera that is meant: its end may go by the name of another fault than its beginning."""
        return not self.cameras or event.camera in self.cameras

    def shows(self, event: Event) -> bool:
        """Whether it is worth a line."""
        return not self.errors or event.priority <= _ERROR

    def matches(self) -> list[str]:
        """The same for journalctl, which finds them by its index."""
        cameras = [f"CAMERA={camera}" for camera in sorted(self.cameras)]
        if not self.faults:
            return cameras
        ends = [f"EVENT={event}" for event in OVER]
        return [*cameras, *(f"FAULT={fault}" for fault in sorted(self.faults)), "+", *cameras, *ends]


def tell(options: argparse.Namespace) -> int:
    """Each event as soon as it is read, then the analysis, also where Ctrl-C ends what has no end."""
    wanted = Wanted(
        frozenset(options.camera), frozenset().union(*options.fault), errors=options.recent_errors
    )
    live = options.follow or options.file == log_sources.STDIN
    since = _since(options)
    analyser, reader, show = Analyser(since), Reader(), _shower(options, live=live)
    ledger = Past(options.state_dir)
    unread: list[log_sources.UnreadableError] = []
    trouble: log_sources.UnreadableError | None = None
    try:
        with suppress(*[KeyboardInterrupt] * live), closing(_lines(options, wanted, since)) as lines:
            events = _read(options, reader.events(lines), unread)
            for event in filter(wanted.concerns, _with_forgotten(options, events, since, ledger)):
                if not wanted.counts(event):
                    analyser.close(event)
                    continue
                analyser.add(event)
                if event.time >= since and wanted.shows(event):
                    show(event)
    except log_sources.UnreadableError as error:
        if not reader.ours:
            raise
        trouble = error  # what was read until then says something, too
    if unread and not ledger.known:
        raise unread[0]
    _check(options, reader)
    covered = _known_since(options, wanted, None if unread else reader, since, ledger)
    _conclude(options, analyser.result(None if options.file else now(), covered, reader.broken))
    _remark(ledger, unread, ledger.trouble if covered > since else "")
    if trouble:
        raise trouble
    return ExitStatus.EX_OK


def _remark(ledger: Past, unread: list[log_sources.UnreadableError], forgotten: str) -> None:
    """What the answer lacks."""
    if forgotten:
        asking.complain(f"what the journal has forgotten is not known: {forgotten}")
    if ledger.later:
        asking.complain(
            f"left out: {ledger.later} of the ledger's incidents are of a time to come, for the clock has jumped\n"
            "  hint: camwatchctl history has them in their order"
        )
    if unread:
        asking.complain(f"this is the ledger's part, incidents without single captures: {unread[0]}")


def _conclude(options: argparse.Namespace, analysis: Analysis) -> None:
    if options.json:
        text = json.dumps(log_text.analysis_document(analysis))
    else:
        text = "\n" * bool(analysis.events) + readable(log_text.analysis_text(analysis))
    sys.stdout.write(f"{text}\n")


def _known_since(
    options: argparse.Namespace, wanted: Wanted, reader: Reader | None, since: float, ledger: Past
) -> float:
    """Since when log or ledger would have had what was asked for: nobody knows that it was quiet before."""
    beginning = since - _span(options)
    if reader is None or ledger.begun <= beginning:
        return max(beginning, ledger.begun)
    found = max(beginning, _first(options, wanted, reader, beginning))
    if ledger.trouble and math.isinf(found):
        _check_journal(ledger)
    return min(ledger.begun, found)


def _first(options: argparse.Namespace, wanted: Wanted, reader: Reader, beginning: float) -> float:
    """When the log begins, which what journalctl found by its index does not tell."""
    if options.file or options.follow or not wanted.matches():
        return reader.first
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
        if down := unit.stopped():
            asking.complain(f"nothing new comes until camwatchd is started\n  {down}")
        return log_sources.journal(wanted.matches(), since, follow=True)
    return log_sources.journal(wanted.matches(), since - _span(options))


def _read(
    options: argparse.Namespace, events: Iterator[Event], unread: list[log_sources.UnreadableError]
) -> Iterator[Event]:
    """The events. Of a journal that cannot be read at all none, and why: the ledger may do in its place."""
    if options.file or options.follow:
        yield from events
        return
    try:
        first = next(events, None)
    except log_sources.UnreadableError as error:
        unread.append(error)
        return
    if first:
        yield first
    yield from events


def _with_forgotten(
    options: argparse.Namespace, events: Iterator[Event], since: float, ledger: Past
) -> Iterator[Event]:
    if options.file or options.follow:
        return events
    return log_ledger.with_forgotten(events, ledger.incidents(since - _span(options)))


def _shower(options: argparse.Namespace, *, live: bool) -> Callable[[Event], None]:
    colours = colour.wanted()

    def show(event: Event) -> None:
        text = json.dumps(log_text.document(event)) if options.json else log_text.line(event, colours)
        sys.stdout.write(f"{text}\n")
        if live:
            sys.stdout.flush()

    return show


def _check_journal(ledger: Past) -> None:
    """That nothing was found says nothing where the journal has never had anything of the daemon."""
    with closing(log_sources.journal([], -math.inf)) as lines:
        if next(Reader().events(lines), None):
            return
    raise log_sources.UnreadableError(
        f"the journal has nothing of camwatchd, and of the ledger: {ledger.trouble}", "", ledger.status
    )


def _check(options: argparse.Namespace, reader: Reader) -> None:
    """A file of which nothing can be read is the wrong one."""
    if options.file and reader.broken and not reader.ours:
        raise log_sources.UnreadableError(
            f"{options.file}: none of its {reader.broken} lines is an event",
            "expected JSON lines of camwatchd (--log-format json) or of journalctl -o json; "
            "of a compressed file: zcat FILE | camwatchctl logs --file -",
            ExitStatus.EX_USAGE,
        )
