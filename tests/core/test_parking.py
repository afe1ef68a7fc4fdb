# SPDX-License-Identifier: MIT
"""Storyboards of cameras for which nothing may be done now: parked, or held by a process that cannot be killed."""

import pytest

from camwatchd.core import events as ev
from camwatchd.core.events import Event
from camwatchd.core.ladder import Rung
from camwatchd.core.state import Phase
from tests.core.storyboard import CRASH, GOOD, MISSED, OPEN, Story, healthy, parked, policy

WORKER, REBOOT = Rung.RESTART_WORKER, Rung.REBOOT
NOT_FOUND: tuple[Event, ...] = (*OPEN[:2], ev.Faulted("not-found"))
STUCK = ev.WorkerUnkillable("worker-unkillable", "vb2_core_streamoff")
NO_ROUNDS = policy(system_reboot_threshold=5)  # the thresholds hold when the rungs are spent


def gone(name: str = "did-not-help", again_in: float = 0.0) -> Story:
    """A camera that was unplugged and is parked."""
    story = healthy().after(1, ev.Faulted("device-gone")).fails(*NOT_FOUND)
    return story.refuse("restarts-spent").fails(*NOT_FOUND).refuse(name, again_in)


def probes(story: Story) -> list[float]:
    """When a probe was ordered: a worker of no attempt."""
    return [when for when, e in story.told if isinstance(e, ev.Perform) and not e.attempt][1:]


# --- parked -----------------------------------------------------------------------------------------------


def test_a_parked_camera_is_probed_ever_more_slowly() -> None:
    """After 60, 300, 900 and then every 3600 s a fresh worker looks; what it finds is asked for again."""
    story, pauses = gone(), []
    for _ in range(6):
        pauses.append(story.state.deadline - story.now)
        story.until_deadline().fails(*NOT_FOUND)
        assert [(WORKER, 0), (REBOOT, 1)] == story.orders()[-2:]
        story.refuse()

    assert [60, 300, 900, 3600, 3600, 3600] == pytest.approx(pauses)


