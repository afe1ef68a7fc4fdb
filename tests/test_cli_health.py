# SPDX-License-Identifier: MIT
"""`health` says the same to a human, to programs, to Nagios and to Prometheus; each in the words of its trade."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from camwatchd.adapters import vitals
from camwatchd.adapters.vitals import DiskVitals, HostVitals, PowerVitals
from camwatchd.cli import exposition, health_text, nagios, status_detail, unit
from camwatchd.cli.absence import Absence
from camwatchd.cli.arming import Arming
from camwatchd.cli.documents import status_document
from camwatchd.cli.health import PATIENCE
from camwatchd.cli.health_facts import Health, Level, document, level, remarks
from camwatchd.cli.metrics import METRICS
from camwatchd.control.facts import CameraFacts, SignFacts, StatusFacts
from camwatchd.control.protocol import Reason
from camwatchd.core.plain import to_plain
from tests import schemas
from tests.exposition_format import Reader
from tests.test_cli_status import CLIMBING, DAEMON, HEALTHY, PARKED, PAUSED, STARTING, facts

HOST = HostVitals(
    hostname="pi-17", model="Raspberry Pi 4", kernel="6.6.31", uptime_seconds=86400.0, processors=4,
    load=(0.5, 0.6, 0.7), memory_total_bytes=4_000_000_000, memory_available_bytes=3_000_000_000,
    cma_total_bytes=300_000_000, cma_free_bytes=100_000_000, temperature_celsius=48.3,
)  # fmt: skip
BARE = HostVitals(
    hostname="x", model="", kernel="", uptime_seconds=None, processors=None, load=None, memory_total_bytes=None,
    memory_available_bytes=None, cma_total_bytes=None, cma_free_bytes=None, temperature_celsius=None,
)  # fmt: skip
DISK = DiskVitals(path="/var/lib/camwatchd/state", total_bytes=30_000_000_000, free_bytes=20_000_000_000)
NO_DISK = DiskVitals(path="/nowhere", total_bytes=None, free_bytes=None, trouble="No such file or directory")
POWER = PowerVitals(source="vcgencmd", under_voltage=False, under_voltage_since_boot=False, throttled=False)
DOWN = Absence(
    reason=Reason.UNREACHABLE,
    message="camwatchd is not running",
    hint="systemctl",
    unit={"ActiveState": "failed"},
)


def health(
    found: StatusFacts | Absence,
    host: HostVitals = HOST,
    power: PowerVitals = POWER,
    disk: DiskVitals = DISK,
) -> Health:
    """A Pi that is well, with these cameras."""
    return Health(found=found, host=host, power=power, disk=disk)


WELL = health(facts(HEALTHY))
DISARMED = Arming(
    mode="armed", action="none", armed=False, trouble="nothing reboots: a drop-in", hint="look"
)
EVERYTHING = replace(
    health(facts(HEALTHY, CLIMBING, PARKED, replace(STARTING, name="new"), replace(PAUSED, name="lent"))),
    arming=DISARMED,
)
NOTHING = health(DOWN, BARE, PowerVitals(source="unknown"), NO_DISK)
ALL = [WELL, EVERYTHING, NOTHING, health(facts())]


@pytest.mark.parametrize(
    ("asked", "expected", "words"),
    [
        (WELL, Level.OK, ""),
        (health(facts(CLIMBING)), Level.WARNING, "cam1 WARNING 60/100: frames-stopped; restart-worker 2/3 in 4.0 s"),
        (
            health(facts(replace(CLIMBING, is_critical=True, health_score=50))), Level.CRITICAL,
            "cam1 CRITICAL 50/100: frames-stopped; ",
        ),
        (health(facts(PAUSED)), Level.WARNING, "cam0 paused for 50 min more"),
        (health(facts(HEALTHY, PARKED)), Level.CRITICAL, "garden PARKED 0/100: sensor-io; probe in 4 min"),
        (health(facts(HEALTHY, replace(PARKED, required=False))), Level.WARNING, "garden PARKED"),
        (health(facts()), Level.WARNING, "no camera"),
        (health(facts(HEALTHY, daemon=replace(DAEMON, ledger_trouble="disk full"))), Level.WARNING, "disk full"),
        (health(facts(HEALTHY, daemon=replace(DAEMON, note="refused"))), Level.WARNING, "refused"),
        (health(DOWN), Level.CRITICAL, "camwatchd is not running; systemd says: failed"),
        (health(replace(DOWN, reason=Reason.VERSION)), Level.UNKNOWN, "camwatchd is not running"),
        (replace(WELL, arming=DISARMED), Level.WARNING, "reboots: nothing reboots: a drop-in; see: look"),
        (replace(WELL, arming=replace(DISARMED, mode="off", trouble="")), Level.OK, ""),
        (health(facts(HEALTHY), power=replace(POWER, under_voltage=True)), Level.WARNING, "under-voltage now"),
        (health(facts(HEALTHY), power=replace(POWER, under_voltage_since_boot=True)), Level.WARNING, "since the boot"),
        (health(facts(HEALTHY), power=replace(POWER, throttled=True)), Level.WARNING, "throttles"),
        (health(facts(HEALTHY), replace(HOST, temperature_celsius=81.2)), Level.WARNING, "81 degrees"),
        (health(facts(HEALTHY), replace(HOST, memory_available_bytes=10**8)), Level.WARNING, "2.5 % of the mem"),
        (health(facts(HEALTHY), disk=replace(DISK, free_bytes=50_000_000)), Level.WARNING, "50 MB are free"),
        (health(facts(HEALTHY), BARE, PowerVitals(source="unknown"), NO_DISK), Level.OK, ""),
    ],
)  # fmt: skip
def test_the_verdict(asked: Health, expected: Level, words: str) -> None:
    """Cameras decide, the machine warns, what is unknown is no reproach; each reason is said in all forms."""
    said = [remark.text for remark in remarks(asked)]

    assert level(asked) is expected
    assert (words in said[0]) if words else said == []
    assert words in nagios.line(asked)
    assert words in health_text.text(asked)


def test_a_sign_is_told_and_alarms_nobody() -> None:
    """It has a line and is in the JSON as its schema says; the verdict and the exit status are as without."""
    sign = SignFacts(name="heat", text="70 degrees or more in the minute before 4 incidents", remedy="shade")
    asked = health(facts(replace(HEALTHY, signs=(sign,))))

    assert (Level.OK, []) == (level(asked), remarks(asked))
    assert "sign     cam0: 70 degrees or more in the minute before 4 incidents\n" in health_text.text(asked)
    written = document(asked)
    assert [to_plain(sign)] == written["camera_status"]["cameras"]["cam0"]["signs"]
    assert (schemas.mistakes(written, "health"), schemas.strangers(written, "health")) == ([], [])


def test_the_worst_is_said_first() -> None:
    """Critical before unknown before warning."""
    levels = [remark.level for remark in remarks(EVERYTHING)]

    assert levels == sorted(levels, key=[Level.CRITICAL, Level.UNKNOWN, Level.WARNING].index)
    assert level(EVERYTHING) is levels[0] is Level.CRITICAL
    assert (
        level(health(replace(DOWN, reason=Reason.VERSION), replace(HOST, temperature_celsius=99.0)))
        is Level.UNKNOWN
    )


@pytest.mark.parametrize("asked", ALL)
def test_the_json_is_as_its_schema_says(asked: Health) -> None:
    """What is printed fits the shipped schema, and has nothing that the schema does not tell of."""
    written = json.loads(json.dumps(document(asked)))
    status = json.loads(json.dumps(status_document(asked.found)))

    assert (schemas.mistakes(written, "health"), schemas.strangers(written, "health")) == ([], [])
    assert (schemas.mistakes(status, "status"), schemas.strangers(status, "status")) == ([], [])


def test_the_schema_is_strict() -> None:
    """A field that is missing, of another type or out of bounds is found; so is one that nobody described."""
    written = status_document(facts(HEALTHY))
    camera = written["cameras"]["cam0"]
    spoilt = [
        {**written, "health_score": 101}, {**written, "is_capturing": 1}, {**written, "daemon": {}},
        {k: v for k, v in written.items() if k != "should_reboot"},
        {**written, "cameras": {"cam0": {**camera, "phase": "fine"}}},
        {**written, "cameras": {"cam0": {**camera, "last_frame_age": "soon"}}},
        {**written, "cameras": {"cam0": {**camera, "frames": {**camera["frames"], "streams": [{}]}}}},
    ]  # fmt: skip

    assert [document for document in spoilt if not schemas.mistakes(document, "status")] == []
    assert schemas.strangers({**written, "more": 1}, "status") == ["$.more"]


def test_camera_status_is_where_it_is_asked_for() -> None:
    """`camwatchctl health --json | jq .camera_status` has the required keys flat, and the cameras by name."""
    found = document(EVERYTHING)["camera_status"]

    assert {key: found[key] for key in list(found)[:6]} == {
        "is_initialized": False, "is_capturing": False, "health_score": 0, "consecutive_failures": 120,
        "score_measured": True, "should_reboot": True,
    }  # fmt: skip
    assert list(found["cameras"]) == ["cam0", "cam1", "garden", "new", "lent"]
    assert document(NOTHING)["camera_status"]["is_capturing"] is False


@pytest.mark.parametrize("asked", ALL)
def test_nagios_reads_one_line(asked: Health) -> None:
    """A word for the status, a text without a bar, and performance data as the guidelines have them."""
    head, _, figures = nagios.line(asked).partition(" | ")
    number = r"-?\d+(\.\d+)?"
    datum = re.compile(rf"('[\w-]+'|\w+)=({number}|U)(s|%|B|c)?(;({number}:?)?){{0,2}}(;({number})?){{0,2}}")

    assert re.match(rf"CAMWATCHD {level(asked).name} - \S", head)
    assert [c for c in "\n|" if c in head] == []
    assert [each for each in figures.split() if not datum.fullmatch(each)] == []
    assert (figures == "") == (asked is NOTHING)


def test_nagios_knows_the_bands() -> None:
    """Warning below good, critical below warning: the requirement's own limits."""
    assert "'cam0_score'=100;70:;30:;0;100 'cam0_fps'=29.94;;;0 'cam0_last_frame'=0.031s" in nagios.line(
        WELL
    )


