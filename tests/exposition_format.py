# SPDX-License-Identifier: MIT
"""Owns a strict reader of Prometheus' text format 0.0.4, and of what `promtool check metrics` complains about.

Grammar: https://prometheus.io/docs/instrumenting/exposition_formats/ ; conventions: .../practices/naming/ and
prometheus/client_golang, prometheus/testutil/promlint.
"""

import re
from collections.abc import Iterator

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_VALUE = r"[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf)|NaN"
_PAIR = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{({_PAIR}(?:,{_PAIR})*)\}})? ({_VALUE})")
_COMMENT = re.compile(rf"# (HELP|TYPE) ({_NAME}) (.+)")
_KINDS = {"counter", "gauge", "histogram", "summary", "untyped"}
_ABBREVIATED = {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"}
_NO_BASE_UNITS = {
    "milliseconds", "minutes", "hours", "days", "weeks", "kilobytes", "megabytes", "gigabytes", "bits", "percent",
    "fahrenheit", "inches", "miles", "kilograms", "millivolts",
}  # fmt: skip

Key = tuple[str, str]  # name, labels as written


class Reader:
    """Reads one exposition: `samples` are its values, `mistakes` what is wrong with it."""

    def __init__(self, text: str) -> None:
        self.samples: dict[Key, float] = {}
        self.kinds: dict[str, str] = {}
        self.helps: dict[str, str] = {}
        self.mistakes: list[str] = [] if text.endswith("\n") else ["the last line has no end"]
        self._order: list[str] = []
        for line in text.split("\n")[:-1]:
            self._read(line)
        for name in self.kinds:
            self.mistakes += _against_conventions(name, self.kinds[name])

    def _read(self, line: str) -> None:
        if comment := _COMMENT.fullmatch(line):
            self._describe(*comment.groups())
        elif sample := _SAMPLE.fullmatch(line):
            self._count(*sample.groups())
        else:
            self.mistakes.append(f"neither a sample nor a description: {line!r}")

    def _describe(self, what: str, name: str, text: str) -> None:
        known = self.helps if what == "HELP" else self.kinds
        if name in known:
            self.mistakes.append(f"{name} has a second {what}")
        if name in self._order:
            self.mistakes.append(f"{what} of {name} comes behind its samples")
        if what == "TYPE" and text not in _KINDS:
            self.mistakes.append(f"{name}: no type is called {text}")
        if what == "HELP" and re.search(r"\\(?![\\n])", text):
            self.mistakes.append(f"{name}: a backslash that escapes nothing")
        known[name] = text

    def _count(self, name: str, labels: str | None, value: str) -> None:
        if not {name} <= self.helps.keys() & self.kinds.keys():
            self.mistakes.append(f"{name} has no HELP or no TYPE before it")
        if name in self._order and self._order[-1] != name:
            self.mistakes.append(f"the samples of {name} do not stand together")
        names = re.findall(r'([a-zA-Z0-9_]+)="', re.sub(r'"(?:[^"\\]|\\.)*"', '""', labels or ""))
        if len(names) != len(set(names)) or any(
            n.startswith("__") or n in ("le", "quantile") for n in names
        ):
            self.mistakes.append(f"{name}: labels that are not allowed: {labels}")
        if (key := (name, labels or "")) in self.samples:
            self.mistakes.append(f"{key} stands there twice")
        self.samples[key] = float(value)
        self._order.append(name)


def _against_conventions(name: str, kind: str) -> Iterator[str]:
    parts = name.split("_")
    if (kind == "counter") != name.endswith("_total"):
        yield f"{name} is a {kind}: only counters end in _total"
    if name.endswith(("_bucket", "_count", "_sum")) or ":" in name:
        yield f"{name} looks like part of a histogram or a recording rule"
    if name != name.lower():
        yield f"{name} is not written in small letters"
    if wrong := {*parts} & (_ABBREVIATED | _NO_BASE_UNITS | {"gauge", "counter", "histogram", "summary"}):
        yield f"{name}: no base unit, or its type in its name: {wrong}"
