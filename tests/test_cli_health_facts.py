# SPDX-License-Identifier: MIT
"""The health of the whole draws its lines where it says, and its JSON says what its text does."""

from dataclasses import replace

import pytest

from camwatchd.cli.health_facts import Health, Level, document, level, remarks
from camwatchd.control.facts import CameraFacts
from camwatchd.control.protocol import Reason
from camwatchd.core.plain import to_plain
from tests.test_cli_health import DISK, DOWN, EVERYTHING, HOST, NOTHING, POWER, WELL, health
from tests.test_cli_status import CLIMBING, DAEMON, HEALTHY, PARKED, PAUSED, STARTING, facts


@pytest.mark.parametrize(
    ("host", "disk", "words"),
    [
        ({"temperature_celsius": 79.9}, {}, []), ({"temperature_celsius": 80.0}, {}, ["80 degrees"]),
        ({"memory_available_bytes": 200_000_000}, {}, []), ({"memory_available_bytes": 0}, {}, ["0.0 % of the mem"]),
        ({"memory_available_bytes": 199_999_999}, {}, ["5.0 % of the mem"]),
        ({"memory_total_bytes": 0, "memory_available_bytes": 0}, {}, []), ({"memory_available_bytes": None}, {}, []),
        ({}, {"free_bytes": 100_000_000}, []), ({}, {"free_bytes": 99_000_000}, ["99 MB are free at /var/lib"]),
        ({}, {"free_bytes": 0}, ["0 MB are free"]),
    ],
)  # fmt: skip
def test_where_the_machine_begins_to_warn(
    host: dict[str, float | None], disk: dict[str, int], words: list[str]
) -> None:
    """At the limit of heat, below that of memory and of room; nothing left is not the same as unknown."""
    asked = health(facts(HEALTHY), replace(HOST, **host), disk=replace(DISK, **disk))  # type: ignore[arg-type]
    said = [remark.text for remark in remarks(asked)]

    assert len(said) == len(words)
    assert [word for word, text in zip(words, said, strict=True) if word not in text] == []


@pytest.mark.parametrize(
    ("camera", "words"),
    [
        (replace(CLIMBING, next_action=""), "cam1 WARNING 60/100: frames-stopped"),
        (replace(STARTING, next_action=""), "cam0 STARTING: starting"),
        (replace(PARKED, phase="acting"), "garden CRITICAL 0/100: sensor-io; probe in 4 min"),
        (replace(PARKED, band="GOOD", health_score=75), "garden PARKED 75/100: sensor-io; probe in 4 min"),
        (replace(PAUSED, drill="stall"), "cam0 paused for 50 min more"),
        (replace(PAUSED, paused_for=0.5), "cam0 paused for 0.50 s more"),
    ],
)
def test_how_a_camera_is_told_of(camera: CameraFacts, words: str) -> None:
    """By its fault, else by what it does; what comes next, if anything does; and no word that speaks against it."""
    assert [remark.text for remark in remarks(health(facts(camera)))] == [words]


def test_optional_cameras_are_told_of_too() -> None:
    """Where all are optional they speak for the whole; beside a required one they only warn."""
    optional = replace(PARKED, required=False)

    assert level(health(facts(optional))) is Level.CRITICAL
    assert [remark.level for remark in remarks(health(facts(HEALTHY, optional)))] == [Level.WARNING]


def test_under_voltage_is_said_once() -> None:
    """What is now was since the boot as well."""
    both = replace(POWER, under_voltage=True, under_voltage_since_boot=True)

    assert [remark.text.split(":")[0] for remark in remarks(health(facts(HEALTHY), power=both))] == [
        "under-voltage now"
    ]


def test_the_levels_are_what_plugins_end_with() -> None:
    """The guidelines of the Monitoring Plugins; nobody there is critical, who is not understood unknown."""
    absent = [
        level(health(replace(DOWN, reason=reason)))
        for reason in (Reason.UNREACHABLE, Reason.SILENT, Reason.CROWDED)
    ]

    assert [int(each) for each in (Level.OK, Level.WARNING, *absent)] == [0, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("asked", "word", "running", "reason"),
    [(WELL, "ok", True, None), (EVERYTHING, "critical", True, None), (NOTHING, "critical", False, "unreachable")],
)  # fmt: skip
def test_the_json_says_what_the_text_says(
    asked: Health, word: str, running: bool, reason: str | None
) -> None:
    """Verdict, remarks in their order, whether a daemon is there and which."""
    written = document(asked)
    daemon = written["daemon"]

    assert (written["schema"], written["level"], daemon.pop("running")) == (1, word, running)
    assert [(each["level"], each["text"]) for each in written["remarks"]] == [
        (remark.level.name.lower(), remark.text) for remark in remarks(asked)
    ]
    assert daemon == (to_plain(DAEMON) if running else {})
    assert (written["absence"] or {}).get("reason") == reason
    assert set(written["camera_status"]) == {
        "is_initialized", "is_capturing", "health_score", "consecutive_failures", "should_reboot", "cameras",
        "score_measured",
    }  # fmt: skip
