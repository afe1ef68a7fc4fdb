# SPDX-License-Identifier: MIT
"""Storyboards of the watchdog: what systemd is told while several cameras fail and recover."""

from dataclasses import replace

import pytest

from camwatchd.core import events as ev
from camwatchd.core import lease
from camwatchd.core.ladder import LADDER, Outcome, Rung
from camwatchd.core.lease import Gate, Order, Ping, SetInterval, Watchdog
from camwatchd.core.state import Phase
from tests.core.storyboard import Story, healthy, parked, policy, spent

STREAM = Rung.RESTART_STREAM
DONE = ev.ActionEnded(Outcome.SUCCEEDED)
GOOD = Gate(healthy=True, delivered=True, lease_until=0.0, detection=6.0)


def silent(gate: Gate = GOOD) -> Gate:
    """Healthy, but without a frame since the last ping."""
    return replace(gate, delivered=False)


def ill(until: float) -> Gate:
    """In an incident whose rungs may take until then."""
    return Gate(healthy=False, delivered=False, lease_until=until, detection=6.0)


def aside(until: float) -> Gate:
    """Parked, wedged or paused until then; a frame that came before it was counts for nothing."""
    return Gate(healthy=False, delivered=True, lease_until=until, detection=600.0, aside=True)


def told(*story: tuple[float, list[Gate]], base: float | None = 60.0) -> list[tuple[float, Order]]:
    """Everything that systemd hears, and when."""
    watchdog, heard = Watchdog(base), []
    for now, gates in story:
        watchdog, orders = lease.pay(watchdog, gates, now)
        heard += [(now, order) for order in orders]
    return heard


def every(step: float, start: float, end: float, *gates: Gate) -> list[tuple[float, list[Gate]]]:
    """The same cameras, looked at again and again."""
    return [(start + n * step, list(gates)) for n in range(int((end - start) / step))]


def test_without_a_watchdog_nothing_is_told() -> None:
    """A unit without WatchdogSec= hears neither pings nor intervals."""
    assert [] == told((0, [GOOD]), (1, [ill(99)]), (2, []), base=None)


def test_a_start_that_succeeds() -> None:
    """One lease until the first frames, then the steady interval and a ping, then a ping each quarter."""
    story = [*every(1, 0, 5, ill(200)), *every(1, 5, 40, GOOD)]

    assert [
        (0, SetInterval(200)), (5, SetInterval(60)), (5, Ping()), (20, Ping()), (35, Ping()),
    ] == told(*story)  # fmt: skip


def test_an_incident_has_one_message_and_no_ping() -> None:
    """However often one looks: one lease, silence, then the steady interval with a ping."""
    story = [(0.0, [GOOD]), *every(0.1, 10, 60, ill(300)), (60.0, [GOOD])]

    assert [
        (0, SetInterval(60)),
        (0, Ping()),
        (10, SetInterval(290)),
        (60, SetInterval(60)),
        (60, Ping()),
    ] == told(*story)


def test_the_latest_deadline_counts() -> None:
    """Two cameras fail: the lease is that of the one that may take longer, told once for each move."""
    story = [
        (0.0, [ill(100), ill(100)]),
        *every(1, 1, 9, ill(100), ill(180)),
        *every(1, 9, 20, ill(150), ill(180)),
    ]

    assert [(0, SetInterval(100)), (1, SetInterval(179))] == told(*story)


def test_the_lease_shrinks_when_the_longest_recovers() -> None:
    """What is left is the other's deadline; the steady interval returns only when all are healthy."""
    story = [
        (0.0, [ill(100), ill(180)]),
        (20.0, [ill(100), GOOD]),
        (30.0, [ill(100), GOOD]),
        (40.0, [GOOD, GOOD]),
    ]

    assert [
        (0, SetInterval(180)), (20, SetInterval(80)), (40, SetInterval(60)), (40, Ping()),
    ] == told(*story)  # fmt: skip


def test_a_further_round_is_a_further_lease() -> None:
    """The end of the lease moves with the ladder, and each move is told."""
    rounds = [(0.0, [ill(100)]), (90.0, [ill(230)]), (220.0, [ill(360)])]

    assert [(0, SetInterval(100)), (90, SetInterval(140)), (220, SetInterval(140))] == told(*rounds)


