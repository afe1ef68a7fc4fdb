# SPDX-License-Identifier: MIT
"""What is known of a camera's days goes into the ledger and comes back, and nothing that lies there does harm."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camwatchd.core import days
from camwatchd.core.circumstances import APART, Circumstances, Sample
from camwatchd.core.days import Day, Life
from camwatchd.core.signs import ABSURD, Sign
from camwatchd.core.timespan import DAY

WHOLE = Day(observed=DAY, healthy=DAY, failures=8, recoveries=1, drops=5, latency=40.0, captures=1000)


def lived(number: int, day: Day = WHOLE, life: Life | None = None) -> Life:
    """So many days like this one."""
    life = life or Life("s")
    for _ in range(number):
        life = life.after(day)
    return life


def full() -> Life:
    """With something in every field."""
    known = Circumstances()
    for number in range(400):
        known = known.usual(Sample(number % 9 == 0, number % 7 == 0, 40.0 + number % 30))
    for number in range(9):
        known = known.incident(Sample(under_voltage=True, temperature=71.3), number * APART)
    life = lived(30, replace(WHOLE, opening=2.5, openings=2))
    life = lived(8, replace(WHOLE, recoveries=9, opening=9.0, openings=2), life)
    return replace(
        life,
        circumstances=known,
        day=Day(observed=1234.5678, healthy=1200.0, latency=0.123456789, captures=3),
    )


def test_it_comes_back_as_it_was() -> None:
    """But for digits that nobody needs; what was a sign is one."""
    life = full()
    text = days.written(life)
    back = days.read(text, "s")

    assert back is not None
    assert text == days.written(back)
    assert [sign[:2] for sign in life.signs()] == [sign[:2] for sign in back.signs()]
    assert ["recoveries", "reopening", "under-voltage", "heat"] == [name for name, *_ in life.signs()]
    assert len(text) < 3000


@pytest.mark.parametrize(
    "spoilt",
    [
        "", "{", "[]", "null", "7", '"x"', '{"charts":7}', '{"charts":[{"sign":"no such"}]}', "[" * 100_000,
        '{"settings":"s","before":-1.0}', '{"settings":"s","before":1e300}', '{"settings":"s","before":NaN}',
        '{"settings":"s","day":{"failures":' + "9" * 400 + "}}", '{"settings":"s","day":{"observed":1e9}}',
        '{"settings":"s","charts":[{"sign":"latency","variance":-1.0}]}',
        '{"settings":"s","circumstances":{"hot":[1.0]}}',
        '{"settings":"s","charts":[{"sign":"latency","mean":1e300}]}',
    ],
)  # fmt: skip
def test_what_is_damaged_is_forgotten(spoilt: str) -> None:
    """It is learnt anew."""
    assert days.read(spoilt, "s") is None


def test_a_sign_that_nothing_speaks_for_costs_nothing_else() -> None:
    """It alone is dropped: what was learnt besides stays."""
    life = days.read('{"settings":"s","before":86400.0,"circumstances":{"shown":["under-voltage"]}}', "s")

    assert life is not None
    assert (life.before, list(life.signs())) == (86400.0, [])


def test_other_settings_have_other_numbers() -> None:
    """What was usual at another size says nothing."""
    assert days.read(days.written(full()), "other") is None
    assert days.read(days.written(full()), None) is not None  # for who only looks back


def test_another_version_may_have_written_it() -> None:
    """What it did not know is learnt anew, and what it knew more is of no matter."""
    data: dict[str, Any] = json.loads(days.written(full()))
    data["charts"] = [chart for chart in data["charts"] if chart["sign"] != "drops"]
    data["more"], data["charts"][0]["more"] = {"a": 1}, 1
    del data["circumstances"], data["day"]["healthy"]
    back = days.read(json.dumps(data), "s")

    assert back is not None
    assert list(Sign) == [chart.sign for chart in back.charts]
    assert 0 == next(chart.days for chart in back.charts if chart.sign is Sign.DROPS)
    assert 38 == next(chart.days for chart in back.charts if chart.sign is Sign.FAILURES)
    assert Circumstances() == back.circumstances


_OLD = (
    '{"settings":"s","before":3.024e+06,"failed":false,"charts":[{"sign":"latency","days":28,"mean":0.0414286,'
    '"variance":5.51e-05,"ewma":2.95,"shown":27,"value":0.08},{"sign":"drops","days":9,"mean":5.0,"variance":0.0,'
    '"ewma":0.0,"shown":0,"value":5.0}]}'
)


def test_charts_as_they_were_kept_at_first_are_gone_on_with() -> None:
    """They had no halves, and no more than 28 days: what was a sign is one still, and what was learnt is known."""
    back = days.read(_OLD, "s")

    assert back is not None
    assert ["latency"] == [name for name, *_ in back.signs()]
    charts = {chart.sign: chart for chart in lived(1, replace(WHOLE, latency=70.0), back).charts}
    assert (28, 10) == (charts[Sign.LATENCY].shown, charts[Sign.DROPS].days)
    assert [1] == [half.days for half in charts[Sign.LATENCY].halves]


def test_a_sign_goes_on_from_the_ledger_as_it_would_without() -> None:
    """With both halves of what may be usual by now, whatever a later version adds to them."""
    life = lived(21, replace(WHOLE, recoveries=9), lived(30))
    data: dict[str, Any] = json.loads(days.written(life))
    (chart,) = (chart for chart in data["charts"] if chart["sign"] == "recoveries")
    assert [14, 2] == [half["days"] for half in chart["halves"]]
    chart["halves"][1]["more"] = 1
    back = days.read(json.dumps(data), "s")

    assert back is not None
    for number in range(1, 40):
        straight, over = (lived(number, replace(WHOLE, recoveries=9), each) for each in (life, back))
        assert [sign[:2] for sign in straight.signs()] == [sign[:2] for sign in over.signs()]


_ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


_FULL = days.written(full())


@settings(max_examples=50)
@given(data=st.data())
def test_whatever_lies_there_can_be_lived_on_with(data: st.DataObject) -> None:
    """Any value in any place: it is forgotten, or days and incidents go on from it without an error."""
    plain: dict[str, Any] = json.loads(_FULL)
    place: Any = plain
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(_ANY | st.floats(-1e308, 1e308) | st.integers(-10, 10**30))
        break
    life = days.read(json.dumps(plain), "s")
    if life is not None:
        life = lived(3, replace(WHOLE, recoveries=50), life)
        known = life.circumstances.usual(Sample(True, True, 70.0)).incident(
            Sample(True, True, 70.0), life.now + APART
        )
        life = replace(life, circumstances=known)
        assert all(text and remedy for _, text, remedy in life.signs())
        # What was learnt next to the largest number that is taken may lie beyond it.
        largest = max((chart.mean for chart in life.charts), default=0.0)
        assert days.read(days.written(life), "s") is not None or largest > ABSURD / 10


def test_a_day_is_24_hours_of_the_daemons_life() -> None:
    """However many starts these were spread over; sums add up."""
    half = Day(observed=DAY / 2, healthy=DAY / 2, failures=3, latency=1.0, captures=10)

    assert not half.is_over
    assert half.add(half).is_over
    assert {Sign.FAILURES: 6.0, Sign.RECOVERIES: 0.0, Sign.DROPS: 0.0, Sign.LATENCY: 0.1} == half.add(
        half
    ).values()


def test_a_day_without_a_capture_has_no_latency() -> None:
    """Nor a time to open: nothing is divided by nothing."""
    assert {Sign.FAILURES, Sign.RECOVERIES, Sign.DROPS} == set(Day(observed=DAY, healthy=DAY).values())


def test_time_goes_on_with_the_days() -> None:
    """One that was longer counts for as long as it was, and what goes along with incidents of long ago is no sign."""
    assert 1.5 * DAY == lived(1, Day(observed=1.5 * DAY)).before
    assert () == lived(40, life=full()).circumstances.shown


def test_a_day_without_the_camera_is_none() -> None:
    """Paused or down for most of it: the numbers of the rest compare with nothing."""
    assert {} == replace(WHOLE, healthy=DAY / 3).values()
