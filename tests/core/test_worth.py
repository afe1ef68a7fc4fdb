# SPDX-License-Identifier: MIT
"""Storyboards of what is worth a reboot: no picture at all is; a bad picture, and what others must end, is not."""

import pytest

from camwatchd.core import events as ev
from camwatchd.core.events import Event
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import Rung
from camwatchd.core.lastrungs import max_reboots
from camwatchd.core.state import Phase
from tests.core.storyboard import CRASH, DONE, MISSED, OPEN, Story, healthy, parked

SERVICE, REBOOT = Rung.RESTART_SERVICE, Rung.REBOOT
FROZEN = ev.CaptureFailed("frozen-picture", "the same for 10 s")


@pytest.mark.parametrize("name", [n for n, f in FAULTS.items() if f.hold is None and not f.max_reboots])
def test_bad_pictures_never_leave(name: str) -> None:
    """Stream and worker are restarted, then the camera is parked by name and probed; nobody leaves for it."""
    story = healthy()
    for _ in range(3):
        story.after(1.5, ev.CaptureFailed(name))
    for _ in range(20):
        story.fails(*OPEN, *[ev.CaptureFailed(name)] * 3).until_deadline()

    assert [] == story.asked()
    assert [(name, "no-cure")] == [(said.fault, said.name) for said in story.said(ev.SayParked)]


@pytest.mark.parametrize("then", [(CRASH,), (MISSED, CRASH), (MISSED,)])
def test_a_crash_after_a_bad_picture_is_not_worth_more(then: tuple[Event, ...]) -> None:
    """As long as each new worker still gives pictures, however it ends, no reboot is asked for."""
    story = healthy().after(1, ev.Faulted("frozen-picture"))
    for _ in range(20):
        story.fails(*OPEN, FROZEN, *then)
        assert 0 == max_reboots(story.state)
        story.until_deadline()

    assert [] == story.asked()
    assert {("no-cure", "a reboot does not cure frozen-picture")} == {
        (said.name, said.detail) for said in story.said(ev.SayParked)
    }


def test_a_camera_that_stopped_and_now_gives_bad_pictures_is_called_that() -> None:
    """What the last attempt has shown is the fault: frames that stopped and came back black are a black picture."""
    story = healthy().stall()
    story.fails(*OPEN, ev.CaptureFailed("black-picture"))

    assert "black-picture" == story.state.fault
    assert [] == story.asked()


@pytest.mark.parametrize(
    ("events", "name"),
    [
        (OPEN, "start-timeout"),
        ((*OPEN, MISSED), "start-timeout"),
        (OPEN[:2], "init-timeout"),
        (OPEN[:1], "import-timeout"),
    ],
)
def test_a_bad_picture_that_turned_into_none_is_worth_a_reboot(events: tuple[Event, ...], name: str) -> None:
    """Workers that get no picture at all, or hang on the way to one, have disproved a frozen one."""
    story = healthy().after(1, ev.Faulted("frozen-picture"))
    story.fails(*events)

    assert [SERVICE] == story.asked()
    assert name == story.state.fault
    assert [name] == [said.fault for said in story.said(ev.SayFault)][1:]


def test_a_parked_camera_that_shows_nothing_any_more_is_worth_a_reboot() -> None:
    """What the worker before the probe has shown is forgotten with it."""
    story = healthy().after(1, ev.Faulted("frozen-picture")).fails(*OPEN, FROZEN)
    before = (story.state.refusal, story.asked())
    story.until_deadline().fails(*OPEN)

    assert ("no-cure", []) == before
    assert [SERVICE] == story.asked()


def test_a_bad_picture_of_an_earlier_attempt_does_not_count() -> None:
    """A fresh worker begins with a clean slate: what the one before it has shown was its own."""
    story = healthy().stall()
    story.until(Phase.BACKOFF).until_deadline().after(0.1, *OPEN, FROZEN, CRASH)
    story.fails(*OPEN[:2], ev.Faulted("sensor-io"))

    assert ("", 2) == (story.state.symptom, max_reboots(story.state))
    assert [SERVICE] == story.asked()


def test_a_start_that_gives_only_bad_pictures_says_so() -> None:
    """A first worker whose pictures are black did start; its frames did arrive."""
    story = Story().after(1, *OPEN).after(1, ev.CaptureFailed("black-picture")).until_deadline()

    assert ["black-picture"] == [said.fault for said in story.said(ev.SayFault)]


def test_a_picture_shown_while_the_reboot_is_postponed_ends_the_request() -> None:
    """When its time has come, a camera that gives pictures again is not asked for."""
    story = parked("min-uptime", 40.0)
    orders = len(story.orders())
    story.after(10, FROZEN).after(31)

    assert orders == len(story.orders())
    assert "no-cure" == story.state.refusal


def test_words_that_come_after_the_verdict_do_not_free_a_process() -> None:
    """A late report of the worker that cannot be killed changes nothing: only a boot can help."""
    story = (
        healthy().after(1, ev.WorkerUnkillable("worker-unkillable")).refuse("min-uptime", 60, postponed=True)
    )
    story.after(1, FROZEN).after(60)

    assert (Phase.LEAVING, REBOOT) == (story.state.phase, story.state.rung)


def test_held_faults_stay_held() -> None:
    """Whatever a human or another program must end is probed for ever, and never left for."""
    for name in ("busy", "permission", "configuration", "missing-package"):
        story = healthy().after(1, ev.Faulted(name))
        for _ in range(200):
            assert Phase.HOLDING is story.state.phase
            story.until_deadline().fails(*OPEN[:2], ev.Faulted(name))
        assert [] == story.asked()


def test_a_stream_restart_that_hangs_over_a_bad_picture_is_worth_a_reboot() -> None:
    """A call that hangs is no matter of the picture any more, and fresh workers that give none agree."""
    story = healthy().after(1, ev.Faulted("frozen-picture")).after(1, FROZEN).until_deadline()
    named, worth = story.state.fault, max_reboots(story.state)
    story.fails(*OPEN)

    assert ("worker-silent", 2) == (named, worth)
    assert [SERVICE] == story.asked()


def test_a_stream_restart_that_hangs_and_a_fresh_worker_with_bad_pictures_is_not() -> None:
    """What the fresh worker shows is the fault again: the hang went with the worker that it was in."""
    story = healthy().after(1, ev.Faulted("frozen-picture")).until_deadline()
    for _ in range(10):
        story.fails(*OPEN, FROZEN).until_deadline()

    assert "frozen-picture" == story.state.fault
    assert [] == story.asked()


def test_a_stream_that_was_restarted_and_is_silent_keeps_the_name() -> None:
    """The same worker may only need longer; the next rungs will tell."""
    story = healthy().after(1, ev.Faulted("frozen-picture")).after(1, DONE).until_deadline()

    assert ("frozen-picture", (Rung.RESTART_STREAM, 2)) == (story.state.fault, story.orders()[-1])


def test_a_line_about_the_stream_does_not_disprove_a_process_that_does_not_end() -> None:
    """Only a worker that runs in its place does."""
    story = Story().until_deadline().until_deadline().after(1, ev.Faulted("frontend-timeout"))
    named = story.state.fault
    story.until_deadline().after(1, *OPEN[:2], ev.Faulted("frontend-timeout"))

    assert ("worker-unkillable", "frontend-timeout") == (named, story.state.fault)
