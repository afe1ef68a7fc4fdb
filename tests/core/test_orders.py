# SPDX-License-Identifier: MIT
"""What an operator orders of the ladder: it begins at once, spends nothing, and what it comes to goes on as ever."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camwatchd.core import escalation, orders
from camwatchd.core import events as ev
from camwatchd.core.ladder import Outcome, Rung
from camwatchd.core.state import Milestone, Phase, Policy
from tests.core.histories import histories, play, policies
from tests.core.storyboard import DONE, GOOD, MISSED, OPEN, Story, healthy, parked, policy, spent

STREAM, WORKER, RESET = Rung.RESTART_STREAM, Rung.RESTART_WORKER, Rung.RESET_DEVICE
SERVICE, REBOOT = Rung.RESTART_SERVICE, Rung.REBOOT


def order(story: Story, rung: Rung) -> Story:
    """The operator's word, a second later."""
    return story.after(1, ev.RecoveryOrdered(rung))


def on_usb() -> Story:
    """A healthy camera that has a port to be reset."""
    return Story().after(0.1, *OPEN[:2], ev.Located("1-1.3"), OPEN[2], GOOD)


def against(story: Story, rung: Rung, *, streams: bool = True) -> str:
    """The objection, if there is one."""
    return orders.objection(story.policy, story.state, rung, streams=streams, now=story.now)


def test_a_healthy_camera_has_its_stream_restarted() -> None:
    """Ordered, done, proved by frames: no fault is named, and nothing of the ladder is spent."""
    story = order(healthy().after(1, GOOD), STREAM)
    acting = story.state
    assert (acting.healthy_since, acting.streak) == (None, 0)  # its health has to be proved anew
    story.after(0.5, DONE).after(0.2, GOOD)

    assert (acting.phase, acting.fault, acting.lease_until > story.now) == (Phase.ACTING, "", True)
    assert story.orders()[-1] == (STREAM, 1)
    assert (story.state.phase, story.state.used) == (Phase.HEALTHY, (0,) * len(Rung))
    assert story.said(ev.SayOrdered) == [ev.SayOrdered(STREAM)]
    assert story.said(ev.SayFault) == []


@pytest.mark.parametrize(
    ("rung", "end", "fault"),
    [
        (STREAM, (ev.ActionEnded(Outcome.FAILED, "no buffers"),), "capture-error"),
        (STREAM, (ev.Faulted("frontend-timeout", "libcamera says so"),), "frontend-timeout"),
        (STREAM, (ev.WorkerExited("worker-crashed", "SIGSEGV"),), "worker-crashed"),
        (WORKER, (ev.WorkerStarted(), ev.WorkerExited("worker-crashed", "SIGSEGV")), "worker-crashed"),
        (RESET, (ev.ActionEnded(Outcome.FAILED, "EBUSY"),), "init-failed"),
    ],
)
def test_what_goes_wrong_with_an_order_is_an_incident(
    rung: Rung, end: tuple[ev.Event, ...], fault: str
) -> None:
    """The first thing that goes wrong gives it its name, and the ladder goes on."""
    story = order(on_usb(), rung).after(0.5, *end)

    assert [said.fault for said in story.said(ev.SayFault)] == [fault]
    assert (story.state.fault, story.state.phase in (Phase.BACKOFF, Phase.ACTING)) == (fault, True)


@pytest.mark.parametrize(
    ("rung", "fault"), [(STREAM, "worker-silent"), (WORKER, "worker-unkillable"), (RESET, "init-timeout")]
)
def test_an_ordered_action_that_hangs_has_an_end(rung: Rung, fault: str) -> None:
    """At its deadline it is a fault, within the lease."""
    story = order(on_usb(), rung)
    lease = story.state.lease_until
    story.until_deadline()

    assert (story.state.fault, story.now < lease) == (fault, True)
    assert story.state.lease_until <= lease  # the ladder's own time is in it already


def test_no_frames_after_an_order_is_an_incident() -> None:
    """A stream that was restarted and stays silent goes up the ladder."""
    story = order(healthy(), STREAM).after(0.5, DONE).until_deadline()

    assert (story.state.fault, story.orders()[-1][0]) == ("start-timeout", WORKER)


def test_a_healthy_camera_is_reset_and_opened_anew() -> None:
    """The reset's end orders a worker, which proves it; a port that cannot be reset costs a worker only."""
    story = order(on_usb(), RESET)
    resetting = story.state.milestone
    story.after(0.5, DONE)
    proving = story.state
    story.after(0.1, *OPEN, GOOD)
    other = order(on_usb(), RESET).after(0.5, ev.ActionEnded(Outcome.NOT_APPLICABLE, "no such file"))

    assert (resetting, proving.rung, proving.milestone) == (Milestone.RESETTING, RESET, Milestone.REAPING)
    assert story.state.phase is Phase.HEALTHY
    assert (other.state.phase, other.state.rung, other.state.fault) == (Phase.ACTING, WORKER, "")


