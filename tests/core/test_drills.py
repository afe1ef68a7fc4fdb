# SPDX-License-Identifier: MIT
"""Storyboards of alarm drills: the ladder does what it always does, but nobody leaves, and nothing is left of it."""

import json
from collections import Counter
from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from camwatchd.core import escalation
from camwatchd.core import events as ev
from camwatchd.core.drills import EXERCISES, LASTS, SPARED, expected_cure, misnamed, too_slow, unseen
from camwatchd.core.events import Event
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import LADDER, Rung
from camwatchd.core.lastrungs import PARK_PAUSES
from camwatchd.core.plain import from_plain, to_plain
from camwatchd.core.settings import Checks
from camwatchd.core.state import Phase, Policy, State
from tests.core.histories import histories, policies
from tests.core.storyboard import CRASH, DONE, GOOD, Story, healthy, policy

DRILL = ev.Drilled("stall", LASTS)
LEAVING = (Rung.RESTART_SERVICE, Rung.REBOOT)


def test_a_drill_that_is_cured_leaves_nothing_behind() -> None:
    """The same alerts and remedies as for a true stall; then the ladder is where it was before."""
    true, drilled = healthy(), healthy().after(0, DRILL)
    for story in (true, drilled):
        story.stall().after(0.1, DONE).after(0.1, GOOD)

    assert [effect for _, effect in true.told] == [effect for _, effect in drilled.told]
    assert (Phase.HEALTHY, None) == (drilled.state.phase, drilled.state.drill)
    assert (Rung.RETRY, (0,) * len(Rung)) == (drilled.state.floor, drilled.state.used)
    assert 1 == true.state.used[Rung.RESTART_STREAM.height]


def test_what_was_spent_before_stays_spent() -> None:
    """A drill does not forgive either."""
    story = healthy().stall().after(0.1, DONE).after(0.1, GOOD)
    before = story.state.floor, story.state.used
    story.after(1, DRILL, CRASH).boot()

    assert before == (story.state.floor, story.state.used)


def test_what_is_forgiven_stays_forgiven() -> None:
    """A camera that was healthy long enough begins at the foot of the ladder, in the drill and after it."""
    story = healthy().stall().after(0.1, DONE).after(0.1, GOOD)
    for _ in range(310):
        story.after(1, GOOD)
    story.after(0, DRILL).stall().after(0.1, DONE).after(0.1, GOOD)

    assert (Rung.RETRY, (0,) * len(Rung)) == (story.state.floor, story.state.used)
    assert 1 == story.stall().state.attempt


def test_nobody_leaves_for_a_drill() -> None:
    """Not even when its time is up, and the failure is a true one: an operator who is told decides that."""
    story = healthy(policy(import_timeout=1.0)).after(0, DRILL).stall()
    while story.state.drill is not None:
        assert [] == story.asked()
        story.fails(CRASH).until_deadline()

    assert story.now - story.start > LASTS
    last = story.said(ev.SayFault)[-1]
    assert ("worker-crashed", "the drill is over, and the camera is not back") == (last.fault, last.evidence)
    # What failed in the drill does not count; after it every rung within the process is tried afresh.
    assert story.state.failed_recoveries <= 1
    before = len(story.said(ev.SayParked))
    while len(story.said(ev.SayParked)) == before:
        story.fails(CRASH).until_deadline()
    assert ("drill", []) == (story.said(ev.SayParked)[-1].name, story.asked())
    forgotten, parked = deepcopy(story), story.now
    while not forgotten.asked():
        forgotten.fails(CRASH).until_deadline()
    assert sum(PARK_PAUSES[:3]) <= forgotten.now - parked + 60 <= 1500

    story.fails(CRASH).after(0, ev.RecoveryOrdered(Rung.RESTART_WORKER))
    for _ in range(12):
        story.fails(CRASH)
        if story.state.phase is not Phase.LEAVING:
            story.until_deadline()
    assert Rung.RESTART_SERVICE in story.asked()


def test_what_cuts_pauses_short_ends_no_grace() -> None:
    """A hub that flaps makes many probes in a few seconds; the human who was called has his time all the same."""
    story = healthy(policy(import_timeout=1.0, recovery_cooldown=0.5)).after(0, DRILL, CRASH)
    while story.state.drill is not None:
        story.fails(CRASH).until_deadline()
    over = story.now
    while not story.asked():
        story.fails(CRASH)
        if story.state.phase is Phase.PARKED:
            story.after(0.5, ev.DeviceAppeared())
        elif story.state.phase is not Phase.LEAVING:
            story.until_deadline()

    assert story.now >= over + SPARED


def test_a_park_in_a_drill_ends_with_it() -> None:
    """Then it is probed in earnest, however long the next probe would have been waited for."""
    story = healthy(policy(import_timeout=1.0, recovery_cooldown=0.5)).after(0, DRILL, CRASH)
    began = story.now
    while story.state.drill is not None:
        story.fails(CRASH).until_deadline()

    assert began + LASTS == story.now
    assert (Phase.ACTING, "", 0) == (story.state.phase, story.state.refusal, story.state.parks)
    assert not story.state.critical_said  # what is true by now is said anew
    assert story.said(ev.SayParked)[0].name == "drill"


