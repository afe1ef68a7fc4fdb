# SPDX-License-Identifier: MIT
"""The inputs that the fuzzer begins with, and those that are made to take long, without the fuzzer."""

import random
from pathlib import Path

import pytest

from camwatchd.control.protocol import Pause, Ping, decode_request
from tests.fuzz.__main__ import BOUND, faults
from tests.fuzz.gauge import Figures, Gauge
from tests.fuzz.talker import acts, messages
from tests.fuzz.target import NAMES, family

HEAVY = 12  # of each target
CHANGED = 100
NEVER = 1_000_000  # inputs; it looks at the memory now and then until that many were taken


@pytest.mark.parametrize("name", NAMES)
def test_no_input_to_begin_with_upsets_its_target(name: str) -> None:
    """Neither as it is nor with a byte changed; and the heavy ones do not take 50 ms, at best of three."""
    module, chance = family(name), random.Random(1)
    target, seeds = module.make(), module.seeds()
    gauge = Gauge(target, NEVER)
    for data in (*seeds, *(spoilt(chance, chance.choice(seeds)) for _ in range(CHANGED))):
        gauge(data)
    longest = max(min(gauge(data) for _ in range(3)) for data in module.heavy()[-HEAVY:])
    target.close()

    assert [] == gauge.figures.defects
    assert longest < BOUND


def spoilt(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(1) + data[at + 1 :]


class Broken:
    """Raises in two places, and takes what it is given."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []

    def take(self, data: bytes) -> None:
        if data == b"no":
            raise ValueError("no")
        assert data != b"never"
        self._kept.append(data * 2)

    def close(self) -> None:
        pass


def test_what_is_raised_is_told_once_with_its_input() -> None:
    """So that it can be turned into a test."""
    gauge = Gauge(Broken(), 4)
    for data in (b"no", b"never", b"no", b"yes"):
        gauge(data)
    texts = gauge.figures.defects

    assert gauge.is_over
    assert ["take(b'no')", "take(b'never')"] == [text.splitlines()[0] for text in texts]


def test_what_must_not_be_is_found() -> None:
    """An input that is slow, and memory that grows."""
    guided = Figures(inputs=4).plain()
    plain = Figures(slowest=[(BOUND, b"slow".hex())], blocks=[0, 0, 5000], descriptors=[3, 3, 3]).plain()

    assert ["0.050 s: b'slow'", "blocks have grown: [0, 0, 5000]"] == faults(guided, plain)


def test_nobody_tells_the_daemon_to_stop_its_frames() -> None:
    """The running daemon is told what is made up of all requests, and none that acts is whole; the same each time."""
    said = list(messages(7, 500, Path("none")))

    assert said == list(messages(7, 500, Path("none")))
    assert [] == [text for text in said if acts(decode_request(text)[1])]
    assert {Ping} < {type(decode_request(text)[1]) for text in said}
    assert acts(Pause(1.0))
