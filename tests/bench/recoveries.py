# SPDX-License-Identifier: MIT
"""Owns the bench of a hundred recoveries under eight readers: how soon each goes on, and what has grown."""

import statistics
import tempfile
from pathlib import Path

from tests.bench.table import Row
from tests.frames import recovering
from tests.frames.reading import Gauges, Readers, Seen, readers
from tests.frames.recovering import Outcome

READERS = 8
_ROUNDS = 4  # a script travels in one message, and so cannot be long
_ROUND = recovering.Row(streams=15, crashes=3, copies=4, services=3)


def hundred() -> list[Row]:
    """Resuming, and what each process had before and after."""
    scratch = tempfile.TemporaryDirectory(prefix="camwatchd-bench-")
    with scratch as name, readers(Path(name), READERS, recovering.RATE) as attached:
        outcomes = _rounds(Path(name), attached)
    first, last = outcomes[0], outcomes[-1]
    resumed = [seconds for reader in last.seen for seconds in reader.resumed]
    wrong = [text for reader in last.seen for text in reader.wrong]
    count = min(len(reader.resumed) for reader in last.seen)
    return [
        Row("recoveries that each reader has met", str(count), "", "at least 100"),
        Row("frames, of all readers", str(sum(reader.frames for reader in last.seen))),
        Row("... torn, or out of order", str(len(wrong)), "; ".join(wrong[:3]), "0"),
        Row("first good frame to each reader, p50", _ms(statistics.median(resumed))),
        Row("... and the slowest", _ms(max(resumed)), _slowest(last.seen), "within 100 ms"),
        _grown("supervisor, over the last quarter", *last.supervisor),
        _grown("worker, over the stream's restarts", *last.worker),
        _grown("a reader", *_fattest(first, last)),
    ]


def _rounds(directory: Path, attached: Readers) -> list[Outcome]:
    """Each begins with a daemon that plays the script anew: one more restart of the service."""
    outcomes: list[Outcome] = []
    for number in range(_ROUNDS):
        (directory / "run" / "simulated-cam0.json").unlink(missing_ok=True)
        outcomes.append(recovering.perform(directory, attached, _ROUND, number * (_ROUND.total + 1)))
    return outcomes


def _fattest(first: Outcome, last: Outcome) -> tuple[Gauges, Gauges]:
    """The reader that has grown most."""
    pairs = [(old[0], new[1]) for old, new in zip(first.readers, last.readers, strict=True)]
    return max(pairs, key=lambda pair: pair[1].memory - pair[0].memory)


def _grown(name: str, before: Gauges, after: Gauges) -> Row:
    handles = (
        f"{before.descriptors} -> {after.descriptors} descriptors, {before.rings} -> {after.rings} rings"
    )
    return Row(name, handles, f"{before.memory} -> {after.memory} kB of its own", "no more than before")


def _slowest(seen: list[Seen]) -> str:
    """Which of them it was."""
    worst = max((max(reader.resumed), reader.resumed) for reader in seen)[1]
    return f"recovery {worst.index(max(worst)) + 1}"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
