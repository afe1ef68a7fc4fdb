# SPDX-License-Identifier: MIT
"""A histogram answers with quantiles that are a few percent off, in memory that does not grow."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.core.histogram import Histogram

_STEP = 2 ** (1 / 16) + 1e-9  # half a step, up or down
_NUMBERS = st.floats(min_value=1e-5, max_value=1e5)


@given(st.lists(_NUMBERS, min_size=1), st.floats(min_value=0, max_value=1))
def test_a_quantile_is_nearly_the_true_one(values: list[float], share: float) -> None:
    """It is the value that the share does not exceed, give or take half a step."""
    true = sorted(values)[max(1, math.ceil(share * len(values))) - 1]
    told = Histogram(values).quantile(share)

    assert told is not None
    assert true / _STEP <= told <= true * _STEP


@given(st.lists(_NUMBERS), st.lists(_NUMBERS))
def test_written_and_put_together_they_are_one(some: list[float], others: list[float]) -> None:
    """What two histograms counted, one written and read again, is what one would have counted."""
    together = Histogram.parse(Histogram(some).text())
    together.merge(Histogram(others))

    assert together.text() == Histogram(some + others).text()
    assert len(together) == len(some) + len(others)


def test_nothing_has_no_quantile() -> None:
    """Of no numbers nothing is known."""
    assert Histogram().quantile(0.5) is None
    assert Histogram.parse("").text() == ""


def test_it_stays_small() -> None:
    """However many numbers of whatever size there are, its text fits into a field of the journal."""
    full = Histogram(2.0**power / 16 for power in range(-400, 400))
    full.merge(Histogram(2 ** (step / 8) for step in range(-400, 400) for _ in range(1000)))

    assert len(full.text()) < 4096
    assert Histogram([0.0, -1.0, 1e300]).text() == "-160:2 160:1"


@pytest.mark.parametrize(
    "text", ["x", "1", "1:0", "1:-1", "161:1", "1:2:3", "1:9999999999999999999", "1.5:2"]
)
def test_what_is_no_histogram_is_refused(text: str) -> None:
    """A text that somebody else wrote is not taken for one."""
    with pytest.raises(ValueError):
        Histogram.parse(text)
