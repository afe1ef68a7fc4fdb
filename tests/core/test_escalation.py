# SPDX-License-Identifier: MIT
"""Storyboards of the ladder: what is tried, when, and what ends an incident."""

from itertools import product

import pytest

from camwatchd.core import escalation, lease
from camwatchd.core import events as ev
from camwatchd.core.events import Event
from camwatchd.core.faults import FAULTS, Issue
from camwatchd.core.ladder import LADDER, Outcome, Rung
from camwatchd.core.liveness import SLOW_OPEN
from camwatchd.core.settings import Supervision
from camwatchd.core.state import Phase, Policy
from tests.core.storyboard import GOOD, MISSED, Story, healthy

STREAM, WORKER = Rung.RESTART_STREAM, Rung.RESTART_WORKER
DONE = ev.ActionEnded(Outcome.SUCCEEDED)
OPENING = (ev.WorkerStarted(), ev.WorkerImported())
BACK_BY_STREAM: tuple[Event, ...] = (DONE, GOOD)
BACK_BY_WORKER: tuple[Event, ...] = (ev.WorkerStarted(), ev.WorkerImported(), ev.StreamStarted(), GOOD)
CRASH = ev.WorkerExited("worker-crashed", "killed by SIGSEGV")


def test_the_table_is_total() -> None:
    """Every event has a cell for every phase."""
    cells = {(event, phase) for event, row in escalation.TABLE.items() for phase in row}

    assert set(product(Event.__args__, Phase)) == cells


def test_a_hiccup_is_cured_by_retrying() -> None:
    """Fewer failures than max_consecutive_failures end with the next frame, and nothing is restarted."""
    story = healthy().after(1.5, MISSED).after(0.2, GOOD)

    assert [1] == [said.failures for said in story.said(ev.SayHiccup)]
    assert Phase.HEALTHY is story.state.phase
    assert [(WORKER, 0)] == story.orders()


def test_the_third_failure_in_a_row_restarts_the_stream_at_once() -> None:
    """A stall enters at restart-stream, in the same step as the failure that made it a fault."""
    story = healthy().stall()

    assert (4.6, ev.Perform(STREAM, 1)) == story.told[-1]
    assert ["frames-stopped"] == [said.fault for said in story.said(ev.SayFault)]


def test_the_whole_ladder_in_order_for_a_camera_that_never_returns() -> None:
    """Every rung as often as the table says, restart-worker again until both thresholds hold, then the reboot."""
    story = healthy().stall().until(Phase.PARKED)

    assert [
        (WORKER, 0), (STREAM, 1), (STREAM, 2), (WORKER, 1), (WORKER, 2), (WORKER, 3), (Rung.RESTART_SERVICE, 1),
        (WORKER, 3), (WORKER, 3), (Rung.REBOOT, 1),
    ] == story.orders()  # fmt: skip
    assert [2.0, 4.0, 8.0, 30.0, 30.0] == [said.seconds for said in story.said(ev.SayWaiting)]
    assert 1 == len(story.said(ev.SayCritical))


def test_a_crash_enters_at_restart_worker_without_waiting() -> None:
    """Nothing can come back by itself once the worker is dead, so its first restart waits for nothing."""
    story = healthy().after(1, CRASH)

    assert ev.Perform(WORKER, 1) == story.told[-1][1]


def test_the_standby_serves_only_the_first_reinitialisation() -> None:
    """The second and later attempts of an incident execute a fresh process."""
    story = healthy().after(1, CRASH)
    story.after(0.1, ev.WorkerStarted(), CRASH).after(4.1)

    assert [False, True] == [said.fresh for said in story.said(ev.Perform)][1:]


def test_frames_that_return_while_the_ladder_waits_end_the_incident() -> None:
    """Do no harm: in backoff the camera stays open, and its own return is the cure."""
    story = (
        healthy()
        .stall()
        .after(0.1, ev.ActionEnded(Outcome.FAILED))
        .after(0.1, ev.ActionEnded(Outcome.FAILED))
    )
    waiting = story.state.phase
    story.after(0.5, GOOD)

    assert (Phase.BACKOFF, Phase.HEALTHY) == (waiting, story.state.phase)
    assert [None] == [said.rung for said in story.said(ev.SayRecovered)]


def test_a_worse_fault_jumps_ahead_and_a_weaker_one_never_back() -> None:
    """A crash during restart-stream goes to restart-worker; a front-end time-out then changes nothing."""
    story = healthy().stall().after(0.1, CRASH)
    jumped = story.orders()[-1]
    story.after(0.1, ev.Faulted("frontend-timeout")).after(10)

    assert (WORKER, 1) == jumped
    assert all(rung is WORKER for rung, _ in story.orders()[2:])


