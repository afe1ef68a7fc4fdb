# SPDX-License-Identifier: MIT
"""What the journal has forgotten, `camwatchctl logs` tells as the ledger remembers it, and nothing twice."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from camwatchd import cli
from camwatchd.cli.log_analysis import Analyser
from camwatchd.cli.log_events import Event
from camwatchd.cli.log_ledger import Incident, Step, with_forgotten
from camwatchd.cli.log_text import analysis_text, line
from camwatchd.cli.when import stamp
from camwatchd.core import records as rec
from camwatchd.core.ladder import Rung
from tests.adapters.ledger_rig import start
from tests.log_rig import DAY, NOON, journalctl, journals

_STEPS = (
    Step(0.0, "", 0, "named", "frames-stopped: no frame for 4.5 s", 0.0),
    Step(30.0, "restart-stream", 1, "failed", "no frames", 5.0),
    Step(40.0, "restart-worker", 1, "succeeded", "", 4.0),
)
OLD = Incident(
    "cam0", NOON - DAY, "frames-stopped", "no frame for 4.5 s", 42.0, "healthy by restart-worker 1", _STEPS
)
OPEN = Incident("garden", NOON - DAY / 2, "busy", "", 0.0, "")
NEW = Incident("cam0", NOON + 10, "sensor-io", "", 2.0, "healthy by itself")


def journal(*times: float) -> Iterator[Event]:
    return (Event(time=at, priority=6, event="camera.summary", message="x", camera="cam0") for at in times)


def test_only_what_is_older_than_the_journal_comes_from_the_ledger() -> None:
    """The ledger's events come first; from the journal's first event on, the journal has them."""
    events = list(with_forgotten(journal(NOON, NOON + 60), [OLD, OPEN, NEW]))

    assert [(event.source, event.event) for event in events] == [
        ("ledger", "alert.capture_failure"),
        ("ledger", "ladder.attempt_failed"),
        ("ledger", "alert.recovery"),
        ("ledger", "alert.connection_error"),
        ("journal", "camera.summary"),
        ("journal", "camera.summary"),
    ]


def test_without_a_journal_all_comes_from_the_ledger() -> None:
    """After a boot with a journal in memory, nothing else is left."""
    events = list(with_forgotten(journal(), [OLD, NEW]))

    assert {event.source for event in events} == {"ledger"}
    assert len(events) == 5  # one ended without a step that says so


def test_they_read_as_the_log_would() -> None:
    """The same words as the daemon's, marked with where they come from; and they count in the analysis."""
    analyser = Analyser()
    lines = []
    for event in with_forgotten(journal(), [OLD, OPEN]):
        analyser.add(event)
        lines.append(line(event))
    text = analysis_text(analyser.result())

    assert "CAMERA_ISSUE: capture_failure: cam0: frames-stopped: no frame arrived" in lines[0]
    assert "[no frame for 4.5 s]" in lines[0]
    assert "restart-stream (attempt 1) did not help: no frames" in lines[1]
    assert "healthy again by restart-worker (attempt 1), 42 s after the first failure" in lines[2]
    assert all("(from the ledger)" in told and "camera=" in told for told in lines)
    assert "4 events from the ledger: the journal does not have them" in text
    assert "camera=garden: busy since" in text


def test_how_long_a_remedy_took_is_known_from_the_ledger_too() -> None:
    """Its own time; what the event says counts from the first failure, as in the log."""
    analyser = Analyser()
    told = list(with_forgotten(journal(), [OLD]))
    for event in told:
        analyser.add(event)
    medians = {row.rung: row.median_seconds for row in analyser.result().rungs}

    assert (42.0, 4.0) == (told[-1].seconds, told[-1].took)
    assert {"restart-stream": 5.0, "restart-worker": 4.0} == pytest.approx(medians, rel=0.05)


