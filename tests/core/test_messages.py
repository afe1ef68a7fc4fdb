# SPDX-License-Identifier: MIT
"""What may arrive from a worker: its reports, and whatever else a broken one can send."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from camwatchd.core import classify, escalation
from camwatchd.core import events as ev
from camwatchd.core import messages as msg
from camwatchd.core.events import Event
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import Outcome
from camwatchd.core.messages import ProtocolError, Report, decode_report, encode
from camwatchd.core.plain import field_types
from camwatchd.core.plausible import RANGES
from camwatchd.core.state import Policy
from camwatchd.core.streams import Stream

FRAMES = msg.Frames(1, 0, 0, 1 / 30, 0.01, 0.01, 0, 0, 100.0, 20.0)

_OUTCOMES = [outcome.value for outcome in Outcome]
_numbers = st.one_of(st.integers(-2, 5), st.floats(0, 2000), st.integers(), st.floats(), st.just(10**400))
_texts = st.one_of(st.sampled_from([*sorted(FAULTS), *_OUTCOMES, ""]), st.text(max_size=20))
_values = st.recursive(
    st.one_of(_numbers, _texts, st.none(), st.booleans()),
    lambda item: st.lists(item, max_size=3),
    max_leaves=5,
)


def _fitting(name: str, kind: Any) -> st.SearchStrategy[Any]:
    """What the field is for."""
    low, high = RANGES.get(name, (0, 0))
    own: dict[Any, st.SearchStrategy[Any]] = {
        float: st.floats(low, high),
        int: st.integers(int(low), int(high)),
        str: st.sampled_from(sorted(FAULTS)) if name == "fault" else _texts,
        Outcome: st.sampled_from(_OUTCOMES),
    }
    return own.get(kind, st.lists(_texts, max_size=3))


@st.composite
def sayings(draw: st.DrawFn) -> bytes:
    """A datagram with the fields of a report, in some of which there may be anything."""
    kind: Any = draw(st.sampled_from(Report.__args__))
    said = {name: draw(_fitting(name, hint)) for name, hint in field_types(kind).items()}
    said |= draw(st.dictionaries(st.sampled_from(sorted(said)), _values, max_size=2))
    return json.dumps({"kind": kind.__name__, **said}).encode()


def _frames(**fields: object) -> bytes:
    return json.dumps({**json.loads(encode(FRAMES)), **fields}).encode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("frame_duration", math.inf),
        ("frame_duration", math.nan),
        ("frame_duration", -1.0),
        ("frame_duration", 1001.0),
        ("frame_duration", 10**400),
        ("latency", -0.1),
        ("latency_max", math.inf),
        ("count", 0),
        ("count", -5),
        ("count", 2**40),
        ("dropped", -1),
        ("late", -1),
        ("mean", 256.0),
    ],
)
def test_numbers_that_cannot_be_are_refused(field: str, value: float) -> None:
    """Infinity, negative counts and frames longer than any camera's are no message; the text names the field."""
    with pytest.raises(ProtocolError, match=field):
        decode_report(_frames(**{field: value}))


@pytest.mark.parametrize("kind", [msg.CaptureFailed, msg.CameraFailed])
def test_a_fault_must_be_in_the_table(kind: Any) -> None:
    """The ladder looks every fault up: a name that it does not know is no message."""
    report = kind("made-up", "x", 0.1) if kind is msg.CaptureFailed else kind("open", ("x",), "made-up")
    with pytest.raises(ProtocolError, match="no fault 'made-up'"):
        decode_report(encode(report))


def test_a_failure_without_a_name_is_left_to_us() -> None:
    """A call that raised may come without a fault's name; a failed capture may not."""
    unnamed = msg.CameraFailed("open", ("RuntimeError()",))

    assert unnamed == decode_report(encode(unnamed))
    with pytest.raises(ProtocolError):
        decode_report(encode(msg.CaptureFailed("", "x", 0.1)))


MAIN = Stream("main", "YUV420", 640, 480, 640, 460_800)
LORES = replace(MAIN, name="lores")


@pytest.mark.parametrize("streams", [(), (MAIN,), (MAIN, LORES)])
def test_streams_that_can_be_are_heard(streams: tuple[Stream, ...]) -> None:
    """The main one, and perhaps the small one."""
    report = msg.Opened("id", "imx708", "YUV420", 640, 480, 1.0, "", streams)

    assert report == decode_report(encode(report))


@pytest.mark.parametrize(
    "streams",
    [
        (LORES,), (MAIN, MAIN), (LORES, MAIN), (replace(MAIN, room=0),), (replace(MAIN, room=2**30 + 1),),
        (replace(MAIN, stride=-1),), (MAIN, replace(LORES, width=2**32)), (replace(MAIN, format="F" * 17),),
        (replace(MAIN, format="YÜV"),),
    ],
)  # fmt: skip
def test_streams_that_cannot_be_are_refused(streams: tuple[Stream, ...]) -> None:
    """Memory is made after what a worker says of them."""
    with pytest.raises(ProtocolError):
        decode_report(encode(msg.Opened("id", "imx708", "YUV420", 640, 480, 1.0, "", streams)))


def test_limits_of_controls_are_finite() -> None:
    """They are passed on to clients as JSON, which knows no others."""
    with pytest.raises(ProtocolError, match="offered is not finite"):
        decode_report(encode(msg.Adjusted(1, "", {}, {"Gain": (1.0, math.inf, None)})))


def test_every_number_has_its_range() -> None:
    """No report has a number of which nothing is known."""
    numbers = {
        name
        for kind in (*Report.__args__, Stream)
        for name, hint in field_types(kind).items()
        if hint in (int, float)
    }

    assert numbers == set(RANGES)


@given(
    st.builds(lambda kind, value: {"kind": kind, "value": value}, _texts, _values).map(json.dumps)
    | st.text()
)
def test_what_is_no_report_is_refused(text: str) -> None:
    """Bytes that are no report raise a ProtocolError and nothing else."""
    with pytest.raises(ProtocolError):
        decode_report(text.encode("utf-8", "replace"))


@given(st.binary(max_size=200))
@example(b"[" * 30_000)
@example(b'{"kind":"Late","waited":' + b"9" * 30_000 + b"}")
@example(b'{"kind":["Late"],"waited":1}')
def test_no_bytes_are_too_strange(datagram: bytes) -> None:
    """Whatever bytes arrive: they are refused, and nothing else happens."""
    with pytest.raises(ProtocolError):
        decode_report(datagram)


def _event(report: Report) -> Event | None:
    """The fact that the supervisor tells the ladder."""
    match report:
        case msg.Frames():
            return ev.FramesArrived(report.count, report.frame_duration, report.oldest or 1000.0)
        case msg.CaptureFailed(fault, evidence):
            return ev.CaptureFailed(fault, evidence)
        case msg.CameraFailed(_, chain, fault):
            return ev.Faulted(fault or classify.of_exceptions(chain) or "capture-error")
        case msg.Finished(_, outcome, detail):
            return ev.ActionEnded(outcome, detail)
    return None


@given(st.lists(sayings(), max_size=12))
def test_no_report_confuses_the_ladder(datagrams: list[bytes]) -> None:
    """What can be decoded moves the ladder without an exception, and every deadline stays a finite one."""
    policy, now = Policy(), 1000.0
    state, _ = escalation.begin(policy, now)
    for datagram in datagrams:
        try:
            event = _event(decode_report(datagram))
        except ProtocolError:
            continue
        if event is not None:
            state, _ = escalation.step(policy, state, event, now)
        assert math.isfinite(state.deadline)
        assert math.isfinite(state.lease_until)
