# SPDX-License-Identifier: MIT
"""What the analysis of a log counts stands where it belongs, is of the time that is known, and stays small."""

from typing import Any

import pytest

from camwatchd.cli.log_analysis import Analyser
from camwatchd.cli.log_facts import Analysis
from camwatchd.core.histogram import Histogram
from tests.log_rig import DAY, NOON
from tests.test_log_analysis import CURED, START, analysed, event


def remedies(result: Analysis) -> dict[str, tuple[Any, ...]]:
    """Of each rung its attempts, its cures, and the median of its seconds."""
    return {row.rung: (row.attempts, row.cured, row.median_seconds) for row in result.rungs}


def test_what_is_no_fault_is_not_counted_as_one() -> None:
    """That somebody should look is a count of its own; so is a recovery without a remedy."""
    result = analysed(
        event("alert.critical", 0, priority=2), event("alert.buffer_error", 1, fault="", priority=3),
        event(CURED, 2), event(CURED, 3, rung="restart-worker", attempt=1), event("camera.summary", 4, priority=4),
        event(CURED, 5),
    )  # fmt: skip

    assert [(row.fault, row.alert, row.count) for row in result.faults] == [("unknown", "", 1)]
    assert (result.critical, result.recoveries, result.by_itself) == (1, 3, 2)
    assert (result.events, result.errors, result.open) == (6, 2, ())


def test_where_the_events_are_from_is_counted() -> None:
    """What the ledger remembered, what was practised, and what the log's limit kept back, in one place each."""
    result = analysed(
        event("alert.buffer_error", 0, source="ledger"), event("camera.summary", 1, kept_back=7),
        event("alert.buffer_error", 2, drill=True, camera="d"), event("camera.summary", 3, kept_back=2),
    )  # fmt: skip

    assert (result.events, result.from_ledger, result.drills, result.kept_back) == (4, 1, 1, 9)
    assert ([row.count for row in result.faults], [row.camera for row in result.open]) == ([1], ["cam0"])
    assert result.broken_lines == 0


def test_the_most_frequent_fault_comes_first() -> None:
    """Two that are as frequent by the alphabet, as the cameras of one; its time is the latest, not the last told."""
    told = [
        event("alert.capture_failure", at, camera=camera, fault=fault)
        for at, camera, fault in (
            (0, "z", "sensor-io"), *((9 - n, f"c{n}", "frames-stopped") for n in range(9)), (5, "d", "buffer"),
        )
    ]  # fmt: skip
    result = analysed(*told)
    nine = tuple(f"c{n}" for n in range(9))

    assert [(row.fault, row.count, row.cameras, row.last - NOON) for row in result.faults] == [
        ("frames-stopped", 9, nine, 9), ("buffer", 1, ("d",), 5), ("sensor-io", 1, ("z",), 0),
    ]  # fmt: skip
    assert [row.camera for row in result.open] == [*nine, "d", "z"]


def test_a_retry_is_no_probe() -> None:
    """A hiccup is cured by a retry, in the seconds that it tells, and its failed captures are its attempts."""
    told = [event("capture.failed", at, failures=1) for at in (0, 10, 20)]
    told += [event("capture.failed", 1, failures=2), event("camera.summary", 2, failures=1)]
    told += [event("camera.hiccup_ended", 5, rung="retry", seconds=2.0)]
    result = analysed(*told)

    assert remedies(result) == {"retry": (3, 1, pytest.approx(2.0, rel=0.05))}
    assert result.rungs[0].success == pytest.approx(1 / 3)
    assert result.recoveries == 0


def test_a_probe_is_told_apart() -> None:
    """Attempt 0 of any other rung is a look whether it is over; a rung of another release is passed over."""
    result = analysed(
        event("ladder.attempt_failed", 0, rung="reboot", seconds=0.0),
        event("ladder.attempt_failed", 5, rung="reboot", attempt=1, seconds=8.0),
        event("ladder.attempt_failed", 6, rung="incantation", attempt=1, seconds=8.0),
        event("ladder.skipped", 7, rung="reset-device", attempt=1),
    )  # fmt: skip

    assert remedies(result) == {
        "reboot": (1, 0, pytest.approx(8.0, rel=0.05)),
        "probe": (1, 0, pytest.approx(0.0, abs=1e-5)),
    }