def test_a_probe_is_told_as_in_the_log() -> None:
    """It is none of the attempts of its rung, whether it helped or not."""
    steps = [Step(30.0, "restart-worker", 0, outcome, "held", 2.0) for outcome in ("failed", "succeeded")]
    told = [event.message for event in with_forgotten(journal(), [replace(OPEN, steps=steps)])]

    assert "garden: a probe did not help: held" == told[1]
    assert "garden: healthy again by a probe, " in told[2]


def test_the_last_rungs_are_told() -> None:
    """For what the daemon left, and that it may leave no more and a human was called; neither is an attempt."""
    steps = [
        Step(30.0, "reboot", 0, "granted", "", 0.0),
        Step(60.0, "reboot", 0, "refused", "did-not-help: 2 of 2", 0.0),
        Step(60.0, "", 0, "parked", "did-not-help: 2 of 2", 0.0),
    ]
    analyser = Analyser()
    told = list(with_forgotten(iter([]), [Incident("cam0", NOON, "frames-stopped", "", 60.0, "", steps)]))
    for event in told:
        analyser.add(event)
    result = analyser.result()

    assert [event.event for event in told[1:3]] == ["service.leaving", "alert.critical"]
    assert "cam0: reboot was asked for frames-stopped, and granted" in told[1].message
    assert (
        "CAMERA_CRITICAL: cam0: frames-stopped: parked, no reboot (did-not-help: 2 of 2)" in told[2].message
    )
    assert (result.critical, result.rungs, len(result.open)) == (1, (), 1)


def test_a_fault_of_another_version_is_told() -> None:
    """A ledger outlives versions: a fault that has no name here is still an event."""
    (event,) = with_forgotten(journal(), [Incident("cam0", NOON, "gremlins", "", 0.0, "")])

    assert "gremlins: a fault that this version does not know" in line(event)


def test_a_drill_in_the_ledger_is_marked_and_counts_for_nothing() -> None:
    """As in the journal: nothing was wrong."""
    analyser = Analyser()
    for event in with_forgotten(journal(), [replace(OLD, drill=True)]):
        assert (event.drill, "cam0: DRILL: " in event.message) == (True, True)
        analyser.add(event)

    assert (analyser.result().faults, analyser.result().recoveries, analyser.result().drills) == ((), 0, 3)


def test_what_the_end_of_a_boot_ended_is_not_open() -> None:
    """No recovery was written down, but there is nothing to wait for either."""
    analyser = Analyser()
    for event in with_forgotten(journal(), [replace(OPEN, ended="the boot ended after a clean stop")]):
        analyser.add(event)

    assert analyser.result().open == ()


def test_where_the_journal_may_not_be_read_the_ledger_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is missing, and how to get it, is said; where the ledger may not be read either, that is no success."""
    with start(tmp_path, wall=stamp(time.time() - 60)) as ledger:
        ledger.write(rec.Begin("0.1.0", 1), rec.IncidentOpened("cam0", "sensor-io", "x"))
    folder = journalctl(tmp_path, complaint="Hint: You are currently not seeing messages from other users")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    status = cli.main(["logs", "--state-dir", str(tmp_path)])
    told = capsys.readouterr()
    nothing = cli.main(["logs", "--state-dir", str(tmp_path / "none")])

    assert (status, nothing) == (0, 77)
    assert "camera=cam0" in told.out
    assert "sensor-io" in told.out
    assert "this is the ledger's part" in told.err
    assert "usermod -aG systemd-journal" in told.err


def test_the_ledger_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a journal that begins after an incident the ledger tells of it, but of none that is too old."""
    now = time.time()
    for boot, age in (("old", 72), ("new", 1)):
        with start(tmp_path, boot, wall=stamp(now - 3600 * age)) as ledger:
            ledger.write(
                rec.Begin("0.1.0", 1), rec.CameraHealthy("cam0"), rec.IncidentOpened("cam0", "sensor-io", boot),
                rec.AttemptFailed("cam0", Rung.RESTART_WORKER, 1, "no", 5.0),
                rec.IncidentClosed("cam0", Rung.RESTART_WORKER, 2, 12.0),
            )  # fmt: skip
    folder = journalctl(tmp_path, [journals(now - NOON, "daemon.started")])
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    status = cli.main(["logs", "--json", "--state-dir", str(tmp_path)])
    *events, analysis = map(json.loads, capsys.readouterr().out.splitlines())

    assert (status, [(event["source"], event["event"]) for event in events]) == (0, [
        ("ledger", "alert.connection_error"), ("ledger", "ladder.attempt_failed"), ("ledger", "alert.recovery"),
        ("journal", "daemon.started"),
    ])  # fmt: skip
    assert [row["count"] for row in analysis["faults"]] == [1]
    assert analysis["trend"][0]["before"] == 0  # the ledger would know


