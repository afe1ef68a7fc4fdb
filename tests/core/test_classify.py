# SPDX-License-Identifier: MIT
"""Owns the tests of how words become faults."""

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.core import classify, phrases
from camwatchd.core.classify import Finding, better_name, of_exceptions, of_exit, of_line
from camwatchd.core.exits import WorkerExit
from camwatchd.core.faults import FAULTS
from tests.core.corpus import EXCEPTIONS, INIT, LINES, NOT_OURS


@pytest.mark.parametrize(("source", "line", "fault"), LINES)
def test_lines_are_understood(source: str, line: str, fault: str | None) -> None:
    """Every line that libcamera and picamera2 print names its fault, with or without colours."""
    expected = Finding(fault.rstrip("!"), fault.endswith("!")) if fault else None
    assert expected == of_line(line) == of_line(line + "\n")
    coloured = line.replace("ERROR ", "\x1b[1;31mERROR \x1b[1;37m").replace(": ", "\x1b[32m: \x1b[0m")
    assert expected == of_line(coloured)


@pytest.mark.parametrize(("source", "chain", "fault"), EXCEPTIONS)
def test_exceptions_are_understood(source: str, chain: tuple[str, ...], fault: str | None) -> None:
    """Every exception of the field names its fault, and an innermost known cause wins over its wrappers."""
    assert fault == of_exceptions(chain)
    if fault:
        assert fault == of_exceptions((INIT, "RuntimeError('something else')", *chain))


def test_the_survey_is_covered() -> None:
    """Each row of the failure survey is in the corpus, or it is known why it never reaches a worker's stderr."""
    covered = {source for source, *_ in (*LINES, *EXCEPTIONS)} | NOT_OURS.keys()
    assert {f"F{number}" for number in range(1, 30)} <= covered


def test_every_row_is_needed() -> None:
    """Each row of both tables is the first to fit some text of the corpus, and names a row of the fault table."""
    texts = [line for _, line, _ in LINES] + [text for _, chain, _ in EXCEPTIONS for text in chain]
    for table in (phrases.EXCEPTIONS, phrases.LINES):
        hit = {next((row for row in table if row.pattern.search(text)), None) for text in texts}
        assert set(table) <= hit
        assert {row.fault for row in table} <= FAULTS.keys()


def test_consequences_are_no_faults() -> None:
    """While frames flow, failed controls and words about somebody else's stream are clues, never faults."""
    for source, line, _ in LINES:
        if source in ("F7", "F9", "F15", "F17"):
            finding = of_line(line)
            assert finding is not None
            assert not finding.direct


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (-signal.SIGSEGV, "worker-crashed"),
        (-signal.SIGKILL, "worker-crashed"),
        (WorkerExit.CLEAN, "worker-exited"),
        (1, "worker-exited"),
        (WorkerExit.IMPORT_FAILED, "missing-package"),
        (WorkerExit.BAD_ORDER, "worker-protocol"),
        (WorkerExit.CAMERA_FAILED, "worker-exited"),
        (255, "worker-exited"),
    ],
)
def test_an_exit_status_says_why(status: int, fault: str) -> None:
    """A signal is a crash; an exit status says why the worker left, as far as it can."""
    assert fault == of_exit(status)


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
    ],
)
def test_a_clue_names_what_is_vague(fault: str, clue: str, age: float, expected: str) -> None:
    """A recent clue renames a failure that says nothing of its cause, and leaves the others alone."""
    assert expected == better_name(fault, clue, age)


def test_every_vague_fault_exists() -> None:
    """The faults that a clue may rename, and those of exit statuses, are rows of the fault table."""
    assert classify._VAGUE | set(classify._EXITS.values()) <= FAULTS.keys()
