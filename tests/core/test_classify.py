# SPDX-License-Identifier: MIT
"""Owns the tests of how words become faults."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.core import classify, phrases
from camwatchd.core.classify import (
    Finding,
    better_name,
    is_chatter,
    kernels_name,
    of_exceptions,
    of_exit,
    of_line,
)
from camwatchd.core.exits import WorkerExit
from camwatchd.core.faults import FAULTS
from tests.core.corpus import (
    EXCEPTIONS,
    EXITS,
    INIT,
    KERNEL,
    STDERR,
    WORDLESS,
    Quote,
    as_written,
    chain,
    coloured,
)

# Faults that are noticed otherwise than by words: frames, deadlines, the link, pictures, counts, processes.
_NAMED_BY_OURSELVES = {
    "frames-stopped", "capture-error", "frozen-picture", "black-picture", "saturated-picture", "out-of-order",
    "init-timeout", "start-timeout", "import-timeout", "worker-silent", "worker-unkillable", "leftover-worker",
    "open-limit", "device-refused",
}  # fmt: skip


@pytest.mark.parametrize("quote", STDERR, ids=str)
def test_lines_are_understood(quote: Quote) -> None:
    """Every line that libcamera and Python write names its fault, with or without colours, or none."""
    expected = None if quote.says == "-" else Finding(quote.says.rstrip("!"), quote.says.endswith("!"))
    line = as_written(quote)

    assert expected == of_line(line) == of_line(line + "\n") == of_line(coloured(line))


@pytest.mark.parametrize("quote", EXCEPTIONS, ids=str)
def test_exceptions_are_understood(quote: Quote) -> None:
    """Every exception of the field names its fault, and an innermost known cause wins over its wrappers."""
    expected = None if quote.says == "-" else quote.says

    assert expected == of_exceptions(chain(quote), "open")
    if expected:
        assert expected == of_exceptions((INIT, "RuntimeError('something else')", *chain(quote)), "open")


@pytest.mark.parametrize(
    "error", ["IndexError('list index out of range')", "PermissionError(13, 'Permission denied')"]
)
def test_what_python_says_of_anything_means_the_camera_when_it_is_opened(error: str) -> None:
    """In a capture a list may be too short, or a file closed to us, with the camera there and open."""
    assert of_exceptions((error,), "open")
    assert [None] * 3 == [of_exceptions((error,), call) for call in ("capture", "request", "")]


@pytest.mark.parametrize("quote", EXITS, ids=str)
def test_an_exit_status_says_why(quote: Quote) -> None:
    """A signal is a crash; an exit status says why the worker left, as far as it can."""
    names = {code.name: int(code) for code in WorkerExit}

    assert quote.says == of_exit(names[quote.text] if quote.text in names else int(quote.text))


def test_the_survey_is_covered() -> None:
    """Each row of the failure survey is in the corpus, unless it has no words; and the corpus is no small one."""
    quotes = [*STDERR, *EXCEPTIONS, *EXITS, *KERNEL]
    sources = {word for quote in quotes for word in quote.source.split()}

    assert {f"F{number}" for number in range(1, 30)} - WORDLESS.keys() <= sources
    assert not WORDLESS.keys() & sources
    assert len(set(quotes)) >= 200


@pytest.mark.parametrize("table", [phrases.EXCEPTIONS, phrases.LINES])
def test_every_row_is_needed(table: tuple[phrases.Phrase, ...]) -> None:
    """Each row of both tables is the first to fit some text of the corpus, and names a row of the fault table."""
    texts = [quote.text for quote in STDERR] + [text for quote in EXCEPTIONS for text in chain(quote)]
    hit = {next((row for row in table if row.pattern.search(text)), None) for text in texts}

    assert [] == [row.pattern.pattern for row in table if row not in hit]
    assert {row.fault for row in table} <= FAULTS.keys()


def test_every_fault_that_words_can_name_is_named() -> None:
    """Each fault has words in the corpus, but for those that are noticed without any."""
    said = {quote.says.rstrip("!") for quote in (*STDERR, *EXCEPTIONS, *EXITS)} - {"-"}

    assert FAULTS.keys() - _NAMED_BY_OURSELVES == said


def test_consequences_are_no_faults() -> None:
    """While frames flow, failed controls and words about somebody else's stream are clues at most."""
    quotes = [quote for quote in STDERR if quote.source in ("F7", "F9", "F15", "F17")]

    assert len(quotes) >= 8
    assert not [quote for quote in quotes if quote.says.endswith("!")]


