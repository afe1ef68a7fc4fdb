# SPDX-License-Identifier: MIT
"""Proves what becomes of every answer, and of none: by a daemon of the test's own, in the time that was given."""

import math
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from camwatchd.client import (
    Camera,
    CameraPausedError,
    ControlRefusedError,
    DaemonMissingError,
    FrameError,
    FrameTimeoutError,
)
from camwatchd.client.asking import adjusted
from camwatchd.control.client import Client, ControlError
from camwatchd.control.protocol import (
    Adjust,
    AdjustFacts,
    Answer,
    Attach,
    Ping,
    Pong,
    Reason,
    Refused,
    Request,
    Status,
    encode_answer,
)
from tests.client.host import host, status, usual

CROWDED = Refused(Reason.CROWDED, "16 clients are there already", "close some")


def refusal(question: Callable[[], object]) -> FrameError:
    with pytest.raises(FrameError) as raised:
        question()
    return raised.value


def test_the_reason_costs_no_more_than_a_moment(tmp_path: Path) -> None:
    """Of a daemon that hangs nothing is to be had, and the time-out is nearly kept, at each call."""
    with host(tmp_path) as (served, _, cam), served.hanging():
        began = time.monotonic()
        errors = [refusal(lambda: cam.capture_array(0.1)) for _ in range(3)]
        took = time.monotonic() - began

    assert [DaemonMissingError] * 3 == [type(error) for error in errors]
    assert "camwatchd did not answer within 0.2 s" in errors[0].message
    assert 0.9 <= took < 1.5


def test_answers_to_something_else_prolong_no_wait(tmp_path: Path) -> None:
    """They are there already, so none of them has to be waited for; the time is over all the same."""
    there = threading.Event()

    def flood(sock: socket.socket) -> None:
        for serial in (*range(2, 102), 1):
            sock.send(encode_answer(serial, Pong("x", 1)))
        there.set()
        sock.recv(1)

    with host(tmp_path, greet=flood) as (served, _, _), Client(served.path) as client:
        assert there.wait(5)
        with pytest.raises(ControlError, match="did not answer within 0 s"):
            client.ask(Ping(), 0.0)


def test_a_wait_may_be_for_ever(tmp_path: Path) -> None:
    """Until the camera is open, until there is a frame, and beside another thread that waits."""
    with host(tmp_path) as (served, ring, cam):
        frames: list[object] = []
        threads = [
            threading.Thread(target=lambda: frames.append(cam.capture_array(math.inf))) for _ in range(2)
        ]
        with served.hanging():
            for thread in threads:
                thread.start()
            assert served.asked.wait(5)
        while any(thread.is_alive() for thread in threads):
            ring.write()
            threads[0].join(0.01)
            threads[1].join(0.01)

    assert 2 == len(frames)


@pytest.mark.parametrize(
    "call", [Camera.capture_frame_with_timeout, Camera.capture_array, Camera.latest, Camera.frames]
)
def test_a_time_out_is_a_number(tmp_path: Path, call: Callable[..., object]) -> None:
    """Below zero is over at once; what is no number is a mistake of the caller's, said before anything is done."""
    cam = Camera(socket=str(tmp_path / "nobody"))
    with pytest.raises(ValueError, match="timeout: expected a number of seconds, got nan"):
        call(cam, timeout=math.nan)

    assert (False, None) == cam.capture_frame_with_timeout(-1)
    with pytest.raises(DaemonMissingError):
        cam.capture_array(-math.inf)


def test_numpys_numbers_are_numbers(tmp_path: Path) -> None:
    """What was computed can be set, and arrays and tuples of them."""
    controls = {
        "ExposureTime": np.int64(5000), "AnalogueGain": np.float64(1.5), "AeEnable": np.bool_(False),
        "ColourGains": (np.float64(1.5), 2.0), "ScalerCrop": np.array([0, 0, 640, 480]),
    }  # fmt: skip

    def say(request: Request | Refused) -> Answer | None:
        return AdjustFacts("cam0", request.controls, {}) if isinstance(request, Adjust) else None

    with host(tmp_path, say) as (_, _, cam):
        now = cam.set_controls(controls)

    assert {
        "ExposureTime": 5000, "AnalogueGain": 1.5, "AeEnable": False, "ColourGains": [1.5, 2.0],
        "ScalerCrop": [0, 0, 640, 480],
    } == now  # fmt: skip


