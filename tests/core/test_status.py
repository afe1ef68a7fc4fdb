# SPDX-License-Identifier: MIT
"""Owns the tests of the status line: worth reading in every phase, the trouble first, short enough where it counts."""

from dataclasses import replace
from itertools import product

import pytest

from camwatchd.adapters.notify import STATUS_LIMIT
from camwatchd.core import status
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import Rung
from camwatchd.core.state import NEVER, Milestone, Phase
from camwatchd.core.status import CameraView
from camwatchd.core.timespan import duration

NOW = 1000.0
WELL = CameraView(
    name="cam0", phase=Phase.HEALTHY, band="EXCELLENT", score=100, fps=29.94, last_frame=NOW - 0.03, late=False,
    fault="", rung=Rung.RETRY, attempt=0, attempts=0, exhausted=False, step="", deadline=NOW + 2, recoveries=(),
)  # fmt: skip
ILL = replace(
    WELL, band="GOOD", score=70, fault="frames-stopped", rung=Rung.RESTART_WORKER, attempt=2, attempts=3,
    deadline=NOW + 4,
)  # fmt: skip

_FINE = "cam0 EXCELLENT 100/100, 29.9 fps, last frame 0.03 s ago"
_BAD = "cam0 RECOVERING 70/100: frames-stopped;"
GIVEN_UP = replace(
    ILL, phase=Phase.PARKED, band="CRITICAL", score=0, rung=Rung.REBOOT, attempt=1, attempts=1, deadline=NOW + 900,
    refusal="did-not-help",
)  # fmt: skip
_GONE = "cam0 PARKED 0/100: frames-stopped;"
_WEDGED = "cam0 CRITICAL 0/100: worker-unkillable; the kernel keeps the process;"

# fmt: off
LINES = {
    "starting": (replace(WELL, phase=Phase.STARTING, step="opening"), "cam0 starting (opening)"),
    "first frames": (replace(WELL, phase=Phase.SETTLING), "cam0 starting (waiting for the first frames)"),
    "healthy": (WELL, _FINE),
    "late": (replace(WELL, late=True, last_frame=NOW - 0.4),
             "cam0 EXCELLENT 100/100, 29.9 fps, last frame 0.40 s ago (late)"),
    "recovered": (replace(WELL, recoveries=((NOW - 14400, "restart-stream"),)),
                  f"{_FINE}; 1 recovery in 24 h (last: restart-stream, 4 h ago)"),
    "twice": (replace(WELL, recoveries=((NOW - 900, "restart-stream"), (NOW - 300, "by itself"))),
              f"{_FINE}; 2 recoveries in 24 h (last: by itself, 5 min ago)"),
    "retrying": (replace(WELL, phase=Phase.RETRYING, score=90),
                 "cam0 EXCELLENT 90/100: a capture failed, trying again"),
    "backoff": (replace(ILL, phase=Phase.BACKOFF), f"{_BAD} restart-worker 2/3 in 4.0 s"),
    "exhausted": (replace(ILL, phase=Phase.BACKOFF, exhausted=True), f"{_BAD} restart-worker again in 4.0 s"),
    "acting": (replace(ILL, phase=Phase.ACTING, rung=Rung.RESTART_STREAM, attempt=1, attempts=2),
               f"{_BAD} restart-stream 1/2 under way, 4.0 s left"),
    "importing": (replace(ILL, phase=Phase.ACTING, step=str(Milestone.IMPORTING)),
                  f"{_BAD} restart-worker 2/3 under way (importing), 4.0 s left"),
    "probe": (replace(ILL, phase=Phase.ACTING, step=str(Milestone.OPENING), attempt=0),
              f"{_BAD} probe under way (opening), 4.0 s left"),
    "settling": (replace(ILL, phase=Phase.SETTLING),
                 f"{_BAD} restart-worker 2/3 done, waiting for frames, 4.0 s left"),
    "holding": (replace(ILL, phase=Phase.HOLDING, fault="busy", deadline=NOW + 28),
                "cam0 RECOVERING 70/100: busy; next probe in 28 s"),
    "critical": (replace(ILL, critical=True, phase=Phase.BACKOFF, deadline=NOW + 28),
                 f"{_BAD.replace('RECOVERING', 'CRITICAL')} restart-worker 2/3 in 28 s"),
    "wedged": (replace(GIVEN_UP, phase=Phase.WEDGED, fault="worker-unkillable"),
               f"{_WEDGED} no reboot (did-not-help), asked again in 15 min; a power cycle frees it"),
    "wedged, postponed": (replace(GIVEN_UP, phase=Phase.WEDGED, fault="worker-unkillable", refusal="min-uptime",
                                  ask_at=NOW + 240),
                          f"{_WEDGED} reboot not before 4 min from now (min-uptime); a power cycle frees it"),
    "restarting": (replace(ILL, phase=Phase.LEAVING, rung=Rung.RESTART_SERVICE, attempt=1, deadline=NOW + 12),
                   f"{_BAD} asking whether restart-service is allowed, 12 s left"),
    "rebooting": (replace(ILL, phase=Phase.LEAVING, rung=Rung.REBOOT, attempt=1, deadline=NOW + 12),
                  f"{_BAD} asking whether reboot is allowed, 12 s left"),
    "parked": (replace(GIVEN_UP, fault="not-found"),
               "cam0 PARKED 0/100: not-found; parked, no reboot (did-not-help), next probe in 15 min; "
               "check that it is plugged in"),
    "parked for the day": (replace(GIVEN_UP, refusal="daily-limit", ask_at=NOW + 18000),
                           f"{_GONE} parked, reboot not before 5 h from now (daily-limit), next probe in 15 min"),
    "postponed": (replace(GIVEN_UP, refusal="others-at-work", deadline=NOW + 10, ask_at=NOW + 10),
                  f"{_GONE} parked, reboot not before 10 s from now (others-at-work)"),
    "paused": (replace(WELL, phase=Phase.PAUSED, deadline=NOW + 600),
               "cam0 paused by its operator, 10 min left (camwatchctl resume)"),
}
# fmt: on


