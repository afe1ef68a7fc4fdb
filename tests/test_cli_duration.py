# SPDX-License-Identifier: MIT
"""A duration is read in its own unit or the option's, up to a limit that the refusal names in that unit."""

import argparse

import pytest

from camwatchd.cli.duration import at_most

DAY = 86400.0


@pytest.mark.parametrize(
    ("plain", "written", "seconds"),
    [
        ("s", "0.5", 0.5), ("s", ".5m", 30), ("m", "2", 120), ("m", "2s", 2), ("h", "2", 7200), ("h", "2m", 120),
        ("d", "2", 2 * DAY), ("d", "7d", 7 * DAY), ("d", "12h", DAY / 2), ("h", "168h", 7 * DAY),
    ],
)  # fmt: skip
def test_its_own_unit_or_the_options(plain: str, written: str, seconds: float) -> None:
    """A letter says which; the limit itself is allowed."""
    assert at_most(7 * DAY, plain)(written) == seconds


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        ("s", "expected 90s, 10m, 2h or plain seconds, at most 168h"),
        ("m", "expected 90s, 10m, 2h or plain minutes, at most 168h"),
        ("h", "expected 90s, 10m, 2h or plain hours, at most 168h"),
        ("d", "expected 12h, 7d or plain days, at most 7d"),
    ],
)
@pytest.mark.parametrize("written", ["0", "8d", "169h", "-1", ".", "1.", "1..5", "1w", "1H", "7d\n"])
def test_what_is_refused_says_what_is_expected(plain: str, expected: str, written: str) -> None:
    """Nothing, too much, and what is written otherwise."""
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        at_most(7 * DAY, plain)(written)

    assert str(refused.value) == f"{written!r} is no duration; {expected}"


def test_days_are_only_for_days() -> None:
    """Elsewhere one is too long to be meant."""
    for plain in ("s", "m", "h"):
        with pytest.raises(argparse.ArgumentTypeError):
            at_most(7 * DAY, plain)("1d")


def test_none_where_it_is_meant() -> None:
    """A duration of nothing may switch something off; less than nothing and anything else stays wrong."""
    read = at_most(60.0, none=True)

    assert [read(text) for text in ("0", "0s", "60")] == [0.0, 0.0, 60.0]
    for text in ("61", "-1", "none", ""):
        with pytest.raises(argparse.ArgumentTypeError):
            read(text)
