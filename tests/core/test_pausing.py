# SPDX-License-Identifier: MIT
"""Storyboards of a camera that its operator has: left alone, whatever happens, until the end of the pause."""

import pytest

from camwatchd.core import escalation
from camwatchd.core import events as ev
from camwatchd.core.ladder import Rung
from camwatchd.core.state import Phase, Policy
from tests.core.storyboard import CRASH, GOOD, MISSED, Story, healthy, parked

WORKER = Rung.RESTART_WORKER
STUCK = ev.WorkerUnkillable("worker-unkillable", "vb2_core_streamoff")


def test_a_pause_releases_the_camera() -> None:
    """Whatever was going on: the worker is ended, and nothing but time or the operator brings it back."""
    for story in (Story(), healthy(), healthy().stall(), parked(), healthy().after(1, STUCK).refuse()):
        seen = story.state.last_healthy
        story.after(1, ev.Paused(600.0))
        assert seen == story.state.last_healthy  # for the status
        end, effects = story.state.deadline, len(story.told)
        story.after(1, GOOD, CRASH, MISSED, STUCK, ev.WorkerReaped(), ev.DeviceAppeared()).refuse()

        assert [ev.Release(), ev.SayPaused(600.0)] == [effect for _, effect in story.told[-2:]]
        assert (Phase.PAUSED, end, effects) == (story.state.phase, story.state.deadline, len(story.told))


@pytest.mark.parametrize(("expired", "seconds"), [(True, 600.0), (False, 10.0)])
def test_after_a_pause_the_camera_is_begun_anew(expired: bool, seconds: float) -> None:
    """By the operator or by itself: a start of its own, from the foot of the ladder."""
    story = parked().after(1, ev.Paused(600.0))
    story = story.until_deadline() if expired else story.after(seconds, ev.Resumed())

    assert [ev.SayResumed(expired), ev.Perform(WORKER, 0, fresh=True)] == [e for _, e in story.told[-2:]]
    assert (Phase.STARTING, (0,) * len(Rung)) == (story.state.phase, story.state.used)
    assert 0 == story.state.failures


def test_a_pause_may_be_prolonged_and_shortened() -> None:
    """The last word of the operator counts."""
    story = healthy().after(1, ev.Paused(600.0)).after(10, ev.Paused(30.0))

    assert 30 == pytest.approx(story.state.deadline - story.now)


def test_a_pause_that_outlives_the_service_opens_nothing() -> None:
    """The next start leaves the camera to its operator too, and forgets no healthy frame that it never saw."""
    state, effects = escalation.pause(Policy(), 100.0, 50.0)

    assert (Phase.PAUSED, 150.0, None) == (state.phase, state.deadline, state.last_healthy)
    assert (ev.Release(), ev.SayPaused(50.0)) == effects


def test_resuming_what_is_not_paused_changes_nothing() -> None:
    """An operator who says it twice disturbs nobody."""
    for story in (healthy(), parked(), healthy().stall()):
        before = story.state
        assert before == story.after(0, ev.Resumed()).state
