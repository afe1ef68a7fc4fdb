# SPDX-License-Identifier: MIT
"""What `wait` makes of one look: whom it waits for, how it would end, and what it says is in the way."""

import json

import pytest

from camwatchd import cli
from camwatchd.cli.wait import Outcome, ending, judged, meant, why_not
from camwatchd.control.client import ControlError
from camwatchd.control.facts import CameraFacts, DaemonFacts, StatusFacts
from camwatchd.control.protocol import Reason
from tests import schemas
from tests.control.rig import Running, camera
from tests.test_cli_control import daemon, run

__all__ = ["daemon"]  # the fixture

WELL = camera("well")
STARTING = camera("new", phase="starting")
SPARE = camera("spare", phase="parked", required=False)
ACTING = camera("ill", phase="acting", fault="frames-stopped", next_action="restart-stream 1/2 under way")
CRITICAL = camera("bad", phase="acting", is_critical=True, fault="sensor-io")
PARKED = camera("gone", phase="parked", next_action="probe in 4 min")
LENT = camera("lent", phase="paused", paused_for=600.0)


def facts(*cameras: CameraFacts) -> StatusFacts:
    return StatusFacts(daemon=DaemonFacts(version="1", pid=1, uptime=9.0, status=""), cameras=cameras)


def test_who_is_waited_for() -> None:
    """Every required camera, or those that are named, optional ones too, in their order."""
    there = facts(SPARE, WELL, STARTING)

    assert {camera.name for camera in meant(there, ())} == {"well", "new"}
    assert meant(there, ("spare", "well")) == [SPARE, WELL]
    for found, others in ((there, "spare, well, new"), (facts(), "none")):
        with pytest.raises(ControlError, match=f"no camera is called 'x'; there are: {others}$") as refused:
            meant(found, ("well", "x") if found.cameras else ("x",))
        assert refused.value.reason is Reason.CAMERA


@pytest.mark.parametrize(
    ("cameras", "expected"),
    [
        ((WELL, WELL), Outcome.HEALTHY), ((WELL, STARTING), Outcome.TIMED_OUT), ((WELL, PARKED), Outcome.PARKED),
        ((WELL, CRITICAL), Outcome.TIMED_OUT), ((LENT,), Outcome.TIMED_OUT), ((ACTING, PARKED), Outcome.PARKED),
    ],
)  # fmt: skip
def test_how_it_would_end(cameras: tuple[CameraFacts, ...], expected: Outcome) -> None:
    """Only when all are healthy, or one is parked, is it over: what is being recovered is waited for."""
    assert ending(cameras) is expected


def test_each_look_counts_for_itself() -> None:
    """A daemon that went away was not healthy, and one that is back is not away."""
    away = ControlError(Reason.UNREACHABLE, "camwatchd is not running")

    assert judged(away, ()) == (Outcome.NO_DAEMON, "camwatchd is not running")
    assert judged(facts(WELL, STARTING), ()) == (Outcome.TIMED_OUT, "new starting")
    assert judged(facts(WELL, STARTING), ("well",)) == (Outcome.HEALTHY, "")


def test_what_is_in_the_way() -> None:
    """Of each that is not healthy its fault and what comes next, as far as there is either."""
    assert why_not((WELL, STARTING, ACTING, CRITICAL, PARKED, LENT)) == (
        "new starting; ill acting: frames-stopped, restart-stream 1/2 under way; bad acting: sensor-io; "
        "gone parked: probe in 4 min; lent paused by its operator for 10 min more (camwatchctl resume)"
    )


def test_without_a_limit_it_waits_for_ever() -> None:
    """And at most a week if it is told how long."""
    waits = [cli.arguments().parse_args(["wait", *words]).timeout for words in ([], ["--timeout", "168h"])]

    assert waits == [float("inf"), 7 * 86400.0]
    with pytest.raises(SystemExit):
        cli.arguments().parse_args(["wait", "--timeout", "169h"])


def test_out_of_time_for_programs(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Two looks in a tenth of a second, at its beginning and at its end; the outcome is a word of the schema."""
    daemon.daemon.scenes = [(ACTING,)] * 9
    status, out, err = run(capsys, "wait", "--json", "--timeout", "0.1")
    document = json.loads(out)

    assert (status, err, len(daemon.daemon.scenes) >= 7) == (75, "", True)
    assert document == {"outcome": "timed-out", "reason": why_not((ACTING,))}
    assert schemas.mistakes(document, "wait") == []