def test_what_healthy_cameras_say_is_chatter() -> None:
    """What comes at every start has no weight, nor what was only asked for; each other line has, known or not."""
    chatter = [quote for quote in STDERR if is_chatter(as_written(quote))]
    texts = [quote.text for quote in chatter if quote.says == "-"]

    assert [] == [quote for quote in chatter if quote.says != "-"]
    assert [] == [row for row in phrases.HARMLESS if not any(re.search(row, text) for text in texts)]
    assert is_chatter(
        coloured("[0:00:01.000000001] [7]  INFO Camera camera.cpp:1183 configuring streams: (0)")
    )
    assert not is_chatter("nobody knows this line")
    assert not is_chatter("[0:00:01.000000001] [7] ERROR Gyroscope gyro.cpp:12 nor this one")
    assert not is_chatter("[0:00:01.000000001] [7]  INFO Gyroscope gyro.cpp:12 nor this one")
    assert is_chatter("[0:00:01.000000001] [7] DEBUG Gyroscope gyro.cpp:12 but this one was asked for")


SLOW = [
    "/dev/: ",
    "Dequeue timer of ",
    "Dequeued buffer ",
    "Failed to set format on ",
    "Unable to set controls ",
]


@pytest.mark.parametrize("words", SLOW)
def test_no_line_takes_long(words: str) -> None:
    """The supervisor waits for it: a line of nothing but what phrases begin with costs a few times what any does."""
    plain, worst = (fastest(text * (4096 // len(text))) for text in ("x", words))

    assert worst < 5 * plain


def fastest(line: str) -> float:
    """Seconds of the processor, the best of some."""
    taken = []
    for _ in range(7):
        before = time.thread_time()
        of_line(line)
        is_chatter(line)
        taken.append(time.thread_time() - before)
    return min(taken)


@given(st.sampled_from(STDERR), st.integers(0, 200), st.integers(0, 20), st.text(max_size=10))
def test_any_slip_in_known_words(quote: Quote, at: int, lost: int, instead: str) -> None:
    """Words that are cut, torn or mixed with others' still name a row of the fault table or nothing."""
    line = as_written(quote)
    finding = of_line(line[:at] + instead + line[at + lost :])

    assert finding is None or finding.fault in FAULTS


@given(st.text(max_size=500))
def test_any_text_is_taken(text: str) -> None:
    """Whatever a worker writes, the answer is a row of the fault table or nothing."""
    finding = of_line(text)
    assert finding is None or finding.fault in FAULTS
    assert of_exceptions((text,)) in {None, *FAULTS}


@pytest.mark.parametrize(
    ("fault", "clue", "age", "expected"),
    [
        ("frames-stopped", "sensor-io", 1.0, "sensor-io"),
        ("frames-stopped", "sensor-io", 11.0, "frames-stopped"),  # too long ago to be the reason
        ("not-found", "permission", 1.0, "permission"),
        ("not-found", "device-gone", 1.0, "not-found"),  # how it went is no news once it is away
        ("capture-error", "sensor-io", 1.0, "sensor-io"),
        (
            "configuration",
            "sensor-io",
            1.0,
            "sensor-io",
        ),  # a sensor that does not answer refuses every format
        ("device-gone", "sensor-io", 1.0, "device-gone"),  # says by itself what failed
        ("worker-crashed", "busy", 1.0, "worker-crashed"),
        ("busy", "init-failed", 1.0, "init-failed"),  # it is our own process that holds the camera
        ("busy", "sensor-io", 1.0, "busy"),
        ("frames-stopped", "configuration", 1.0, "frames-stopped"),  # it streamed with the very same
        ("capture-error", "busy", 1.0, "capture-error"),
        ("init-failed", "busy", 1.0, "busy"),
        ("worker-exited", "missing-package", 1.0, "missing-package"),
    ],
)
def test_a_clue_names_what_is_vague(fault: str, clue: str, age: float, expected: str) -> None:
    """A recent clue renames a failure that says nothing of its cause, and leaves the others alone."""
    assert expected == better_name(fault, clue, age)


@pytest.mark.parametrize("clue", [name for name, row in FAULTS.items() if row.hold or not row.max_reboots])
def test_no_line_of_the_kernel_ends_the_climbing(clue: str) -> None:
    """Where no rung is climbed or no reboot spent, a line of the kernel is no reason for a camera that streamed."""
    streamed = ("frames-stopped", "start-timeout", "capture-error", "worker-exited")

    assert streamed == tuple(kernels_name(fault, clue, 1.0) for fault in streamed)
    assert clue == kernels_name("init-failed", clue, 1.0)


def test_every_vague_fault_exists() -> None:
    """The faults that a clue may rename, and those of exit statuses, are rows of the fault table."""
    assert classify._VAGUE | set(classify._EXITS.values()) <= FAULTS.keys()
    assert classify._NOT_OPENED | classify._STREAMED < classify._VAGUE