def test_old_words_do_not_fail_a_restart_of_the_stream() -> None:
    """libcamera's lines about the old stall may arrive while the stream is being restarted."""
    story = healthy().stall().after(0.1, ev.Faulted("frontend-timeout"))

    assert Phase.ACTING is story.state.phase
    assert [] == story.said(ev.SayAttemptFailed)


def test_direct_evidence_is_a_fault_at_once() -> None:
    """A front-end time-out waits for no third failure."""
    story = healthy().after(1, ev.Faulted("frontend-timeout", "Camera frontend has timed out!"))

    assert ev.Perform(STREAM, 1) == story.told[-1][1]


def test_a_busy_camera_is_probed_every_20_seconds_for_ever() -> None:
    """A camera in somebody else's hands is never climbed for."""
    story = Story().after(0.5, ev.WorkerStarted(), ev.WorkerImported())
    for _ in range(20):
        story.after(0.1, ev.Faulted("busy", "Device or resource busy"))
        assert Phase.HOLDING is story.state.phase
        story.until_deadline().after(0.1, ev.WorkerStarted(), ev.WorkerImported())

    assert {20.0} == {said.seconds for said in story.said(ev.SayWaiting)}
    assert (0,) * 6 == story.state.used


def test_a_plugged_in_device_is_probed_at_once() -> None:
    """A new device node cuts the wait short when the camera is missing, and the standby saves the imports."""
    story = (
        healthy()
        .after(1, ev.Faulted("device-gone"))
        .until_deadline()
        .after(0.1, ev.WorkerStarted(), ev.Faulted("not-found"))
    )
    waiting = story.state.phase
    story.after(0.5, ev.DeviceAppeared("/dev/video2"))

    assert (Phase.BACKOFF, ev.Perform(WORKER, 2, fresh=False)) == (waiting, story.told[-1][1])


def test_the_standby_is_kept_for_a_camera_that_is_plugged_in_again() -> None:
    """Nobody looks for an unplugged camera at once, which would spend the standby; its node ends the wait."""
    story = healthy().after(1, ev.Faulted("device-gone"))
    waiting, orders = story.state.phase, len(story.orders())
    story.after(0.4, ev.DeviceAppeared("/dev/video0"))

    assert (Phase.BACKOFF, orders + 1) == (waiting, len(story.orders()))
    assert ev.Perform(WORKER, 1, fresh=False) == story.told[-1][1]


def test_a_device_that_appears_during_an_attempt_is_not_missed() -> None:
    """An attempt that looked a moment too early is followed by the next one without a pause."""
    story = healthy().after(1, ev.Faulted("device-gone")).until_deadline().after(0.1, *OPENING)
    story.after(0.1, ev.DeviceAppeared("/dev/video0"), ev.Faulted("not-found"))
    at_once = story.told[-1][1]
    story.after(0.1, *OPENING, ev.Faulted("not-found"))

    assert ev.Perform(WORKER, 2, fresh=False) == at_once
    assert Phase.BACKOFF is story.state.phase


@pytest.mark.parametrize("fault", ["device-gone", "not-found"])
def test_who_looks_for_an_absent_camera_does_not_spend_the_standby(fault: str) -> None:
    """The attempts that only find that it is not there yet execute afresh; the standby waits for the one that does."""
    story = healthy().after(1, ev.Faulted(fault))
    for _ in range(3):
        story.until_deadline().after(0.1, *OPENING, ev.Faulted("not-found"))

    assert {True} == {order.fresh for order in story.said(ev.Perform)[1:] if order.rung is WORKER}


def test_the_standby_takes_the_place_of_a_worker_that_still_imports() -> None:
    """A device that appears while a process of its own is on the way is opened at once, in the same attempt."""
    story = healthy().after(1, ev.Faulted("device-gone")).until_deadline().after(0.1, ev.WorkerStarted())
    lease_until, attempts = story.state.lease_until, story.state.used
    story.after(1, ev.DeviceAppeared("/dev/video0"))
    instead, orders = story.told[-1][1], len(story.orders())
    story.after(0.1, ev.WorkerStarted(), ev.DeviceAppeared("/dev/video1"))

    assert (ev.Perform(WORKER, 1, fresh=False), orders) == (instead, len(story.orders()))
    assert pytest.approx(lease_until + 1.1) == story.state.lease_until
    assert attempts == story.state.used


