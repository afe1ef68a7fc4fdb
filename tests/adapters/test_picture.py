# SPDX-License-Identifier: MIT
"""Owns the proof that pictures are judged by what they show: frozen, black, saturated or damaged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.adapters.picture import PictureCheck, Pixels, Verdict, damage, measure, thin_out
from camwatchd.core.settings import Checks


def _noise(seed: int, low: int = 0, high: int = 255, shape: tuple[int, int] = (480, 640)) -> Pixels:
    return np.random.default_rng(seed).integers(low, high, shape, dtype=np.uint8)


def _flat(grey: int) -> Pixels:
    return np.full((480, 640), grey, np.uint8)


def _segment(code: int, body: bytes) -> bytes:
    return bytes([0xFF, code]) + (len(body) + 2).to_bytes(2, "big") + body


APP0 = _segment(0xE0, b"AVI1" + bytes(10))
DQT = _segment(0xDB, bytes([0, *range(1, 65)]))
SOF0 = _segment(0xC0, bytes([8, 1, 224, 2, 128, 3, 1, 0x21, 0, 2, 0x11, 0, 3, 0x11, 0]))
SOS = _segment(0xDA, bytes([3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0]))


def _scan(seed: int, size: int = 6000) -> bytes:
    return np.random.default_rng(seed).integers(0, 255, size, dtype=np.uint8).tobytes()


def _jpeg(scan: bytes, header: bytes = APP0 + DQT + SOF0 + SOS, tail: bytes = b"\xff\xd9") -> memoryview:
    return memoryview(b"\xff\xd8" + header + scan + tail)


def _judge_at(check: PictureCheck, sample: Pixels, *times: float) -> list[str]:
    return [check.judge(sample, None, now).fault for now in times]


# --- raw pictures -------------------------------------------------------------------------------------


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 3), st.integers(0, 2**32))
def test_statistics_are_those_of_the_picture(height: int, width: int, stride: int, seed: int) -> None:
    """Mean and deviation of the thin sample are near those of the whole picture, whatever its shape and layout."""
    picture = _noise(seed, 60, 200, (height, width * stride))[:, ::stride]
    thin = thin_out(picture)
    mean, deviation = measure(thin)

    assert len(thin) <= 4096
    assert mean == pytest.approx(float(picture.mean()), abs=240 / np.sqrt(len(thin)))
    assert 0 <= deviation <= 70


def test_statistics_of_a_small_picture_are_exact() -> None:
    """A picture that is no larger than the sample is measured whole."""
    picture = _noise(1, shape=(16, 256))

    assert measure(thin_out(picture)) == pytest.approx((picture.mean(), picture.std()), rel=1e-5)


def test_brightness_is_measured_four_times_a_second() -> None:
    """Between two measurements a verdict quotes the last one; a frozen picture does not wait for the next."""
    check = PictureCheck(Checks(frozen_after=0.1))
    frames = [
        (_flat(50), 0.0),
        (_noise(1, 99, 101), 0.1),
        (_noise(2), 0.2),
        (_noise(3), 0.25),
        (_noise(3), 0.36),
    ]
    verdicts = [check.judge(picture, None, now) for picture, now in frames]

    assert [round(verdict.mean / 10) for verdict in verdicts] == [5, 5, 5, 13, 13]
    assert [verdict.fault for verdict in verdicts] == ["", "", "", "", "frozen-picture"]


def test_changing_pictures_are_healthy() -> None:
    """Pictures that differ by noise alone are healthy for ever."""
    check = PictureCheck(Checks())
    faults = [check.judge(_noise(second, 100, 104), None, float(second)).fault for second in range(60)]

    assert faults == [""] * 60


def test_a_picture_that_never_changes_is_frozen_until_it_changes() -> None:
    """After frozen_after every further capture fails; the first different picture is healthy again."""
    check = PictureCheck(Checks(frozen_after=10.0))

    assert _judge_at(check, _noise(1), 0.0, 5.0, 9.9) == ["", "", ""]
    assert _judge_at(check, _noise(1), 10.0, 10.1, 10.2) == ["frozen-picture"] * 3
    assert _judge_at(check, _noise(2), 10.3, 15.0) == ["", ""]


@pytest.mark.parametrize("grey", [0, 16, 128])
def test_a_night_is_not_frozen(grey: int) -> None:
    """Identical pictures without deviation are no frozen picture."""
    check = PictureCheck(Checks(frozen_after=10.0, content_after=1000.0))

    assert _judge_at(check, _flat(grey), 0.0, 20.0, 40.0) == ["", "", ""]


def test_the_frozen_check_can_be_turned_off() -> None:
    """With frozen_after = 0 nothing is ever frozen."""
    check = PictureCheck(Checks(frozen_after=0.0))

    assert _judge_at(check, _noise(1), 0.0, 1000.0) == ["", ""]


def test_an_extreme_picture_is_remarked_once_per_episode() -> None:
    """on_black = "warn": one remark after content_after, another only after the picture was normal in between."""
    check = PictureCheck(Checks(content_after=30.0, on_black="warn"))
    pictures = [(0, 0.0), (0, 29.0), (0, 31.0), (0, 60.0), (99, 61.0), (0, 62.0), (0, 93.0), (0, 94.0)]
    verdicts = [check.judge(_flat(grey), None, now) for grey, now in pictures]

    assert [verdict.fault for verdict in verdicts] == [""] * 8
    assert [verdict.remark for verdict in verdicts if verdict.remark] == [
        ("black-picture", "mean brightness 0.0 for 31.0 s"),
        ("black-picture", "mean brightness 0.0 for 31.0 s"),
    ]


@pytest.mark.parametrize(("grey", "fault"), [(0, "black-picture"), (255, "saturated-picture")])
def test_an_extreme_picture_fails_where_that_is_wanted(grey: int, fault: str) -> None:
    """With "recover" every capture after content_after fails."""
    check = PictureCheck(Checks(content_after=30.0, on_black="recover", on_saturated="recover"))

    assert _judge_at(check, _flat(grey), 0.0, 29.0, 30.0, 31.0) == ["", "", fault, fault]


@pytest.mark.parametrize("grey", [0, 255])
def test_an_extreme_picture_can_be_ignored(grey: int) -> None:
    """With "ignore" there is neither failure nor remark, and the numbers are still reported."""
    check = PictureCheck(Checks(content_after=0.0, on_black="ignore", on_saturated="ignore"))

    assert check.judge(_flat(grey), None, 99.0) == Verdict(mean=grey, deviation=0.0)


def test_a_frame_without_pixels_is_broken() -> None:
    """Neither pixels nor bytes: nothing was captured."""
    assert PictureCheck(Checks()).judge(None, None, 0.0).fault == "broken-picture"
    assert PictureCheck(Checks()).judge(np.empty((0, 0), np.uint8), None, 0.0).fault == "broken-picture"


# --- encoded pictures ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "intact",
    [
        _jpeg(_scan(1)),
        _jpeg(_scan(1), DQT + SOF0 + SOS),
        _jpeg(_scan(1), APP0 + DQT + _segment(0xDD, bytes(2)) + SOF0 + SOS),
        _jpeg(_scan(1), APP0 + b"\xff\xff" + DQT + SOF0 + SOS),
        _jpeg(_scan(1), tail=b"\xff\xff\xd9"),
        _jpeg(_scan(1), tail=b"\xff\xd9" + bytes(4096)),
    ],
    ids=["usual", "no APP0", "restart interval", "fill bytes", "fill before the end", "padded by a page"],
)
def test_what_cameras_send_is_accepted(intact: memoryview) -> None:
    """Frames as USB Video Class allows them, without Huffman tables too, are intact."""
    assert damage(intact) == ""


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (memoryview(b""), "no JPEG"),
        (memoryview(_scan(1)), "no JPEG"),
        (_jpeg(_scan(1), tail=b""), "cut short"),
        (_jpeg(_scan(1), tail=b"\xff\xd9" + bytes(4097)), "cut short"),
        (_jpeg(_scan(1), tail=b"\xff\xd9\x00\x01"), "cut short"),
        (memoryview(b"\xff\xd8\xff\xd9"), "no scan"),
        (_jpeg(b""), "no picture data"),
        (_jpeg(_scan(1), SOF0 + SOS), "DQT"),
        (_jpeg(_scan(1), DQT + SOS), "SOF"),
        (_jpeg(_scan(1), APP0 + DQT + SOF0), "no marker"),
        (_jpeg(_scan(1), APP0 + b"\xff\xdb\x00\x01" + SOF0 + SOS), "length 1"),
        (_jpeg(_scan(1), APP0 + b"\xff\xd9" + DQT + SOF0 + SOS), "marker d9"),
        (_jpeg(_scan(1), APP0 + b"\xff\xdb\xff\xf0" + SOF0 + SOS), "no scan"),
    ],
)
def test_damage_is_found(broken: memoryview, why: str) -> None:
    """Headerless, truncated or otherwise broken frames are told apart from intact ones, with the reason."""
    assert why in damage(broken)


@given(st.integers(0, 6165))
def test_every_truncation_is_found(length: int) -> None:
    """A frame that lost any number of bytes at its end is broken."""
    intact = _jpeg(_scan(1))

    assert damage(intact[: min(length, len(intact) - 1)]) != ""


@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff\xdb"]))
def test_no_bytes_confuse_the_check(data: bytes, start: bytes) -> None:
    """Whatever arrives gets an answer, and none of it passes for a picture without tables and scan."""
    assert damage(memoryview(start + data + b"\xff\xd9")) != ""


def test_a_broken_frame_fails_at_once_and_a_frozen_one_after_its_time() -> None:
    """Damage needs no time; identical bytes for frozen_after do."""
    check = PictureCheck(Checks(frozen_after=10.0))
    frames = [(_jpeg(_scan(1))[:-9], 0.0), *((_jpeg(_scan(2)), now) for now in (1.0, 10.0, 11.0, 12.0))]
    faults = [check.judge(None, encoded, now).fault for encoded, now in [*frames, (_jpeg(_scan(3)), 13.0)]]

    assert faults == ["broken-picture", "", "", "frozen-picture", "frozen-picture", ""]


def test_an_encoded_night_is_not_frozen() -> None:
    """A scan that repeats a few bytes is one flat area: no frozen picture, however long it lasts."""
    check = PictureCheck(Checks(frozen_after=10.0))
    night = _jpeg(bytes.fromhex("2800a00280") * 1200)
    faults = [check.judge(None, night, now).fault for now in (0.0, 20.0, 40.0)]

    assert faults == [""] * 3


@given(st.integers(0, 5999), st.integers(1, 255))
def test_any_changed_byte_is_another_picture(at: int, change: int) -> None:
    """An encoded picture that differs in one byte from the last is not frozen."""
    scan, check = _scan(1), PictureCheck(Checks(frozen_after=10.0))
    other = bytes([*scan[:at], scan[at] ^ change, *scan[at + 1 :]])
    faults = [
        check.judge(None, _jpeg(each), now).fault
        for each, now in ((scan, 0.0), (other, 10.0), (other, 20.0))
    ]

    assert faults == ["", "", "frozen-picture"]


# --- what the worker before has seen ------------------------------------------------------------------

STRICT = Checks(frozen_after=10.0, content_after=10.0, on_black="recover", on_saturated="recover")
Shown = tuple[Pixels | None, memoryview | None]
_WELL: Shown = (_noise(2), None)
SUSPECTS: dict[str, tuple[Shown, str]] = {
    "raw": ((_noise(1), None), "frozen-picture"),
    "encoded": ((None, _jpeg(_scan(1))), "frozen-picture"),
    "black": ((_flat(0), None), "black-picture"),
    "saturated": ((_flat(255), None), "saturated-picture"),
}


def _last_failure(shown: Shown) -> Verdict:
    """How a worker that was shown nothing else ends."""
    check = PictureCheck(STRICT)
    check.judge(*shown, 0.0)
    return check.judge(*shown, 10.0)


@pytest.mark.parametrize("how", SUSPECTS)
def test_a_fresh_worker_is_not_fooled(how: str) -> None:
    """What made the worker before fail fails at once in the next one, with the same identity; without suspicion
    it would pass for health."""
    shown, fault = SUSPECTS[how]
    failed = _last_failure(shown)
    suspicious = PictureCheck(STRICT, failed.fault, failed.picture)
    verdicts = [suspicious.judge(*shown, now) for now in (90.0, 90.5)]

    assert [verdict.fault for verdict in verdicts] == [failed.fault] * 2 == [fault] * 2
    assert {verdict.picture for verdict in verdicts} == {failed.picture}
    assert verdicts[0].evidence.endswith("since before this worker")
    assert PictureCheck(STRICT).judge(*shown, 90.0).fault == ""


@pytest.mark.parametrize("how", SUSPECTS)
def test_suspicion_ends_with_the_first_other_picture(how: str) -> None:
    """One picture that differs, and what was suspected has to last its time again before it fails."""
    shown, fault = SUSPECTS[how]
    check = PictureCheck(STRICT, fault, _last_failure(shown).picture)
    pictures = [(_WELL, 90.0), (shown, 90.5), (shown, 100.0), (shown, 100.5)]

    assert [check.judge(*each, now).fault for each, now in pictures] == ["", "", "", fault]


def test_another_frozen_picture_is_news() -> None:
    """Only the suspected picture is frozen at once: another one may be the first of a stream that lives."""
    check = PictureCheck(STRICT, "frozen-picture", _last_failure((_noise(1), None)).picture)

    assert _judge_at(check, _noise(3), 90.0, 99.9, 100.0) == ["", "", "frozen-picture"]


def test_suspicion_outlives_a_broken_frame() -> None:
    """A frame cut short shows nothing: the suspected picture after it is still frozen."""
    shown = _jpeg(_scan(1))
    check = PictureCheck(STRICT, "frozen-picture", _last_failure((None, shown)).picture)

    assert check.judge(None, shown[:-9], 90.0).fault == "broken-picture"
    assert check.judge(None, shown, 90.1).fault == "frozen-picture"
