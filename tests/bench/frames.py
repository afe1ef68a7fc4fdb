# SPDX-License-Identifier: MIT
"""Owns what frames cost on their way to readers: latency, throughput and processor time, beside two other ways.

A writer and its readers are processes; the unit is one memcpy of the same frame, measured in the same run.
"""

import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from tests.bench.table import Row
from tests.bench.transports import Nothing, Pixels, Queues, Ring, Sockets, Transport, Viewed

READERS = (0, 1, 8)
_PACED, _RUSH = 6.0, 1.0  # s, at the rate of a camera, and as fast as it goes
_WARM = 1_000_000_000  # ns that are not counted: memory is used for the first time then, in every way
_AHEAD = 0.3  # s for the readers to begin

WAYS: tuple[tuple[str, type[Transport]], ...] = (
    ("ring, copied out", Ring),
    ("ring, looked at in place", Viewed),
    ("shared_memory and queues", Queues),
    ("Unix sockets", Sockets),
)


@dataclass(frozen=True)
class Size:
    """Of a YUV420 frame; at the rate at which a Pi's camera gives such."""

    name: str
    width: int
    height: int
    rate: float

    @property
    def bytes(self) -> int:
        return self.width * self.height * 3 // 2


SIZES = (Size("640x480", 640, 480, 30), Size("1920x1080", 1920, 1080, 30), Size("4056x3040", 4056, 3040, 10))


@dataclass(frozen=True)
class Figures:
    """Of one way to so many readers."""

    latencies: list[float]  # s, of all readers, sorted; empty: nobody reads
    writer: float  # s of processor time a frame
    readers: float  # s of processor time a frame, of all of them
    rushed: float  # frames a second that the writer gets rid of

    def latency(self, share: float) -> float:
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


def frames() -> list[Row]:
    """Size by size: the unit, and each way to 0, 1 and 8 readers."""
    rows: list[Row] = []
    for size in SIZES:
        copy = memcpy(size)
        rows.append(
            Row(
                f"{size.name} at {size.rate:g}: one memcpy", _ms(copy), f"{size.bytes / copy / 1e9:.1f} GB/s"
            )
        )
        rows += [_awake(readers, measure(Nothing, size, readers)) for readers in READERS[1:]]
        for name, way in WAYS:
            found = {readers: measure(way, size, readers) for readers in READERS}
            rows += [_row(size, name, readers, figures, copy) for readers, figures in found.items()]
            if way is Ring:
                ratio = found[8].writer / found[1].writer
                rows.append(Row("  ... its writer, 8 readers to 1", f"{ratio:.2f} x", "", "about 1 x"))
    return rows


def memcpy(size: Size) -> float:
    """Seconds, the median of many, at the pace of the camera: what is done over and over is in the cache."""
    source, target = _picture(size.bytes), np.zeros(size.bytes, np.uint8)
    times = []
    for _ in range(int(_PACED * size.rate)):
        time.sleep(1 / size.rate)
        began = time.perf_counter()
        np.copyto(target, source)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def measure(way: Callable[[int, int], Transport], size: Size, readers: int) -> Figures:
    """Paced for latency and cost, then in a rush for throughput."""
    paced = _run(way, size, readers, _PACED, size.rate)
    rushed = _run(way, size, readers, _RUSH, 0)
    return Figures(sorted(paced.latencies), paced.writer, paced.readers, rushed.rushed)


def _run(
    way: Callable[[int, int], Transport], size: Size, readers: int, seconds: float, rate: float
) -> Figures:
    transport = way(size.bytes, readers)
    receiving = [_child(partial(_receive, transport, index)) for index in range(readers)]
    sending = _child(partial(_send, transport, seconds, rate))
    sent, spent = json.loads(_answer(sending))
    answers = [json.loads(_answer(child)) for child in receiving]
    transport.close()
    latencies = [latency for found, _ in answers for latency in found]
    return Figures(latencies, spent / sent, sum(cpu for _, cpu in answers) / sent, sent / seconds)


def _send(transport: Transport, seconds: float, rate: float) -> tuple[int, float]:
    """How many, and the processor time that they took."""
    data, count = _picture(transport.size), 0
    time.sleep(_AHEAD)
    before, began = time.process_time(), time.monotonic()
    while (now := time.monotonic()) < began + seconds:
        if rate and now < (due := began + count / rate):
            time.sleep(due - now)
        transport.send(data, time.monotonic_ns())
        count += 1
    spent = time.process_time() - before
    transport.end()
    return count, spent


def _receive(transport: Transport, index: int) -> tuple[list[float], float]:
    """The latency of each frame until this reader has it, and the processor time."""
    found, before, first = [], time.process_time(), 0
    while at := transport.receive(index):
        had = time.monotonic_ns()
        transport.look()
        first = first or at
        if at > first + _WARM:
            found.append((had - at) / 1e9)
    return found, time.process_time() - before


def _child(work: Callable[[], object]) -> tuple[int, int]:
    """A process, and where its answer comes out."""
    reading, writing = os.pipe()
    if not (pid := os.fork()):
        os.close(reading)
        with os.fdopen(writing, "w") as answer:
            json.dump(work(), answer)
        os._exit(0)
    os.close(writing)
    return pid, reading


def _answer(child: tuple[int, int]) -> str:
    with os.fdopen(child[1]) as answer:
        text = answer.read()
    os.waitpid(child[0], 0)
    return text


def _picture(size: int) -> Pixels:
    return np.random.default_rng(1).integers(0, 256, size, dtype=np.uint8)


def _row(size: Size, name: str, readers: int, found: Figures, copy: float) -> Row:
    said = f"writer {_ms(found.writer)} a frame"
    if readers:
        said = f"p50 {_ms(found.latency(0.5))}, p99 {_ms(found.latency(0.99))}, {said}, readers {_ms(found.readers)}"
    ratio = f"writer {found.writer / copy:.2f} x memcpy"
    ratio += f", at most {found.rushed:.0f} frames a second" if readers else ""
    target = f"p99 under {_ms(copy + 0.002)}" if readers and size.height == 1080 and "ring" in name else ""
    return Row(f"  {name}, readers: {readers}", said, ratio, target)


def _awake(readers: int, found: Figures) -> Row:
    said = f"p50 {_ms(found.latency(0.5))}, p99 {_ms(found.latency(0.99))}"
    return Row(f"  no frame, only awake, readers: {readers}", said, "", "what this machine takes by itself")


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.2f} ms"
