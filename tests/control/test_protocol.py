# SPDX-License-Identifier: MIT
"""Requests and answers survive the way over the socket; everything else is refused in words."""

import dataclasses
import json
import sys
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.control import protocol
from camwatchd.control.facts import DrillFacts, RecoverPlan
from camwatchd.control.protocol import (
    MAX_ANSWER,
    MAX_REQUEST,
    Adjust,
    AdjustFacts,
    Answer,
    AttachFacts,
    Pause,
    PauseFacts,
    Pong,
    Reason,
    RecoverFacts,
    Refused,
    ReloadFacts,
    Request,
    ResumeFacts,
    Status,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)
from camwatchd.core.messages import ProtocolError
from camwatchd.core.streams import Stream
from tests.control.rig import FakeDaemon
from tests.control.samples import REQUESTS

_WELL = FakeDaemon().status()
_DRILLED = DrillFacts(
    exercise="stall", expected_fault="frames-stopped", expected_cure="restart-stream", number=1
)
ANSWERS: list[Answer] = [
    Pong("0.1.0", 812), _WELL, replace(_WELL, cameras=(replace(_WELL.cameras[0], last_drill=_DRILLED),)),
    PauseFacts(("cam0",), 599.5, ("cam0",)), ResumeFacts(()),
    RecoverFacts(("cam0",), (RecoverPlan(camera="cam0", disturbs=True, steps=("this",), objection="that"),)),
    ReloadFacts("no good"), Refused(Reason.PERMISSION, "you may not", "use sudo"),
    DrillFacts(exercise="stall", expected_fault="frames-stopped", expected_cure="restart-stream", back_after=6.5),
    AttachFacts("cam0", Stream("main", "RGB888", 640, 480, 1920, 921600), 3, 4),
    AdjustFacts("cam0", {"ExposureTime": 100}, {"ExposureTime": [1, 66666, None]}),
]  # fmt: skip
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def refused(data: object) -> tuple[int, Reason]:
    """The serial and the reason by which a request is refused."""
    serial, answer = decode_request(json.dumps(data).encode())
    assert isinstance(answer, Refused)
    return serial, answer.reason


def request(**changes: object) -> dict[str, object]:
    """A request as it travels, with changes; ... takes a key away."""
    data = {"version": 1, "serial": 7, "request": "Pause", "seconds": 60, **changes}
    return {key: value for key, value in data.items() if value is not ...}


@pytest.mark.parametrize("message", REQUESTS, ids=repr)
def test_requests_arrive(message: Request) -> None:
    """What is decoded is what was encoded, with its serial."""
    assert decode_request(encode_request(7, message)) == (7, message)


@pytest.mark.parametrize("message", ANSWERS, ids=lambda a: type(a).__name__)
def test_answers_arrive(message: Answer) -> None:
    """What is decoded is what was encoded, with its serial."""
    assert decode_answer(encode_answer(7, message)) == (7, message)


def test_every_message_was_tried() -> None:
    """The examples of the two tests above leave out no kind of message."""
    assert {type(message) for message in REQUESTS} == set(get_args(Request))
    assert {type(message) for message in ANSWERS} == set(get_args(Answer))


def test_no_field_is_called_like_the_envelopes() -> None:
    """A message and its envelope share one JSON object: none may overwrite the other's keys."""
    messages: tuple[Any, ...] = (*get_args(Request), *get_args(Answer))
    names = {field.name for message in messages for field in dataclasses.fields(message)}

    assert names & {"version", "serial", "request", "answer"} == set()


def test_the_documented_examples_hold() -> None:
    """The two lines in the module's docstring are a request and its answer."""
    lines = [line for line in (protocol.__doc__ or "").splitlines() if line.strip().startswith("{")]

    assert decode_request(lines[0].encode()) == (7, Pause(600.0, ("cam0",)))
    assert decode_answer(lines[1].encode()) == (7, PauseFacts(("cam0",), 599.2))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (request(version=2), (7, Reason.VERSION)),
        (request(version=...), (7, Reason.VERSION)),
        (request(request="Explode"), (7, Reason.REQUEST)),
        (request(request=["Pause"]), (7, Reason.REQUEST)),
        (request(request=...), (7, Reason.REQUEST)),
        (request(seconds="long"), (7, Reason.MALFORMED)),
        (request(seconds=...), (7, Reason.MALFORMED)),
        (request(seconds=float("inf")), (7, Reason.MALFORMED)),
        (request(cameras="cam0"), (7, Reason.MALFORMED)),
        (request(more=1), (7, Reason.MALFORMED)),
        (request(serial=...), (0, Reason.MALFORMED)),
        (request(serial=0), (0, Reason.MALFORMED)),
        (request(serial=True), (0, Reason.MALFORMED)),
        (request(serial=10**400), (0, Reason.MALFORMED)),
        ([], (0, Reason.MALFORMED)),
        ("Pause", (0, Reason.MALFORMED)),
    ],
)
def test_what_is_wrong_is_told_apart(data: object, expected: tuple[int, Reason]) -> None:
    """Another version, an unknown request and a malformed one are different refusals, under the serial if known."""
    assert refused(data) == expected


def test_a_refusal_says_what_there_is() -> None:
    """An unknown version names the daemon's own, an unknown request those that there are."""
    version = decode_request(json.dumps(request(version=9)).encode())[1]
    unknown = decode_request(json.dumps(request(request="Explode")).encode())[1]

    assert isinstance(version, Refused)
    assert isinstance(unknown, Refused)
    assert "version 1" in version.message
    assert "version 9" in version.message
    assert "restart camwatchd" in version.hint
    assert "Ping, Status, Pause, Resume, Recover, Drill, Reload" in unknown.message