def test_a_device_appears_before_the_loss_of_the_old_one_is_noticed() -> None:
    """Plugged in again faster than the loss is noticed: nothing will appear that could be waited for."""
    story = healthy().after(0.1, ev.DeviceAppeared("/dev/video1")).after(0.1, ev.Faulted("device-gone"))

    assert ev.Perform(WORKER, 1, fresh=False) == story.told[-1][1]


def test_an_absent_usb_camera_is_no_reason_to_restart_the_service() -> None:
    """Whoever restarts misses it when it comes back; it is looked for until the thresholds hold."""
    story = healthy().after(0.1, ev.Located("1-2")).after(1, ev.Faulted("device-gone"))
    while story.state.phase is not Phase.LEAVING:
        story.until_deadline().after(0.1, *OPENING, ev.Faulted("not-found"))

    assert Rung.REBOOT is story.state.rung
    assert Rung.RESTART_SERVICE not in {rung for rung, _ in story.orders()}
    assert story.state.failures >= 10


def test_a_device_that_appears_again_too_soon_is_waited_for_only_so_long() -> None:
    """Its group came after the attempt that it brought about: the next is due as soon as one may hurry again."""
    story = healthy().after(1, ev.Faulted("device-gone")).until_deadline().after(0.1, *OPENING)
    story.after(0.1, ev.Faulted("not-found")).after(0.1, ev.DeviceAppeared("/dev/video0"))
    hurried_at = story.now
    story.after(0.4, *OPENING, ev.Faulted("not-found"), ev.DeviceAppeared("/dev/video0"))
    waiting = story.state
    story.until_deadline()

    assert Phase.BACKOFF is waiting.phase
    assert hurried_at + 2.0 == pytest.approx(waiting.deadline)
    assert ev.Perform(WORKER, 3, fresh=False) == story.told[-1][1]


def test_so_is_one_that_appears_during_that_attempt() -> None:
    """The pause that follows is what is left until one may hurry again, and it is said so."""
    story = healthy().after(1, ev.Faulted("device-gone")).until_deadline().after(0.1, *OPENING)
    story.after(0.1, ev.Faulted("not-found")).after(0.1, ev.DeviceAppeared("/dev/video0"))
    story.after(0.4, *OPENING, ev.DeviceAppeared("/dev/video0"), ev.Faulted("not-found"))

    assert pytest.approx(1.6) == story.said(ev.SayWaiting)[-1].seconds
    assert ev.Perform(WORKER, 3, fresh=False) == story.until_deadline().told[-1][1]


def test_a_device_that_appears_at_each_open_hurries_more_and_more_rarely() -> None:
    """A camera that enumerates anew whenever it is opened must not cancel every pause."""
    story = healthy().after(1, ev.Faulted("device-gone"))
    for _ in range(100):
        story.after(0.3, ev.WorkerStarted(), ev.DeviceAppeared("/dev/video0"), ev.Faulted("not-found"))

    assert len(story.orders()) <= 10


def test_a_camera_that_each_restart_cures_is_not_called_critical() -> None:
    """Crashes beyond the last attempt wait for a backoff, not a cooldown, and take the standby each time."""
    story = healthy()
    for _ in range(6):
        story.after(60, GOOD, CRASH).after(8.1, *BACK_BY_WORKER)

    assert [] == story.said(ev.SayCritical)
    assert {False} == {order.fresh for order in story.said(ev.Perform)[1:]}
    assert max(said.seconds for said in story.said(ev.SayWaiting)) <= 8


def test_a_camera_that_cannot_be_opened_loses_its_score() -> None:
    """An attempt that never comes to a capture is a failed one: no camera stays EXCELLENT by not being there."""
    story = healthy().after(1, ev.Faulted("not-found"))
    for _ in range(12):
        story.after(0.1, ev.WorkerStarted(), ev.Faulted("not-found")).until_deadline()

    assert story.state.failures >= 10


def test_what_only_a_human_can_mend_calls_one() -> None:
    """A wrong configuration is critical at once, and said once; a camera that somebody uses is not."""
    for name, calls in (("configuration", 1), ("permission", 1), ("missing-package", 1), ("busy", 0)):
        story = healthy().after(1, ev.Faulted(name))
        for _ in range(3):
            story.until_deadline().after(0.1, ev.WorkerStarted(), ev.Faulted(name))
        assert calls == len(story.said(ev.SayCritical)), name