@pytest.mark.parametrize(
    ("begun", "keep", "compared"),
    [
        (5, 500, (None, "")), (72, 500, (0.0, "rising")), (72, 3, (None, "")), (30, 500, (0.0, "no clear change")),
    ],
    ids=["young", "old", "full", "some-hours"],
)  # fmt: skip
def test_a_trend_compares_with_what_the_ledger_was_there_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], begun: int, keep: int,
    compared: tuple[float | None, str],
) -> None:  # fmt: skip
    """Not with a day before it was begun, nor with one that it has forgotten because it keeps no more incidents."""
    now = time.time()
    with start(tmp_path, wall=stamp(now - 3600 * begun)) as ledger:
        ledger.write(rec.Begin("0.1.0", 1), rec.Keep(keep, 400.0))
        ledger.wall = stamp(now - 3600 * 4)
        for camera in ("cam0", "cam1", "cam2"):
            ledger.write(rec.IncidentOpened(camera, "busy", "held"))
            ledger.write(*[rec.AttemptFailed(camera, Rung.RESTART_WORKER, 0, "held", 2.0)] * 5)
    folder = journalctl(tmp_path, [journals(now - NOON, "daemon.started")])
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    cli.main(["logs", "--json", "--state-dir", str(tmp_path)])
    *_, analysis = map(json.loads, capsys.readouterr().out.splitlines())

    (failed,) = [row for row in analysis["trend"] if row["what"] == "failed attempts"]
    assert compared == (failed["before"], failed["change"])


def test_without_a_ledger_it_says_what_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The journal is told all the same."""
    folder = journalctl(tmp_path, [journals(time.time() - NOON, "daemon.started")])
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    status = cli.main(["logs", "--state-dir", str(tmp_path)])

    output = capsys.readouterr()
    assert (status, "daemon.started" in output.out) == (0, True)
    assert "what the journal has forgotten is not known" in output.err


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("failed", "whether a human was called is not in the ledger"),
        ("parked", "a human was called at least once"),
    ],
)
def test_the_ledger_does_not_know_who_was_called(outcome: str, says: str) -> None:
    """It has no alerts but the one of a camera that was parked: nothing is said that nobody knows."""
    analyser = Analyser()
    for event in with_forgotten(journal(), [replace(OPEN, steps=[Step(9.0, "", 0, outcome, "", 0.0)])]):
        analyser.add(event)

    assert says in analysis_text(analyser.result())


def test_what_was_written_by_a_clock_that_had_jumped_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An incident of 2038 is in no window of time, and where it is to be found is said."""
    with start(tmp_path, wall="2038-01-01 00:00:00") as ledger:
        ledger.write(rec.Begin("0.1.0", 1), rec.IncidentOpened("cam0", "sensor-io", "x"))
    folder = journalctl(tmp_path, [journals(time.time() - NOON, "daemon.started")])
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    cli.main(["logs", "--state-dir", str(tmp_path)])
    told = capsys.readouterr()

    assert "sensor-io" not in told.out
    assert "left out: 1 of the ledger's incidents" in told.err
    assert "camwatchctl history" in told.err
