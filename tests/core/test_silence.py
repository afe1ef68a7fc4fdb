# SPDX-License-Identifier: MIT
"""Storyboards of reports that do not come: late on a busy machine, or never, and how soon that is told apart."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.core import events as ev
from camwatchd.core import lease
from camwatchd.core.ladder import Rung
from camwatchd.core.state import Phase, Policy
from tests.core.histories import durations, policies
from tests.core.storyboard import MISSED, Story, healthy, policy

STREAM, WORKER = Rung.RESTART_STREAM, Rung.RESTART_WORKER
REPORT = 1.5 + 0.5  # s: the frame deadline at 30 frames a second, and the slack


def missed(times: int, story: Story | None = None) -> Story:
    """A camera whose worker has reported so many missed captures."""
    story = story or healthy()
    for _ in range(times):
        story.after(1.5, MISSED)
    return story


def faults(story: Story) -> list[str]:
    """What its incident is called, if there is one."""
    return [said.fault for said in story.said(ev.SayFault)]


def test_a_late_report_keeps_the_reason_that_was_counted() -> None:
    """A worker that says why captures fail and is then delayed takes orders: its stream is restarted, not itself."""
    story = missed(2).after(REPORT + 0.1, MISSED)

    assert (["frames-stopped"], (STREAM, 1)) == (faults(story), story.orders()[-1])
    assert [1, 2, 3] == [said.failures for said in story.said(ev.SayFailure)]


def test_a_late_frame_is_one_too() -> None:
    """While it is waited for nothing is counted and nothing is over: three healthy frames are a hiccup's end."""
    story = missed(2).after(REPORT + 0.1)
    waiting = (story.state.phase, story.state.failures)
    story.after(0.1, ev.FramesArrived(3))

    assert (Phase.RETRYING, 2) == waiting
    assert [2] == [said.failures for said in story.said(ev.SayHiccup)]


def test_a_worker_that_reported_and_then_hangs_is_named_for_it() -> None:
    """It is waited for once: two report times after its last word it is a silent one."""
    story = missed(2)
    word = story.now
    story.after(2 * REPORT - 0.01)
    patient = faults(story)
    story.until_deadline()

    assert ([], ["worker-silent"], (WORKER, 1)) == (patient, faults(story), story.orders()[-1])
    assert 2 * REPORT == pytest.approx(story.now - word)


def test_who_was_silent_twice_is_not_waited_for_again() -> None:
    """One reported capture and two reports that did not come make three."""
    story = missed(1)
    word = story.now
    while not faults(story):
        story.until_deadline()

    assert ["worker-silent"] == faults(story)
    assert 2 * REPORT == pytest.approx(story.now - word)


@pytest.mark.parametrize(("limit", "silences"), [(1, 1), (2, 2), (3, 3), (5, 5)])
def test_a_worker_that_never_said_anything_is_counted_to_the_limit(limit: int, silences: int) -> None:
    """Nothing else explains it: no time is lost on a worker that stopped in the middle of its healthy frames."""
    story = healthy(policy(max_consecutive_failures=limit))
    last = story.now
    while not faults(story):
        story.until_deadline()

    assert ["worker-silent"] == faults(story)
    assert silences * REPORT == pytest.approx(story.now - last)


def test_the_last_word_is_not_put_off() -> None:
    """With frames of 1.5 s a further report time would end after no_frame_timeout."""
    story = healthy(policy(frame_timeout=9.0)).after(0.1, ev.FramesArrived(3, 1.5))
    last = story.now
    story.after(9, MISSED).after(9, MISSED).after(11.99)
    patient = faults(story)
    story.until_deadline()

    assert ([], ["worker-silent"]) == (patient, faults(story))
    assert 30 == pytest.approx(story.now - last)


def test_the_wait_is_reckoned_with_by_the_watchdog() -> None:
    """The longest way to a fault is as long as the detection time, and one silence longer than the count alone."""
    story = healthy()
    last = story.now
    for _ in range(2):
        story.after(REPORT - 1e-6, MISSED)
    while not faults(story):
        story.until_deadline()

    assert 4 * REPORT == lease.detection_time(story.policy, 1 / 30)
    assert 4 * REPORT == pytest.approx(story.now - last, abs=1e-4)
    assert REPORT == lease.detection_time(policy(max_consecutive_failures=1), 1 / 30)


@given(policies, durations, st.lists(st.sampled_from([0.1, 0.9, 0.999, 1.0]), max_size=20))
def test_detection_is_never_longer_than_the_watchdog_reckons(
    policy: Policy, duration: float, shares: list[float]
) -> None:
    """However reports and silences take turns, each at its share of the time there is for it."""
    story = healthy(policy)
    story.state = replace(story.state, frame_duration=duration or 1 / 30)
    story.after(0.1, ev.FramesArrived(3, duration))
    last = story.now
    while not faults(story):
        share = shares.pop() if shares else 1.0
        if share < 1:
            story.after((story.state.deadline - story.now) * share, MISSED)
        else:
            story.until_deadline()

    assert story.now - last <= lease.detection_time(policy, story.state.frame_duration) + 1e-6
    assert faults(story)[0] in ("worker-silent", "frames-stopped")
