# SPDX-License-Identifier: MIT
"""What the doctor makes of facts: each rule once, with the facts at hand."""

import math
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from camwatchd.control.facts import FramesFacts
from camwatchd.core.settings import CameraSettings, Reboot, Settings
from camwatchd.core.streams import Stream
from camwatchd.doctor import (
    cameras,
    clock,
    configuration,
    devices,
    hardware,
    memory,
    power,
    rights,
    service,
    startlimit,
    storage,
    systemd,
    versions,
)
from camwatchd.doctor.finding import Finding, Result
from camwatchd.doctor.nodes import Node
from camwatchd.doctor.sensors import Sensor
from camwatchd.doctor.tasks import Task
from tests.doctor import rig

CSI = Sensor(model="imx708", bus="CSI", nodes=("v4l-subdev0",), id=rig.CSI_ID)
USB = Sensor(model='Cam "HD"', bus="USB", nodes=("video0",))
ACCOUNTS = rights.Facts(
    users={"camwatchd": (990, 990), "pi": (1000, 1000)},
    groups={
        "video": (44, frozenset({"camwatchd"})),
        "render": (105, frozenset()),
        "camwatchd": (990, frozenset({"pi"})),
    },
    own_uid=1000,
)
UNIT_FILE = Path(__file__).parents[2] / "systemd/camwatchd.service"

LOOPING = {"ActiveState": "activating", "SubState": "auto-restart", "Result": "watchdog", "NRestarts": "37"}


def node(name: str, gid: int = 44, mode: int = 0o660) -> Node:
    return Node(name=name, uid=0, gid=gid, mode=mode)


def off(mode: str) -> Settings:
    return Settings(reboot=Reboot(mode=mode))  # type: ignore[arg-type]


def limit(settings: Settings | None = None, **unit: str) -> startlimit.Facts:
    return startlimit.Facts(unit=rig.UNIT | unit, settings=settings or Settings())


def judged(finding: Finding, result: str, words: str) -> None:
    """It has this result, and says this somewhere."""
    assert (finding.result, words in f"{finding.reason} | {finding.remedy}") == (result, True), finding


