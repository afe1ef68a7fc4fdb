# SPDX-License-Identifier: MIT
"""Owns one event of the log as `camwatchctl logs` reads it, from the journal's JSON or from our own JSON lines."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from camwatchd.adapters.entry import LABELS
from camwatchd.cli.unit import UNIT
from camwatchd.core.faults import FAULTS

IDENTIFIER = "camwatchd"  # what the daemon calls itself in the journal
_PRIORITIES = {label.lower(): priority for priority, label in LABELS.items()}
_LATEST = 253402214400.0  # the year 9999: what a calendar can show
_INFO = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What was logged. `clock` runs without jumps within one `boot`; `time`, seconds since 1970, is for display."""

    time: float
    priority: int
    event: str  # camera.started; of others than the daemon their name: systemd
    message: str
    camera: str = ""
    fault: str = ""
    rung: str = ""
    attempt: int = 0
    seconds: float | None = None
    took: float | None = None  # of a recovery in the ledger: the remedy; the log has its beginning instead
    failures: int = 0
    kept_back: int = 0  # events like it that the log's limit kept back before it
    latencies: str = ""  # of a summary; see core.histogram
    drill: bool = False  # an exercise: nothing was wrong
    clock: float | None = None
    boot: str = ""
    source: str = "journal"  # or: file, ledger

    @property
    def level(self) -> str:
        """The priority by its name."""
        return LABELS.get(self.priority, "EMERGENCY")

    @property
    def issue(self) -> str:
        """The name of the alert that its fault raises; empty without a fault that we know."""
        return FAULTS[self.fault].issue.value if self.fault in FAULTS else ""

    @property
    def about_capture(self) -> bool:
        """Whether it is about captures: one that failed, or what came of it."""
        return (
            self.event.startswith("capture.")
            or "capture" in (self.message + self.issue)
            or bool(self.failures)
        )


class Reader:
    """Makes events of lines, and counts the lines that are none."""

    def __init__(self) -> None:
        self.broken = 0
        self.ours = 0
        self.first = math.inf  # the time of the earliest

    def events(self, lines: Iterable[bytes]) -> Iterator[Event]:
        """Those of camwatchd; what other programs logged is passed over."""
        for line in lines:
            try:
                event = parse(line)
            except (ValueError, OverflowError):
                self.broken += 1
                continue
            if event:
                self.ours += 1
                self.first = min(self.first, event.time)
                yield event


def parse(line: bytes) -> Event | None:
    """The event of a line; None: of another program. ValueError: it is no line of a log that we know."""
    try:
        data = json.loads(line.removeprefix(b"\x1e").removeprefix(b"data: "))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(data, dict):
        raise ValueError("no JSON object")  # noqa: TRY004  # what any line is that cannot be read
    if "__REALTIME_TIMESTAMP" in data:
        return _of_the_journal({name: _text(value) for name, value in data.items()})
    return _of_our_lines(data)


def _text(value: object) -> str:
    """A field of the journal: null if it was too large, numbers if it is not UTF-8, a list if it came twice."""
    if isinstance(value, list) and value:
        if all(isinstance(byte, int) and 0 <= byte < 256 for byte in value):
            return bytes(value).decode("utf-8", "replace")
        return _text(value[0])
    if value is None or isinstance(value, list | dict):
        return ""
    return _clean(str(value))


def _clean(text: str) -> str:
    """Half characters, which JSON can hold, can be shown nowhere."""
    return text.encode("utf-8", "replace").decode()


def _of_the_journal(fields: Mapping[str, str]) -> Event | None:
    name = fields.get("SYSLOG_IDENTIFIER", "")
    if name != IDENTIFIER and UNIT not in (fields.get("_SYSTEMD_UNIT"), fields.get("UNIT")):
        return None
    return _event(
        {key.lower(): value for key, value in fields.items() if not key.startswith("_")},
        time=_moment(int(fields["__REALTIME_TIMESTAMP"]) / 1e6),
        priority=int(_number(fields.get("PRIORITY"), 0, 7, _INFO)),
        event=fields.get("EVENT") or name or "-",
        clock=_clock(fields.get("__MONOTONIC_TIMESTAMP", ""), 1e6),
        boot=fields.get("_BOOT_ID", ""),
        source="journal",
    )


def _of_our_lines(data: Mapping[str, Any]) -> Event:
    if not isinstance(data.get("time"), str) or not isinstance(data.get("event"), str):
        raise ValueError("neither of the journal nor of camwatchd")  # noqa: TRY004  # as above
    return _event(
        {key: _text(value) for key, value in data.items()},
        time=_moment(datetime.fromisoformat(data["time"]).timestamp()),
        priority=_PRIORITIES.get(str(data.get("level")), _INFO),
        event=_clean(data["event"]),
        clock=_clock(str(data.get("monotonic", "")), 1.0),
        boot="",
        source="file",
    )


def _event(fields: Mapping[str, str], **known: Any) -> Event:
    """The facts that both kinds of logs have, each of them text; what is nonsense counts as not given."""
    seconds = _number(fields.get("seconds"), 0, 1e9, math.nan)
    return Event(
        message=fields.get("message") or known["event"],
        camera=fields.get("camera", ""),
        fault=fields.get("fault", ""),
        rung=fields.get("rung", ""),
        attempt=int(_number(fields.get("attempt"), 0, 1e6, 0)),
        seconds=None if math.isnan(seconds) else seconds,
        failures=int(_number(fields.get("failures"), 0, 1e9, 0)),
        kept_back=int(_number(fields.get("suppressed"), 0, 1e9, 0)),
        latencies=fields.get("latencies", ""),
        drill=fields.get("drill", "") not in ("", "0", "False"),
        **known,
    )


def _number(text: str | None, low: float, high: float, otherwise: float) -> float:
    try:
        number = float(text or "")
    except ValueError:
        return otherwise
    return number if low <= number <= high else otherwise


def _clock(text: str, scale: float) -> float | None:
    number = _number(text, 0, 1e18, math.nan)
    return None if math.isnan(number) else number / scale


def _moment(seconds: float) -> float:
    if not 0 <= seconds < _LATEST:
        raise ValueError("no time of day")
    return seconds