@pytest.mark.parametrize("asked", ALL)
def test_prometheus_reads_it(asked: Health) -> None:
    """By the grammar of the format and the conventions for names nothing is wrong with it."""
    assert Reader(exposition.exposition(asked)).mistakes == []


def test_every_metric_has_a_sample_somewhere() -> None:
    """No row of the table is never seen; the values are those of the facts."""
    both = exposition.exposition(EVERYTHING), exposition.exposition(WELL)
    seen = {name for text in both for name, _ in Reader(text).samples}
    samples = Reader(both[0]).samples

    assert {metric.name for metric in METRICS} == seen
    assert samples["camwatchd_reboots_armed", ""] == 0
    assert samples["camwatchd_camera_captures_total", 'camera="cam0"'] == 107640
    assert samples["camwatchd_camera_condition", 'camera="garden",condition="critical"'] == 1
    assert (
        samples["camwatchd_camera_fault", 'camera="cam1",fault="frames-stopped",rung="restart-worker"'] == 1
    )
    assert samples["camwatchd_host_power_event", 'event="under_voltage",when="now"'] == 0
    assert Reader(exposition.exposition(NOTHING)).samples == {("camwatchd_up", ""): 0}


def test_what_is_unknown_is_no_zero() -> None:
    """A machine without a sensor, a camera without a frame: no sample, which alerts can tell from a bad one."""
    text = exposition.exposition(health(facts(STARTING), BARE))

    assert [word for word in ("celsius", "last_frame_age", "cma", "time_to_recovery") if word in text] == []


