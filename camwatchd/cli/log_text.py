# SPDX-License-Identifier: MIT
"""Owns how the log reads: a line for each event that grep finds by its words, and what it all amounts to."""

from collections.abc import Iterator
from typing import Any

from camwatchd.adapters.console import COLOURS
from camwatchd.adapters.entry import readable
from camwatchd.cli.log_events import Event
from camwatchd.cli.log_facts import Analysis, Trend
from camwatchd.cli.table import table
from camwatchd.cli.when import iso, stamp
from camwatchd.core.plain import to_plain
from camwatchd.core.timespan import duration

_LONGEST = 2000  # characters of a line


def line(event: Event, colours: bool = False) -> str:
    """Time, level, `camera=`, what happened, in words; `capture` is in it wherever it is about one."""
    words = readable(event.message).removeprefix(f"{event.camera}: ") or event.event
    words = " | ".join(filter(None, (part.strip() for part in words.splitlines())))[:_LONGEST]
    head = f"{stamp(event.time)}  {event.level:8}  camera={event.camera or '-':6}"
    text = f"{head}  {event.event:22}  {words}"
    text += " (from the ledger)" if event.source == "ledger" else ""
    text += " (capture)" if event.about_capture and "capture" not in text else ""
    text = " ".join(readable(text).splitlines())  # a log of others may have any name in it
    colour = COLOURS.get(event.priority, "") if colours else ""
    return f"{colour}{text}\x1b[0m" if colour else text


def document(event: Event) -> dict[str, Any]:
    """An event for programs."""
    plain = to_plain(event)
    return {
        "kind": "event",
        **plain,
        "time": iso(event.time),
        "level": event.level.lower(),
    }


def analysis_document(analysis: Analysis) -> dict[str, Any]:
    """The analysis for programs; points in time as in the events."""
    plain = to_plain(analysis)
    for times, key in [(plain, "since"), (plain, "until")]:
        times[key] = None if times[key] is None else iso(times[key])
    for fault in plain["faults"]:
        fault["last"] = iso(fault["last"])
    for fault in plain["open"]:
        fault["since"] = iso(fault["since"])
    return {"kind": "analysis", **plain}


def analysis_text(analysis: Analysis) -> str:
    """For humans: what is wrong now, how often what was, what helped, and whether it gets worse."""
    parts = [_head(analysis), _faults(analysis), _rungs(analysis), _latency(analysis), _trend(analysis)]
    return "\n\n".join("\n".join(part) for part in map(list, parts) if part)


def _head(analysis: Analysis) -> Iterator[str]:
    if analysis.since is None or analysis.until is None:
        yield "no event of a camera was found"
    else:
        yield f"{stamp(analysis.since)} to {stamp(analysis.until)}: {_count(analysis.events, 'event')} of cameras"
    yield from (
        f"camera={fault.camera}: {fault.fault} since {stamp(fault.since)}, and no recovery so far"
        for fault in analysis.open
    )
    if analysis.from_ledger:
        yield f"{_count(analysis.from_ledger, 'event')} from the ledger: the journal does not have them"
    if analysis.drills:
        yield f"{_count(analysis.drills, 'event')} of alarm drills of cameras, not counted below"
    if analysis.kept_back:
        yield f"{_count(analysis.kept_back, 'more event')} like these, kept back by the daemon's limit"
    if analysis.broken_lines:
        yield f"{_count(analysis.broken_lines, 'line')} could not be read and {_were(analysis.broken_lines)} left out"


def _faults(analysis: Analysis) -> Iterator[str]:
    if not analysis.faults:
        yield "camera faults: none"
        return
    rows = [
        (fault.fault, fault.alert, str(fault.count), f"camera={','.join(fault.cameras)}", stamp(fault.last))
        for fault in analysis.faults
    ]
    yield table(("camera fault", "alert", "count", "cameras", "last"), rows)
    itself = f", {analysis.by_itself} of them without a remedy" if analysis.by_itself else ""
    recovered = f"{_count(analysis.recoveries, 'recovery', 'recoveries')}{itself}"
    yield f"{recovered}; {_called(analysis)}"


def _rungs(analysis: Analysis) -> Iterator[str]:
    if analysis.rungs:
        rows = [
            (
                row.rung,
                str(row.attempts),
                str(row.cured),
                f"{100 * row.success:.0f} %",
                _seconds(row.median_seconds),
            )
            for row in analysis.rungs
        ]
        yield table(("camera remedy", "attempts", "cured", "success", "median"), rows)


def _latency(analysis: Analysis) -> Iterator[str]:
    if analysis.latency:
        rows = [
            (
                f"camera={row.camera}",
                str(row.captures),
                *(_milliseconds(value) for value in (row.p50, row.p90, row.p99, row.most)),
            )
            for row in analysis.latency
        ]
        yield table(("capture latency of camera", "captures", "50 %", "90 %", "99 %", "longest"), rows)


def _trend(analysis: Analysis) -> Iterator[str]:
    if any(trend.per_day is not None for trend in analysis.trend):
        rows = [_rates(trend) for trend in analysis.trend]
        yield table(("camera trend", "per day", "before", "change"), rows)


def _rates(trend: Trend) -> tuple[str, ...]:
    rates = ("-" if rate is None else f"{rate:.3g}" for rate in (trend.per_day, trend.before))
    return trend.what, *rates, trend.change or "nothing to compare with"


def _seconds(value: float | None) -> str:
    return "-" if value is None else duration(value)


def _milliseconds(value: float) -> str:
    return f"{1000 * value:.3g} ms" if value < 0.1 else f"{1000 * value:.0f} ms"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _called(analysis: Analysis) -> str:
    """Of what only the ledger has nobody knows: it tells of a human only where the camera was parked."""
    times = analysis.critical
    if times:
        least = "at least " if analysis.from_ledger else ""
        return f"a human was called {least}{'once' if times == 1 else f'{times} times'}"
    return (
        "whether a human was called is not in the ledger" if analysis.from_ledger else "no human was called"
    )


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