RULES: list[tuple[Callable[[Any], Finding], object, str, str]] = [
    (rights.user, replace(ACCOUNTS, users={"root": (0, 0)}), "failure", "sudo systemd-sysusers"),
    (rights.user, replace(ACCOUNTS, users={"root": (0, 0)}, installed=False), "unknown", "not installed"),
    (rights.groups, replace(ACCOUNTS, nodes=(node("media0", 105),)), "failure", "usermod -aG render camwatchd"),
    (rights.groups, replace(ACCOUNTS, nodes=(node("media0", 77),)), "failure", "not in 77"),
    (rights.groups, replace(ACCOUNTS, nodes=(node("udmabuf", 105),)), "ok", "needed: none"),
    (rights.groups, replace(ACCOUNTS, nodes=(node("media0", 105),), of_unit=frozenset({"render"})), "ok", ""),
    (rights.control, replace(ACCOUNTS, own_uid=0), "ok", "root"),
    (rights.control, ACCOUNTS, "warning", "after you logged in"),
    (rights.control, replace(ACCOUNTS, own_gids=frozenset({990})), "ok", "everything"),
    (rights.control, replace(ACCOUNTS, groups={}), "warning", "sudo usermod -aG camwatchd pi"),
    (configuration.check, configuration.Facts(summary="configuration is valid"), "ok", "valid"),
    (configuration.check, configuration.Facts(hidden=("/etc/a",)), "unknown", "sudo camwatchctl doctor"),
    (configuration.check, configuration.Facts(closed=("/etc/a",)), "failure", "sudo chmod a+rX /etc/a"),
    (clock.check, clock.Facts(None, False), "unknown", "does not say"),
    (clock.check, clock.Facts(False, True), "ok", "systemd-timesyncd"),
    (clock.check, clock.Facts(False, False, "02:00-04:00"), "warning", "'02:00-04:00' does not bind"),
    (power.power, power.Facts(throttled=0x10000), "warning", "since this boot"),
    (power.power, power.Facts(throttled=0x1), "failure", "now"),
    (power.power, power.Facts(alarm=False), "ok", "no under-voltage"),
    (power.throttling, power.Facts(throttled=0xE0000), "warning", "clock capped, throttled, soft temperature"),
    (power.temperature, power.Facts(degrees=80.0), "warning", "80 degrees"),
    (hardware.check, hardware.Facts(nodes=("watchdog0",)), "unknown", "no systemd"),
    (hardware.check, hardware.Facts(nodes=("w",), longest=12, manager=rig.MANAGER | {"RebootWatchdogUSec": "0"}),
     "warning", "RuntimeWatchdogSec=12s"),
    (hardware.check, hardware.Facts(nodes=("w",), manager=rig.MANAGER, boot_status=0x20), "ok", "(it ended"),
    (storage.state_directory, storage.Facts(installed=True), "failure", "systemd-tmpfiles --create"),
    (storage.space, storage.Facts(free=10_000_000), "failure", "10 MB free"),
    (storage.space, storage.Facts(free=10**9, files=0), "failure", "no more files"),
    (storage.space, storage.Facts(free=10**9, files=50), "warning", "room for 50 files"),
    (storage.journal, storage.Facts(), "unknown", "no journal"),
    (service.service, service.Facts({"LoadState": "not-found"}, {}), "failure", "apt install"),
    (service.service, service.Facts({"LoadState": "masked"}, {}, mask=("m", "unmask")), "failure", "unmask"),
    (service.service, service.Facts(rig.UNIT | {"ActiveState": "inactive"}, {}), "warning", "systemctl start"),
    (service.service, service.Facts(rig.UNIT | LOOPING, {}), "failure", "result watchdog; restarted by systemd 37 t"),
    (service.service, service.Facts(rig.UNIT | LOOPING, {}), "failure", "journalctl -u camwatchd.service -b -n 50"),
    (service.service, service.Facts(rig.UNIT, {}, deserted=True), "failure", "nobody listens"),
    (service.service, service.Facts(rig.UNIT | {"ActiveState": "activating"}, {}, deserted=True), "ok", "activating"),
    (service.service, service.Facts(rig.UNIT | {"NRestarts": "2"}, {}), "ok", "restarted by systemd 2 times"),
    (service.service, service.Facts(rig.UNIT | {"NRestarts": "3"}, {}), "warning", "restarted by systemd 3 times"),
    (service.service, service.Facts(rig.UNIT | {"UnitFileState": "disabled"}, {}), "warning", "systemctl enable"),
    (service.watchdog, service.Facts(rig.UNIT, {"ServiceWatchdogs": "no"}), "failure", "service-watchdogs yes"),
    (service.watchdog, service.Facts(rig.UNIT | {"WatchdogUSec": "0"}, {}), "failure", "is off"),
    (service.overrides, service.Facts(rig.UNIT | {"FailureAction": "reboot"}, {}), "failure", "is reboot, ship"),
    (service.overrides, service.Facts(rig.UNIT | {"RestartUSec": "1min"}, {}), "warning", "is 1min, shipped 15s"),
    (service.overrides, service.Facts(rig.UNIT | {"NeedDaemonReload": "yes"}, {}), "warning", "daemon-reload"),
    (service.overrides, service.Facts(rig.UNIT | {"DropInPaths": "/etc/a.conf /run/systemd/generator/b"}, {}),
     "ok", "by /etc/a.conf"),
    (startlimit.limit, limit(), "ok", "4 starts that hang take 4 x"),
    (startlimit.limit, limit(TimeoutStopUSec="5min"), "failure", "910 s until a hanging daemon is given up"),
    (startlimit.limit, limit(off("off"), TimeoutStopUSec="5min"), "ok", "of 5100 s"),
    (startlimit.limit, limit(StartLimitBurst="3"), "failure", "StartLimitBurst=3"),
    (startlimit.limit, limit(StartLimitIntervalUSec="0"), "failure", "there is none"),
    (startlimit.limit, limit(StartLimitIntervalUSec="infinity"), "ok", "interval without end"),
    (startlimit.action, limit(off("off")), "failure", "daemon-reload"),
    (startlimit.action, limit(off("observe"), StartLimitAction="none"), "ok", "observe"),
    (startlimit.action, limit(StartLimitAction="none", DropInPaths="/etc/x.conf"), "failure", "/etc/x.conf"),
    (startlimit.guard, replace(limit(), missing="x is missing"), "failure", "reinstall"),
    (versions.version, versions.Facts(running="0.0.1"), "warning", "sudo systemctl restart camwatchd"),
    (versions.version, versions.Facts(silence="did not answer"), "failure", "did not answer"),
    (versions.picamera2, versions.Facts(modules={"picamera2": ("0.3.9", "/usr/lib")}), "failure", "0.3.20"),
    (versions.picamera2, versions.Facts(needs_picamera2=False), "ok", "not needed"),
    (versions.libcamera, versions.Facts(packages={"libcamera0.6": "0.6", "python3-libcamera": "0.5"}),
     "warning", "different versions"),
    (memory.memory, memory.Facts(total=10**9, available=10**8, tasks=(Task(1, "worker", 60_000_000),) * 2),
     "ok", "workers with standby (2) 120 MB"),
    (memory.standby, memory.Facts(total=10**9, settings=Settings()), "ok", "one is kept"),
    (memory.standby, memory.Facts(total=4 * 10**8, settings=Settings()), "ok", "none is kept"),
    (memory.frames, memory.Facts(total=10**9, settings=Settings()), "ok", "cam0: 4 slots x 0.6 MB = about 2.5 MB"),
    (memory.frames, memory.Facts(frames={"a": FramesFacts(trouble="too large")}), "warning", "a: too large"),
    (memory.frames, memory.Facts(frames={"a": FramesFacts(
        slots=4, streams=(Stream("main", "RGB888", 640, 480, 1920, 921_600),), megabytes_most=3.7, readers=2)}),
     "ok", "a: 4 slots x (main 0.9 MB) = at most 3.7 MB, now 0.0 MB, 2 readers"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "facts", "result", "words"), RULES)
