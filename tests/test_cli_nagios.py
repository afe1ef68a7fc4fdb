# SPDX-License-Identifier: MIT
"""The line for Nagios has each number under its own label, with its unit, and nothing that breaks the line."""

from dataclasses import replace

from camwatchd.cli import nagios
from camwatchd.cli.health_facts import Health
from camwatchd.control.facts import Totals
from tests.control.rig import camera
from tests.test_cli_health import BARE, DOWN, HOST, NO_DISK, POWER, health
from tests.test_cli_status import CLIMBING, HEALTHY, facts

# No number twice: each can come from one fact only.
_CAMERA = camera(
    health_score=71, fps=29.944, last_frame_age=0.0317, consecutive_failures=2, failed_recoveries=3,
    totals=Totals(captures=107640, failures=5, outages=4, availability=0.97654321, recoveries=6),
)  # fmt: skip


def figures(asked: Health) -> list[str]:
    """The performance data."""
    return nagios.line(asked).partition(" | ")[2].split()


def test_each_number_stands_under_its_label() -> None:
    """Of the camera, then of the machine."""
    assert figures(health(facts(_CAMERA))) == [
        "'cam0_score'=71;70:;30:;0;100", "'cam0_fps'=29.94;;;0", "'cam0_last_frame'=0.032s;;;0",
        "'cam0_failures_in_a_row'=2;;;0", "'cam0_captures'=107640c;;;0", "'cam0_failed_captures'=5c;;;0",
        "'cam0_outages'=4c;;;0", "'cam0_availability'=97.6543%;;;0;100",
        "temperature=48.3", "load1=0.50;;;0", "memory_available=3000000000B;;;0;4000000000",
        "cma_free=100000000B;;;0;300000000", "disk_free=20000000000B;;;0;30000000000",
    ]  # fmt: skip


def test_nothing_left_is_a_number_too() -> None:
    """Zero is not unknown: it is what an alarm is for."""
    empty = replace(HOST, memory_available_bytes=0, cma_free_bytes=0, temperature_celsius=0.0)
    disk = replace(NO_DISK, total_bytes=9, free_bytes=0)
    told = figures(health(facts(replace(_CAMERA, last_frame_age=0.0)), empty, POWER, disk))

    assert "'cam0_last_frame'=0.000s;;;0" in told
    assert told[-5:] == [
        "temperature=0.0", "load1=0.50;;;0", "memory_available=0B;;;0;4000000000", "cma_free=0B;;;0;300000000",
        "disk_free=0B;;;0;9",
    ]  # fmt: skip


def test_what_is_unknown_has_no_figure() -> None:
    """A camera without a frame, a machine without sensors; and without any figure there is no bar."""
    told = figures(health(facts(replace(_CAMERA, last_frame_age=None)), BARE, POWER, NO_DISK))

    assert [figure.partition("=")[0] for figure in told] == [
        "'cam0_score'", "'cam0_fps'", "'cam0_failures_in_a_row'", "'cam0_captures'", "'cam0_failed_captures'",
        "'cam0_outages'", "'cam0_availability'",
    ]  # fmt: skip
    assert nagios.line(health(replace(DOWN, unit=None), BARE, POWER, NO_DISK)) == (
        "CAMWATCHD CRITICAL - camwatchd is not running"
    )


def test_whatever_is_said_is_one_line_without_a_bar() -> None:
    """A bar would begin the figures, and of several lines only the first is shown."""
    down = replace(DOWN, message="no | such\n\tfile   here", unit=None)

    assert nagios.line(health(down, BARE, POWER, NO_DISK)) == "CAMWATCHD CRITICAL - no / such file here"


def test_all_is_well_names_the_worst_first() -> None:
    """Of cameras that are all healthy the one with the lowest score; the figures keep their order."""
    line = nagios.line(health(facts(HEALTHY, replace(_CAMERA, name="low", band="GOOD"))))

    assert line.startswith(
        "CAMWATCHD OK - low GOOD 71/100 at 29.9 fps, cam0 EXCELLENT 100/100 at 29.9 fps | 'cam0_score'=100;"
    )


def test_remarks_stand_one_behind_the_other() -> None:
    """The worst first, each once."""
    line = nagios.line(health(facts(CLIMBING), power=replace(POWER, throttled=True)))

    assert line.startswith(
        "CAMWATCHD WARNING - cam1 WARNING 60/100: frames-stopped; restart-worker 2/3 in 4.0 s; "
        "the firmware throttles the processor now | "
    )
