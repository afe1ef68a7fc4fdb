# SPDX-License-Identifier: MIT
"""Owns the proof that a capturing worker says what happens to its frames: failures at once, health in batches."""

import time
from pathlib import Path
from typing import Any

import pytest

from camwatchd.core.exits import WorkerExit
from camwatchd.core.ladder import Outcome, Rung
from camwatchd.core.messages import (
    CameraFailed,
    CaptureFailed,
    Entering,
    Finished,
    Frames,
    Imported,
    Late,
    Remark,
    RestartStream,
    Stop,
    Streaming,
)
from camwatchd.core.settings import Checks, ScriptedFault, Supervision
from tests.process.processor import queued
from tests.process.worker_rig import WorkerRig, worker

QUICK = Supervision(frame_timeout=0.5, first_frame_timeout=1.0)
SLACK = 0.05  # seconds that a report may come after its deadline


def _fault(kind: Any, **how: Any) -> ScriptedFault:
    return ScriptedFault(kind=kind, **how)


def _frames(rig: WorkerRig) -> list[Frames]:
    return [report for report in rig.reports() if isinstance(report, Frames)]


def _told(frames: list[Frames]) -> int:
    """How many frames of a stream these reports account for: none between the first and the last is left out.

    On a busy machine the sensor sleeps through some, or the worker does not take one in time: they are dropped.
    """
    number = frames[-1].sequence + 1
    assert sum(report.count + report.dropped for report in frames) == number - frames[0].sequence
    return number


def _after(rig: WorkerRig, kind: type) -> list[object]:
    """What was heard after the last report of this kind."""
    last = max(index for index, report in enumerate(rig.reports()) if isinstance(report, kind))
    return [*rig.reports()[last + 1 :]]


def test_healthy_frames_come_in_four_batches_a_second(tmp_path: Path) -> None:
    """The first three frames are reported one by one, the others at most four times a second, none left out."""
    with worker(tmp_path) as rig:
        rig.until(Imported)
        opened = time.monotonic()
        rig.open(frame_rate=100)
        rig.until(Frames, lambda report: report.sequence > 300)
        seconds = (
            time.monotonic() - opened
        )  # from before the first, which may be heard late, to after the last
    frames = _frames(rig)
    lates = [
        report for report in rig.reports() if isinstance(report, Late)
    ]  # each sends what came before it
    counts = [report.count for report in frames]
    span = frames[-1].sequence - frames[0].sequence + 1  # a loaded machine may miss the very first frames

    assert counts[:3] == [1, 1, 1]
    assert len(frames) <= 3 + 4 * seconds + 1 + len(lates)
    assert sum(counts) + sum(report.dropped for report in frames) == span


def test_a_stall_is_late_once_and_fails_at_each_deadline(tmp_path: Path) -> None:
    """When frames stop: one Late, then one failure per frame deadline, each within 50 ms of it; then proof again."""
    with worker(tmp_path) as rig:
        rig.streaming(_fault("stall", at_frame=20, duration=2.0), rules=QUICK)
        failures = [rig.until(CaptureFailed) for _ in range(3)]
        for _ in range(3):
            rig.until(Frames)
        proof = _after(rig, CaptureFailed)
    told = rig.reports()[: -len(proof)]
    healthy = max(index for index, report in enumerate(told) if isinstance(report, Frames))
    lates = [report for report in told[healthy:] if isinstance(report, Late)]  # a busy machine has others

    assert {failed.fault for failed in failures} == {"frames-stopped"}
    assert 0.5 <= min(failed.waited for failed in failures) <= 0.5 + SLACK
    assert [0.1 <= late.waited < 0.5 for late in lates] == [True]
    assert [report.count for report in proof if isinstance(report, Frames)] == [1, 1, 1]


def test_what_came_before_a_failure_is_said_before_it(tmp_path: Path) -> None:
    """A failure does not wait for the next batch, and the healthy frames before it are not lost or late."""
    with worker(tmp_path) as rig:
        rig.streaming(_fault("error", at_frame=20, until=Rung.RETRY, message="Boom"), rules=QUICK)
        failed = rig.until(CameraFailed)
        before = _frames(rig)
        rest = rig.until(Entering, lambda report: report.call == "rest")
        back = rig.until(Frames)

    assert (failed.call, failed.chain) == ("take", ("RuntimeError('Boom')",))
    assert sum(report.count for report in before) <= 20 <= _told(before)
    assert rest.bound == 1.0
    assert back.count == 1