def test_a_plugged_in_device_does_not_hurry_a_stall() -> None:
    """Somebody's USB stick must not restart a camera whose connection is not in doubt."""
    story = (
        healthy()
        .stall()
        .after(0.1, ev.ActionEnded(Outcome.FAILED))
        .after(0.1, ev.ActionEnded(Outcome.FAILED))
    )
    orders = len(story.orders())
    story.after(0.1, ev.DeviceAppeared("/dev/video9"))

    assert orders == len(story.orders())


def test_position_is_kept_until_stable() -> None:
    """A camera that fails again soon climbs on where it stood; after stable_after it starts from the bottom."""
    story = healthy().stall().after(0.3, DONE, GOOD).stall()
    climbing_on = story.orders()[-1]
    story.after(0.3, DONE)
    for _ in range(310):
        story.after(1, GOOD)
    story.stall()

    assert ((STREAM, 2), (STREAM, 1)) == (climbing_on, story.orders()[-1])


def test_flapping_never_leaves_the_in_process_rungs() -> None:
    """A camera that dies every four minutes and is brought back each time is never given up."""
    story = healthy()
    for _ in range(50):
        for _ in range(240):
            story.after(1, GOOD)
        story.stall()
        for _ in range(3):
            if story.state.phase is Phase.BACKOFF:
                story.until_deadline()
        story.after(0.2, *(BACK_BY_STREAM if story.orders()[-1][0] is STREAM else BACK_BY_WORKER))

    assert {STREAM, WORKER} == {rung for rung, _ in story.orders()}
    assert 50 == len(story.said(ev.SayRecovered))


def test_a_silent_worker_is_counted_and_named() -> None:
    """A worker that reports nothing at all fails a capture every frame deadline, until it is a fault."""
    story = healthy().at(30)

    assert ["worker-silent"] == [said.fault for said in story.said(ev.SayFault)]
    assert (WORKER, 1) == story.orders()[1]


def test_no_frame_timeout_is_the_last_word() -> None:
    """Whatever the count says, so long without a frame is a fault."""
    policy = Policy(supervision=Supervision(max_consecutive_failures=100))
    story = healthy(policy)
    last = story.now
    for _ in range(30):
        story.after(1.5, MISSED)
        if story.said(ev.SayFault):
            break

    assert 30 == pytest.approx(story.now - last, abs=0.01)


@pytest.mark.parametrize(
    ("milestones", "fault"),
    [
        ((), "worker-unkillable"),
        ((ev.WorkerStarted(),), "import-timeout"),
        ((ev.WorkerStarted(), ev.WorkerImported()), "init-timeout"),
        ((ev.WorkerStarted(), ev.WorkerImported(), ev.StreamStarted()), "start-timeout"),
    ],
)
def test_a_start_that_hangs_says_where(milestones: tuple[Event, ...], fault: str) -> None:
    """An action that hangs is an outcome too, named after the milestone it did not reach."""
    story = Story().after(0.1, *milestones)
    while not story.said(ev.SayFault):
        story.until_deadline()

    assert fault == story.said(ev.SayFault)[0].fault
    assert (fault in ("import-timeout", "init-timeout")) is bool(story.said(ev.SaySlow))


def test_an_opening_that_is_only_slow_is_told_of_once() -> None:
    """It is no fault before its time is over, whoever ordered it; one that is quick is never told of."""
    story = Story().after(0.1, *OPENING).after(0.1, ev.StreamStarted(), GOOD)
    quick = story.said(ev.SaySlow)
    for begun in (Story().after(0.1, *OPENING), story.after(1, CRASH).after(0.1, *OPENING)):
        faults, ends_by = begun.said(ev.SayFault), begun.state.ends_by
        begun.after(29)

        told = [(round(slow.seconds, 6), round(slow.left, 6)) for slow in begun.said(ev.SaySlow)]
        assert [(SLOW_OPEN, 50 - SLOW_OPEN)] == told
        assert faults == begun.said(ev.SayFault)
        assert (begun.state.ends_by, begun.state.deadline) == (ends_by, ends_by)
        begun.after(22)
        assert "init-timeout" == begun.said(ev.SayFault)[-1].fault

    assert [] == quick


def test_an_unkillable_worker_blocks_every_further_one_until_it_is_gone() -> None:
    """No camera is opened before its previous worker is reaped; until then only the reboot is asked for."""
    story = healthy().stall().after(0.1, CRASH)
    orders = len(story.orders())
    story.after(19, ev.WorkerUnkillable("worker-unkillable", "vb2_core_streamoff")).after(3600)
    waited = story.orders()[orders:]
    story.after(1, ev.WorkerReaped())

    assert {(Rung.REBOOT, 1)} == set(waited)
    assert (WORKER, 1) == story.orders()[-1]
    assert story.state.lease_until >= story.state.deadline + 50


