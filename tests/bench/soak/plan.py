# SPDX-License-Identifier: MIT
"""Owns the scripts of the soaks: random, and the same for the same seed."""

import random
from collections.abc import Callable, Iterator

Fault = dict[str, object]  # a [[camera.<name>.fault]] table

FRAME_RATE = 30
_CALM = 45  # frames between two faults: more than stable_after, so that each incident starts at its own rung
# A worker that hangs counts frames until it is killed: six seconds, and as much again on a busy machine.
_HANGING = 330

_STREAM, _WORKER, _RESET = "restart-stream", "restart-worker", "reset-device"
_UNHEARD = 15.0  # s; long enough for a reset that hangs to be given up
# What is recovered from in a row: each kind, and how many of every twenty. Some are told by two faults at once.
_RECOVERIES: tuple[tuple[tuple[Fault, ...], int], ...] = (
    (({"kind": "stall", "until": _STREAM},), 6),
    (({"kind": "crash", "signal": "SIGSEGV"},), 4),
    (({"kind": "stall", "until": _WORKER},), 3),
    (({"kind": "hang", "until": _WORKER, "refuse_signals": True},), 1),
    (({"kind": "gone", "duration": 0.7},), 4),
    (({"kind": "stall", "until": _RESET},), 1),
    (({"kind": "stall", "duration": _UNHEARD}, {"kind": "reset-hangs", "duration": _UNHEARD}), 1),
)


def recoveries(seed: int, count: int) -> list[Fault]:
    """So many faults one after the other, each of which costs one recovery; counted in frames, so none overlap."""
    rng, at, told = random.Random(seed), _CALM, 0
    script: list[Fault] = []
    while told < count:
        twenty = [kind for kind, number in _RECOVERIES for _ in range(number)]
        rng.shuffle(twenty)
        for kind in twenty[: count - told]:
            script += [{**fault, "at_frame": at} for fault in kind]
            at += _CALM + (_HANGING if kind[0]["kind"] == "hang" else 0)
            told += 1
    return script


# --- a night ----------------------------------------------------------------------------------------------

_LAST = 20.0  # s; what nothing has cured by then ends by itself


def _harm(**keys: object) -> Callable[[random.Random], Fault]:
    """A fault that the ladder ends, or else the clock."""
    return lambda rng: {"until": rng.choice((_STREAM, _WORKER, _RESET)), "duration": _LAST, **keys}


def _spell(low: float, high: float, **keys: object) -> Callable[[random.Random], Fault]:
    """A fault that ends by itself."""
    return lambda rng: {"duration": round(rng.uniform(low, high), 2), **keys}


# fmt: off
_KINDS: tuple[Callable[[random.Random], Fault], ...] = (
    _spell(0.2, 8, kind="stall"),
    _harm(kind="stall"),
    _spell(0.5, 6, kind="slow", amount=0.4),
    _harm(kind="slow", amount=5),
    _spell(0.5, 6, kind="drop", amount=4),
    _spell(0.5, 6, kind="frozen"),
    _spell(0.5, 3, kind="black"),
    _spell(0.2, 3, kind="truncated", amount=50),
    _spell(0.2, 3, kind="out-of-order"),
    _harm(kind="error", message="the moon is in the way"),
    _harm(kind="stderr", message="Camera frontend has timed out!"),
    lambda rng: {"kind": "crash", "signal": rng.choice(("SIGSEGV", "SIGKILL", "SIGABRT", "SIGBUS"))},
    lambda rng: {"kind": "exit", "amount": 3},
    lambda rng: {"kind": "hang", "until": _WORKER, "refuse_signals": rng.random() < 0.5},
    _spell(0.3, 6, kind="gone"),
    _spell(0.5, 1, kind="flood", amount=1),
    lambda rng: {"kind": "garbage"},
    _spell(10, 25, kind="reset-hangs"),
    _spell(10, 25, kind="reset-refused"),
)
# What only strikes a worker that opens the camera comes with a crash, so that one does.
_AT_OPEN: tuple[Callable[[random.Random], Fault], ...] = (
    _spell(0.5, 5, kind="missing"),
    _spell(0.5, 5, kind="busy"),
    lambda rng: {"kind": "slow-open", "amount": round(rng.uniform(0.2, 3), 2), "duration": 4.0},
)
# fmt: on


def night(seed: str, seconds: float, pause: float) -> list[Fault]:
    """The faults of one camera: kinds, lengths and gaps (exponential, `pause` on average) are drawn."""
    return list(_night(random.Random(seed), seconds, pause))


def _night(rng: random.Random, seconds: float, pause: float) -> Iterator[Fault]:
    at = 2.0  # the first frames have come
    while (at := at + rng.expovariate(1 / pause)) < seconds:
        if rng.random() < len(_AT_OPEN) / (len(_KINDS) + len(_AT_OPEN)):
            yield {"at": round(at, 2), **rng.choice(_AT_OPEN)(rng)}
            yield {"at": round(at, 2), "kind": "crash"}
        else:
            yield {"at": round(at, 2), **rng.choice(_KINDS)(rng)}
