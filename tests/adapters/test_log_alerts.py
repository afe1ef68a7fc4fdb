# SPDX-License-Identifier: MIT
"""Owns the proof that the limit for storms leaves nobody with a wrong belief: an alert that holds is told."""

import json
import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.adapters import log
from camwatchd.core import alerts
from camwatchd.core.faults import Issue

ISSUE = alerts.of_issue(Issue.CAPTURE_FAILURE)
CAMERAS = ("cam0", "cam1")
CALM = 1000.0  # s


@dataclass
class Book:
    """A log whose clock stands until it is moved, and all that was written into it."""

    fd: int
    now: float = 100.0

    def __post_init__(self) -> None:
        self.log = log.build("json", "info", self.fd, {}, clock=lambda: self.now)

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in os.pread(self.fd, 1 << 24, 0).splitlines()]

    def later(self, seconds: float) -> None:
        """Let the time pass, and the log speak when it wants to; no alert waits longer than a period."""
        end = self.now + seconds
        while self.log.deadline <= end:
            assert self.now < self.log.deadline <= self.now + 10
            self.now = self.log.deadline
            self.log.tick()
        self.now = end


@contextmanager
def opened() -> Iterator[Book]:
    fd = os.memfd_create("log")
    try:
        yield Book(fd)
    finally:
        os.close(fd)


@pytest.fixture
def book() -> Iterator[Book]:
    with opened() as book:
        yield book


def belief(said: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """What a reader takes for open: a recovery ends all that was said of its camera."""
    taken: dict[str, set[str]] = {camera: set() for camera in CAMERAS}
    for camera, event in said:
        taken[camera] = set() if event == alerts.RECOVERY.event else taken[camera] | {event}
    return taken


@pytest.mark.parametrize(("other", "last"), [(ISSUE, alerts.RECOVERY), (alerts.RECOVERY, ISSUE)])
def test_the_last_word_is_told(book: Book, other: alerts.Alert, last: alerts.Alert) -> None:
    """After a flapping that the limit cut short, what still holds is told once, as soon as the limit allows."""
    for number in range(15):
        log.say(book.log, other, f"{number}", camera="cam0")
        log.say(book.log, last, f"{number}", camera="cam0")
    assert 20 == len(book.told())
    assert 110.0 == book.log.deadline

    book.later(CALM)

    (late,) = book.told()[20:]
    assert (last.event, 110.0 - late["delayed"], 4) == (late["event"], late["monotonic"], late["suppressed"])
    assert f"{last.name}: 14 (4 more like this kept back) (told 10 s late)" == late["message"]


def test_a_call_for_help_outlasts_a_later_issue(book: Book) -> None:
    """That an incident has a new name does not answer the call for a human in it."""
    for _ in range(11):
        log.say(book.log, alerts.CRITICAL, "a human should look", camera="cam0")
    log.say(book.log, ISSUE, "another fault", camera="cam0")
    book.later(CALM)

    assert [ISSUE.event, alerts.CRITICAL.event] == [entry["event"] for entry in book.told()[10:]]


def test_the_end_waits_for_no_limit(book: Book) -> None:
    """A process that ends tells at once what it has kept back."""
    for _ in range(11):
        log.say(book.log, alerts.RECOVERY, "healthy", camera="cam0")
    book.log.end()
    book.log.end()

    assert 11 == len(book.told())


def test_nothing_else_is_owed(book: Book) -> None:
    """An entry that changes nobody's mind stays kept back."""
    for _ in range(20):
        book.log.warning("worker.stderr", camera="cam0")

    assert math.inf == book.log.deadline


@given(
    st.lists(
        st.tuples(st.floats(0, 12), st.sampled_from(CAMERAS), st.sampled_from(alerts.ALERTS)), max_size=60
    )
)
def test_nobody_is_left_with_what_is_not_so(story: list[tuple[float, str, alerts.Alert]]) -> None:
    """However alerts follow one another: in the end none that holds is missing, and what is over is over."""
    storm = [(0.0, camera, alert) for alert in alerts.ALERTS * 10 for camera in CAMERAS]
    with opened() as book:
        for pause, camera, alert in storm + story:
            book.later(pause)
            log.say(book.log, alert, "", camera=camera)
        book.later(CALM)
        told = belief((entry["camera"], entry["event"]) for entry in book.told())
    true = belief((camera, alert.event) for _, camera, alert in storm + story)

    # A recovery between two incidents may be left out: then the second has the first one's names too.
    assert all(true[camera] <= told[camera] for camera in CAMERAS)
    assert [bool(true[camera]) for camera in CAMERAS] == [bool(told[camera]) for camera in CAMERAS]


def test_drills_and_true_alerts_cost_each_other_nothing(book: Book) -> None:
    """Two rounds of drills within a minute are told whole, and a true alert after them is as well."""
    for exercise in [*"abcdefghi"] * 2:
        for alert in (ISSUE, alerts.RECOVERY):
            book.log.error(
                alert.event, message_id=alert.message_id, camera="cam0", drill=1, exercise=exercise
            )
    book.log.error(ISSUE.event, message_id=ISSUE.message_id, camera="cam0")

    assert len(book.told()) == 2 * 2 * 9 + 1