@pytest.mark.parametrize("unmeasured", [PAUSED, STARTING])
def test_a_score_that_was_not_measured_is_no_praise(unmeasured: CameraFacts) -> None:
    """By the formula it is 100; monitoring hears that there is none, programs that it says nothing."""
    asked = health(facts(unmeasured))

    assert "'cam0_score'=U;70:;30:;0;100" in nagios.line(asked)
    assert "camwatchd_camera_health_score{" not in exposition.exposition(asked)
    status = document(asked)["camera_status"]
    assert (status["score_measured"], status["cameras"]["cam0"]["score_measured"]) == (False, False)
    told = nagios.line(asked), health_text.text(asked), status_detail.detailed(facts(unmeasured))
    assert ["EXCELLENT 100/100" in text.replace(DAEMON.status, "") for text in told] == [False] * 3


def test_labels_are_escaped() -> None:
    """Whatever a camera calls itself."""
    text = exposition.exposition(health(facts(replace(HEALTHY, model='a"b\\c\nd'))))

    assert r'model="a\"b\\c\nd"' in text
    assert Reader(text).mistakes == []


@pytest.mark.parametrize(
    "spoilt",
    [
        "a_metric 1\n", "# HELP a x\n# TYPE a gauge\na 1", "# HELP a x\n# TYPE a gauge\na 1\na 2\n",
        "# HELP a x\n# TYPE a counter\na 1\n", "# HELP a_total x\n# TYPE a_total gauge\na_total 1\n",
        '# HELP a x\n# TYPE a gauge\na{b="1",b="2"} 1\n', "# HELP a x\n# TYPE a gauge\na one\n",
        "# HELP a_ms x\n# TYPE a_ms gauge\na_ms 1\n", '# HELP a x\n# TYPE a gauge\na{b="\n"} 1\n', "\n",
        "# HELP a x\n# TYPE a gauge\n# HELP b x\n# TYPE b gauge\na{x=\"1\"} 1\nb 1\na 2\n",
        "# HELP a x\n# TYPE a meter\na 1\n", "# HELP a_megabytes x\n# TYPE a_megabytes gauge\na_megabytes 1\n",
    ],
)  # fmt: skip
def test_the_reader_is_strict(spoilt: str) -> None:
    """What Prometheus would refuse or promtool complain about is found."""
    assert Reader(spoilt).mistakes


