# SPDX-License-Identifier: MIT
"""Storyboards of restarts of the stream that do not return: a call hangs, and only a fresh worker is of any use."""

import pytest

from camwatchd.core import events as ev
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import Outcome, Rung
from camwatchd.core.state import Milestone, Phase
from tests.core.storyboard import DONE, GOOD, OPEN, Story, healthy, policy

STREAM, WORKER = Rung.RESTART_STREAM, Rung.RESTART_WORKER
NAME = "worker-silent"


def hanging(fault: str = "frames-stopped") -> Story:
    """A camera whose stream was to be restarted 30 s ago."""
    return healthy().after(1, ev.Faulted(fault)).until_deadline()


@pytest.mark.parametrize("fault", [name for name, f in FAULTS.items() if f.entry is STREAM])
def test_it_is_not_tried_again(fault: str) -> None:
    """A second order would queue behind the first; the worker is replaced at once, whatever was wrong before."""
    story = hanging(fault)

    assert [(STREAM, 1), (WORKER, 1)] == story.orders()[1:]
    assert story.said(ev.Perform)[-1] == ev.Perform(WORKER, 1, fresh=False)  # the standby, if there is one
    assert 30 == pytest.approx(story.now - story.start - 1.1)
    assert [] == story.said(ev.SayWaiting)


def test_the_incident_is_called_what_it_has_turned_out_to_be() -> None:
    """The name and the attempt say the same; it is one failed recovery, and the incident is as old as it was."""
    story = hanging()
    said, failed = story.said(ev.SayFault)[-1], story.said(ev.SayAttemptFailed)

    assert (NAME, "the restart of the stream did not return within 30.0 s") == (said.fault, said.evidence)
    assert [(STREAM, 1, said.evidence)] == [(f.rung, f.attempt, f.reason) for f in failed]
    assert (NAME, 1) == (story.state.fault, story.state.failed_recoveries)
    assert 30 == pytest.approx(story.now - story.state.opened_at)


def test_one_that_failed_or_returned_keeps_name_and_rung() -> None:
    """An answer, even a bad one, comes from a worker that takes orders."""
    for answer in (DONE, ev.ActionEnded(Outcome.FAILED, "no")):
        story = healthy().after(1, ev.Faulted("frames-stopped")).after(29.9, answer).until(Phase.ACTING)
        while story.state.attempt == 1:
            story.until_deadline()
        assert ("frames-stopped", STREAM, 2) == (story.state.fault, story.state.rung, story.state.attempt)


def test_the_second_one_may_be_the_one_that_hangs() -> None:
    """The rung is spent then anyway; what is new is the name."""
    story = healthy().after(1, ev.Faulted("frames-stopped")).after(1, DONE).until_deadline().until_deadline()

    assert (NAME, [(STREAM, 1), (STREAM, 2), (WORKER, 1)]) == (story.state.fault, story.orders()[1:])


def test_a_rung_that_is_left_out_moves_no_lease() -> None:
    """What was reckoned for it is to spare: the lease stays as it was told, and covers all that is left."""
    story = healthy().after(1, ev.Faulted("frames-stopped"))
    lease_until = story.state.lease_until
    story.until_deadline()
    moved = story.state.lease_until
    while story.state.floor is not Rung.RESET_DEVICE and not story.state.exhausted:
        story.until_deadline()
        if story.state.phase is Phase.LEAVING:
            break
        assert story.state.lease_until >= story.state.deadline

    assert lease_until == moved
    assert story.now < lease_until


def test_its_late_answer_is_no_news() -> None:
    """The call may return while the worker is being ended; that is no success of the attempt under way."""
    story = hanging()
    before = story.state
    story.after(0.5, DONE)

    assert before == story.state
    assert Milestone.REAPING is story.state.milestone


def test_frames_of_the_fresh_worker_are_its_cure() -> None:
    """They end the incident under its new name, by the rung that brought them."""
    story = hanging().boot()

    assert [(NAME, WORKER, 1)] == [(r.fault, r.rung, r.attempt) for r in story.said(ev.SayRecovered)]
    assert Phase.HEALTHY is story.state.phase


def test_a_worker_that_has_not_opened_yet_hangs_in_its_start() -> None:
    """An order that such a worker was given too early does not hide what it hangs in."""
    story = Story().after(1, *OPEN[:2], ev.Faulted("frontend-timeout"))
    ordered = story.orders()[-1]
    story.until_deadline()

    assert ((STREAM, 1), "init-timeout") == (ordered, story.state.fault)


def test_without_restarts_of_the_worker_it_climbs_past_them() -> None:
    """A rung that is off is left out here too."""
    story = healthy(policy(WORKER)).after(0, ev.Located("1-1.3")).after(1, ev.Faulted("frames-stopped"))
    story.until_deadline()

    assert (NAME, Rung.RESET_DEVICE) == (story.state.fault, story.state.rung)


def test_frames_while_it_is_waited_for_end_the_incident() -> None:
    """A stream that runs again before its time is over needs nothing, whatever became of the order."""
    story = healthy().after(1, ev.Faulted("frames-stopped")).after(29, GOOD)

    assert (Phase.HEALTHY, [(STREAM, 1)]) == (story.state.phase, story.orders()[1:])