@pytest.mark.parametrize("again_in", [7.0, 60.0])
def test_asking_again_puts_no_probe_off(again_in: float) -> None:
    """However soon another answer may be had (a silent recorder, a busy dpkg), the camera is looked at in time."""
    story = parked("ledger-silent", again_in, NO_ROUNDS)
    begin = story.now - story.start
    for _ in range(1260 // 7):
        story.until_deadline().fails(*NOT_FOUND).refuse("ledger-silent", again_in)

    first, second, third, *_ = probes(story)
    assert (60, 300, 900) == pytest.approx((first - begin, second - first, third - second), abs=2)


def test_what_is_postponed_is_asked_again_at_its_time() -> None:
    """Waiting for the moment (uptime, a package operation) touches no camera, calls nobody and is said once."""
    story = parked("min-uptime", 40.0, NO_ROUNDS)
    orders = len(story.orders())
    story.after(39.9)
    patient = len(story.orders())
    story.after(0.2).refuse("min-uptime", 3.0, postponed=True)

    assert orders == patient
    assert [(REBOOT, 1)] == story.orders()[orders:]
    assert [("min-uptime", 40.0, True)] == [
        (r.name, r.again_in, r.postponed) for r in story.said(ev.SayRefused) if r.rung is REBOOT
    ]
    assert not story.state.critical_said
    assert parked("min-uptime", 40.0).state.critical_said  # by the rounds before
    assert 3 == pytest.approx(story.state.ask_at - story.now)


def test_a_human_is_called_once_for_each_reason() -> None:
    """A new name is news, the same one again is not; being parked is the call for a human."""
    story = parked("did-not-help", rules=NO_ROUNDS)
    for name in ("did-not-help", "daily-limit", "daily-limit"):
        story.until_deadline().until(Phase.LEAVING).refuse(name)
    story.until_deadline().until(Phase.LEAVING).refuse("weekly-limit", 5.0)

    parks = [(said.name, round(said.seconds)) for said in story.said(ev.SayParked)]
    assert [("did-not-help", 60), ("daily-limit", 900), ("weekly-limit", 3600)] == parks
    assert [] == story.said(ev.SayCritical)
    assert story.state.critical_said


def test_the_wait_for_others_is_counted_from_its_beginning() -> None:
    """Each answer of that name keeps the time of the first, probes included; another name ends the count."""
    story = parked("others-at-work", 10.0, NO_ROUNDS)
    since = story.now
    for _ in range(12):
        story.until(Phase.LEAVING).refuse("others-at-work", 10.0, postponed=True)
        story.until_deadline()
    counted = story.state.waits_since
    story.until(Phase.LEAVING).refuse("min-uptime", 10.0, postponed=True)

    assert since == counted
    assert story.state.waits_since is None


def test_frames_unpark() -> None:
    """Healthy frames of the worker that is still there end the park by themselves, and are news."""
    story = parked().after(10, GOOD)

    assert Phase.HEALTHY is story.state.phase
    assert [(None, 0.0)] == [(said.rung, said.took) for said in story.said(ev.SayRecovered)]


def test_health_forgets_every_refusal() -> None:
    """Nothing of an incident is left for the next one but the height it reached."""
    waiting = parked("others-at-work", 10.0).after(1, ev.CaptureFailed("black-picture"))
    stuck = healthy().after(1, STUCK).refuse("daily-limit", 5000.0)
    for story in (waiting, stuck):
        state, new = story.after(1, GOOD).state, healthy().state
        for name in (
            "wedged",
            "symptom",
            "waits_since",
            "ask_at",
            "probe_at",
            "parks",
            "refusal",
            "refusal_detail",
        ):
            assert getattr(new, name) == getattr(state, name), name


def test_a_probe_unparks() -> None:
    """Healthy frames of the probe end the park, and the next park begins with a short pause again."""
    story = gone().until_deadline().fails(*NOT_FOUND).refuse().until_deadline().after(1, *OPEN, GOOD)
    back = story.state.phase
    story.after(1, ev.Faulted("device-gone")).fails(*NOT_FOUND).refuse()

    assert Phase.HEALTHY is back
    assert 60 == story.state.deadline - story.now


def test_a_parked_camera_stands_at_the_top() -> None:
    """Whatever it was doing when it was refused, by the recorder or by its own settings: no attempt is under way."""
    for story in (gone(), healthy(policy(required=False)).after(1, CRASH).fails(*OPEN[:2])):
        assert (Phase.PARKED, REBOOT, "") == (story.state.phase, story.state.rung, story.state.milestone)


def test_a_probe_may_find_what_can_be_climbed_for() -> None:
    """A camera that is there again but in somebody's hands is held; one that fails anew is asked for."""
    story = gone().until_deadline().fails(*OPEN[:2], ev.Faulted("busy"))
    held = story.state.phase
    story.until_deadline().fails(*OPEN[:2], ev.Faulted("init-failed"))

    assert Phase.HOLDING is held
    assert (Phase.LEAVING, "init-failed") == (story.state.phase, story.state.fault)


def test_what_a_parked_camera_says_is_no_news() -> None:
    """Failures, crashes and further faults of the worker that is left start nothing; the probe is near."""
    story = gone()
    deadline, orders = story.state.deadline, len(story.orders())
    story.after(1, MISSED, CRASH, ev.Faulted("frontend-timeout"), ev.WorkerReaped())

    assert (deadline, orders) == (story.state.deadline, len(story.orders()))


# --- a device appears -------------------------------------------------------------------------------------


def test_a_device_that_appears_is_probed_at_once() -> None:
    """Nobody who plugs a camera in waits for an hour."""
    story = gone().after(5, ev.DeviceAppeared("/dev/video0"))

    assert (story.now - story.start, ev.Perform(WORKER, 0)) == pytest.approx(story.told[-1])


@pytest.mark.parametrize("asking", [False, True])
def test_a_device_that_appears_during_a_probe_is_not_forgotten(asking: bool) -> None:
    """A probe that looked too early is followed by the next in a second, not in an hour."""
    story = gone().until_deadline().after(1, *OPEN[:2])
    if asking:
        story.after(1, ev.Faulted("not-found")).after(1, ev.DeviceAppeared()).refuse()
    else:
        story.after(1, ev.DeviceAppeared(), ev.Faulted("not-found")).refuse()
    parked_at = story.now
    story.until_deadline()

    assert 1 == pytest.approx(story.now - parked_at)
    assert (WORKER, 0) == story.orders()[-1]
    story.fails(*NOT_FOUND).refuse()
    assert story.state.deadline - story.now > 250  # as without a device


def test_devices_that_appear_all_the_time_are_probed_now_and_then() -> None:
    """The second within a second is waited for, not forgotten; one at each probe comes at most every cooldown."""
    story = gone().after(5, ev.DeviceAppeared()).fails(*NOT_FOUND).refuse()
    story.after(0.1, ev.DeviceAppeared())
    soon = story.state.deadline - story.now
    assert [(WORKER, 0)] == story.until_deadline().orders()[-1:]
    story.fails(*NOT_FOUND).refuse()
    for _ in range(40):
        story.until_deadline().after(0.1, ev.DeviceAppeared()).fails(*NOT_FOUND).refuse()
    times = probes(story)

    assert 0 < soon <= 2
    assert 30 <= times[-1] - times[-2] <= 31


def test_a_device_that_comes_too_soon_is_probed_a_little_later() -> None:
    """At the moment when it may hurry, as one that hurried; what is to be asked before that is asked before."""
    story = gone().after(5, ev.DeviceAppeared()).fails(*NOT_FOUND).refuse("daily-limit", 0.5)
    hurried = story.state.hurries
    story.after(0.1, ev.DeviceAppeared()).until_deadline()
    first = story.orders()[-1]
    story.refuse("daily-limit", 5000.0).until_deadline()

    assert [(REBOOT, 1), (WORKER, 0)] == [first, story.orders()[-1]]
    assert hurried + 1 == story.state.hurries


def test_a_device_that_waits_for_its_probe_is_not_put_off_by_questions() -> None:
    """After many hurried probes the next one is half a minute away; asking every few seconds does not move it."""
    story = gone()
    for _ in range(6):
        story.after(31, ev.DeviceAppeared()).fails(*NOT_FOUND).refuse("others-at-work", 7.0)
    story.until(Phase.LEAVING).after(0.1, ev.DeviceAppeared()).refuse("others-at-work", 7.0)
    seen_at = story.now - story.start
    for _ in range(6):
        story.until_deadline().fails(*NOT_FOUND).refuse("others-at-work", 7.0)

    assert 30 == pytest.approx(min(when for when in probes(story) if when > seen_at) - seen_at)


# --- wedged -----------------------------------------------------------------------------------------------


def test_a_wedged_camera_asks_again_and_again() -> None:
    """While the kernel keeps the process the reboot is asked for at 60, 300, 900 and 3600 s; nothing is started."""
    story = healthy().after(1, STUCK).refuse()
    pauses = []
    for _ in range(5):
        pauses.append(story.state.deadline - story.now)
        assert Phase.WEDGED is story.state.phase
        story.until_deadline().refuse()

    assert [60, 300, 900, 3600, 3600] == pauses
    assert {REBOOT} == {rung for rung, _ in story.orders()[1:]}
    assert 1 == len(story.said(ev.SayCritical)) == len(story.said(ev.SayParked))


def test_a_process_that_cannot_be_killed_is_told_and_counts() -> None:
    """It has a name, costs the camera its full score, and is as old as the incident that it was found in."""
    story = healthy().after(1, STUCK)
    found = (story.state.failures, story.state.opened_at, story.now)
    assert (1, found[2], found[2]) == found

    for story in (healthy().after(1.5, MISSED), healthy().after(1.5, CRASH)):
        story.after(1, STUCK)
        assert "worker-unkillable" == story.said(ev.SayFault)[-1].fault
        assert 1 == pytest.approx(story.now - story.state.opened_at)


def test_a_process_that_is_found_again_and_again_is_asked_for_once() -> None:
    """What is said every second must not make the answer void that is on its way."""
    story = healthy().after(1, STUCK)
    since = story.state.since
    story.after(1, STUCK).after(1, STUCK)

    assert [REBOOT] == story.asked()
    assert since == story.state.since


def test_frames_of_before_do_not_free_a_process() -> None:
    """One healthy frame is no proof, however many there were before the verdict."""
    story = healthy().after(1, GOOD).after(1, STUCK).after(1, ev.FramesArrived(2))

    assert Phase.LEAVING is story.state.phase


def test_a_device_does_not_hurry_a_wedged_camera() -> None:
    """What was plugged in cannot be opened while the old process holds the camera; the pauses stay as they are."""
    story = healthy().after(1, STUCK).after(1, ev.DeviceAppeared()).refuse().after(1, ev.DeviceAppeared())
    story.until_deadline().refuse()

    assert 300 == story.state.deadline - story.now


def test_an_optional_wedged_camera_only_waits() -> None:
    """It may not reboot the machine, and is taken up as soon as the kernel lets go."""
    story = healthy(policy(required=False)).after(1, STUCK).after(4000)
    waited = (story.state.phase, story.asked())
    story.after(1, ev.WorkerReaped())

    assert (Phase.WEDGED, []) == waited
    assert (Phase.ACTING, False) == (story.state.phase, story.state.wedged)


def test_a_process_that_ends_while_the_answer_is_out_is_taken_at_its_word() -> None:
    """The camera is opened at once; only an answer of that moment can still come, and means nothing."""
    story = healthy().after(1, STUCK).after(1, ev.WorkerReaped()).refuse()

    assert (Phase.ACTING, WORKER) == (story.state.phase, story.state.rung)
    assert (WORKER, 1) == story.orders()[-1]
    assert story.state.lease_until >= story.state.deadline + 50


def test_a_freed_camera_that_stays_silent_is_climbed_for() -> None:
    """Once its successor has opened the camera, no unkillable process is to blame, and the rungs come in turn."""
    story = healthy().after(1, STUCK).refuse().after(1, ev.WorkerReaped()).after(1, *OPEN).until_deadline()

    assert ("start-timeout", WORKER) == (story.state.fault, story.state.rung)
    assert Phase.ACTING is story.state.phase


def test_reaping_is_no_news_elsewhere() -> None:
    """A worker that ended as ordered, while a request is out, changes nothing."""
    story = parked().until(Phase.LEAVING)
    before = story.state
    story.after(1, ev.WorkerReaped())

    assert before == story.state