def test_an_order_ends_a_wait_and_keeps_the_incident() -> None:
    """In the pause before an attempt, or parked for an hour: it is tried at once, under the fault that is open."""
    waiting = healthy().stall().until(Phase.BACKOFF)
    used = waiting.state.used
    order(waiting, WORKER)
    aside = order(parked(), WORKER)

    assert (waiting.state.phase, waiting.state.fault, waiting.state.used) == (
        Phase.ACTING,
        "frames-stopped",
        used,
    )
    assert (aside.state.phase, aside.state.fault) == (Phase.ACTING, "frames-stopped")
    aside.boot()
    assert aside.said(ev.SayRecovered)[-1].rung is WORKER
    assert aside.orders()[-1] == (WORKER, Policy().row(WORKER).attempts)  # there is none beyond the last


def test_a_parked_camera_that_is_not_helped_is_parked_again() -> None:
    """Its next probe is when it was to be; no request to leave is forgotten or repeated for it."""
    story = parked()
    probe_at = story.state.probe_at
    order(story, WORKER).fails(ev.WorkerStarted(), ev.WorkerExited("worker-crashed", "SIGSEGV"))
    story.refuse().fails()

    assert (story.state.phase, story.state.probe_at) == (Phase.PARKED, probe_at)


def test_a_refused_wish_changes_nothing() -> None:
    """The reboot that an operator wants early is asked for; refused, the ladder goes on where it was."""
    story = healthy().stall().until(Phase.BACKOFF)
    before = story.state
    order(story, REBOOT)
    asked = story.state
    story.refuse("daily-limit")

    assert (asked.phase, asked.rung, story.asked()) == (Phase.LEAVING, REBOOT, [REBOOT])
    assert (story.state.phase, story.state.rung, story.state.attempt) == (
        Phase.BACKOFF,
        before.rung,
        before.attempt,
    )
    assert (story.state.used, story.state.floor) == (before.used, before.floor)
    assert [said.name for said in story.said(ev.SayRefused)] == ["daily-limit"]
    assert story.said(ev.SayParked) == []


def test_a_wish_without_an_answer_changes_nothing() -> None:
    """A recorder that is silent is a refusal, too."""
    story = healthy().stall().until(Phase.BACKOFF)
    rung = story.state.rung
    order(story, SERVICE).until_deadline()

    assert (story.state.phase, story.state.rung, story.asked()) == (Phase.BACKOFF, rung, [SERVICE])


def test_a_refused_reboot_of_a_parked_camera_parks_it() -> None:
    """There the answer means what it always does; of the same name it is no news."""
    story = order(parked(), REBOOT).refuse()

    assert (story.state.phase, len(story.said(ev.SayParked))) == (Phase.PARKED, 1)


@pytest.mark.parametrize(
    ("story", "rung", "words"),
    [
        (healthy(), Rung.RETRY, "no order"),
        (healthy(), RESET, "not opened yet"),
        (Story().after(0.1, *OPEN[:2], ev.Located(""), OPEN[2], GOOD), RESET, "not on USB"),
        (healthy(), SERVICE, "nothing that restart-service would cure"),
        (healthy(), REBOOT, "nothing that reboot would cure"),
        (Story(), WORKER, "restart-worker is under way"),
        (healthy().stall(), STREAM, "restart-stream is under way"),
        (spent(), WORKER, "restart-service is under way"),
        (healthy().after(1.5, MISSED), SERVICE, "nothing that restart-service would cure"),
        (healthy(policy(STREAM)), STREAM, "[ladder.restart-stream] enabled = false"),
        (healthy(policy(required=False)).stall().until(Phase.BACKOFF), REBOOT, "optional-camera"),
        (healthy(policy(required=False)).stall().until(Phase.BACKOFF), SERVICE, "optional"),
        (healthy().after(1, ev.Faulted("busy")), REBOOT, "no-cure: a reboot does not cure busy"),
        (healthy().after(1, ev.Paused(60)), WORKER, "paused"),
        (healthy().after(1, ev.WorkerUnkillable("worker-unkillable")).refuse(), WORKER, "cannot be killed"),
    ],
)  # fmt: skip
def test_what_is_objected_to_is_said_and_not_done(story: Story, rung: Rung, words: str) -> None:
    """A rung that cannot help now has a reason in words, and ordering it all the same changes nothing."""
    after, effects = escalation.step(story.policy, story.state, ev.RecoveryOrdered(rung), story.now)

    assert words in against(story, rung)
    assert (after, effects) == (story.state, ())


