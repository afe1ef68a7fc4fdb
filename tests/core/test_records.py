# SPDX-License-Identifier: MIT
"""What supervisor and recorder say survives the way between them; what is no message is refused."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from camwatchd.core import records as rec
from camwatchd.core.budget import Verdict
from camwatchd.core.messages import MAX_MESSAGE, ProtocolError
from camwatchd.core.plain import field_types


def _messages(kinds: Any) -> st.SearchStrategy[Any]:
    """Any message of these kinds, with anything in its fields that fits them."""
    return st.one_of([_any(kind) for kind in kinds.__args__])


def _any(kind: Any) -> st.SearchStrategy[Any]:
    if hasattr(kind, "__dataclass_fields__"):
        return st.builds(kind, **{name: _any(hint) for name, hint in field_types(kind).items()})
    if kind == float | None:
        return st.none() | _any(float)
    return st.floats(0, 1e9) if kind is float else st.from_type(kind)


@given(st.integers(1, 2**40), _messages(rec.Record))
def test_every_record_arrives_as_it_was(serial: int, record: rec.Record) -> None:
    """Encoded and decoded it is the same, under the same serial."""
    assert (serial, record) == rec.decode_record(rec.encode(serial, record))


@given(st.integers(1, 2**40), _messages(rec.Reply))
def test_every_reply_arrives_as_it_was(serial: int, reply: rec.Reply) -> None:
    """Encoded and decoded it is the same, under the same serial."""
    assert (serial, reply) == rec.decode_reply(rec.encode(serial, reply))


@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=4096), max_size=200))
@example(["\x00" * 4096] * 200)
@example(["\U0001f4a3" * 4096] * 200)
def test_no_words_are_too_many(words: list[str]) -> None:
    """A worker's stderr may be a megabyte: the datagram fits the link, and what goes along is the end of it."""
    record = rec.CameraParked("cam0", "frames-stopped", "name", "detail", tuple(words))
    datagram = rec.encode(1, record)
    _, arrived = rec.decode_record(datagram)

    assert len(datagram) <= MAX_MESSAGE
    assert isinstance(arrived, rec.CameraParked)
    assert arrived.words == tuple(words)[len(words) - len(arrived.words) :]


def test_few_words_go_along_whole() -> None:
    """What fits is not cut."""
    words = tuple(f"line {number}" for number in range(200))
    _, arrived = rec.decode_record(rec.encode(1, rec.IncidentClosed("cam0", None, 0, 1.0, words)))

    assert words == getattr(arrived, "words", ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"kind": "CleanStop"}',
        '{"serial": "x", "kind": "CleanStop"}',
        '{"serial": 1, "kind": "Written"}',
        '{"serial": 1, "kind": ["CleanStop"]}',
        '{"serial": 1, "kind": "CleanStop", "more": 1}',
        '{"serial": 1, "kind": "CameraHealthy"}',
        '{"serial": 1, "kind": "CameraHealthy", "camera": 7}',
    ],
)
def test_what_is_no_record_is_refused(text: str) -> None:
    """Without a serial, of another kind, with a field too many, too few or of another type."""
    with pytest.raises(ProtocolError):
        rec.decode_record(text.encode())


@given(st.binary(max_size=200))
@example(b"[" * 30_000)
@example(b'{"serial":' + b"9" * 30_000 + b',"kind":"CleanStop"}')
def test_no_bytes_are_too_strange(datagram: bytes) -> None:
    """Whatever bytes arrive: they are refused, and nothing else happens."""
    for decode in (rec.decode_record, rec.decode_reply):
        with pytest.raises(ProtocolError):
            decode(datagram)


def test_a_field_that_is_younger_than_its_sender_has_a_default() -> None:
    """During an upgrade an old supervisor may speak to a new recorder: what came later can be left out."""
    healthy = json.dumps({"serial": 1, "kind": "CameraHealthy", "camera": "cam0"}).encode()

    assert (1, rec.CameraHealthy("cam0", required=True)) == rec.decode_record(healthy)
    assert {"name", "detail", "again_in"} < field_types(Verdict).keys()
    assert (1, rec.Written("")) == rec.decode_reply(b'{"serial":1,"kind":"Written"}')