def test_it_answers_before_nagios_gives_up() -> None:
    """Whatever hangs, daemon, systemd and vcgencmd together, there are two of the ten seconds left."""
    assert PATIENCE + unit.PATIENCE + vitals.PATIENCE <= 8


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    """It is replaced in one step, can be read by everybody, and nothing is left beside it."""
    file = tmp_path / "camwatchd.prom"
    exposition.write(file, "one\n")
    before = file.stat().st_ino
    usual = os.umask(0o077)
    try:
        exposition.write(file, "two\n")
    finally:
        os.umask(usual)

    assert (file.read_text(), file.stat().st_mode & 0o777) == ("two\n", 0o644)
    assert (file.stat().st_ino != before, [path.name for path in tmp_path.iterdir()]) == (
        True,
        ["camwatchd.prom"],
    )
    with pytest.raises(FileNotFoundError):
        exposition.write(tmp_path / "missing" / "x.prom", "three\n")


def test_a_file_that_cannot_be_replaced_leaves_nothing_beside_it(tmp_path: Path) -> None:
    """Nor is the file touched where there is no room for another: it is written under a name that nobody collects."""
    file = tmp_path / "camwatchd.prom"
    file.mkdir()
    with pytest.raises(OSError, match="directory"):
        exposition.write(file, "one\n")
    left = [path.name for path in tmp_path.iterdir()]
    file.rmdir()
    file.write_text("old\n")
    (tmp_path / f".camwatchd.prom.{os.getpid()}").mkdir()
    with pytest.raises(OSError, match="directory"):
        exposition.write(file, "two\n")

    assert (left, file.read_text()) == (["camwatchd.prom"], "old\n")


def test_no_digit_is_lost() -> None:
    """Bytes and counts are whole numbers, however large."""
    disk = replace(DISK, free_bytes=123_456_789_012_345)
    samples = Reader(exposition.exposition(health(facts(HEALTHY), disk=disk))).samples

    assert 123_456_789_012_345 in samples.values()


def test_a_drill_says_so_wherever_it_alarms() -> None:
    """Whoever is called by it at night should know: remark, line for Nagios, metric."""
    drilled = health(facts(replace(CLIMBING, drill="stall")))

    assert "cam1 DRILL (stall): WARNING 60/100: frames-stopped" in nagios.line(drilled)
    assert 'camwatchd_camera_drill{camera="cam1"} 1' in exposition.exposition(drilled)
