# SPDX-License-Identifier: MIT
"""Signs are rarely false and soon true: a small seeded simulation; tests/bench/signs.py has more."""

import random
from itertools import pairwise, repeat

import pytest

from camwatchd.core.signs import LEARN, MEMORY, Chart, Sign
from tests.bench.signs import CASES, MACHINES, YEAR, Case, Machine, false_signs, measured, of_machine

_YEARS = 3.0
_WORST = "season of 30 %"  # the one of which the bench says that it is often wrong


def fed(sign: Sign, *values: float) -> Chart:
    chart = Chart(sign)
    for value in values:
        chart = chart.add(value)
    return chart


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.sign}: {case.name}")
def test_false_signs_are_rare_and_true_ones_soon(case: Case) -> None:
    """One in years of a camera, whatever the scatter, but for that which is a trend; a true one after weeks."""
    found = measured(case, _YEARS)

    assert found.false <= (3.0 if case.name.endswith(_WORST) else 0.7)
    assert found.delay < 45


@pytest.mark.parametrize("machine", MACHINES[1::2], ids=lambda machine: machine.name)
def test_what_goes_along_with_incidents_is_told(machine: Machine) -> None:
    """And what only seems to hardly ever."""
    found = of_machine(machine, 1.0)

    assert found.false <= 1
    assert found.delay < 80


def test_without_the_wider_limits_the_simulation_would_show_it() -> None:
    """The noise that resembles the day before is what the limits are wide for: it is in the simulation."""
    case = next(case for case in CASES if case.name == "10 %, days resemble (0.85)")
    values = [next(days) for days in repeat(case.life(random.Random(1), 0), 3 * YEAR)]
    pairs = list(pairwise(values))
    mean = sum(values) / len(values)
    like = sum((a - mean) * (b - mean) for a, b in pairs) / sum((a - mean) ** 2 for a, _ in pairs)

    assert 0.7 < like < 1.0
    assert 0 == false_signs(case, random.Random(1), 1.0)


def test_one_bad_day_is_no_sign() -> None:
    """However bad: the alerts have told of it. Nor is it learnt that fast."""
    chart = fed(Sign.RECOVERIES, *[0.0] * 30, 500.0)

    assert (0, True) == (chart.shown, chart.mean < 20)
    assert 0 == fed(Sign.LATENCY, *[0.040] * 30, 9.0).shown


def test_nothing_is_judged_before_it_is_known_what_is_usual() -> None:
    """Two weeks, and the day after them is judged."""
    assert (0, True) == (
        fed(Sign.LATENCY, *[0.01] * 13, 9.0).ewma,
        fed(Sign.LATENCY, *[0.01] * 14, 9.0).ewma > 0,
    )
    assert not any(fed(Sign.LATENCY, *[0.01] * 3, *[9.0] * n).shown for n in range(LEARN - 3))


def test_a_steady_camera_may_get_a_little_slower() -> None:
    """Less than a tenth is not worth speaking of, though it never was that slow."""
    assert not any(fed(Sign.LATENCY, *[0.040] * 30, *[0.043] * days).shown for days in range(60))
    assert fed(Sign.LATENCY, *[0.040] * 30, *[0.060] * 10).shown


def test_what_is_usual_has_at_least_the_scatter_of_chance() -> None:
    """However even the weeks were: counts as Poisson has it, or a tenth of many; and nothing is divided by zero."""
    assert 5 == Chart(Sign.FAILURES, 28, mean=25.0).deviation
    assert 100 == Chart(Sign.DROPS, 28, mean=1000.0).deviation
    assert 0 == fed(Sign.REOPENING, *[0.0] * 30).shown


def test_a_sign_ends() -> None:
    """With the trouble; or, where that stays, when it is usual by now."""
    up = fed(Sign.LATENCY, *[0.040] * 30, *[0.080] * 10)
    assert up.shown
    down = up
    for _ in range(10):
        down = down.add(0.040)
    assert (0, True) == (down.shown, abs(down.mean - 0.04) < 2e-3)
    shown = []
    for _ in range(MEMORY + LEARN):
        up = up.add(0.080)
        shown += [up.shown]
    assert (0, MEMORY) == (up.shown, max(shown))
    assert 0.080 == pytest.approx(up.mean)


def test_what_falls_is_no_sign() -> None:
    """Only what rises is bad."""
    assert 0 == fed(Sign.LATENCY, *[10.0] * 30, *[5.0] * 100).shown


def test_a_sign_says_what_since_when_and_compared_to_what() -> None:
    """In one sentence; a chart that shows none has nothing to say."""
    risen = fed(Sign.RECOVERIES, *[0.0] * 30, *[3.0] * 6)

    assert "recoveries a day: 3, usually 0 (mean of the 28 days before); rising for 2 days now" == risen.text
    slower = fed(Sign.LATENCY, *[0.040] * 30, *[0.060] * 4)
    assert "capture latency: 60 ms, usually 41 ms (mean of the 28 days before)" in slower.text


@pytest.mark.parametrize("ewma", [1e300, -1e300, float("nan"), float("inf")])
def test_a_chart_of_nonsense_is_not_gone_on_with(ewma: float) -> None:
    """A camera would be shown for ever, or never."""
    assert not Chart(Sign.LATENCY, ewma=ewma).is_sound