@pytest.mark.parametrize("begun", [START, "ladder.leave_asked"])
@pytest.mark.parametrize("ended", ["ladder.attempt_failed", "camera.hiccup_ended"])
def test_a_remedy_begins_anew_with_each_attempt(begun: str, ended: str) -> None:
    """What ended does not count for the next cure, nor does what cured once."""
    about: dict[str, object] = {"rung": "reboot", "attempt": 1}
    start, cured = event(begun, 0, **about), event(CURED, 64, **about)

    meanwhile = [event("camera.summary", 5), event("ladder.skipped", 6, **about)]
    assert remedies(analysed(start, *meanwhile, cured))["reboot"] == (1, 1, pytest.approx(64, rel=0.05))
    assert remedies(analysed(start, event(ended, 9), cured))["reboot"] == (1, 1, None)
    more = [event(CURED, at, **about) for at in (7777, 9999)]
    assert remedies(analysed(start, cured, *more))["reboot"] == (3, 3, pytest.approx(64, rel=0.05))


def test_the_time_of_day_is_taken_where_one_clock_is_missing() -> None:
    """Half a pair of clocks measures nothing; and what took no time took that."""
    about: dict[str, object] = {"rung": "reboot", "attempt": 1, "boot": "a"}
    clocked = about | {"clock": 100.0}

    for first, last in ((clocked, about), (about, clocked)):
        assert remedies(analysed(event(START, 0, **first), event(CURED, 64, **last)))["reboot"][2] == (
            pytest.approx(64, rel=0.05)
        )
    assert remedies(analysed(event(START, 0, **clocked), event(CURED, 0, **clocked)))["reboot"][2] == (
        pytest.approx(0, abs=1e-5)
    )


def test_the_median_is_in_the_middle() -> None:
    """Not near the slowest."""
    told = [
        event("ladder.attempt_failed", n, rung="reboot", attempt=1, seconds=s)
        for n, s in enumerate((1, 4, 99))
    ]

    assert remedies(analysed(*told))["reboot"] == (3, 0, pytest.approx(4, rel=0.05))


def test_latencies_are_by_camera() -> None:
    """Summed up over all summaries, in percentiles; what cannot be read, and an empty one, says nothing."""
    parts = [[0.01] * 50 + [0.1] * 40, [1.0] * 5 + [10.0] * 4 + [100.0]]
    told = [event("camera.summary", n, latencies=Histogram(each).text()) for n, each in enumerate(parts)]
    told += [event("camera.summary", 5, camera="a", latencies=Histogram([0.5]).text())]
    told += [
        event("camera.summary", 6, camera=name, latencies=text) for name, text in (("b", "?"), ("c", " "))
    ]
    told += [event("camera.summary", 7, camera="d")]
    first, second = analysed(*told).latency

    assert (first.camera, first.captures, second.camera, second.captures) == ("a", 1, "cam0", 100)
    assert [second.p50, second.p90, second.p99, second.most] == pytest.approx([0.01, 0.1, 10, 100], rel=0.05)


@pytest.mark.parametrize(
    ("kind", "field", "rows", "kept"),
    [
        ("alert.capture_failure", "fault", "faults", 65), ("alert.capture_failure", "camera", "open", 64),
        ("camera.summary", "camera", "latency", 65),
    ],
)  # fmt: skip
def test_a_log_of_many_names_is_bounded(kind: str, field: str, rows: str, kept: int) -> None:
    """The first 64 are told apart, the others are one: whatever somebody's file holds, the memory is not its size."""
    text = Histogram([0.03]).text()
    told = [event(kind, n, **{"latencies": text, field: f"n{n:03}"}) for n in range(100)]
    found = getattr(analysed(*told), rows)
    names = {getattr(row, field) for row in found}

    assert len(found) == len(names) == kept
    assert names - {"others"} == {f"n{n:03}" for n in range(64)}


