# SPDX-License-Identifier: MIT
"""The status reads well at night, says the same in JSON, and has an exit status for each state of affairs."""

import json
from dataclasses import replace

import pytest

from camwatchd.cli import documents, status, status_text, when
from camwatchd.cli.status_text import text
from camwatchd.control.facts import (
    CameraFacts,
    Condition,
    DaemonFacts,
    FramesFacts,
    StatusFacts,
    Totals,
    condition,
    gating,
    worst_first,
)
from camwatchd.core.health import Band
from camwatchd.core.state import Phase
from tests.control.rig import camera

DAEMON = DaemonFacts(
    version="0.1.0", pid=812, uptime=15000.0, status="cam0 EXCELLENT 100/100", reboot_mode="armed",
    watchdog_interval=60.0, watchdog_pings=1234,
)  # fmt: skip
HEALTHY = camera(
    model="imx708", camera_id="/base/soc/i2c0mux/i2c@1/imx708@1a", recoveries_24h=2, last_recovery="restart-stream",
    last_recovery_age=4 * 3600.0,
    totals=Totals(captures=107640, failures=3, outages=2, availability=0.99998, mtbf=28000.0, mttr=12.0),
)  # fmt: skip
CLIMBING = camera(
    "cam1", phase="backoff", band="WARNING", health_score=60, consecutive_failures=4, failed_recoveries=1,
    is_capturing=False, fault="frames-stopped", fault_meaning="no frame arrived and nothing gave a reason",
    rung="restart-worker", attempt=2, attempts=3, next_action="restart-worker 2/3 in 4.0 s", next_in=4.0,
    totals=Totals(captures=1000, failures=4, outages=1, availability=0.97),
)  # fmt: skip
PARKED = camera(
    "garden", phase="parked", band="CRITICAL", health_score=0, consecutive_failures=120, failed_recoveries=9,
    is_initialized=False, is_capturing=False, is_critical=True, should_reboot=True, fault="sensor-io",
    fault_meaning="the sensor does not answer on its control bus", rung="reboot",
    next_action="probe in 4 min", next_in=240.0, refusal="daily-limit",
    refusal_detail="4 reboots in 24 powered-on hours, max_reboots_per_day = 4", asked_again_in=10800.0,
    totals=Totals(captures=1000, failures=120, outages=1, availability=0.5),
)  # fmt: skip
STARTING = camera(
    phase="starting", is_initialized=False, is_capturing=False, fps=0.0, last_frame_age=None,
    next_action="starting (importing)",
)  # fmt: skip
PAUSED = camera(phase="paused", is_capturing=False, paused_for=3000.0)


def facts(*cameras: CameraFacts, daemon: DaemonFacts = DAEMON) -> StatusFacts:
    """What the daemon says of these cameras."""
    return StatusFacts(daemon=daemon, cameras=cameras)


def test_a_healthy_camera_takes_three_lines() -> None:
    """Rate and age of the last frame, what was, and which camera it is; then the daemon."""
    assert text(facts(HEALTHY)).splitlines() == [
        "cam0  EXCELLENT 100/100, 29.9 fps, last frame 0.03 s ago",
        "      2 recoveries in 24 h (last: restart-stream, 4 h ago); 107640 captures, 3 failed, 2 outages, "
        "available 99.998 %, MTBF 8 h, MTTR 12 s",
        "      imx708 /base/soc/i2c0mux/i2c@1/imx708@1a",
        "",
        "camwatchd 0.1.0, pid 812, up 4 h; watchdog 60 s, 1234 pings; reboots armed",
    ]


@pytest.mark.parametrize(
    ("frames", "line"),
    [
        (FramesFacts(), ""),
        (
            FramesFacts(slots=4, megabytes_most=1.9),
            "frames for applications: no reader, 4 slots, 0.0 MB of memory, at most 1.9 MB",
        ),
        (
            FramesFacts(slots=2, readers=3, megabytes=12.4, megabytes_most=12.5),
            "frames for applications: 3 readers, 2 slots, 12.4 MB of memory, at most 12.5 MB",
        ),
        (
            FramesFacts(slots=2, trouble="600.0 MB would be more than a quarter of the memory"),
            "no frames for applications: 600.0 MB would be more than a quarter of the memory",
        ),
    ],
)
def test_what_frames_take_is_said(frames: FramesFacts, line: str) -> None:
    """Once the camera was opened: who reads, and the memory that they cost; or why nobody can."""
    lines = text(facts(replace(HEALTHY, frames=frames))).splitlines()

    assert ([line] if line else []) == [
        found.strip() for found in lines if "frames for applications" in found
    ]