@pytest.mark.parametrize("name", LINES)
def test_a_line_for_every_phase(name: str) -> None:
    """What is, since when, and in trouble what comes next and when."""
    view, line = LINES[name]

    assert line == status.line([view], NOW)


def test_every_phase_has_its_line() -> None:
    """The table above leaves no phase out."""
    assert set(Phase) == {view.phase for view, _ in LINES.values()}


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("ask_in", [7199.0, NEVER])
def test_a_single_camera_fits(phase: Phase, ask_in: float) -> None:
    """The longest name, fault, refusal and times fit in any phase, and in letters that every terminal has."""
    rungs = [rung for rung in Rung if rung is not Rung.RETRY or phase in (Phase.HEALTHY, Phase.RETRYING)]
    for fault, rung in product(FAULTS, rungs):
        view = replace(
            ILL, name="c" * 32, phase=phase, score=90, fault=fault, rung=rung, step=max(Milestone, key=len),
            attempt=100, attempts=100, refusal="no-runtime-directory", deadline=NOW + 7198, ask_at=NOW + ask_in,
            recoveries=((NOW - 7199, "restart-service"),) * 999, fps=1000, last_frame=NOW - 119, late=True,
        )  # fmt: skip
        line = status.line([view], NOW)
        assert len(line) <= STATUS_LIMIT, line
        assert line.isascii()


def test_trouble_comes_first() -> None:
    """The line is cut at its end, so what is well stands there; else the order of the configuration holds."""
    views = [
        replace(WELL, name="a"),
        replace(ILL, name="b", phase=Phase.BACKOFF),
        replace(WELL, name="c", late=True),
        replace(WELL, name="d"),
    ]
    names = [part.split()[0] for part in status.line(views, NOW).split("; ") if " " in part[:2]]

    assert ["b", "c", "a", "d"] == names


def test_a_note_comes_before_what_is_well_and_no_camera_is_said() -> None:
    """What concerns no single camera must not be cut off by those that are well; a daemon without any says that."""
    note = "new configuration refused, see journal"
    ill, well = replace(ILL, name="b", phase=Phase.BACKOFF), replace(WELL, name="c")

    assert status.line([WELL], NOW, note).endswith(f"ago; {note}")
    assert f"{status.line([ill], NOW)}; {note}; {status.line([well], NOW)}" == status.line(
        [well, ill], NOW, note
    )
    assert "no camera configured" == status.line([], NOW)


def test_running_numbers_are_no_news() -> None:
    """Rate, age and countdown alone make no line worth sending at once; everything else does."""
    same = replace(ILL, fps=1.0, last_frame=NOW, deadline=NOW + 99, score=60)
    other = [
        replace(ILL, phase=Phase.WEDGED), replace(ILL, fault="busy"), replace(ILL, attempt=3),
        replace(ILL, rung=Rung.RESTART_STREAM), replace(ILL, band="WARNING"), replace(ILL, step="importing"),
        replace(ILL, late=True), replace(ILL, recoveries=((NOW, "x"),)), replace(ILL, name="cam1"),
        replace(ILL, refusal="min-uptime"),
    ]  # fmt: skip

    assert status.key([ILL]) == status.key([same])
    assert all(status.key([ILL]) != status.key([view]) for view in other)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.00 s"), (0, "0.00 s"), (1.7e-5, "0.00 s"), (0.0314, "0.03 s"), (0.5, "0.50 s"),
        (1, "1.0 s"), (9.94, "9.9 s"),
        (10, "10 s"), (119, "119 s"), (120, "2 min"), (3600, "60 min"), (7200, "2 h"), (86400, "24 h"),
        (172800, "2 d"), (8640000, "100 d"),
    ],
)  # fmt: skip
def test_durations_as_people_say_them(seconds: float, text: str) -> None:
    """Two digits where they matter, the unit that fits, no negative countdown."""
    assert text == duration(seconds)