def test_cameras_of_a_fault_and_remedies_under_way_are_bounded() -> None:
    """What is only kept to be told of: the 65th has no name and no seconds, but counts; a known one goes on."""
    alerts = [event("alert.capture_failure", n, camera=f"n{n:03}") for n in range(70)]
    kinds = [event("alert.capture_failure", n, fault=f"n{n % 70:03}") for n in range(140)]
    about: dict[str, object] = {"rung": "reboot", "attempt": 1}
    begun = [event(START, n, camera=f"n{n:03}", **about) for n in range(65)]
    (fault,) = analysed(*alerts).faults
    last, before = (analysed(*begun, event(CURED, 99, camera=f"n{n:03}", **about)) for n in (64, 63))

    assert (fault.count, len(fault.cameras)) == (70, 64)
    assert {row.fault: row.count for row in analysed(*kinds).faults} == {
        "others": 12,
        **{f"n{n:03}": 2 for n in range(64)},
    }
    assert (remedies(last)["reboot"][2], remedies(before)["reboot"][2]) == (
        None,
        pytest.approx(36, rel=0.05),
    )


def test_only_cameras_that_tell_latencies_are_kept() -> None:
    """However many have a summary without any, the next that has some keeps its name."""
    told = [event("camera.summary", n, camera=f"n{n:03}") for n in range(64)]
    told += [event("camera.summary", 99, camera="last", latencies=Histogram([0.03]).text())]

    assert [row.camera for row in analysed(*told).latency] == ["last"]


def test_rates_are_of_the_time_that_is_known() -> None:
    """A journal that reaches back nine days without a fault was without one; the spans need not be alike."""
    analyser = Analyser(NOON)
    for n in range(9):
        analyser.add(event("alert.capture_failure", -DAY * (n + 0.5)))
        analyser.add(event("ladder.attempt_failed", -DAY * (n + 0.4), rung="reboot", attempt=1))
        analyser.add(event(CURED, -DAY * (n + 0.3), rung="reboot", attempt=1))
    for at in (60, 70):  # with half of the time that would be less than chance makes
        analyser.add(event("alert.capture_failure", at))
    faults, failed, recoveries = analyser.result(NOON + DAY, covered=NOON - 9 * DAY).trend

    assert (faults.what, faults.per_day, faults.before, faults.change) == (
        "faults",
        2.0,
        1.0,
        "no clear change",
    )
    assert (failed.what, failed.per_day, failed.before) == ("failed attempts", 0.0, 1.0)
    assert (recoveries.what, recoveries.per_day, recoveries.before) == ("recoveries", 0.0, 1.0)


def test_one_fault_after_a_long_silence_is_a_change() -> None:
    """By chance the only one in a hundred days falls on the last of them once in a hundred logs."""
    analyser = Analyser(NOON)
    analyser.add(event("alert.capture_failure", 60))
    faults = analyser.result(NOON + DAY, covered=NOON - 99 * DAY).trend[0]

    assert (faults.per_day, faults.before, faults.change) == (1.0, 0.0, "rising")


def test_a_rate_needs_an_hour() -> None:
    """On either side; without a span to compare with nothing is said of a change."""
    told = [event("alert.capture_failure", 10), event("camera.summary", -DAY)]

    assert [analysed(*told, until=until).trend[0].per_day for until in (3599, 3600)] == [None, 24.0]
    assert [
        analysed(event("alert.capture_failure", 10), event("camera.summary", -before)).trend[0].before
        for before in (3599, 3600)
    ] == [None, 0.0]


def test_the_span_is_what_was_asked_for() -> None:
    """Even where nothing was logged; without a beginning it is that of the first event, without any it is unknown."""
    empty, asked, told, one = Analyser(), analysed(), Analyser(), Analyser()
    one.add(event("camera.summary", 30))
    for at in (60, 30, 90):
        told.add(event("camera.summary", at))
    spans = [(result.since, result.until) for result in (empty.result(), asked, told.result(), one.result())]

    assert spans == [(None, None), (NOON, NOON + DAY), (NOON + 30, NOON + 90), (NOON + 30, NOON + 30)]


def test_what_the_ledger_calls_over_is_over() -> None:
    """An incident that the end of a boot ended is not open any more."""
    assert analysed(event("alert.capture_failure", 0), event("incident.ended", 60)).open == ()
