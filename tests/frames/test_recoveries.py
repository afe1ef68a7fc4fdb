# SPDX-License-Identifier: MIT
"""Proves that recoveries of every kind are nothing but pauses to eight readers in processes of their own."""

from pathlib import Path

from tests.frames.reading import Gauges, readers
from tests.frames.recovering import RATE, Row, perform

READERS = 8
THIRTY = Row(streams=20, crashes=2, copies=5, services=3)
RESUMED = 0.1  # s from the first good frame until every reader has one
BUSY = 1.0  # s for one of ten: other tests run beside this one. The bench shows the slowest of a hundred
GROWN = 512  # kB that allocators may keep; what is lost at each recovery comes to more


def test_eight_readers_through_thirty_recoveries(tmp_path: Path) -> None:
    """No frame is torn or out of order, readers go on within 100 ms, and nothing has grown anywhere."""
    with readers(tmp_path, READERS, RATE) as attached:
        outcome = perform(tmp_path, attached, THIRTY)

    assert [[]] * READERS == [reader.wrong for reader in outcome.seen]
    resumed = sorted(seconds for reader in outcome.seen for seconds in reader.resumed)
    assert len(resumed) >= READERS * THIRTY.total
    assert resumed[len(resumed) * 9 // 10] < RESUMED
    assert resumed[-1] < BUSY
    for before, after in (outcome.supervisor, outcome.worker, *outcome.readers):
        assert_no_growth(before, after)


def assert_no_growth(before: Gauges, after: Gauges) -> None:
    """Of one process."""
    assert (before.descriptors, before.rings) == (after.descriptors, after.rings)
    assert after.memory - before.memory < GROWN