def test_a_camera_in_trouble_says_what_comes_next_and_when() -> None:
    """The fault in words, the next attempt with its time, and how bad it is."""
    assert text(facts(CLIMBING)).splitlines()[:3] == [
        "cam1  WARNING 60/100: frames-stopped: no frame arrived and nothing gave a reason",
        "      next: restart-worker 2/3 in 4.0 s; 4 failures in a row, 1 failed recovery",
        "      1000 captures, 4 failed, 1 outage, available 97.000 %",
    ]


def test_a_parked_camera_says_why_there_is_no_reboot() -> None:
    """The refusal by its name, its reason, and when it is asked for again."""
    assert text(facts(PARKED)).splitlines()[:4] == [
        "garden  PARKED 0/100: sensor-io: the sensor does not answer on its control bus",
        "        next: probe in 4 min; 120 failures in a row, 9 failed recoveries",
        "        not granted: daily-limit: 4 reboots in 24 powered-on hours, max_reboots_per_day = 4; "
        "asked again in 3 h",
        "        1000 captures, 120 failed, 1 outage, available 50.000 %",
    ]


def test_a_refusal_for_good_says_what_changes_it() -> None:
    """Where asking again is of no use, it says so."""
    for_good = replace(
        PARKED, asked_again_in=None, refusal="reboots-off", refusal_detail='[reboot] mode = "off"'
    )

    assert 'not granted: reboots-off: [reboot] mode = "off"; only frames change that' in text(
        facts(for_good)
    )


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (STARTING, "cam0  STARTING, no frame yet\n      now: starting (importing)\n"),
        (replace(STARTING, phase="settling", last_frame_age=0.0), "cam0  STARTING, 0.0 fps, last frame 0.00 s ago"),
        (PAUSED, "cam0  PAUSED for 50 min more; its process is still ending\n"),
        (replace(PAUSED, has_worker=False), "cam0  PAUSED for 50 min more; free for other programs\n"),
        (replace(HEALTHY, late=True), "cam0  EXCELLENT 100/100, 29.9 fps, last frame 0.03 s ago (late)\n"),
        (replace(HEALTHY, phase="retrying", band="GOOD", health_score=80), "cam0  RETRYING 80/100, 29.9 fps"),
        (replace(CLIMBING, band="GOOD", health_score=70), "cam1  RECOVERING 70/100: frames-stopped: no frame"),
        (replace(CLIMBING, band="GOOD", health_score=70, is_critical=True), "cam1  CRITICAL 70/100: frames-stopped"),
        (replace(HEALTHY, required=False), "cam0 (optional)  EXCELLENT 100/100"),
    ],
)  # fmt: skip
def test_the_first_line_fits_the_phase(shown: CameraFacts, expected: str) -> None:
    """No praise while something is wrong; a paused camera says whether it can be used."""
    assert text(facts(shown)).startswith(expected)


@pytest.mark.parametrize("shown", [HEALTHY, CLIMBING, PARKED, STARTING, PAUSED], ids=lambda c: str(c.phase))
def test_five_lines_are_enough(shown: CameraFacts) -> None:
    """No camera takes more than five lines, and none of them ends in blanks."""
    everything = replace(
        shown, recoveries_24h=1, last_recovery="by itself", last_recovery_age=9.0, model="imx708", camera_id="/x",
        refusal="x", refusal_detail="y", next_action="probe", next_in=1.0,
    )  # fmt: skip
    lines = text(facts(everything)).split("\n\n")[0].splitlines()

    assert len(lines) == 5
    assert [
        line for line in lines if line != line.rstrip() or "  " in line.strip()[len(shown.name) + 2 :]
    ] == []


def test_the_worst_comes_first() -> None:
    """Critical, in trouble, paused, healthy; of two that are as bad the lower score, then the required one."""
    optional = replace(PARKED, name="shed", required=False)
    worse = replace(CLIMBING, name="worse", health_score=50)
    names = [c.name for c in worst_first([HEALTHY, PAUSED, CLIMBING, optional, worse, PARKED])]

    assert names == ["garden", "shed", "worse", "cam1", "cam0", "cam0"]
    assert text(facts(HEALTHY, CLIMBING, PARKED)).index("garden") == 0


