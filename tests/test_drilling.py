# SPDX-License-Identifier: MIT
"""When there is no drill: each objection by its reason; and what is said of one that went wrong."""

from dataclasses import replace

import pytest

from camwatchd.control.protocol import Reason
from camwatchd.core import events as ev
from camwatchd.core.drills import EXERCISES, LASTS
from camwatchd.core.ladder import Rung
from camwatchd.core.settings import CameraSettings, Checks
from camwatchd.core.state import Policy, State
from camwatchd.drilling import Drilling, objection
from tests.control.rig import Log
from tests.core.storyboard import healthy

WELL = healthy().state
BLACK = CameraSettings(checks=Checks(on_black="recover"))


def reason(
    exercise: str = "stall", camera: CameraSettings | None = None, state: State = WELL, model: str = "imx708",
    opens: int = 1, encoded: bool = False,
) -> Reason | None:  # fmt: skip
    refused = objection(exercise, camera or CameraSettings(), Policy(), state, model, opens, encoded)
    return None if refused is None else refused.reason


def test_a_healthy_camera_may_be_drilled() -> None:
    """With everything that applies to it; black pictures are faults only where that is set, and can be seen."""
    assert {name: None for name in EXERCISES if name != "black"} == {
        name: reason(name) for name in EXERCISES if name != "black"
    }
    assert Reason.INAPPLICABLE is reason("black")
    assert None is reason("black", BLACK)
    assert Reason.INAPPLICABLE is reason("black", BLACK, encoded=True)


AILING = (
    healthy().stall().state,
    healthy().after(0, ev.Drilled("stall", LASTS)).state,
    healthy().after(0, ev.Paused(9)).state,
)


@pytest.mark.parametrize("state", AILING)
def test_one_that_is_not_may_not(state: State) -> None:
    """In trouble, drilled already, paused."""
    assert Reason.UNFIT is reason(state=state)


def test_what_would_harm_or_prove_nothing() -> None:
    """A camera that survives few opens; frames so rare that a drill is over before one is missed."""
    assert None is reason("crash", model="imx500", opens=11)
    assert Reason.INAPPLICABLE is reason("crash", model="imx500", opens=12)
    assert Reason.INAPPLICABLE is reason(state=replace(WELL, frame_duration=10.0))
    assert Reason.MALFORMED is reason("earthquake")


@pytest.mark.parametrize(
    ("effects", "outcome"),
    [
        ((), "not-noticed"),
        ((ev.SayFault("frames-stopped", "", 4.5),), "not-recovered"),
        ((ev.SayFault("frames-stopped", "", 4.5), ev.SayRecovered("frames-stopped", None, 0, 9.0)), "recovered"),
    ],
)  # fmt: skip
def test_how_it_ended(effects: tuple[ev.Effect, ...], outcome: str) -> None:
    """Said once, marked, with the outcome; whoever takes the camera anew interrupts it."""
    log = Log()
    drilling = Drilling("cam0", log, lambda: 1000.0)
    drilling.begin(EXERCISES["stall"], Policy())
    for effect in effects:
        drilling.note(effect)
    drilling.follow(WELL)
    drilling.end()

    assert [f"cam0: DRILL: stall is over: {outcome}"] == log.of("drill.ended")
    assert [1] == [facts["drill"] for event, facts in log.lines if event == "drill.ended"]
    drilling.begin(EXERCISES["stall"], Policy())
    drilling.end()
    assert "interrupted" in log.of("drill.ended")[-1]
    assert 3 == drilling.begin(EXERCISES["stall"], Policy()).number
    drilling.note(ev.SayOrdered(Rung.RESTART_WORKER))
    drilling.follow(WELL)
    assert "interrupted" in log.of("drill.ended")[-1]


def test_only_what_cannot_be_opened_is_pretended_by_the_next_worker() -> None:
    """Once: the worker after that is to open the camera. What the present one pretends is not pretended again."""
    handed = {}
    for name, exercise in EXERCISES.items():
        drilling = Drilling("cam0", Log(), lambda: 0.0)
        drilling.begin(exercise, Policy())
        handed[name] = (drilling.for_the_next_worker(), drilling.for_the_next_worker())

    assert {name: ("open" if name == "open" else "", "") for name in EXERCISES} == handed


def test_nothing_is_marked_before_and_after_a_drill() -> None:
    """Else a true alert looked like an exercise; and the mark stands once in a sentence, behind the camera's name."""
    log = Log()
    drilling = Drilling("cam0", log, lambda: 0.0)
    assert drilling.log is log
    drilling.begin(EXERCISES["stall"], Policy())
    drilling.log.info("x", message="cam0: cam0: y")
    drilling.end()

    assert (drilling.running, drilling.log) == ("", log)
    assert ["cam0: DRILL: cam0: y"] == log.of("x")