def test_a_weaker_fault_does_not_rename_an_incident() -> None:
    """While a crashed worker is replaced, words about the stream are no better explanation."""
    story = healthy().after(1, CRASH).after(0.1, ev.WorkerStarted(), ev.Faulted("frontend-timeout"))

    assert "worker-crashed" == story.state.fault


def test_a_held_fault_is_held_from_a_backoff_too() -> None:
    """Whatever the ladder waits for: a camera that somebody took is not climbed for."""
    story = (
        healthy()
        .stall()
        .after(0.1, ev.ActionEnded(Outcome.FAILED))
        .after(0.1, ev.ActionEnded(Outcome.FAILED))
    )
    story.after(0.1, ev.Faulted("busy"))

    assert (Phase.HOLDING, "busy") == (story.state.phase, story.state.fault)


def test_the_last_word_keeps_the_reason_that_was_counted() -> None:
    """When no_frame_timeout ends the counting, the fault has the name of the failures before."""
    story = healthy(Policy(supervision=Supervision(max_consecutive_failures=100)))
    for _ in range(19):
        story.after(1.5, MISSED)
    story.after(5)

    assert ["frames-stopped"] == [said.fault for said in story.said(ev.SayFault)]


def test_a_device_that_appears_during_an_attempt_hurries_a_held_fault_too() -> None:
    """A node whose permissions come a moment after it is looked at again at once, not after a minute."""
    story = healthy().after(1, ev.Faulted("device-gone")).until_deadline().after(0.1, *OPENING)
    story.after(0.1, ev.DeviceAppeared(), ev.Faulted("permission"))

    assert (WORKER, 0) == story.orders()[-1]


def test_a_worker_that_starts_disproves_the_unkillable_one() -> None:
    """Once the stuck process is gone, what its successor finds is the fault, and a replug is probed at once."""
    story = healthy().stall().after(0.1, CRASH).after(19, ev.WorkerUnkillable("worker-unkillable"))
    story.after(5, ev.WorkerReaped(), ev.WorkerStarted(), ev.WorkerImported(), ev.Faulted("not-found"))
    found, orders = story.state.fault, len(story.orders())
    story.after(0.1, ev.DeviceAppeared())

    assert "not-found" == found
    assert orders + 1 == len(story.orders())


def test_a_device_is_seen_for_one_attempt_only() -> None:
    """What appeared before the last attempt does not cut the pause after it."""
    story = healthy().after(1, ev.Faulted("device-gone")).until_deadline().after(0.1, ev.WorkerStarted())
    story.after(0.1, ev.DeviceAppeared(), ev.Faulted("not-found"))
    story.after(0.1, ev.WorkerStarted(), ev.WorkerImported()).after(49, ev.Faulted("not-found"))

    assert Phase.BACKOFF is story.state.phase


def test_detection_is_never_longer_than_the_watchdog_reckons() -> None:
    """A worker that falls silent is a fault within the detection time that keeps the steady interval long enough."""
    story = healthy()
    last = story.now
    while not story.said(ev.SayFault):
        story.until_deadline()

    assert story.now - last <= lease.detection_time(story.policy, 1 / 30)


def test_every_fault_of_the_table_makes_a_move() -> None:
    """No fault, whatever its entry, leaves a camera without a next deadline and a thing to do."""
    for name in FAULTS:
        story = healthy().after(1, ev.Faulted(name))
        moves = [*story.said(ev.Perform)[1:], *story.said(ev.SayWaiting)]
        assert moves, name
        assert story.state.deadline > story.now, name


def test_the_fault_table_uses_only_the_required_alerts() -> None:
    """Each fault raises one of the three required alerts; no reboot is spent on what it cannot cure."""
    no_reboot = {"busy", "permission", "configuration", "missing-package", "frozen-picture", "black-picture"}

    assert {"capture_failure", "buffer_error", "connection_error"} == {issue.value for issue in Issue}
    assert all(FAULTS[name].max_reboots == 0 for name in no_reboot)
    assert 1 == FAULTS["not-found"].max_reboots


def test_rungs_stand_in_the_order_of_the_ladder() -> None:
    """Row n of the table is rung n."""
    assert list(Rung) == [row.rung for row in LADDER]
