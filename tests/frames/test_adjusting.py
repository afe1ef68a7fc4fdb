# SPDX-License-Identifier: MIT
"""Proves what becomes of controls that applications ask for: what a camera would not take, and what is kept."""

import math
from typing import Any, NamedTuple

import pytest

from camwatchd.adjusting import LARGEST, MOST_ASKED, Adjusting
from camwatchd.cameras.adjusting import checked, plain
from camwatchd.cameras.base import CameraError
from camwatchd.control.protocol import AdjustFacts, Reason, Refused
from camwatchd.core.messages import MAX_MESSAGE, Adjust, Adjusted, encode
from camwatchd.worker_report import adjusted

# As libcamera gives them for a camera module 3, made plain: smallest, largest, usual.
OFFERED: dict[str, Any] = {
    "ExposureTime": (1, 66666, 20000), "AnalogueGain": (1.0, 16.0, None), "AeEnable": (False, True, None),
    "ColourGains": (0.0, 32.0, None), "FrameDurationLimits": (33333, 120000, None),
    "ScalerCrop": ([0, 0, 128, 128], [4056, 3040, 4056, 3040], [0, 0, 4056, 3040]),
    "AfWindows": ([0, 0, 0, 0], [65535, 65535, 65535, 65535], [0, 0, 0, 0]),
    "ColourCorrectionMatrix": ("-inf", "inf", None),
}  # fmt: skip


