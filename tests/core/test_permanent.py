# SPDX-License-Identifier: MIT
"""What holds for every camera that nothing cures, and for every request to leave: hypothesis tells the stories."""

from hypothesis import given, settings
from hypothesis import strategies as st

from camwatchd.core import events as ev
from camwatchd.core.events import Event
from camwatchd.core.faults import FAULTS, Fault
from camwatchd.core.ladder import Rung
from camwatchd.core.lease import IN_PROCESS
from camwatchd.core.state import Milestone, Phase, Policy, State
from tests.core.histories import histories, policies, tell
from tests.core.storyboard import CRASH, DONE, GOOD, OPEN, Story, healthy

SERVICE, REBOOT = Rung.RESTART_SERVICE, Rung.REBOOT


def names(*, reboots: bool, held: bool = False) -> st.SearchStrategy[str]:
    """Faults that a reboot may cure or not, and that are held or climbed for."""

    def fits(fault: Fault) -> bool:
        return (fault.max_reboots > 0) == reboots and (fault.hold is not None) == held

    return st.sampled_from([name for name, fault in FAULTS.items() if fits(fault)])


def ends(name: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[Event, ...]]:
    """How every worker ends: it comes so far, and then nothing, an error, its own end, or failed captures follow."""
    last = st.one_of(
        st.just(()),
        st.tuples(st.builds(ev.Faulted, name)),
        st.tuples(st.builds(ev.WorkerExited, name)),
        st.lists(st.builds(ev.CaptureFailed, name), max_size=4).map(tuple),
    )
    return st.tuples(st.integers(0, 3), last).map(lambda x: (*OPEN[: x[0]], *x[1]))


def turn(story: Story, end: tuple[Event, ...], *, granted: bool, returns: bool = False) -> None:
    """The next thing that happens to a camera that nothing cures; restarts of its stream return, or hang."""
    if story.state.phase is Phase.LEAVING and story.state.rung is REBOOT:
        story.refuse()
    elif story.state.phase is Phase.LEAVING:
        story.restart() if granted else story.refuse("restarts-spent")
    elif story.state.milestone is Milestone.REAPING and story.state.since == story.now:
        story.after(0.1, *end)
    elif story.stream_restarts() and returns:
        story.after(0.1, DONE)
    else:
        story.until_deadline()


def longest(policy: Policy) -> float:
    """Seconds in which everything that may be tried was tried, each attempt at all of its bounds."""
    rules, worker = policy.supervision, policy.row(Rung.RESTART_WORKER)
    attempts = (
        policy.row(Rung.RESTART_STREAM).attempts + worker.attempts + 3
    )  # a start, a probe, the service's proof
    attempts += max(rules.system_reboot_threshold, rules.max_recovery_attempts)
    return 60 + attempts * (rules.recovery_cooldown + 20 + 2 * rules.import_timeout + worker.timeout + 35)


@given(policies, names(reboots=True), ends(names(reboots=True)), st.booleans(), st.booleans())
def test_every_permanent_fault_reaches_the_reboot_or_a_named_refusal(
    policy: Policy, fault: str, end: tuple[Event, ...], granted: bool, returns: bool
) -> None:
    """From every entry, by every way of failing, under every policy, and in the time that the table allows."""
    story = healthy(policy).after(1, ev.Faulted(fault))
    for _ in range(200):
        if REBOOT in story.asked() or story.said(ev.SayParked):
            break
        turn(story, end, granted=granted, returns=returns)

    assert story.now - story.start <= longest(policy)
    if policy.required and policy.row(REBOOT).enabled:
        assert REBOOT in story.asked()
    else:
        assert {said.name for said in story.said(ev.SayParked)} in ({"optional-camera"}, {"rung-off"})


