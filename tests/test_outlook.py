# SPDX-License-Identifier: MIT
"""The outlook of a camera: what its days say is told once, shown while it lasts, and acts on nothing."""

from dataclasses import replace

from camwatchd.cli.status_text import text
from camwatchd.control.facts import DaemonFacts, StatusFacts
from camwatchd.core import messages as msg
from camwatchd.core.figures import Figures
from camwatchd.core.signs import Sign
from camwatchd.core.timespan import DAY
from camwatchd.outlook import Outlook
from tests.control.rig import Log, camera


class Life:
    """A camera's days, one after the other."""

    def __init__(self) -> None:
        self.now, self.log = 1000.0, Log()
        self.outlook = Outlook("cam0", self.log, lambda: self.now)
        self.figures = Figures(self.now)
        self.figures.tally = self.figures.tally.healthy(1, self.now)

    def days(
        self,
        number: int,
        *,
        latency: float = 0.04,
        recoveries: int = 0,
        opening: float = 0.0,
        up: bool = True,
    ) -> None:
        for _ in range(number):
            self.outlook.delivered(msg.Frames(50, 1, 1, 0.03, latency, latency, 0, 0, 90.0, 20.0))
            if opening:
                self.outlook.opened(opening)
            tally = self.figures.tally
            down = tally.down + (0 if up else DAY)
            self.figures.tally = replace(tally, recoveries=tally.recoveries + recoveries, down=down)
            self.now += DAY
            assert self.now >= self.outlook.deadline
            self.outlook.tick(self.figures)


def test_a_rising_latency_is_told_once_and_shown() -> None:
    """The sentence has the day's value and the usual one; when it is over, that is told too."""
    life = Life()
    life.days(30)
    life.days(10, latency=0.08)

    assert ["capture latency rising: 80 ms, usually 40 ms"] == list(life.outlook.said.values())
    (told,) = life.log.of("camera.sign")
    assert told.startswith("cam0: a sign of trouble to come, so far no fault: capture latency rising: 80 ms")
    life.days(10)
    assert ({}, 1) == (life.outlook.said, len(life.log.of("camera.sign_ended")))


def test_more_recoveries_and_longer_openings_are_signs() -> None:
    """Each by itself; days without an opening say nothing of it."""
    life = Life()
    for _ in range(20):
        life.days(2, opening=1.0)
        life.days(1)
    life.days(12, recoveries=3, opening=2.0)

    assert {Sign.RECOVERIES, Sign.REOPENING} == set(life.outlook.said)
    assert "recoveries a day rising: 3, usually 0.1" == life.outlook.said[Sign.RECOVERIES]


def test_a_day_without_the_camera_is_none() -> None:
    """Paused or down for most of it: the numbers of the rest compare with nothing."""
    life = Life()
    life.days(30)
    life.days(20, latency=0.5, recoveries=9, up=False)

    assert {} == life.outlook.said


def test_other_settings_begin_anew() -> None:
    """Nothing is known of the camera as it is now."""
    life = Life()
    life.days(30)
    life.outlook.forget()
    life.days(13, latency=0.4)

    assert ({}, []) == (life.outlook.said, life.log.of("camera.sign"))


def test_the_status_has_a_line_for_them() -> None:
    """And none without."""
    daemon = DaemonFacts(version="0.1.0", pid=1, uptime=1.0, status="")
    signs = ("capture latency rising: 80 ms, usually 40 ms",)
    shown = text(StatusFacts(daemon=daemon, cameras=(camera(signs=signs),)))

    assert "signs of trouble to come: capture latency rising: 80 ms, usually 40 ms" in shown
    assert "signs" not in text(StatusFacts(daemon=daemon, cameras=(camera(),)))
