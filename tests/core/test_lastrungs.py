# SPDX-License-Identifier: MIT
"""Storyboards of the last rungs: when a camera asks to leave, what proves a restart, and what an answer means."""

from dataclasses import replace

import pytest

from camwatchd.core import events as ev
from camwatchd.core.ladder import LADDER, Rung
from camwatchd.core.state import Milestone, Phase
from tests.core.storyboard import CRASH, GOOD, OPEN, Story, healthy, parked, policy, spent

WORKER, SERVICE, REBOOT = Rung.RESTART_WORKER, Rung.RESTART_SERVICE, Rung.REBOOT


def flapping(story: Story, times: int) -> Story:
    """A camera that dies again and again, and that the next worker helps each time."""
    for _ in range(times):
        story.after(1, CRASH).after(31, *OPEN, GOOD)
    return story


# --- restart-service --------------------------------------------------------------------------------------


def test_a_camera_that_never_returns_climbs_to_the_end() -> None:
    """Stream twice, worker three times, the service, rounds until both thresholds hold, then the reboot."""
    story = spent().restart()
    proof = (story.state.phase, story.state.rung, story.told[-1][1])
    story.after(3, *OPEN)
    settle = story.state.deadline - story.now
    story.until(Phase.LEAVING)

    assert (Phase.ACTING, SERVICE, ev.Perform(WORKER, 0, fresh=True)) == proof
    assert 15 == settle
    assert [(SERVICE, 1), (WORKER, 0), (WORKER, 3), (REBOOT, 1)] == story.orders()[6:]
    assert (10, 6) == (story.state.failures, story.state.failed_recoveries)
    assert ["restart-service"] == [f.rung for f in story.said(ev.SayAttemptFailed) if f.rung is SERVICE]


def test_a_restart_of_the_service_is_proved_by_its_first_worker() -> None:
    """Three healthy frames of the first worker end the incident, and say that this rung cured it."""
    story = spent().restart().after(3, *OPEN).after(0.1, GOOD)

    (said,) = story.said(ev.SayRecovered)
    assert (SERVICE, 1) == (said.rung, said.attempt)
    assert said.seconds > said.took > 19  # 16 s without the service are part of the attempt
    assert Phase.HEALTHY is story.state.phase


def test_the_counters_survive_a_restart_of_the_service() -> None:
    """Failures, failed recoveries and the name of the fault go on where they stood; that rung is spent."""
    before = spent()
    counted = (before.state.failures, before.state.failed_recoveries, before.state.fault)
    after = before.restart()

    assert (8, 5, "frames-stopped") == counted
    assert counted == (after.state.failures, after.state.failed_recoveries, after.state.fault)
    assert SERVICE is after.state.floor
    assert 1 == after.state.used[SERVICE.height]


def test_the_service_is_not_restarted_twice_in_a_row() -> None:
    """A camera that it did not help, or helped for a minute, asks for the reboot next; after stable health anew."""
    story = spent().restart().after(3, *OPEN).after(0.1, GOOD).stall().until(Phase.LEAVING)
    soon = story.state.rung
    for _ in range(310):
        story.after(1, GOOD)
    story.stall().until(Phase.LEAVING)

    assert (REBOOT, SERVICE) == (soon, story.state.rung)


def test_a_refused_restart_is_said_and_the_ladder_goes_on() -> None:
    """Rounds of restart-worker follow until both thresholds hold, and no other answer is promised."""
    story = spent().refuse("restarts-spent", 60.0)
    waits = story.state.phase
    story.until(Phase.LEAVING)

    assert [(SERVICE, "restarts-spent", 0.0)] == [
        (r.rung, r.name, r.again_in) for r in story.said(ev.SayRefused)
    ]
    assert (Phase.BACKOFF, 30.0) == (waits, story.said(ev.SayWaiting)[-1].seconds)
    assert REBOOT is story.state.rung


def test_a_rung_that_is_off_is_passed_by() -> None:
    """Without restart-service the reboot follows the rounds; without both the camera is parked by that name."""
    assert REBOOT is spent(policy(SERVICE)).state.rung

    story = healthy(policy(SERVICE, REBOOT)).stall().until(Phase.PARKED)
    assert [] == story.asked()
    assert ["rung-off"] == [said.name for said in story.said(ev.SayParked)]


def test_an_optional_camera_leaves_neither_way() -> None:
    """It climbs as high as the process goes, is parked by that name, and probed."""
    story = healthy(policy(required=False)).stall().after(36000)

    assert [] == story.asked()
    assert ["optional-camera"] == [said.name for said in story.said(ev.SayParked)]
    assert len(story.orders()) > 15


