# SPDX-License-Identifier: MIT
"""Owns the proof that a ping is paid for by new healthy frames, and that a status comes when it should.

Herald and Post are the true ones; the clock, the line to systemd and whoever provides workers are the test's.
"""

import json
import os
from itertools import pairwise
from pathlib import Path

import pytest

from camwatchd.adapters import log
from camwatchd.adapters.notify import NullNotifier
from camwatchd.core.histogram import Histogram
from camwatchd.core.messages import Frames
from camwatchd.core.state import Phase
from camwatchd.herald import Herald
from tests.post_rig import MISSED, deliver, lone_post

_BASE = 60.0  # WatchdogSec


class Systemd(NullNotifier):
    """Hears everything; refuses pings while it is deaf."""

    watchdog_interval: float | None = _BASE

    def __init__(self, room: "Room") -> None:
        self.room, self.deaf = room, False
        self.pings: list[float] = []
        self.statuses: list[tuple[float, str]] = []

    def ping(self) -> bool:
        if not self.deaf:
            self.pings.append(self.room.now)
        return not self.deaf

    def status(self, text: str) -> bool:
        self.statuses.append((self.room.now, text))
        return True


class Room:
    """Cameras and their herald at a time that the test moves."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.now, self.note = 10_000.0, ""
        said = log.build("json", "error", os.open(os.devnull, os.O_WRONLY), {})
        self.systemd = Systemd(self)
        self.posts = [lone_post(name, folder, said, self.clock) for name in names]
        for post in self.posts:
            post.begin()
        self.herald = Herald(
            self.systemd, said, self.clock,
            posts=self.posts, note=lambda: self.note, summary_interval=1e6,
        )  # fmt: skip

    def clock(self) -> float:
        return self.now

    def pings_after(self, seconds: float) -> int:
        """How many pings there are in so many seconds of nothing, the herald asked all the time."""
        before, end = len(self.systemd.pings), self.now + seconds
        while self.now < end:
            self.herald.tell()
            self.now += 0.5
        return len(self.systemd.pings) - before

    def statuses_after(self, seconds: float, changes: float = 0.0) -> list[float]:
        """When a status was said in so many seconds; what it must tell at once changes every `changes` seconds."""
        begun, before = self.now, len(self.systemd.statuses)
        for step in range(round(seconds * 100)):
            self.now = begun + step / 100
            if changes:
                self.note = f"change {step // round(changes * 100)}"
            self.herald.tell()
        return [at for at, _ in self.systemd.statuses[before:]]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """One camera that has just become healthy, for which nothing was told yet."""
    room = Room(tmp_path, "cam0")
    deliver(room.posts[0], 3)
    assert room.posts[0].state.phase is Phase.HEALTHY
    return room


def test_a_ping_uses_up_the_frames_that_paid_for_it(room: Room) -> None:
    """After a ping nothing pings, however often it is looked, until a healthy frame has come since."""
    assert room.pings_after(1) == 1
    assert room.pings_after(_BASE) == 0
    deliver(room.posts[0])
    assert room.pings_after(_BASE) == 1


def test_a_ping_that_was_not_sent_is_still_paid_for(room: Room) -> None:
    """What systemd did not take uses up nothing: it is sent as soon as it can be."""
    room.systemd.deaf = True
    assert room.pings_after(1) == 0
    room.systemd.deaf = False
    assert room.pings_after(_BASE) == 1


def test_a_frame_before_a_failed_capture_pays_for_nothing(room: Room) -> None:
    """While a capture is tried again nothing pings, though frames had come before; healthy ones after it pay."""
    assert room.pings_after(_BASE) == 1
    deliver(room.posts[0])
    room.posts[0].reported(MISSED)
    assert room.posts[0].state.phase is Phase.RETRYING
    assert room.pings_after(_BASE) == 0
    deliver(room.posts[0], 3)
    assert room.pings_after(_BASE) == 1


def test_no_ping_before_the_first_frame(tmp_path: Path) -> None:
    """A camera that starts has given nothing to ping for."""
    assert Room(tmp_path, "cam0").pings_after(_BASE) == 0


def test_each_required_camera_has_to_pay_again(tmp_path: Path) -> None:
    """Of two cameras one that goes on delivering does not pay for the other that has fallen silent."""
    room = Room(tmp_path, "cam0", "cam1")
    for post in room.posts:
        deliver(post, 3)
    assert room.pings_after(1) == 1
    for _ in range(5):
        deliver(room.posts[0])
        assert room.pings_after(_BASE / 4) == 0
    deliver(room.posts[1])
    assert room.pings_after(1) == 1


def test_a_camera_that_flaps_does_not_keep_systemd_busy(room: Room) -> None:
    """What must be told at once is: the first change without delay, and then at most four a second."""
    room.statuses_after(10)
    at = room.statuses_after(3, changes=0.05)

    assert at[0] == pytest.approx(room.now - 2.99)
    assert 11 <= len(at) <= 13
    assert min(b - a for a, b in pairwise(at)) >= 0.25 - 1e-6


def test_a_countdown_is_told_once_a_second(room: Room) -> None:
    """Running numbers alone make a status every second in trouble, and every five when all is well."""
    well = room.statuses_after(20)
    room.posts[0].reported(MISSED)
    trouble = room.statuses_after(10)

    assert [round(b - a, 2) for a, b in pairwise(well)] == [5.0] * 3
    assert {round(b - a, 2) for a, b in pairwise(trouble[1:])} == {1.0}


def test_the_summary_tells_how_long_captures_took(tmp_path: Path) -> None:
    """Each summary has the latencies since the one before, in a form that can be put together again."""
    room = Room(tmp_path, "cam0")
    (post,) = room.posts
    for latency in (0.03, 0.03, 0.5):
        post.figures.arrived(
            Frames(1, 0, 0, 0.1, latency, latency, 0, 0, 100.0, 20.0), room.now, healthy=True
        )
    file = tmp_path / "summaries"
    with file.open("wb") as stream:
        herald = Herald(
            room.systemd, log.build("json", "info", stream.fileno(), {}), room.clock,
            posts=room.posts, note=str, summary_interval=10,
        )  # fmt: skip
        for _ in range(2):
            room.now += 11
            herald.tell()
    told = map(json.loads, file.read_text().splitlines())
    first, second = (line for line in told if line["event"] == "camera.summary")

    assert Histogram.parse(first["latencies"]).text() == Histogram([0.03, 0.03, 0.5]).text()
    assert (round(first["latency_p50"], 2), round(first["latency_p99"], 1)) == (0.03, 0.5)
    assert "latencies" not in second