def test_an_exception_is_no_busy_loop(tmp_path: Path) -> None:
    """A camera that raises at every capture is asked again only after a frame deadline each time."""
    with worker(tmp_path) as rig:
        rig.until(Imported)
        opened = time.monotonic()  # how late we hear of a failure does not matter
        rig.open(_fault("error", at_frame=5, message="Boom"), rules=QUICK)
        times: list[float] = []
        while len(times) < 3:
            rig.until(CameraFailed)
            times.append(rig.heard[-1][0] - opened)

    assert times[1] > 0.15 + 0.45  # five frames, and a deadline
    assert times[2] > 0.15 + 0.9


def test_a_stream_without_a_first_frame_fails_by_its_own_name(tmp_path: Path) -> None:
    """No frame after a start: start-timeout at first_frame_timeout, and again at each frame deadline."""
    with worker(tmp_path) as rig:
        rig.until(Imported)
        in_queue = queued(rig.process.pid)
        rig.open(_fault("stall", at=0.0), rules=QUICK)
        failures = [rig.until(CaptureFailed) for _ in range(3)]
        in_queue = queued(rig.process.pid) - in_queue  # the machine's doing, not the worker's

    assert [failed.fault for failed in failures] == ["start-timeout"] * 3
    assert 1.0 <= failures[0].waited <= 1.0 + 2 * SLACK + in_queue
    assert 0.5 <= min(failed.waited for failed in failures) <= 0.5 + SLACK
    assert not any(isinstance(report, Late) for report in rig.reports())


def test_a_restart_of_the_stream_is_announced_answered_and_proved(tmp_path: Path) -> None:
    """RestartStream: cancel, stop, start, each announced; Finished with its number; Streaming; frames one by one."""
    with worker(tmp_path) as rig:
        rig.streaming(_fault("stall", at_frame=10, until=Rung.RESTART_STREAM), rules=QUICK)
        rig.until(CaptureFailed)
        rig.order(RestartStream(41))
        answer = rig.until(Finished)
        calls = [report.call for report in _after(rig, CaptureFailed) if isinstance(report, Entering)]
        again = rig.until(Streaming)
        proof = [rig.hear() for _ in range(3)]

    assert (answer.order, answer.outcome, answer.detail) == (41, Outcome.SUCCEEDED, "")
    assert calls[-3:] == ["cancel", "stop", "start"]
    assert again.generation == 2
    assert [report.count for report in proof if isinstance(report, Frames)] == [1, 1, 1]


def test_no_frame_of_a_new_stream_comes_before_the_answer(tmp_path: Path) -> None:
    """Frames of the old stream are said before it is touched, those of the new one after Finished: never between."""
    with worker(tmp_path) as rig:
        rig.streaming(frame_rate=200)
        for order in range(10):
            old = rig.until(Frames, lambda report: report.count > 3)  # another batch is filling
            rig.order(RestartStream(order))
            rig.until(Entering, lambda report: report.call == "cancel")
            between = [rig.hear() for _ in range(4)]
            first = rig.until(Frames)

            assert [type(report) for report in between] == [Entering, Entering, Finished, Streaming]
            assert first.count == 1
            assert first.sequence < old.sequence  # counted anew


def test_a_failed_restart_is_told_and_the_worker_goes_on(tmp_path: Path) -> None:
    """A restart that raises is FAILED with the exception; the worker takes the next order, and Stop ends it."""
    with worker(tmp_path) as rig:
        rig.streaming(_fault("gone", at_frame=10), rules=QUICK)
        rig.until(CameraFailed)
        rig.order(RestartStream(1))
        first = rig.until(Finished)
        rig.order(RestartStream(2))
        second = rig.until(Finished)
        rig.order(Stop())

        assert rig.ended() == WorkerExit.CLEAN
    assert [first.order, second.order] == [1, 2]
    assert {first.outcome, second.outcome} == {Outcome.FAILED}
    assert first.detail == "RuntimeError('Failed to start camera: No such device')"


