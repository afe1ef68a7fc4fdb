# SPDX-License-Identifier: MIT
"""Storyboards of the rung reset-device: when it is climbed, what proves it, and when there is nothing to reset."""

from dataclasses import replace

import pytest

from camwatchd.core import events as ev
from camwatchd.core.ladder import LADDER, Outcome, Rung
from camwatchd.core.state import Milestone, Phase, Policy
from tests.core.storyboard import DONE, GOOD, OPEN, Story, healthy, policy

STREAM, WORKER, RESET, SERVICE = (
    Rung.RESTART_STREAM,
    Rung.RESTART_WORKER,
    Rung.RESET_DEVICE,
    Rung.RESTART_SERVICE,
)
ABSENT = ev.ActionEnded(Outcome.NOT_APPLICABLE, "nothing is plugged in at 1-1.3")
PLACE = "1-1.3"


def wedged_camera(rules: Policy | None = None, place: str | None = PLACE) -> Story:
    """A camera that worked, stalled, and that no restart of stream or worker has helped."""
    story = healthy(rules)
    if place is not None:
        story.after(0, ev.Located(place))
    story.stall()
    while not (story.state.rung is RESET or story.state.exhausted or story.state.phase is Phase.LEAVING):
        if story.stream_restarts():
            story.after(0.1, DONE)
        elif story.state.milestone is Milestone.REAPING:
            story.after(0.1, *OPEN)
        else:
            story.until_deadline()
    return story


def resetting(rules: Policy | None = None) -> Story:
    """... and whose device is being reset."""
    story = wedged_camera(rules).until_deadline()
    assert (Phase.ACTING, RESET, Milestone.RESETTING) == (
        story.state.phase,
        story.state.rung,
        story.state.milestone,
    )
    return story


def test_it_stands_between_the_worker_and_the_service() -> None:
    """After the last restart of the worker 2 s pass with the camera open; then the device is reset, once."""
    story = wedged_camera()
    waiting = story.said(ev.SayWaiting)[-1]
    story.until_deadline().after(1, DONE).until(Phase.LEAVING)

    assert ev.SayWaiting(RESET, 1, 2.0) == waiting
    assert [(WORKER, 3), (RESET, 1), (WORKER, 0), (SERVICE, 1)] == story.orders()[-4:]
    assert [] == story.said(ev.SaySkipped)


def test_frames_of_a_fresh_worker_prove_it() -> None:
    """That the kernel took the order is no recovery: a worker is executed afresh, and three of its frames count."""
    story = resetting()
    begun = story.now
    story.after(0.5, DONE)
    fresh = story.told[-1][1]
    acting = story.state.phase, story.state.rung
    story.boot()

    assert ev.Perform(WORKER, 0, fresh=True) == fresh
    assert (Phase.ACTING, RESET) == acting
    (said,) = story.said(ev.SayRecovered)
    assert (RESET, 1) == (said.rung, said.attempt)
    assert story.now - begun == pytest.approx(said.took)  # with the reset
    assert Phase.HEALTHY is story.state.phase


def test_without_frames_it_has_failed() -> None:
    """A camera that stays silent for the rung's settle time after the reset counts as a failed recovery."""
    story = resetting()
    failed = story.state.failed_recoveries
    story.after(0.5, DONE).after(0.1, *OPEN)
    settling = story.state.deadline - story.now
    story.until_deadline()

    assert LADDER[RESET.height].settle == pytest.approx(settling)
    assert failed + 1 == story.state.failed_recoveries
    assert RESET is story.said(ev.SayAttemptFailed)[-1].rung


def test_a_refused_reset_has_failed() -> None:
    """The reason is told, it counts, and the ladder goes on."""
    story = resetting()
    failed = story.state.failed_recoveries
    story.after(0.5, ev.ActionEnded(Outcome.FAILED, "/dev/bus/usb/001/005 may not be opened"))

    assert failed + 1 == story.state.failed_recoveries
    assert ("/dev/bus/usb/001/005 may not be opened", SERVICE) == (
        story.said(ev.SayAttemptFailed)[-1].reason,
        story.state.rung,
    )


@pytest.mark.parametrize("late", [False, True])
def test_nobody_waits_without_a_worker(late: bool) -> None:
    """A reset that failed has left no worker: on a spent ladder the next one starts at once, later ones do not."""
    story = resetting(policy(SERVICE, max_recovery_attempts=50))
    story.until_deadline() if late else story.after(0.5, ev.ActionEnded(Outcome.FAILED, "no"))
    at_once = story.state.phase, story.state.rung, story.state.since == story.now
    story.after(0.1, ev.WorkerStarted(), ev.Faulted("init-failed"))

    assert (Phase.ACTING, WORKER, True) == at_once
    assert (Phase.BACKOFF, 30.0) == (story.state.phase, story.state.deadline - story.now)


def test_a_reset_without_an_answer_has_failed() -> None:
    """Twenty seconds to end the worker and the rung's own twenty are the bound; nobody waits any longer."""
    story = resetting()
    bound = story.state.deadline - story.now
    story.until_deadline()

    assert 20 + 20 == pytest.approx(bound)
    assert "resetting the USB device" in story.said(ev.SayAttemptFailed)[-1].reason
    assert SERVICE is story.state.rung


