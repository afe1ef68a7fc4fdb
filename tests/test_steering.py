# SPDX-License-Identifier: MIT
"""What applications have set never keeps a camera down, and nobody waits for a worker that has ended."""

from pathlib import Path

import pytest

from camwatchd.control.protocol import AdjustFacts, Reason, Refused
from camwatchd.core import messages as msg
from camwatchd.post import Post
from tests.post_rig import lone_post
from tests.test_tales import Told

_CAST = "RuntimeError: Unable to cast Python instance of type <class 'float'> to C++ type 'int'"


@pytest.fixture
def log() -> Told:
    return Told()


@pytest.fixture
def post(tmp_path: Path, log: Told) -> Post:
    """Of a camera that streams, whose worker takes every order."""
    post = lone_post("cam0", tmp_path, log, lambda: 0.0)
    post.begin()
    post.witness.streaming = True
    post.slot.send = lambda order, descriptors=(): True  # type: ignore[method-assign]
    return post


def failed(post: Post, text: str) -> None:
    """The camera could not be started."""
    post.reported(msg.CameraFailed("start", (text,)))


def test_an_order_ends_with_the_worker_that_had_it(post: Post) -> None:
    """Its asker is told; after some that nobody answered the camera would not be asked any more."""
    answers: list[AdjustFacts | Refused] = []
    post.adjusting.ask({"ExposureTime": 1000}, answers.append)
    before = list(answers)
    post.exited(9)

    assert [] == before
    assert [Reason.DOWN] == [answer.reason for answer in answers if isinstance(answer, Refused)]


def test_what_the_library_cannot_take_is_set_no_more(post: Post, log: Told) -> None:
    """Its words name no control, so all go; the next attempt cures it, and no human has to come."""
    post.adjusting.kept = {"ExposureTime": 1e4, "AnalogueGain": 2.0}
    failed(post, _CAST)

    assert {} == post.adjusting.kept
    assert "init-failed" == post.state.fault
    assert [
        line for line in log.lines if "no longer set by applications: ExposureTime, AnalogueGain;" in line[2]
    ]


def test_without_such_wishes_the_configuration_is_wrong(post: Post) -> None:
    """What the operator has written is for the operator to mend."""
    failed(post, _CAST)

    assert "configuration" == post.state.fault


def test_another_failure_costs_no_wish(post: Post) -> None:
    """A camera that is away says nothing of what was set."""
    post.adjusting.kept = {"ExposureTime": 1000}
    failed(post, "RuntimeError: Camera __init__ sequence did not complete.")

    assert {"ExposureTime": 1000} == post.adjusting.kept