def test_a_field_too_many_is_named() -> None:
    """The client is newer than the daemon: that the field would be passed over is not what it asked for."""
    answer = decode_request(json.dumps(request(politely=True)).encode())[1]

    assert isinstance(answer, Refused)
    assert (Reason.MALFORMED, "Pause: unknown field 'politely'") == (answer.reason, answer.message)
    assert "different releases" in answer.hint


@pytest.mark.parametrize("message", ANSWERS, ids=lambda a: type(a).__name__)
def test_a_client_of_an_older_release_understands(message: Answer) -> None:
    """A program goes on through an upgrade of the daemon: what it does not know, at any depth, it passes over."""
    data = json.loads(encode_answer(7, message))
    for table in tables(data):
        if table is not data.get("controls") and table is not data.get("offered"):
            table["invented_later"] = [{"x": 1}]

    assert (7, message) == decode_answer(json.dumps(data).encode())


def tables(value: object) -> list[dict[str, object]]:
    """Every JSON object in this one, and itself."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [*([value] if isinstance(value, dict) else []), *(t for item in inner for t in tables(item))]


def test_a_reason_of_a_later_release_is_a_refusal_all_the_same() -> None:
    """Its message says what there is to say."""
    data = {"version": 1, "serial": 7, "answer": "Refused", "reason": "full-moon", "message": "not tonight"}

    assert (7, Refused(Reason.INTERNAL, "not tonight")) == decode_answer(json.dumps(data).encode())


def test_a_long_request_is_refused() -> None:
    """A datagram beyond the limit is refused however valid it would be; one at the limit is heard."""
    full = encode_request(7, Status())
    padding = b" " * (MAX_REQUEST - len(full))
    long = decode_request(full + padding + b" ")[1]

    assert decode_request(full + padding) == (7, Status())
    assert isinstance(long, Refused)
    assert f"{MAX_REQUEST} bytes" in long.message


def test_an_answer_that_is_too_long_says_so() -> None:
    """An answer that no datagram holds becomes a refusal under the same serial."""
    serial, answer = decode_answer(encode_answer(7, ReloadFacts("x" * MAX_ANSWER)))

    assert isinstance(answer, Refused)
    assert (serial, answer.reason) == (7, Reason.INTERNAL)


@pytest.mark.parametrize(
    "datagram",
    [b"", b"{", b"[]", b"\xff", b'{"serial": 1}', b'{"serial": 1, "version": 1, "answer": "Boo"}',
     b'{"serial": 1, "version": 2, "answer": "Pong", "release": "9", "pid": 1}',
     b'{"serial": 1, "version": 1, "answer": "Pong", "release": "9"}', b"[" * 40000],
)  # fmt: skip
def test_a_client_is_told_of_what_is_no_answer(datagram: bytes) -> None:
    """Whatever the daemon could not have sent is a ProtocolError."""
    with pytest.raises(ProtocolError):
        decode_answer(datagram)


@pytest.mark.parametrize("field", ["version", "serial", "request", "cameras", "seconds"])
def test_no_depth_upsets_the_decoder(field: str) -> None:
    """However deeply values are nested, even if they can just be read and not quoted, they are refused."""
    limit = sys.getrecursionlimit()
    for depth in [*range(limit - 150, limit + 10), 10 * limit]:
        deep = f'{{"version": 1, "serial": 7, "request": "Pause", "{field}": {"[" * depth}{"]" * depth}}}'
        refusal = decode_request(deep.encode())[1]

        assert isinstance(refusal, Refused)
        with pytest.raises(ProtocolError):
            decode_answer(deep.replace("request", "answer").encode())


@given(st.binary(max_size=200) | PLAIN.map(lambda data: json.dumps(data).encode()))
def test_no_bytes_can_upset_the_decoder(datagram: bytes) -> None:
    """Any bytes are a request or the refusal of one, and the refusal can be sent."""
    serial, message = decode_request(datagram)

    assert isinstance(message, Refused)
    assert decode_answer(encode_answer(serial or 1, message)) == (serial or 1, message)


@given(
    st.sampled_from([cls.__name__ for cls in get_args(Request)]),
    st.dictionaries(st.sampled_from(["seconds", "cameras", "version", "serial"]), PLAIN),
)
def test_nearly_valid_requests_are_requests_or_refused(kind: str, fields: dict[str, object]) -> None:
    """A known request with any values in its fields is either wholly valid or refused."""
    datagram = json.dumps({"version": 1, "serial": 7, "request": kind, **fields}).encode()
    serial, message = decode_request(datagram)

    if not isinstance(message, Refused):
        assert decode_request(encode_request(serial, message)) == (serial, message)
        assert type(message).__name__ == kind


@pytest.mark.parametrize("levels", [3, 400])
def test_a_control_is_not_nested_without_end(levels: int) -> None:
    """It could be read, but neither logged nor passed on: that once ended the daemon."""
    text = "[" * levels + "1" + "]" * levels
    datagram = (
        f'{{"version": 1, "serial": 7, "request": "Adjust", "camera": "cam0", "controls": {{"A": {text}}}}}'
    )
    serial, refused = decode_request(datagram.encode())

    assert isinstance(refused, Refused)
    assert (7, Reason.MALFORMED) == (serial, refused.reason)
    assert "a control is a number, a list of numbers or a list of lists" == refused.message


def test_controls_may_be_lists_of_rectangles() -> None:
    """No deeper than that."""
    request = Adjust("cam0", {"AfWindows": [[0, 0, 1, 1], [2, 2, 1, 1]]})

    assert (1, request) == decode_request(encode_request(1, request))
