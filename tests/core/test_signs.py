# SPDX-License-Identifier: MIT
"""Signs are rarely false and soon true: run lengths from a seeded simulation; tests/bench/signs.py has more."""

import random

import pytest

from camwatchd.core.signs import LEARN, MEMORY, Chart, Sign
from tests.bench.signs import CASES, Case, run_length, until_a_sign

LONGEST = 1000  # days
USUAL = 10.0


def fed(sign: Sign, *values: float) -> Chart:
    chart = Chart(sign)
    for value in values:
        chart = chart.add(value)
    return chart


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_false_signs_are_rare_and_true_ones_soon(case: Case) -> None:
    """Of runs of at most 1000 days the average is over 700, as with one in four years; a true one takes weeks."""
    assert run_length(case, worse=False, runs=20, longest=LONGEST) > 700
    assert run_length(case, worse=True, runs=20, longest=LONGEST) < 21


def test_one_bad_day_is_no_sign() -> None:
    """However bad: the alerts have told of it. Nor is it learnt that fast."""
    chart = fed(Sign.RECOVERIES, *[0.0] * 30, 500.0)

    assert (0, True) == (chart.shown, chart.mean < 20)


def test_nothing_is_judged_before_it_is_known_what_is_usual() -> None:
    """Two weeks."""
    assert not any(fed(Sign.LATENCY, *[0.01] * 3, *[9.0] * n).shown for n in range(LEARN - 3))


def test_a_steady_camera_may_get_a_little_slower() -> None:
    """Less than a twentieth is not worth speaking of, though it never was that slow."""
    assert 0 == fed(Sign.LATENCY, *[0.040] * 30, *[0.0415] * 60).shown
    assert fed(Sign.LATENCY, *[0.040] * 30, *[0.055] * 10).shown


def test_a_sign_ends() -> None:
    """With the trouble; or, where that stays, when it is usual by now."""
    up = fed(Sign.LATENCY, *[0.040] * 30, *[0.080] * 10)
    assert up.shown
    down = up
    for _ in range(10):
        down = down.add(0.040)
    assert (0, True) == (down.shown, abs(down.mean - 0.04) < 2e-3)
    for _ in range(MEMORY + LEARN):
        up = up.add(0.080)
    assert 0 == up.shown
    assert 0.080 == pytest.approx(up.mean)


def test_what_falls_is_no_sign() -> None:
    """Only what rises is bad."""
    case = Case("falls", Sign.LATENCY, lambda r, _: r.gauss(10, 1), lambda r, _: r.gauss(5, 1))

    assert LONGEST == until_a_sign(random.Random(1), case, worse=True, longest=LONGEST)