@pytest.mark.parametrize(
    ("controls", "expected"),
    [
        ({}, {}),
        ({"ExposureTime": 1, "AnalogueGain": 16.0}, {"ExposureTime": 1, "AnalogueGain": 16.0}),
        ({"ExposureTime": 1e4}, {"ExposureTime": 10000}),
        ({"AnalogueGain": 2}, {"AnalogueGain": 2.0}),
        ({"AeEnable": True}, {"AeEnable": True}),
        ({"AeEnable": 0}, {"AeEnable": False}),
        ({"ColourGains": (1.5, 2)}, {"ColourGains": [1.5, 2.0]}),
        ({"FrameDurationLimits": [33333, 66666.0]}, {"FrameDurationLimits": [33333, 66666]}),
        ({"ScalerCrop": [0, 0, 640, 480]}, {"ScalerCrop": [0, 0, 640, 480]}),
        ({"AfWindows": [0, 0, 10, 10]}, {"AfWindows": [[0, 0, 10, 10]]}),
        (
            {"AfWindows": [[0, 0, 10, 10], [20, 20, 10, 10]]},
            {"AfWindows": [[0, 0, 10, 10], [20, 20, 10, 10]]},
        ),
        ({"ColourCorrectionMatrix": [1.0] * 9}, {"ColourCorrectionMatrix": [1.0] * 9}),
    ],
)
def test_what_a_camera_takes_is_made_of_its_own_kind(
    controls: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Numbers, several numbers, rectangles and lists of them; JSON knows no tuples, and shells only text."""
    found = checked(controls, OFFERED)

    assert (expected, repr(expected)) == (found, repr(found))


@pytest.mark.parametrize(
    ("controls", "words"),
    [
        ({"ExposureTime": 0}, "ExposureTime: expected 1 to 66666, got 0"),
        ({"AnalogueGain": 99}, "AnalogueGain: expected 1.0 to 16.0, got 99"),
        ({"Exposure": 1}, "Exposure: no such control here; there is AeEnable, AfWindows, AnalogueGain"),
        ({"ExposureTime": "long"}, "ExposureTime: expected a number, got 'long'"),
        ({"ExposureTime": None}, "ExposureTime: expected a number, got None"),
        ({"ExposureTime": {}}, "ExposureTime: expected a number, got {}"),
        ({"ExposureTime": [1000, 2000]}, "ExposureTime: expected a number, got [1000, 2000]"),
        ({"ExposureTime": True}, "ExposureTime: expected a number, got True"),
        ({"ExposureTime": 10000.5}, "ExposureTime: expected a whole number, got 10000.5"),
        ({"ExposureTime": math.nan}, "ExposureTime: expected a number, got nan"),
        ({"ColourCorrectionMatrix": [10**400] * 9}, "ColourCorrectionMatrix: expected a number, got 1000"),
        ({"AeEnable": 0.5}, "AeEnable: expected true or false, got 0.5"),
        ({"AeEnable": [True, False]}, "AeEnable: expected true or false, got [True, False]"),
        ({"ColourGains": [1.0, 33.0]}, "ColourGains: expected 0.0 to 32.0, got 33.0"),
        ({"ColourGains": 2.0}, "ColourGains: expected 2 numbers, got 2.0"),
        ({"ColourGains": [1.0] * 3}, "ColourGains: expected 2 numbers, got [1.0, 1.0, 1.0]"),
        ({"ScalerCrop": [0, 0, 640]}, "ScalerCrop: expected 4 numbers, got [0, 0, 640]"),
        ({"ScalerCrop": [0, [0, 640, 480]]}, "ScalerCrop: expected 4 numbers, got [0, [0, 640, 480]]"),
        ({"ScalerCrop": [0, 0, 640, 480.5]}, "ScalerCrop: expected a whole number, got 480.5"),
        ({"ScalerCrop": [0, 0, 640, 4800]}, "ScalerCrop: expected 128 to 3040, got 4800"),
        ({"AfWindows": []}, "AfWindows: expected 1 to 16 rectangles, got []"),
        ({"AfWindows": [[0, 0, 1, 1], 7]}, "AfWindows: expected 4 numbers, got 7"),
        ({"ExposureTime": 0, "Gain": 1}, "got 0; Gain: no such control here"),
    ],
)
def test_what_it_does_not_take_is_named(controls: dict[str, Any], words: str) -> None:
    """All problems at once, each with what was expected."""
    with pytest.raises(CameraError) as refused:
        checked(controls, OFFERED)

    assert words in str(refused.value)


class Rectangle(NamedTuple):
    x: int
    y: int
    width: int
    height: int


class Size:
    width, height = 640, 480


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1), (True, True), (1.5, 1.5), (None, None), (math.inf, "inf"), (Size(), [640, 480]),
        (Rectangle(1, 2, 3, 4), [1, 2, 3, 4]), ([Rectangle(1, 2, 3, 4)], [[1, 2, 3, 4]]), (b"x", "b'x'"),
    ],
)  # fmt: skip
def test_limits_are_made_plain(value: object, expected: object) -> None:
    """As JSON has them, whatever libcamera's binding calls them."""
    assert expected == plain(value)


def test_a_camera_that_offers_too_much_is_listed_as_far_as_there_is_room() -> None:
    """A message that no supervisor reads would cost the worker its life."""
    offered = {f"Control{number}": (0, "x" * 100, None) for number in range(1000)}
    report = adjusted(3, {"Control0": 1}, offered)

    assert len(encode(report)) <= MAX_MESSAGE
    assert len(report.offered) > 100
    assert {"Control0": 1} == report.controls


class Bench:
    """The supervisor's side, with a worker that takes orders or does not."""

    def __init__(self) -> None:
        self.sent: list[Adjust] = []
        self.answers: list[AdjustFacts | Refused] = []
        self.saved = 0
        self.up = True
        self.adjusting = Adjusting("cam0", self._send, self._save)

    def _send(self, order: Adjust) -> bool:
        self.sent.append(order)
        return self.up

    def _save(self) -> None:
        self.saved += 1

    def ask(self, **controls: Any) -> None:
        self.adjusting.ask(controls, self.answers.append)

    def refused(self) -> Refused:
        """The last answer."""
        answer = self.answers[-1]
        assert isinstance(answer, Refused)
        return answer


def test_what_the_camera_accepted_is_kept() -> None:
    """Every fresh worker is opened with it; the answer is the camera's."""
    bench = Bench()
    bench.ask(ExposureTime=5000)
    before = dict(bench.adjusting.kept)
    bench.adjusting.answered(Adjusted(bench.sent[0].order, "", {"ExposureTime": 5000}, OFFERED))
    bench.ask(AnalogueGain=2.0)
    bench.adjusting.answered(Adjusted(bench.sent[1].order, "", {}, OFFERED))

    assert {} == before
    assert {"ExposureTime": 5000, "AnalogueGain": 2.0} == bench.adjusting.kept
    assert AdjustFacts("cam0", {"ExposureTime": 5000}, OFFERED) == bench.answers[0]
    assert 2 == bench.saved


def test_only_to_ask_saves_nothing() -> None:
    """What there is is listed over and over by whoever shows it."""
    bench = Bench()
    bench.ask()
    bench.adjusting.answered(Adjusted(bench.sent[0].order, "", {}, OFFERED))

    assert (0, {}) == (bench.saved, bench.adjusting.kept)


def test_what_the_camera_refused_is_not() -> None:
    """A fresh worker would fail with it, again and again."""
    bench = Bench()
    bench.ask(ExposureTime=0)
    bench.adjusting.answered(Adjusted(bench.sent[0].order, "ExposureTime: expected 1 to 66666, got 0"))

    assert {} == bench.adjusting.kept
    assert Reason.CONTROLS == bench.refused().reason
    assert "cam0: ExposureTime: expected 1 to 66666, got 0" == bench.refused().message


def test_a_camera_that_is_down_says_so() -> None:
    """At once if there is no worker, and as soon as it is gone if there was one."""
    bench = Bench()
    bench.up = False
    bench.ask(ExposureTime=5000)
    at_once = bench.refused()
    bench.up = True
    bench.ask(ExposureTime=5000)
    waiting = len(bench.answers)
    bench.adjusting.lost()

    assert (Reason.DOWN, Reason.DOWN) == (at_once.reason, bench.refused().reason)
    assert (1, 2) == (waiting, len(bench.answers))


def test_what_another_camera_refuses_is_forgotten() -> None:
    """A camera that was replaced must not stay down for a wish that its successor cannot fulfil."""
    bench = Bench()
    bench.adjusting.kept = {"LensPosition": 1.0, "ExposureTime": 5000}
    unrelated = bench.adjusting.blamed("open(): RuntimeError('Camera __init__ sequence did not complete.')")
    named = bench.adjusting.blamed(
        "start(): RuntimeError('Control LensPosition is not advertised by libcamera')"
    )

    assert ((), ("LensPosition",)) == (unrelated, named)
    assert {"ExposureTime": 5000} == bench.adjusting.kept
    assert 1 == bench.saved


def test_what_the_camera_made_of_it_is_kept() -> None:
    """A fresh one could not be started with 10000.0."""
    bench = Bench()
    bench.ask(ExposureTime=10000.0)
    bench.adjusting.answered(Adjusted(bench.sent[0].order, "", {"ExposureTime": 10000, "Gain": 1}, OFFERED))

    assert repr({"ExposureTime": 10000}) == repr(bench.adjusting.kept)


def test_a_refusal_that_names_nothing_is_of_all_of_them() -> None:
    """libcamera's binding says which type it cannot cast, and not of what; the camera has to come back."""
    bench = Bench()
    bench.adjusting.kept = {"LensPosition": 1.0, "ExposureTime": 5000}
    named = bench.adjusting.blamed(
        "start(): RuntimeError('Unable to cast Python instance of type')", refused=True
    )

    assert (("LensPosition", "ExposureTime"), {}) == (named, bench.adjusting.kept)


def test_an_answer_to_nobody_is_passed_over() -> None:
    """Of an order before the last worker's end."""
    bench = Bench()
    bench.adjusting.answered(Adjusted(7, "", {"ExposureTime": 1}, {}))

    assert ({}, []) == (bench.adjusting.kept, bench.answers)


def test_a_worker_that_does_not_answer_is_asked_only_so_often() -> None:
    """The link to it has more important orders to carry."""
    bench = Bench()
    for _ in range(MOST_ASKED + 3):
        bench.ask(ExposureTime=1)

    assert MOST_ASKED == len(bench.sent)
    assert [Reason.CROWDED] * 3 == [answer.reason for answer in bench.answers if isinstance(answer, Refused)]


@pytest.mark.parametrize("value", [math.inf, math.nan, "x" * LARGEST])
def test_what_no_order_could_hold_is_refused_here(value: object) -> None:
    """It would end the worker, and every worker after it."""
    bench = Bench()
    bench.ask(ExposureTime=value)

    assert ([], Reason.CONTROLS) == (bench.sent, bench.refused().reason)


def test_what_is_kept_is_bounded_as_a_whole() -> None:
    """Many small ones are a large one."""
    bench = Bench()
    for number in range(100):
        bench.ask(**{f"Control{number}": [1.0] * 20})
        if isinstance(bench.answers[-1] if bench.answers else None, Refused):
            break
        bench.adjusting.answered(Adjusted(bench.sent[-1].order))

    assert "together there may be 4096 in force" in bench.refused().message
    assert bench.adjusting.kept
