# SPDX-License-Identifier: MIT
"""What proves a recovery and what does not: frames in a row, from after the fault, in the time that they need."""

import pytest

from camwatchd.core import events as ev
from camwatchd.core.ladder import Outcome, Rung
from camwatchd.core.settings import Supervision
from camwatchd.core.state import Phase, Policy
from tests.core.storyboard import GOOD, MISSED, Story, healthy

STREAM, WORKER = Rung.RESTART_STREAM, Rung.RESTART_WORKER
DONE = ev.ActionEnded(Outcome.SUCCEEDED)
CRASH = ev.WorkerExited("worker-crashed", "killed by SIGSEGV")


def test_a_start_is_proved_by_three_frames() -> None:
    """The first frames end the start; before the third nothing is called healthy."""
    story = Story().after(0.5, ev.WorkerStarted(), ev.WorkerImported(), ev.StreamStarted())
    story.after(0.1, ev.FramesArrived(2))
    before = story.state.phase
    story.after(0.1, ev.FramesArrived(1))

    assert (Phase.SETTLING, Phase.HEALTHY) == (before, story.state.phase)
    assert [(WORKER, 0)] == story.orders()


def test_three_healthy_frames_between_failures_start_the_count_anew() -> None:
    """Only failures in a row make a fault."""
    story = healthy()
    for _ in range(10):
        story.after(1.5, MISSED).after(1.5, MISSED).after(0.1, ev.FramesArrived(3))

    assert [] == story.said(ev.SayFault)


def test_a_night_that_falls_during_a_hiccup_is_no_silence() -> None:
    """Frames of 3 s after a missed capture: the worker is waited for as long as they take."""
    story = healthy().after(1.5, MISSED)
    for _ in range(4):
        story.after(3, ev.FramesArrived(1, 3.0))

    assert [] == story.said(ev.SayFault)
    assert Phase.HEALTHY is story.state.phase


def test_every_other_frame_bad_is_a_fault() -> None:
    """Fewer than three healthy frames do not end a row of failures."""
    story = healthy()
    for _ in range(3):
        story.after(0.1, ev.CaptureFailed("out-of-order")).after(0.1, ev.FramesArrived(2))

    assert ["out-of-order"] == [said.fault for said in story.said(ev.SayFault)]


def test_frames_prove_an_attempt_and_name_the_cure() -> None:
    """Three healthy frames in the settle time end the incident and say which rung did it."""
    story = healthy().stall().after(0.3, DONE).after(0.1, GOOD)

    (said,) = story.said(ev.SayRecovered)
    assert (STREAM, 1) == (said.rung, said.attempt)
    assert (3.4, 0.4) == pytest.approx(
        (said.seconds, said.took)
    )  # since the first failure, and the attempt itself
    assert 0 == story.state.failures


def test_a_call_that_returned_proves_nothing() -> None:
    """A restart that succeeded but brings no frames within its settle time is a failed recovery."""
    story = healthy().stall().after(0.3, DONE).after(5.1)

    assert (STREAM, 2) == story.orders()[-1]
    assert 1 == story.state.failed_recoveries


def test_frames_from_before_the_fault_prove_nothing() -> None:
    """A batch that was on its way when the fault was named neither ends the incident nor restores the score."""
    story = healthy().after(1)
    batch = ev.FramesArrived(8, 1 / 30, story.now - 0.2)
    story.after(0, ev.Faulted("frontend-timeout")).after(0.01, batch)

    assert Phase.ACTING is story.state.phase
    assert 1 == story.state.failures


def test_proof_needs_three_frames_in_a_row() -> None:
    """A failed capture between healthy ones starts the proof anew."""
    story = healthy().stall().after(0.3, DONE)
    story.after(0.1, ev.FramesArrived(2)).after(0.1, MISSED).after(0.1, ev.FramesArrived(2))
    unproved = story.state.phase
    story.after(0.1, ev.FramesArrived(1))

    assert (Phase.SETTLING, Phase.HEALTHY) == (unproved, story.state.phase)


def test_frames_before_an_attempt_ends_do_not_count_for_it() -> None:
    """Two healthy frames while the ladder waits and one after the attempt are no three in a row."""
    story = (
        healthy().stall().after(0.1, ev.FramesArrived(2)).after(0.1, DONE).after(0.1, ev.FramesArrived(1))
    )

    assert Phase.SETTLING is story.state.phase


def test_a_probe_that_opens_the_camera_disproves_a_held_fault() -> None:
    """A camera that is free again but faulty is climbed for, under the name of what is wrong now."""
    story = healthy().after(1, ev.Faulted("busy")).after(30.1)
    story.after(
        0.1, ev.WorkerStarted(), ev.WorkerImported(), ev.StreamStarted(), ev.Faulted("frontend-timeout")
    )

    assert "frontend-timeout" == story.state.fault
    assert (STREAM, 1) == story.orders()[-1]


def test_a_probe_that_opens_the_camera_and_gets_no_frames_is_a_start_timeout() -> None:
    """Silence after a successful open is not "busy" any more."""
    story = healthy().after(1, ev.Faulted("busy")).after(30.1)
    story.after(0.1, ev.WorkerStarted(), ev.WorkerImported(), ev.StreamStarted()).after(10.1)

    assert "start-timeout" == story.state.fault


def test_a_start_with_long_exposures_gets_its_time() -> None:
    """Frames of 6 s that nobody announced: the first one moves the deadline to six frames."""
    story = Story().after(0.5, ev.WorkerStarted(), ev.WorkerImported(), ev.StreamStarted())
    for _ in range(3):
        story.after(6, ev.FramesArrived(1, 6.0))

    assert [] == story.said(ev.SayFault)
    assert Phase.HEALTHY is story.state.phase


def test_a_night_that_fell_meanwhile_does_not_fail_a_restart() -> None:
    """A camera that crashed by day and now exposes for 4 s is proved in the time that three such frames take."""
    story = healthy().after(1, CRASH).after(0.1, ev.WorkerStarted(), ev.WorkerImported(), ev.StreamStarted())
    for _ in range(3):
        story.after(4, ev.FramesArrived(1, 4.0))

    assert [] == story.said(ev.SayAttemptFailed)
    assert 1 == len(story.said(ev.SayRecovered))


def test_long_exposures_are_not_a_stall() -> None:
    """With frames of 20 s, the last word is six frames, not no_frame_timeout."""
    policy = Policy(supervision=Supervision(max_consecutive_failures=50))
    story = healthy(policy).after(0.1, ev.FramesArrived(5, 20.0)).after(119)
    patient = story.said(ev.SayFault)
    story.after(3)

    assert [] == patient
    assert 1 == len(story.said(ev.SayFault))


def test_one_frame_after_a_fault_is_no_recovery() -> None:
    """The frames from before the fault do not count towards three in a row."""
    story = healthy().after(1, ev.Faulted("frontend-timeout")).after(0.1, ev.FramesArrived(1))

    assert Phase.ACTING is story.state.phase


def test_a_started_stream_does_not_end_the_restart_of_a_stream() -> None:
    """Its outcome does; a worker that started streaming again has not yet said how it went."""
    story = healthy().stall().after(0.1, ev.StreamStarted())

    assert Phase.ACTING is story.state.phase


def test_much_longer_frames_lengthen_the_lease() -> None:
    """The time that a night's frames need on each rung that is left is added to the lease."""
    story = healthy().stall().after(0.3, DONE)
    before = story.state.lease_until
    story.after(0.1, ev.FramesArrived(1, 20.0))

    assert story.state.deadline == story.state.since + 120
    assert story.state.lease_until >= before + 4 * 110