@pytest.mark.parametrize(
    ("kind", "checks", "fault"),
    [
        ("frozen", Checks(frozen_after=0.3), "frozen-picture"),
        ("black", Checks(content_after=0.3, on_black="recover"), "black-picture"),
        ("saturated", Checks(content_after=0.3, on_saturated="recover"), "saturated-picture"),
        ("out-of-order", Checks(), "out-of-order"),
    ],
)
def test_unhealthy_pictures_fail(tmp_path: Path, kind: str, checks: Checks, fault: str) -> None:
    """Pictures that are frozen, black, saturated or out of order fail by that name."""
    with worker(tmp_path) as rig:
        rig.streaming(_fault(kind, at_frame=10), checks=checks)

        assert rig.until(CaptureFailed).fault == fault


@pytest.mark.parametrize(
    ("kind", "checks", "format_"),
    [
        ("frozen", Checks(frozen_after=0.3), "YUV420"),
        ("frozen", Checks(frozen_after=0.3), "MJPEG"),
        ("black", Checks(content_after=0.3, on_black="recover"), "YUV420"),
        ("saturated", Checks(content_after=0.3, on_saturated="recover"), "YUV420"),
    ],
)
def test_what_failed_in_one_worker_fails_at_once_in_the_next(
    tmp_path: Path, kind: str, checks: Checks, format_: str
) -> None:
    """A worker that is told what its predecessor failed for gives no healthy frame of it, not even the first."""
    script = _fault(kind, at_frame=10)
    with worker(tmp_path) as rig:
        rig.streaming(script, checks=checks, format=format_)
        failed = rig.until(CaptureFailed)
    with worker(tmp_path) as rig:
        rig.until(Imported)
        rig.open(script, checks=checks, format=format_, suspicion=(failed.fault, failed.picture))
        again = rig.until(CaptureFailed)

    assert (again.fault, again.picture) == (failed.fault, failed.picture)
    assert _frames(rig) == []


def test_a_truncated_jpeg_is_broken(tmp_path: Path) -> None:
    """A frame that was cut short fails at once."""
    with worker(tmp_path) as rig:
        rig.streaming(_fault("truncated", at_frame=10, amount=60), format="MJPEG", frame_rate=10)
        failed = rig.until(CaptureFailed)

    assert failed.fault == "broken-picture"
    assert failed.evidence.startswith("cut short")
    assert sum(report.count for report in _frames(rig)) <= 10 <= _told(_frames(rig))


def test_a_night_is_remarked_and_healthy(tmp_path: Path) -> None:
    """By default a black picture is said once; its frames stay healthy."""
    with worker(tmp_path) as rig:
        rig.streaming(_fault("black", at_frame=10), checks=Checks(content_after=0.3, frozen_after=0.2))
        remark = rig.until(Remark)
        night = rig.until(Frames, lambda report: report.count > 3)

    assert remark.subject == "black-picture"
    assert night.mean < 3


def test_dropped_frames_are_counted(tmp_path: Path) -> None:
    """Sequence numbers that never came are counted as dropped, and are no failure."""
    with worker(tmp_path) as rig:
        rig.streaming(_fault("drop", at_frame=0, amount=3), frame_rate=100)
        rig.until(Frames, lambda report: report.sequence > 100)
    dropped = sum(report.dropped for report in _frames(rig))
    taken = sum(report.count for report in _frames(rig))

    assert dropped + taken == _frames(rig)[-1].sequence - _frames(rig)[0].sequence + 1
    assert dropped >= 25
    assert not any(isinstance(report, CaptureFailed) for report in rig.reports())


def test_long_frames_are_waited_for(tmp_path: Path) -> None:
    """A camera of one frame in 0.4 s is never failed by a frame_timeout that is shorter than six frames."""
    with worker(tmp_path) as rig:
        rig.streaming(rules=Supervision(frame_timeout=0.1), frame_rate=2.5)
        rig.until(Frames, lambda report: report.sequence >= 3)

    assert not any(isinstance(report, CaptureFailed | Late) for report in rig.reports())