@pytest.mark.parametrize(
    ("controls", "words"),
    [
        ({"AnalogueGain": math.nan}, "AnalogueGain: this value cannot be sent: "),
        ({"ColourGains": np.array([1.0, math.inf])}, "ColourGains: this value cannot be sent: "),
        ({"ScalerCrop": object()}, "ScalerCrop: this value cannot be sent: "),
        ({"x" * 40000: 1}, "controls of 40077 bytes: 8192 is the most that can be sent"),
    ],
)
def test_controls_that_no_camera_can_be_told(
    tmp_path: Path, controls: dict[str, object], words: str
) -> None:
    """They are refused before anybody is asked."""
    with pytest.raises(ControlRefusedError) as raised:
        adjusted(str(tmp_path / "nobody"), "cam0", controls)

    assert raised.value.message.startswith(words)


def answering(adjust: Answer, **camera: object) -> Callable[[Request | Refused], Answer | None]:
    """A daemon that says this about controls, and that of its camera."""
    well = status()
    changed = replace(well, cameras=(replace(well.cameras[0], **camera),))  # type: ignore[arg-type]
    return lambda request: changed if isinstance(request, Status) else adjust


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (CROWDED, FrameTimeoutError, "16 clients are there already"),
        (Pong("x", 1), DaemonMissingError, "expected AdjustFacts, got Pong"),
        (Refused(Reason.MALFORMED, "nested too deeply"), ControlRefusedError, "nested too deeply"),
        (
            Refused(Reason.DOWN, "cam0: it is down"),
            CameraPausedError,
            "cam0: it is down: paused by its operator",
        ),
    ],
)
def test_every_answer_has_its_error(
    tmp_path: Path, answer: Answer, kind: type[FrameError], words: str
) -> None:
    """Also one that no daemon of this release gives."""
    with host(tmp_path, answering(answer, paused_for=60.0)) as (_, _, cam):
        error = refusal(cam.controls)

    assert type(error) is kind
    assert words in error.message


def test_an_answer_about_something_else_is_no_status(tmp_path: Path) -> None:
    """Neither is it a ring."""
    with host(tmp_path, lambda _: Pong("x", 1)) as (_, _, cam):
        errors = [refusal(cam.status), refusal(lambda: cam.capture_array(0.1))]

    assert [DaemonMissingError] * 2 == [type(error) for error in errors]
    assert "expected StatusFacts, got Pong" in errors[0].message
    assert ", got Pong" in errors[1].message


def test_a_camera_that_hangs_is_not_a_missing_daemon(tmp_path: Path) -> None:
    """The controls are not answered, and the status is: waiting may cure it, and the words are about the camera."""

    def say(request: Request | Refused) -> Answer | None:
        return usual(request) if isinstance(request, Status) else None

    with host(tmp_path, say) as (served, _, _):
        error = refusal(lambda: adjusted(str(served.path), "cam0", {"ExposureTime": 5000}, 0.2))

    assert type(error) is FrameTimeoutError
    assert "cam0: no answer within 0.2 s: the camera is healthy" == error.message
    assert "set them again" == error.hint


def test_a_crowd_is_told_though_the_door_is_shut(tmp_path: Path) -> None:
    """The daemon says why and closes, without a look at what was sent: its words are heard, not the end."""
    sent = threading.Event()

    def turn_away(sock: socket.socket) -> None:
        sock.send(encode_answer(0, CROWDED))
        sent.set()

    with host(tmp_path, greet=turn_away) as (_, _, cam):
        errors = [refusal(lambda: cam.capture_array(0.2)), refusal(cam.status)]
        trouble = cam.trouble()

    assert [FrameTimeoutError] * 2 == [type(error) for error in errors]
    assert [CROWDED.message] * 2 == [error.message for error in errors]
    assert type(trouble) is FrameTimeoutError


def test_a_crowd_is_told_after_a_reset(tmp_path: Path) -> None:
    """As before, but the question had arrived and was not read, which makes the end a reset."""

    def turn_away(sock: socket.socket) -> None:
        sock.recv(1, socket.MSG_PEEK)
        sock.send(encode_answer(0, CROWDED))

    with host(tmp_path, greet=turn_away) as (_, _, cam):
        error = refusal(lambda: cam.capture_array(0.2))

    assert (FrameTimeoutError, CROWDED.message) == (type(error), error.message)


def test_a_refused_attach_is_tried_again(tmp_path: Path) -> None:
    """Until the crowd has gone."""
    answers: list[Answer | None] = [CROWDED, CROWDED]

    def say(request: Request | Refused) -> Answer | None:
        return answers.pop() if isinstance(request, Attach) and answers else usual(request)

    with host(tmp_path, say) as (_, ring, cam):
        ring.write()
        frame = cam.latest(5.0)

    assert 1 == frame.number