def test_its_time_is_up_in_whatever_phase() -> None:
    """The loop says so, and nothing else happens."""
    story = healthy().after(0, DRILL, CRASH)
    story.after(LASTS, ev.DrillOver())
    before = story.state

    assert before.drill is None
    assert (Rung.RETRY, (0,) * len(Rung)) == (before.floor, before.used)
    assert before == story.after(0, ev.DrillOver()).state


def test_an_order_in_a_drill_that_outlasts_it_is_still_of_the_drill() -> None:
    """No fault was named yet when its time was up: what the order comes to makes nobody leave."""
    story = healthy().after(0, ev.Drilled("stall", 0.4)).after(0.2, ev.RecoveryOrdered(Rung.RESTART_WORKER))
    story.after(0.2, ev.DrillOver())

    assert (None, "", True) == (story.state.drill, story.state.fault, story.state.drilled)
    assert not story.boot().state.drilled  # what happens next is in earnest


def test_a_worker_that_cannot_be_killed_in_a_drill_waits_for_an_operator() -> None:
    """It is wedged, and refused by the name of the drill, also when that is over; only an order reboots."""
    story = healthy().after(0, DRILL).after(1, CRASH, ev.WorkerUnkillable("worker-unkillable"))

    assert (Phase.WEDGED, "drill", []) == (story.state.phase, story.state.refusal, story.asked())
    while story.state.drill is not None:
        story.until_deadline()
    story.until_deadline()
    assert [] == story.asked()
    story.after(0, ev.RecoveryOrdered(Rung.REBOOT))
    assert [Rung.REBOOT] == story.asked()


def test_a_drill_that_nobody_notices_is_over_in_time() -> None:
    """Frames go on, and what fails later is no drill."""
    story = healthy().after(0, DRILL)
    for _ in range(130):
        story.after(1, GOOD)

    assert (None, Phase.HEALTHY) == (story.state.drill, story.state.phase)


def test_only_a_healthy_camera_is_drilled() -> None:
    """And an operator's pause ends it."""
    assert healthy().stall().after(0, DRILL).state.drill is None
    assert healthy().after(0, DRILL, ev.Paused(60)).state.drill is None


@given(policies, st.sampled_from(sorted(FAULTS)), histories)
def test_no_history_leaves_during_a_drill(
    rules: Policy, fault: str, history: list[tuple[float, Event]]
) -> None:
    """Whatever happens until the camera is healthy again, or an operator orders something: that is not asked for."""
    story = Story(rules).boot().after(0, DRILL, ev.Faulted(fault))
    state, now = story.state, story.now
    asked: Counter[Rung] = Counter()
    began = now
    for share, event in history:
        now += min(share, 1.0) * max(0.0, state.deadline - now)
        state, effects = escalation.step(rules, state, event, now)
        if not state.drilled:
            wanted = isinstance(event, ev.RecoveryOrdered | ev.Paused)
            assert wanted or not state.in_incident or now >= began + LASTS + SPARED
            break
        asked.update(effect.rung for effect in effects if isinstance(effect, ev.Perform))
        assert state.phase is not Phase.LEAVING
        assert state.deadline >= now
        assert not state.in_incident or state.lease_until > now
        assert not any(asked[rung] for rung in LEAVING)


def test_what_can_be_practised() -> None:
    """Each exercise has a fault that enters the ladder no higher than its cure, and a rung that cures it."""
    for row in EXERCISES.values():
        for name in (row.fault, *row.also):
            assert FAULTS[name].entry.height <= row.cure.height < Rung.RESET_DEVICE.height
            assert not misnamed(row.name, name)
        assert misnamed(row.name, "sensor-io")
        assert row.cure == expected_cure(LADDER, row)
    off = policy(Rung.RESTART_STREAM).ladder
    assert Rung.RESTART_WORKER == expected_cure(off, EXERCISES["stall"])


def test_what_the_checks_rule_out() -> None:
    """A picture that only warns, or that is looked at too late, proves nothing."""
    assert unseen(Checks(), "black-picture")
    assert not unseen(Checks(on_black="recover"), "black-picture")
    assert unseen(Checks(frozen_after=0.0), "frozen-picture")
    assert too_slow(Checks(frozen_after=300.0), "frozen-picture", 8.0)
    assert not too_slow(Checks(), "frozen-picture", 8.0)
    assert not too_slow(Checks(), "frames-stopped", 8.0)
    assert too_slow(Checks(), "frames-stopped", 180.0)  # frames of ten seconds


def test_a_drill_is_kept_with_the_state() -> None:
    """Whatever is written down of a camera can be read again."""
    state = healthy().after(0, DRILL).state

    assert state == from_plain(State, json.loads(json.dumps(to_plain(state))))
