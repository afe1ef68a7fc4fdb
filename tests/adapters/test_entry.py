# SPDX-License-Identifier: MIT
"""Owns the tests of one log entry: its sentence, its facts as text, and the limit for storms."""

from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.adapters.entry import Entry, Limiter, as_text, cut
from camwatchd.core.ladder import Outcome


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.23456, "1.235"),
        (5.0, "5"),
        (123456.789, "123456.789"),
        (float("inf"), "inf"),
        (True, "yes"),
        (Outcome.NOT_APPLICABLE, "not-applicable"),
        (("a", 2, Outcome.FAILED), "a, 2, failed"),
    ],
)
def test_facts_read_well(value: float | Enum | tuple[object, ...], expected: str) -> None:
    """A fact is written as people write it, with times to the millisecond."""
    assert as_text(value) == expected


def test_what_is_missing_is_said() -> None:
    """The sentence tells of entries kept back and lost, and has nothing that moves a cursor."""
    entry = Entry("test.event", "\x1b[2Jhere\x9b", 6, 0.0, 0.0, {}, suppressed=3, lost=2)
    assert entry.sentence() == "[2Jhere (3 more like this kept back) (2 entries lost before this one)"


@given(st.text(), st.integers(0, 50))
def test_a_cut_leaves_whole_letters(text: str, limit: int) -> None:
    """A cut keeps the limit in bytes and is still UTF-8 of the beginning of the text."""
    data = cut(text, limit)
    assert len(data) <= limit
    assert text.encode("utf-8", "replace").startswith(data)
    data.decode()


@given(st.lists(st.floats(0, 30), min_size=1, max_size=200))
def test_the_limit_holds_and_counts(pauses: list[float]) -> None:
    """Over any time T at most burst + T / period pass; the first always does; none is forgotten."""
    limiter, now, passed, told = Limiter(burst=5, period=10), 0.0, 0, 0
    for pause in pauses:
        now += pause
        suppressed = limiter.admit(("x",), now)
        passed += suppressed is not None
        told += suppressed or 0
        assert 1 <= passed <= 5 + now / 10 + 1e-6
    assert told + passed + limiter._buckets[("x",)].suppressed == len(pauses)