def test_a_ping_needs_a_frame_of_each_camera() -> None:
    """One silent camera, healthy as it may count, stops all pings."""
    story = [(0.0, [GOOD, GOOD]), *every(1, 1, 50, GOOD, silent()), (50.0, [GOOD, GOOD])]

    assert [(0, SetInterval(60)), (0, Ping()), (50, Ping())] == told(*story)


def test_recovery_is_not_paid_before_all_have_delivered() -> None:
    """The lease stays until every camera has shown a frame, although none is in an incident any more."""
    story = [(0.0, [ill(100), GOOD]), (10.0, [GOOD, silent()]), (11.0, [GOOD, GOOD])]

    assert [(0, SetInterval(100)), (11, SetInterval(60)), (11, Ping())] == told(*story)


def test_an_overdue_lease_never_disarms() -> None:
    """A lease that is over is told as a second, not as 0, which would switch the watchdog off."""
    assert [(50, SetInterval(lease.SHORTEST))] == told((50, [ill(10)]))


def test_long_exposures_lengthen_the_interval_once() -> None:
    """When a camera's frames take longer the steady interval follows, with one message."""
    slow = replace(GOOD, detection=100.0)
    heard = told((0, [GOOD]), (1, [slow]), (2, [slow]), (3, [GOOD]))

    assert [60, 140, 60] == [order.seconds for _, order in heard if isinstance(order, SetInterval)]


def test_progress_renews_where_no_camera_is_required() -> None:
    """WATCHDOG_USEC= each quarter, never a ping; and `due` has the loop woken for it."""
    heard = told(*every(1, 0, 40))
    watchdog, _ = lease.pay(Watchdog(60.0), [], 100.0)

    assert [(0, SetInterval(60)), (15, SetInterval(60)), (30, SetInterval(60))] == heard
    assert 115 == lease.due(watchdog, [])


@pytest.mark.parametrize(("base", "gates"), [(60.0, [GOOD]), (60.0, [ill(5)]), (None, [])])
def test_what_cameras_pay_for_is_not_due_by_itself(base: float | None, gates: list[Gate]) -> None:
    """No clock may wake the loop in order to ping."""
    assert float("inf") == lease.due(Watchdog(base), gates)


def test_the_last_required_camera_leaves() -> None:
    """When a reload takes the gate away during a lease, progress takes over with the unit's own interval."""
    assert [(0, SetInterval(100)), (20, SetInterval(60))] == told((0, [ill(100)]), (20, []), (21, []))


# --- cameras that are given up, or in their operator's hands ----------------------------------------------


def test_a_parked_camera_leaves_the_gate_to_those_that_work() -> None:
    """The watchdog stays armed with the interval of the healthy camera, and its frames alone pay."""
    story = [*every(1, 0, 40, aside(5000), GOOD), (40.0, [aside(5000), silent()])]

    assert [(0, SetInterval(60)), (0, Ping()), (15, Ping()), (30, Ping())] == told(*story)


def test_a_parked_camera_counts_again_when_no_other_is_healthy() -> None:
    """While all are in trouble the latest deadline holds; then the one that is back pays alone."""
    story = [(0.0, [aside(5000), GOOD]), (10.0, [aside(5000), ill(300)]), (50.0, [aside(5000), GOOD])]

    assert [
        (0, SetInterval(60)), (0, Ping()), (10, SetInterval(4990)), (50, SetInterval(60)), (50, Ping()),
    ] == told(*story)  # fmt: skip


def test_nobody_parked_pings() -> None:
    """Without a healthy camera there is the lease alone, told once for each park."""
    story = [*every(1, 0, 60, aside(200), aside(100)), *every(1, 60, 90, aside(400), aside(100))]

    assert [(0, SetInterval(200)), (60, SetInterval(340))] == told(*story)


