# SPDX-License-Identifier: MIT
"""The rehearsal tells of every fault what the core would do, and how long at most a camera is without frames."""

import pytest

from camwatchd.core.drills import unseen as objection
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import LADDER, Rung
from camwatchd.core.rehearsal import Course, End, Subject, rehearse
from camwatchd.core.settings import Checks
from camwatchd.core.state import Policy
from tests.core.storyboard import policy

STREAM, WORKER, RESET = Rung.RESTART_STREAM, Rung.RESTART_WORKER, Rung.RESET_DEVICE
SERVICE, REBOOT = Rung.RESTART_SERVICE, Rung.REBOOT


def both(fault: str, rules: Policy | None = None, place: str = "") -> list[Course]:
    """Soonest and latest."""
    subject = Subject(fault=fault, place=place)
    return [rehearse(rules or Policy(), subject, slow=slow) for slow in (False, True)]


def rungs(course: Course) -> list[tuple[Rung | None, int]]:
    return [(moment.rung, moment.attempt) for moment in course.moments if moment.what == "attempt"]


def test_a_stall_that_nothing_cures_climbs_every_rung() -> None:
    """Each rung of the table as often as the table says, then the reboot is asked for; the times are the table's."""
    soonest, latest = both("frames-stopped")
    table = [(row.rung, n + 1) for row in LADDER for n in range(row.attempts)]

    for course in (soonest, latest):
        assert [entry for entry in table if entry[0] not in (RESET, REBOOT)] == rungs(course)[:6]
    # The first frame that the last worker owes is missed just before its settle time is over: the tenth failure.
    assert ([], [(Rung.RESTART_WORKER, 3)]) == (rungs(soonest)[6:], rungs(latest)[6:])
    for course in (soonest, latest):
        assert (End.REBOOT, course.seconds) == (course.end, course.moments[-1].after)
    first = [moment.after for moment in soonest.moments if moment.what == "attempt"][:4]
    assert [
        4.5,
        9.5,
        16.5,
        30.5,
    ] == first  # 3 captures of 1.5 s; 5 s settle, 2 s backoff; 10 s settle, 4 s backoff
    assert 41.0 == latest.moments[2].after  # 3 x 2.0 s, 30 s for the restart, 5 s settle


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_ends_as_its_row_says(fault: str) -> None:
    """Held, parked or rebooted for; the slow course is the longer one and does the same in the same order.

    But if all goes well it counts a failure less, and so needs a round more.
    """
    soonest, latest = both(fault)
    row = FAULTS[fault]
    expected = End.PROBED if row.hold else End.REBOOT if row.max_reboots else End.PARKED

    assert (expected, expected) == (soonest.end, latest.end)
    assert soonest.seconds <= latest.seconds
    late = iter((m.what, m.rung, m.attempt) for m in latest.moments)
    assert all((m.what, m.rung, m.attempt) in late for m in soonest.moments)
    assert fault in {m.detail for m in soonest.moments if m.what == "noticed"} | {"device-gone"}


def test_on_usb_the_device_is_reset() -> None:
    """Only there is it tried, between the worker and the service."""
    ribbon, usb = (rungs(both("frames-stopped", place=place)[0]) for place in ("", "1-1.3"))

    assert RESET not in [rung for rung, _ in ribbon]
    assert [WORKER, RESET, WORKER, SERVICE] == [rung for rung, _ in usb][4:8]


def test_an_optional_camera_never_leaves() -> None:
    """It is parked by name."""
    for course in both("frames-stopped", policy(required=False)):
        assert (End.PARKED, "optional-camera") == (course.end, course.moments[-1].detail.partition(":")[0])


def test_the_configured_numbers_count() -> None:
    """More failures until it is noticed, and a rung that is off is not climbed."""
    soonest, _ = both("frames-stopped", policy(STREAM, max_consecutive_failures=6))

    assert (9.0, (WORKER, 1)) == (soonest.moments[0].after, rungs(soonest)[0])


def test_what_only_warns_is_no_fault() -> None:
    """The checks of the camera decide whether a picture is one."""
    assert "on_black" in objection(Checks(), "black-picture")
    assert (
        "" == objection(Checks(on_black="recover"), "black-picture") == objection(Checks(), "frozen-picture")
    )
    assert "frozen_after" in objection(Checks(frozen_after=0.0), "frozen-picture")
    assert "" == objection(Checks(), "frames-stopped")