@pytest.mark.parametrize("place", ["", None])
def test_without_a_usb_device_it_is_skipped(place: str | None) -> None:
    """Not on USB, or not known to be: no pause, no failure, one word, and the next rung at once."""
    story = wedged_camera(place=place)
    (said,) = story.said(ev.SaySkipped)

    assert RESET is said.rung
    assert ("not on USB" in said.reason) == (place == "")
    assert RESET not in [rung for rung, _ in story.orders()]
    assert len(story.said(ev.SayAttemptFailed)) == story.state.failed_recoveries == 5
    assert (Phase.LEAVING, SERVICE) == (story.state.phase, story.state.rung)
    assert story.told[-1][0] == story.told[-2][0] == story.told[-3][0]


def test_a_device_that_has_vanished_is_skipped() -> None:
    """What the helper does not find was no attempt that failed, and no reason not to climb further, at once."""
    story = resetting()
    failed = story.state.failed_recoveries
    story.after(0.5, ABSENT)

    assert [ev.SaySkipped(RESET, "nothing is plugged in at 1-1.3")] == story.said(ev.SaySkipped)
    assert failed == story.state.failed_recoveries
    assert (Phase.LEAVING, SERVICE) == (story.state.phase, story.state.rung)


def test_it_is_told_once_per_incident() -> None:
    """However often the ladder comes by: one word until frames return, and one in the next incident."""
    story = wedged_camera(policy(SERVICE, max_recovery_attempts=50, stable_after=5.0), place="")
    for _ in range(6):
        story.until_deadline()
        if story.state.milestone is Milestone.REAPING:
            story.after(0.1, ev.WorkerStarted(), ev.Faulted("init-failed"))
    first = len(story.said(ev.SaySkipped))
    for _ in range(6):
        story.after(1, GOOD)
    story.after(0.1, ev.Faulted("frames-stopped"))
    while not story.state.exhausted:
        story.until_deadline()

    assert 1 == first
    assert 2 == len(story.said(ev.SaySkipped))


@pytest.mark.parametrize("meanwhile", [Phase.BACKOFF, Phase.ACTING])
def test_a_vanished_device_that_appeared_again_is_looked_for_at_once(meanwhile: Phase) -> None:
    """Plugged in elsewhere before or while the old place is looked at: the next attempt waits for nothing."""
    story = healthy(policy(SERVICE)).after(1, ev.Located(PLACE), ev.Faulted("device-gone"))
    while story.state.rung is not RESET:
        story.until(Phase.ACTING).after(0.1, ev.WorkerStarted(), ev.Faulted("not-found"))
    story.until(meanwhile).after(0.1, ev.DeviceAppeared()).until(Phase.ACTING).after(0.5, ABSENT)

    assert (Phase.ACTING, WORKER) == (story.state.phase, story.state.rung)
    assert story.now == story.state.since


def test_a_worker_that_cannot_be_killed_is_never_reset_under() -> None:
    """While it has the device open nothing is reset: the reboot is asked for instead."""
    story = resetting().after(15, ev.WorkerUnkillable("worker-unkillable"))
    asked = story.state.phase, story.state.rung
    story.after(1, DONE)

    assert (Phase.LEAVING, Rung.REBOOT) == asked == (story.state.phase, story.state.rung)


def test_the_kernels_words_on_the_reset_do_not_fail_it() -> None:
    """A device that leaves the bus in its reset is what a reset looks like; the outcome decides."""
    story = resetting().after(0.2, ev.Faulted("device-gone"), ev.StreamStarted(), DONE, DONE)

    assert [(RESET, 1), (WORKER, 0)] == story.orders()[-2:]
    assert (RESET, Milestone.REAPING) == (story.state.rung, story.state.milestone)
    assert [] == [said for said in story.said(ev.SayAttemptFailed) if said.rung is RESET]


def test_an_answer_that_comes_too_late_is_none() -> None:
    """Once the ladder has moved on, the end of the reset moves nothing."""
    story = resetting(policy(SERVICE, max_recovery_attempts=50)).until_deadline()
    state = story.state
    story.after(0.1, DONE)

    assert state == story.state


def test_the_place_outlives_a_restart_of_the_service() -> None:
    """The incident that goes on knows what to reset, and so does the next one; a pause forgets it."""
    story = resetting().after(0.5, DONE).until(Phase.LEAVING).restart()
    kept = story.state.place
    story.boot()

    assert (PLACE, PLACE) == (kept, story.state.place)
    assert story.after(1, ev.Paused(60.0)).state.place is None


def test_a_rung_that_is_off_is_not_missed() -> None:
    """[ladder.reset-device] enabled = false: neither climbed nor told."""
    story = wedged_camera(policy(RESET))

    assert RESET not in [rung for rung, _ in story.orders()]
    assert [] == story.said(ev.SaySkipped)


def test_more_attempts_double_their_pause() -> None:
    """Every further reset waits twice as long as the one before."""
    row = replace(LADDER[RESET.height], attempts=2)
    rules = replace(policy(), ladder=(*LADDER[:3], row, *LADDER[4:]))
    story = wedged_camera(rules).until_deadline().after(0.5, ev.ActionEnded(Outcome.FAILED, "no"))

    assert [2.0, 4.0] == [said.seconds for said in story.said(ev.SayWaiting) if said.rung is RESET]
