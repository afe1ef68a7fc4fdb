# SPDX-License-Identifier: MIT
"""Owns what test captures have shown: capture by capture, in percentiles, and in words."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from camwatchd.cli.table import table

HEAD = ("", "p50", "p95", "p99", "max")
PERCENTS = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Capture:
    """One test capture, in seconds. `problem`: why it is no good one; empty: it is."""

    waited: float  # since it was asked for
    latency: float | None = None  # from the sensor's timestamp; None: its clock cannot be compared
    interval: float | None = None  # since the frame before it; None: the first one
    mean: float = -1.0  # brightness, 0 to 255; -1: not measured
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """All of them. `trouble`: why there are fewer than were asked for; `through`: "daemon" or "direct"."""

    camera: str
    through: str
    asked: int
    captures: tuple[Capture, ...]
    trouble: str = ""
    interrupted: bool = False  # by Ctrl-C

    @property
    def good(self) -> int:
        """How many."""
        return sum(not capture.problem for capture in self.captures)

    @property
    def passed(self) -> bool:
        """Whether all that were asked for are good."""
        return self.good >= self.asked and not self.trouble


def ended(captured: int) -> str:
    """The trouble of one that somebody has interrupted."""
    return f"ended by Ctrl-C after {captured} captures"


def percentiles(values: Iterable[float | None]) -> dict[str, float]:
    """By the nearest rank: each is a value that was measured. Empty where nothing was."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return {}
    ranks = {f"p{percent}": known[math.ceil(percent / 100 * len(known)) - 1] for percent in PERCENTS}
    return {**ranks, "max": known[-1]}


def measured(trial: Trial) -> dict[str, dict[str, float]]:
    """What is told of the good ones."""
    good = [capture for capture in trial.captures if not capture.problem]
    return {
        "latency": percentiles(capture.latency for capture in good),
        "interval": percentiles(capture.interval for capture in good),
        "waited": percentiles(capture.waited for capture in good),
    }


def document(trial: Trial) -> dict[str, object]:
    """For programs; seconds."""
    return {
        "camera": trial.camera, "through": trial.through, "asked": trial.asked, "good": trial.good,
        "passed": trial.passed, "trouble": trial.trouble,
        "problems": [capture.problem for capture in trial.captures if capture.problem], **measured(trial),
    }  # fmt: skip


_THROUGH = {"daemon": "through the running daemon", "direct": "directly, as the daemon does not run"}
_NAMES = {
    "latency": "from the sensor to here",
    "interval": "from frame to frame",
    "waited": "waited for a frame",
}


def text(trial: Trial) -> str:
    """The verdict, the percentiles, and what went wrong, the same only once."""
    head = f"{trial.camera}: {_verdict(trial)}, {_THROUGH[trial.through]}"
    rows = [(_NAMES[name], *_row(found)) for name, found in measured(trial).items() if found]
    lines = [head, *(["", table(HEAD, rows)] if rows else [])]
    problems = dict.fromkeys(capture.problem for capture in trial.captures if capture.problem)
    lines += ["", *problems] if problems else []
    return "\n".join([*lines, *(["", trial.trouble] if trial.trouble else [])])


def _verdict(trial: Trial) -> str:
    """Captures that nobody waited for have not failed."""
    if trial.interrupted:
        return f"interrupted: {trial.good} of {len(trial.captures)} good (of {trial.asked} asked for)"
    return f"{'good' if trial.passed else 'FAILED'}: {trial.good} of {trial.asked} test captures"


def _row(found: Mapping[str, float]) -> list[str]:
    return [f"{1000 * value:.1f} ms" for value in found.values()]