def test_trouble_of_the_daemon_itself_is_told() -> None:
    """A ledger that cannot be written, messages that systemd did not take, and a refused configuration have lines."""
    daemon = replace(
        DAEMON, ledger_trouble="disk full", notify_failures=1, note="new configuration refused, see journal",
        watchdog_interval=None, reboot_mode="",
    )  # fmt: skip

    assert text(facts(daemon=daemon)).splitlines() == [
        "no camera is configured",
        "",
        "camwatchd 0.1.0, pid 812, up 4 h; no systemd watchdog",
        "ledger: disk full: no reboot is granted",
        "systemd did not take 1 message",
        "note: new configuration refused, see journal",
    ]


@pytest.mark.parametrize(
    ("cameras", "expected"),
    [
        ((HEALTHY,), 0), ((), 0), ((STARTING,), 1), ((PAUSED,), 1), ((CLIMBING, HEALTHY), 1), ((PARKED, HEALTHY), 3),
        ((replace(CLIMBING, band="CRITICAL"),), 3), ((replace(CLIMBING, is_critical=True),), 3),
        ((replace(PARKED, required=False), HEALTHY), 0), ((replace(CLIMBING, required=False),), 1),
        ((replace(PARKED, paused_for=60.0),), 1),
    ],
)  # fmt: skip
def test_the_exit_status_is_that_of_the_required(cameras: tuple[CameraFacts, ...], expected: int) -> None:
    """0 healthy, 1 trouble or paused, 3 parked or critical; an optional camera counts only where none is required."""
    assert status.exit_status(facts(*cameras)) == expected


def test_every_condition_has_an_exit_status() -> None:
    """No state of affairs is forgotten, and only health is 0."""
    assert set(status.STATUS) == set(Condition)
    assert [state for state, number in status.STATUS.items() if number == 0] == [Condition.HEALTHY]


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("band", list(Band))
def test_only_health_is_healthy(phase: Phase, band: Band) -> None:
    """Of all phases and bands only the healthy phase without a critical score is healthy."""
    is_healthy = condition(camera(phase=phase, band=band)) is Condition.HEALTHY

    assert is_healthy == (phase is Phase.HEALTHY and band is not Band.CRITICAL)


def test_json_has_the_required_keys_at_the_top() -> None:
    """They are those of the worst required camera; should_reboot counts for any required one; cameras go by name."""
    optional = replace(PARKED, name="shed", required=False)
    document = documents.status_document(facts(HEALTHY, replace(CLIMBING, should_reboot=True), optional))
    top = {key: value for key, value in document.items() if key not in ("daemon", "absence", "cameras")}

    assert top == {
        "is_initialized": True, "is_capturing": False, "health_score": 60, "consecutive_failures": 4,
        "score_measured": True, "should_reboot": True, "reboots": None,
    }  # fmt: skip
    assert list(document["cameras"]) == ["cam0", "cam1", "shed"]
    assert document["cameras"]["shed"]["condition"] == "critical"
    assert document["cameras"]["cam0"]["totals"]["captures"] == 107640
    assert document["daemon"]["reboot_mode"] == "armed"
    assert json.loads(json.dumps(document)) == document


def test_an_optional_camera_asks_for_no_reboot() -> None:
    """What is wrong with an optional camera is in its details, and not at the top."""
    document = documents.status_document(facts(HEALTHY, replace(PARKED, required=False)))

    assert (document["should_reboot"], document["health_score"]) == (False, 100)
    assert document["cameras"]["garden"]["should_reboot"] is True


def test_json_without_a_camera() -> None:
    """The keys are there even where no camera is."""
    document = documents.status_document(facts())

    assert [document[key] for key in ("is_initialized", "is_capturing", "health_score", "should_reboot")] == [
        False, False, 0, False,
    ]  # fmt: skip
    assert gating([]) == []


def test_counts_have_their_nouns() -> None:
    """One is singular, none is not worth a word."""
    assert [status_text._count(n, "outage", "outages") for n in (0, 1, 2)] == ["", "1 outage", "2 outages"]


def test_another_day_is_named() -> None:
    """A time of day is enough today; a pause over midnight says which day."""
    noon = 1_700_000_000.0 - (1_700_000_000.0 % 86400) + 12 * 3600
    offset = 12 - int(when.in_words(0, noon)[:2])
    local_noon = noon + offset * 3600

    assert when.in_words(3600, local_noon)[:2] == "13"
    assert len(when.in_words(13 * 3600, local_noon).split()) == 2
