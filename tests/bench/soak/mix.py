# SPDX-License-Identifier: MIT
"""Owns the fault mix of the availability figures: what happens how often, how it shows, and what ends it.

Only the kinds come from reports (the numbers are those of threads on GitHub); nobody publishes rates. So the rates
are assumptions of a camera that is rather worse than most, and stand in every table beside what follows from them.
"""

import math
import random
from dataclasses import dataclass
from enum import Enum

from camwatchd.core.ladder import Rung


class Shows(Enum):
    """What a fault does to a worker that streams, or to the next one."""

    SILENCE = "no frame comes; every call returns"
    TIMEOUT = "libcamera's front end says within a second that it got no data"
    PICTURE = "the picture stands still"
    CRASH = "the worker is killed by a signal"
    HANG = "a call never returns, and the worker obeys nothing but SIGKILL"
    GONE = "the device is gone, and cannot be opened before it is back"
    STUCK = "a call never returns, and not even SIGKILL ends it"


@dataclass(frozen=True, slots=True)
class Kind:
    """A row: it ends by itself after a time drawn from `lasts` (seconds), or with the rung `cure`."""

    name: str
    shows: Shows
    a_month: float
    lasts: tuple[float, float] | None
    cure: Rung | None
    source: str


@dataclass(frozen=True, slots=True)
class Onset:
    """One fault of a life: when it begins, and how long it lasts (None: until it is cured)."""

    at: float
    kind: Kind
    lasts: float | None


_STREAM, _WORKER, _BOOT = Rung.RESTART_STREAM, Rung.RESTART_WORKER, Rung.REBOOT
# fmt: off
MIX: tuple[Kind, ...] = (
    #    name                    shows          a month  lasts      cure     source
    Kind("hiccup",               Shows.SILENCE, 60,      (0.5, 4),  None,    "picamera2#854"),
    Kind("stall that ends",      Shows.SILENCE, 6,       (5, 60),   None,    "picamera2#873"),
    Kind("front-end time-out",   Shows.TIMEOUT, 10,      None,      _STREAM, "picamera2#952, rpicam-apps#395"),
    Kind("receiver stuck",       Shows.SILENCE, 6,       None,      _STREAM, "linux#5308"),
    Kind("pipeline stalled",     Shows.SILENCE, 6,       None,      _WORKER, "picamera2#1090 (#1392: 60 a month)"),
    Kind("native crash",         Shows.CRASH,   4,       None,      _WORKER, "picamera2#412"),
    Kind("call hangs",           Shows.HANG,    2,       None,      _WORKER, "picamera2#1295"),
    Kind("unplugged for a while", Shows.GONE,   4,       (1, 30),   None,    "USB only: CSI has no hot-unplug"),
    Kind("frozen picture",       Shows.PICTURE, 1,       None,      _STREAM, "picamera2#1392"),
    Kind("driver state",         Shows.SILENCE, 0.5,     None,      _BOOT,   "picamera2#1090, #1102"),
    Kind("worker unkillable",    Shows.STUCK,   0.5,     None,      _BOOT,   "picamera2#1275, linux#7163"),
)
# fmt: on


def draw(seed: int, kinds: tuple[Kind, ...], a_second: float, count: int) -> list[Onset]:
    """So many faults of these kinds, in the proportion of their rows, at random distances; a seed is one story.

    Another rate is the same story told faster: what is compared differs in nothing else.
    """
    rng, at, story = random.Random(seed), 0.0, []
    weights = [kind.a_month for kind in kinds]
    for _ in range(count):
        at += rng.expovariate(1.0) / a_second
        kind = rng.choices(kinds, weights)[0]
        story.append(Onset(at, kind, _length(rng, kind)))
    return story


def _length(rng: random.Random, kind: Kind) -> float | None:
    """Short ones are as frequent as long ones, octave by octave."""
    if kind.lasts is None:
        return None
    low, high = kind.lasts
    return math.exp(rng.uniform(math.log(low), math.log(high)))