def test_a_stream_that_does_not_run_is_not_restarted() -> None:
    """Only the supervisor knows that: the objection says what opens the camera."""
    assert "restart-worker opens the camera" in against(healthy(), STREAM, streams=False)
    assert against(healthy(), STREAM) == ""


def test_a_wedged_camera_may_ask_for_a_reboot() -> None:
    """It is what would help; the budget decides again."""
    story = (
        healthy()
        .after(1, ev.WorkerUnkillable("worker-unkillable", "D in usb_kill_urb"))
        .refuse("time-window", 600)
    )

    assert against(story, REBOOT) == ""
    assert order(story, REBOOT).asked() == [REBOOT, REBOOT]
    assert story.refuse("time-window", 600).state.phase is Phase.WEDGED
    assert story.asked() == [REBOOT, REBOOT]
    assert story.said(ev.SayRefused) == []


@settings(max_examples=50)  # the histories of the other invariants have orders in them, too
@given(policies, histories, st.sampled_from(list(Rung)))
def test_an_order_is_taken_or_objected_to(
    policy: Policy, history: list[tuple[float, ev.Event]], rung: Rung
) -> None:
    """In whatever state: there is an objection and nothing happens, or the camera is in an incident on a lease."""
    for now, _, _, state in play(policy, history)[-3:]:
        after, effects = escalation.step(policy, state, ev.RecoveryOrdered(rung), now)
        if orders.objection(policy, state, rung, streams=True, now=now):
            assert (after, effects) == (state, ())
        else:
            assert effects[0] == ev.SayOrdered(rung)
            assert after.lease_until >= after.deadline > now
            assert after.used == state.used or after.used == (0,) * len(Rung)


@pytest.mark.parametrize("rung", list(Rung))
def test_a_plan_says_what_and_what_then(rung: Rung) -> None:
    """Action, proof, what follows; of the rungs that leave the process, that the budget decides."""
    if rung is Rung.RETRY:  # which is no order
        assert () == orders.plan(Policy(), healthy().state, rung)
        return
    first, *others = orders.plan(Policy(), healthy().state, rung)

    assert first.startswith(f"{rung}: ")
    assert others if rung not in (SERVICE, REBOOT) else "budget" in first


@pytest.mark.parametrize("mode", ["observe", "off"])
def test_no_plan_promises_a_reboot_that_nobody_may_do(mode: str) -> None:
    """[reboot] forbids it, whatever the budget: as an order it is objected to, elsewhere it is said."""
    state = replace(healthy().state, place="")
    why = f'[reboot] mode = "{mode}", so nothing reboots'
    alone = Policy(ladder=tuple(replace(row, enabled=row.rung is not SERVICE) for row in Policy().ladder))

    assert ["", "", why] == [
        orders.forbidden(*case) for case in (("armed", REBOOT), (mode, SERVICE), (mode, REBOOT))
    ]
    assert () == orders.plan(Policy(), state, REBOOT, mode)
    last = f"if that does not help: restart-service; restart-service only within the budget; {why}"
    assert last == orders.plan(Policy(), state, WORKER, mode)[-1]
    assert f"if that does not help: {why}" == orders.plan(alone, state, WORKER, mode)[-1]
    assert why not in orders.plan(Policy(required=False), state, WORKER, mode)[-1]


@pytest.mark.parametrize(
    ("place", "off", "required", "then"),
    [
        (
            "1-1",
            (),
            True,
            "reset-device, restart-service, reboot; restart-service and reboot only within the budget",
        ),
        ("", (), True, "restart-service, reboot; restart-service and reboot only within the budget"),
        ("1-1", (SERVICE,), True, "reset-device, reboot; reboot only within the budget"),
        ("", (SERVICE,), True, "reboot; reboot only within the budget"),
        ("1-1", (), False, "reset-device"),
        ("", (), False, None),
    ],
)
def test_a_plan_names_what_may_follow(
    place: str, off: tuple[Rung, ...], required: bool, then: str | None
) -> None:
    """No remedy that this camera does not have; the budget is asked only by those that leave the process."""
    ladder = tuple(replace(row, enabled=row.enabled and row.rung not in off) for row in Policy().ladder)
    state = replace(healthy().state, place=place)
    last = orders.plan(Policy(ladder=ladder, required=required), state, Rung.RESTART_WORKER)[-1]

    assert last == f"if that does not help: {then}" if then else last.startswith("it has ")