def test_each_rule(check: Callable[[Any], Finding], facts: object, result: str, words: str) -> None:
    """These facts have this result, a reason that says why, and a remedy wherever something is to be done."""
    finding = check(facts)

    judged(finding, result, words)
    assert bool(finding.remedy) or finding.result not in (Result.WARNING, Result.FAILURE)


def test_remedies_can_be_pasted() -> None:
    """Each is a command that a shell understands."""
    remedies = {check(facts).remedy for check, facts, _, _ in RULES} - {""}
    done = subprocess.run(
        ["sh", "-n"], input="\n".join(remedies), capture_output=True, text=True, check=False
    )

    assert len(remedies) > 20
    assert [remedy for remedy in remedies if remedy.startswith("#")] == []
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("nodes", "result", "words"),
    [
        ([node("media0"), node("media1", 0, 0o600)], "failure", "/dev/media1 (uid 0, gid 0, mode 0600)"),
        ([node("media0"), node("media1", 0, 0o666)], "ok", "2 nodes"),
        ([node("media0", 44, 0o606)], "failure", "camwatchd may not use"),
        ([node("video0")], "failure", "no /dev/media*"),
        ([], "unknown", "the kernel has no camera"),
    ],
)
def test_nodes_are_for_the_services_user(nodes: list[Node], result: str, words: str) -> None:
    """Owner, group and mode decide in the kernel's order: a group that may not is not helped by what others may."""
    facts = devices.Facts(nodes=tuple(nodes), uid=990, gids=frozenset({44, 990}))

    judged(devices.check("media-nodes", facts), result, words)


def test_one_heap_is_enough() -> None:
    """libcamera takes the first heap that it can open."""
    heaps = (node("dma_heap/linux,cma"), node("dma_heap/system", 0, 0o600), node("media0"))
    facts = devices.Facts(nodes=heaps, uid=990, gids=frozenset({44}))

    judged(devices.check("dma-heap", facts), "ok", "linux,cma")
    judged(devices.check("dma-heap", replace(facts, nodes=heaps[1:])), "failure", "dma_heap/system")


@pytest.mark.parametrize(
    ("facts", "result", "words"),
    [
        (cameras.Facts(configured=(CameraSettings(),)), "unknown", "has none of cam0"),
        (cameras.Facts(sensors=(CSI,), configured=(CameraSettings(),)), "ok", "all there: cam0"),
        (cameras.Facts(sensors=(CSI,), configured=(CameraSettings(model="imx219"),)), "failure", 'model = "imx219"'),
        (cameras.Facts(sensors=(CSI,), configured=(CameraSettings(index=1, required=False),)), "warning", "index = 1"),
        (cameras.Facts(), "ok", "simulated"),
    ],
)  # fmt: skip
def test_configured_cameras_are_looked_for(facts: cameras.Facts, result: str, words: str) -> None:
    """A required camera that the kernel does not have is a failure, an optional one a warning."""
    judged(list(cameras.check(facts))[-1], result, words)


def test_each_camera_has_a_table_to_paste() -> None:
    """By its id where libcamera gives it one, else by its model; under the name that it has already."""
    facts = cameras.Facts(sensors=(CSI, USB), configured=(CameraSettings(name="door"),))
    found = [finding for finding in cameras.check(facts) if finding.name == "camera"]

    assert [finding.subject for finding in found] == ["imx708", 'Cam "HD"']
    assert [finding.paste for finding in found] == [
        f'[camera.door]\nid = "{rig.CSI_ID}"',
        '[camera.cam1]\nmodel = "Cam \\"HD\\""',
    ]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h 25min", 5100.0), ("15s", 15.0), ("1min 30s", 90.0), ("500ms", 0.5), ("0", 0.0), ("infinity", math.inf),
     ("", None), ("[not set]", None), ("1d", 86400.0)],
)  # fmt: skip
def test_spans_are_read_as_systemctl_writes_them(text: str, seconds: float | None) -> None:
    """Whatever unit systemd chooses."""
    assert systemd.seconds(text) == seconds


def test_what_is_shipped_is_what_is_compared() -> None:
    """The doctor measures by the unit of this package."""
    lines = [line.partition("=") for line in UNIT_FILE.read_text().splitlines() if "=" in line]
    unit = {name: value for name, _, value in lines}
    unset = {"FailureAction": "none", "SuccessAction": "none", "SendSIGKILL": "yes"}

    for name, shipped in systemd.SHIPPED.items():
        written = unit.get(name.replace("USec", "Sec"), unset.get(name, ""))
        value = f"{written}s" if written.isdecimal() and name.endswith("USec") else written
        assert shipped in (value, systemd.seconds(value)), name