def test_a_probe_takes_a_camera_back_to_the_gate() -> None:
    """While it is probed its lease counts, whoever else is healthy; refused again, it steps aside again."""
    story = [(0.0, [aside(200), GOOD]), (60.0, [ill(200), GOOD]), (90.0, [aside(900), GOOD])]

    assert [
        (0, SetInterval(60)), (0, Ping()), (60, SetInterval(140)), (90, SetInterval(60)), (90, Ping()),
    ] == told(*story)  # fmt: skip


# --- how long a lease is ----------------------------------------------------------------------------------


def test_the_lease_of_a_held_fault_covers_the_rungs_that_a_probe_may_lead_to() -> None:
    """A probe that finds another fault climbs for it on the lease that the hold was given."""
    story = Story().after(0.5, ev.WorkerStarted(), ev.WorkerImported()).after(0.1, ev.Faulted("busy"))
    lease_until = story.state.lease_until
    story.until_deadline().after(20, ev.WorkerStarted()).after(
        50, ev.WorkerImported(), ev.Faulted("device-gone")
    )

    assert "device-gone" == story.state.fault
    assert lease_until == story.state.lease_until


def test_the_lease_covers_the_worst_case_of_the_table() -> None:
    """From the fault on, everything at its bound ends before the lease does, and not much before."""
    story = healthy().after(0, ev.Located("1-1.3")).stall()
    lease_until = story.state.lease_until
    for _ in range(100):
        if story.state.phase is Phase.LEAVING:
            break
        if story.state.milestone == "resetting the USB device":
            story.after(39.9, DONE)
        elif story.state.phase is Phase.ACTING and story.state.rung is STREAM:
            story.after(29.9, DONE)
        elif story.state.milestone == "ending the old worker":
            story.after(19.9, ev.WorkerStarted()).after(59.9, ev.WorkerImported()).after(
                49.9, ev.StreamStarted()
            )
        else:
            story.until_deadline()

    assert 10 <= lease_until - story.now <= 12


def test_each_request_and_each_park_is_a_move() -> None:
    """The lease covers the answer, then the pause, the probe and an answer to that; nothing else moves its end."""
    story = healthy().after(1, ev.WorkerUnkillable("worker-unkillable"))
    asking, rounds = story.state.lease_until - story.now, [story.state.rounds]
    story.refuse()
    rounds.append(story.state.rounds)
    refused, lease_until = story.state.lease_until - story.state.deadline, story.state.lease_until
    story.after(1, ev.CaptureFailed("frames-stopped"), ev.DeviceAppeared())

    assert 15 + 10 == pytest.approx(asking)
    assert 15 + 20 + 60 + 50 + 15 <= refused
    assert lease_until == story.state.lease_until
    assert story.until_deadline().state.lease_until == story.now + 25
    assert story.refuse().state.lease_until > lease_until
    assert [1, 2] == rounds


def test_the_lease_of_a_park_covers_answer_and_probe() -> None:
    """Once all rungs are spent: the answer's 15 s, a restart of the worker, its proof, and the margins."""
    state = parked().state

    assert 15 + (20 + 60 + 50) + 15 + 2 * lease.MARGIN == pytest.approx(state.lease_until - state.deadline)


@pytest.mark.parametrize("settle", [15.0, 600.0])
def test_the_lease_covers_the_proof_of_a_restarted_service(settle: float) -> None:
    """The first worker of the next start has the settle time of that rung, however long it was made."""
    row = replace(LADDER[Rung.RESTART_SERVICE.height], settle=settle)
    story = spent(replace(policy(), ladder=(*LADDER[:4], row, *LADDER[5:]))).restart()
    story.after(19.9, ev.WorkerStarted()).after(59.9, ev.WorkerImported()).after(49.9, ev.StreamStarted())

    assert settle == pytest.approx(story.state.deadline - story.now)
    assert story.state.deadline < story.state.lease_until < story.state.deadline + 30


def test_the_lease_of_a_pause_is_what_is_left_of_it_and_a_minute() -> None:
    """... and the start that follows; the operator who ends it early gets the lease of a start."""
    story = healthy().after(1, ev.Paused(3600.0))
    paused, began = story.state.lease_until - story.state.deadline, Story().state.lease_until - 1000
    story.after(10, ev.Resumed())

    assert 60 + began == pytest.approx(paused)
    assert began == pytest.approx(story.state.lease_until - story.now)