def test_what_a_new_service_may_cure_asks_for_it_at_once() -> None:
    """Device groups that were not registered at the start are refused until the next; then it is only probed."""
    story = healthy().after(1, ev.Faulted("device-refused"))
    at_once = story.orders()[-1]
    story.restart().fails(*OPEN[:2], ev.Faulted("device-refused"))

    assert (SERVICE, 1) == at_once
    assert Phase.HOLDING is story.state.phase
    story.after(61, *OPEN[:2], ev.Faulted("device-refused")).fails()
    assert [SERVICE] == story.asked()


def test_a_device_that_is_let_in_has_another_fault() -> None:
    """Once a probe gets past the refusal, what it finds is the fault, however weak, and is climbed for."""
    story = healthy().after(1, ev.Faulted("device-refused")).restart()
    story.after(1, *OPEN[:2], ev.Faulted("init-failed"))

    assert "init-failed" == story.state.fault
    assert Phase.BACKOFF is story.state.phase


# --- when the reboot is asked for -------------------------------------------------------------------------


@pytest.mark.parametrize(("failures", "recoveries"), [(25, 1), (1, 12), (20, 12), (1, 1)])
def test_both_thresholds_must_hold(failures: int, recoveries: int) -> None:
    """The one that is reached later decides, and rounds of restart-worker are what reaches it."""
    rules = policy(SERVICE, system_reboot_threshold=failures, max_recovery_attempts=recoveries)
    state = spent(rules).state

    assert state.failures >= failures
    assert state.failed_recoveries >= recoveries
    assert state.failures == failures or state.failed_recoveries == max(recoveries, 5)


def test_a_camera_that_flapped_until_it_died_asks_for_the_service_before_the_reboot() -> None:
    """With every attempt spent on recoveries that did help, the thresholds are reached first; no rung is left out."""
    ladder = (*LADDER[:2], replace(LADDER[2], attempts=9), *LADDER[3:])
    story = flapping(healthy(replace(policy(), ladder=ladder)), 10).stall().until(Phase.LEAVING)

    assert SERVICE is story.state.rung
    assert (10, 7) == (story.state.failures, story.state.failed_recoveries)


def test_a_camera_that_flaps_and_fails_once_is_not_parked() -> None:
    """With all attempts spent on recoveries that helped, one that did not is followed by rounds, not by a request."""
    story = flapping(healthy(), 4).after(1, CRASH).after(31, *OPEN).until_deadline()

    assert 1 == story.state.failed_recoveries
    assert Phase.BACKOFF is story.state.phase


def test_a_camera_that_flapped_and_now_fails_for_good_is_given_up_like_any_other() -> None:
    """As many rounds that fail as a fresh incident has attempts, and the service is asked for."""
    story = flapping(healthy(), 4).after(1, CRASH).until(Phase.LEAVING)

    assert (SERVICE, 3) == (story.state.rung, story.state.failed_recoveries)


def test_an_open_limit_goes_past_the_service() -> None:
    """A fault that only a boot cures does not restart the service: the first worker of the next start would open."""
    story = healthy().after(1, CRASH)
    story.fails(ev.Faulted("open-limit"))

    assert {REBOOT} == set(story.asked())
    assert story.state.failures >= 10


def test_an_unkillable_worker_asks_at_once() -> None:
    """Nothing below can help: neither thresholds nor rungs are waited for, from whatever phase."""
    for story in (
        Story(),
        healthy(),
        healthy().stall(),
        spent(),
        parked(),
        healthy().after(1, ev.Faulted("busy")),
    ):
        story.after(0.5, ev.WorkerUnkillable("leftover-worker", "vb2_core_streamoff"))
        assert (REBOOT, 1) == story.orders()[-1]
        assert (Phase.LEAVING, "leftover-worker") == (story.state.phase, story.state.fault)
        assert Milestone.NONE is story.state.milestone


def test_frames_that_return_while_the_answer_is_out_end_the_incident() -> None:
    """Nobody leaves a camera that delivers; the answer that comes then means nothing any more."""
    story = spent().after(5, GOOD)
    back = story.state
    story.refuse()

    assert Phase.HEALTHY is back.phase
    assert back == story.state
    assert [None] == [said.rung for said in story.said(ev.SayRecovered)]


def test_an_answer_that_does_not_come_is_a_refusal() -> None:
    """A recorder that is silent for 15 s parks the camera by that name: without a record nobody leaves."""
    story = parked().until(Phase.LEAVING)
    since = story.now
    story.until_deadline()

    assert 15 == story.now - since
    assert (Phase.PARKED, "recorder-silent") == (story.state.phase, story.state.refusal)