@given(
    policies,
    names(reboots=True),
    names(reboots=False),
    st.sampled_from([(), (CRASH,)]),
    *[st.booleans()] * 2,
)
def test_a_camera_that_gives_pictures_never_leaves(
    policy: Policy, fault: str, picture: str, then: tuple[Event, ...], first: bool, returns: bool
) -> None:
    """Whatever the incident began with and however the workers end: if they deliver bad pictures, it is parked."""
    story = healthy(policy).after(1, ev.Faulted(picture if first else fault))
    for _ in range(120):
        turn(story, (*OPEN, ev.CaptureFailed(picture), *then), granted=False, returns=returns)

    assert {SERVICE} >= set(story.asked()) if FAULTS[fault].entry is SERVICE else not story.asked()
    assert story.said(ev.SayParked)


@given(policies, names(reboots=False, held=True), names(reboots=True), st.integers(0, 2))
def test_a_held_fault_is_never_left_for(policy: Policy, held: str, fault: str, reached: int) -> None:
    """Whatever came before: as long as each probe finds it, the camera is probed, and never parked."""
    story = healthy(policy).after(1, ev.Faulted(fault))
    for _ in range(60):
        turn(story, (*OPEN[:reached], ev.Faulted(held)), granted=False)

    assert REBOOT not in story.asked()
    assert SERVICE not in story.asked() or FAULTS[held].entry is SERVICE
    assert [] == story.said(ev.SayParked)


@given(policies, histories)
def test_nobody_asks_to_leave_without_reason(policy: Policy, history: list[tuple[float, Event]]) -> None:
    """A request needs a required camera, a rung that is on, a fault worth it, no picture, and every rung below.

    The last of these an operator may waive, whose word the budget answers all the same.
    """
    pictures = False
    for _, _, event, after, effects in tell(policy, history):
        bad = isinstance(event, ev.CaptureFailed) and not FAULTS[event.fault].max_reboots
        pictures = (pictures or bad) and after.phase is not Phase.HEALTHY
        for order in (effect for effect in effects if isinstance(effect, ev.Perform)):
            if after.phase is not Phase.LEAVING:
                pictures = False  # a fresh attempt
                continue
            assert policy.required
            assert policy.row(order.rung).enabled
            if not after.wedged and FAULTS[after.fault].entry is not SERVICE:
                assert after.ordered or _worth_it(policy, after, order.rung)
                assert not pictures


def _worth_it(policy: Policy, state: State, rung: Rung) -> bool:
    rules, fault = policy.supervision, FAULTS[state.fault]
    lowest = max(fault.entry, state.floor, key=lambda r: r.height).height
    below = [policy.row(r) for r in IN_PROCESS if r.height >= lowest and policy.row(r).enabled]
    below = [row for row in below if row.rung is not Rung.RESET_DEVICE or state.place]
    tried = all(state.used[row.rung.height] == row.attempts for row in below) and state.failed_recoveries > 0
    unasked = not state.used[SERVICE.height]
    if rung is SERVICE:
        return tried and unasked and fault.max_reboots > 0
    passed = not unasked or not policy.row(SERVICE).enabled or fault.entry is REBOOT
    counted = (
        state.failures >= rules.system_reboot_threshold
        and state.failed_recoveries >= rules.max_recovery_attempts
    )
    return tried and passed and counted and fault.max_reboots > 0


@settings(max_examples=20)  # each tells of 400 incidents
@given(
    names(reboots=True).filter(lambda name: FAULTS[name].entry is not REBOOT),
    st.lists(st.integers(0, 2), min_size=1),
)
def test_flapping_never_leaves_and_never_parks(fault: str, failed: list[int]) -> None:
    """Four hundred incidents, each ended by frames within the attempts that the table has for one."""
    story = healthy()
    for number in range(400):
        story.after(0.5, ev.Faulted(fault))
        for _ in range(failed[number % len(failed)]):
            story.until_deadline()
            if story.state.phase is Phase.BACKOFF:
                story.until_deadline()
        story.after(0.1, GOOD)

    assert [] == story.asked()
    assert [] == story.said(ev.SayParked)
    assert 400 == len(story.said(ev.SayRecovered))
