# SPDX-License-Identifier: MIT
"""What the doctor reads from a machine, on trees of our own: a healthy Pi, one thing wrong at a time, nothing."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from camwatchd.doctor import versions
from camwatchd.doctor.finding import Finding, Result
from camwatchd.doctor.place import Place
from camwatchd.doctor.sensors import sensors, unprobed
from camwatchd.doctor.table import GROUPS, Group
from camwatchd.doctor.together import Task, ask
from tests.control.rig import STRANGER
from tests.doctor import rig

_OURS = ("control", "clock", "signs")  # of whoever runs the tests, and where; of the daemon


def findings(place: Place) -> list[Finding]:
    """All of them, made here."""
    return [finding for group in GROUPS for finding in group.find(place)]


def not_ok(place: Place) -> dict[str, Result]:
    """What the doctor finds fault with."""
    found = {finding.name: finding.result for finding in findings(place) if finding.name not in _OURS}
    return {name: result for name, result in found.items() if result is not Result.OK}


def test_a_healthy_pi_is_healthy(tmp_path: Path) -> None:
    """On a Pi where everything is as it should be, no check has anything to say."""
    assert not_ok(rig.healthy(tmp_path)) == {}


def test_each_group_makes_the_checks_that_it_announces(tmp_path: Path) -> None:
    """The names that are documented, and no others, in their order; one for each camera."""
    place = rig.healthy(tmp_path)

    for group in GROUPS:
        assert tuple(dict.fromkeys(finding.name for finding in group.find(place))) == group.checks


def test_of_an_empty_machine_nothing_is_said_to_be_wrong(tmp_path: Path) -> None:
    """Where there is no /proc, no /sys and no systemd nearly all is unknown, with a reason, and nothing raises."""
    found = findings(Place(root=tmp_path, socket=str(tmp_path / "none"), path=str(tmp_path)))

    unknown = [finding for finding in found if finding.result is Result.UNKNOWN]
    assert len(unknown) > 20
    assert all(finding.reason for finding in found)
    assert {finding.name for finding in found if finding.result is Result.FAILURE} <= {"numpy", "picamera2"}


def _remove(name: str) -> Callable[[Path], object]:
    return lambda root: (root / name).unlink()


def _write(name: str, text: str) -> Callable[[Path], object]:
    return lambda root: rig.put(root, name, text)


def _unit(**changes: str) -> Callable[[Path], object]:
    return lambda root: rig.systemctl(root, **changes)


@pytest.mark.parametrize(
    ("breakage", "found"),
    [
        (_write("boot/firmware/camwatchd.disable", ""), {"disable-file": "warning"}),
        (_write("etc/camwatchd/conf.d/a.toml", "[camera.cam0]\nwidth = 0\n"),
         {"configuration": "failure", "start-limit": "unknown", "standby": "unknown", "frames": "unknown"}),
        (_unit(ActiveState="failed", Result="exit-code"), {"service": "failure"}),
        (_unit(StartLimitIntervalUSec="30min"), {"start-limit": "failure", "unit-overrides": "warning"}),
        (_unit(StartLimitAction="none"), {"start-limit-action": "failure"}),
        (_unit(RuntimeWatchdogUSec="0"), {"hardware-watchdog": "warning"}),
        (_unit(SupplementaryGroups=""), {"groups": "warning"}),
        (_remove("usr/lib/systemd/system-generators/camwatchd-guard"), {"guard": "failure"}),
        (_remove("var/lib/camwatchd/guard"), {"guard": "warning"}),
        (_write("run/camwatchd-guard/unwritten", "no space"), {"guard": "failure"}),
        (_write("proc/self/mountinfo", "22 1 0:2 / / rw - overlay overlay rw\n"), {"state-directory": "failure"}),
        (_write(f"run/log/journal/{rig.MACHINE}/system.journal", ""), {"journal": "warning"}),
        (_write("sys/class/thermal/thermal_zone0/temp", "86000"), {"temperature": "failure"}),
        (_write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1"), {"power": "failure"}),
        (_write("sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled", "50000"),
         {"power": "warning", "throttling": "warning"}),
        (_write("lib/modules/other/modules.dep", ""), {}),
        (_write("proc/sys/kernel/osrelease", "6.6.0"), {"system": "warning"}),
        (_write("proc/meminfo", "MemTotal: 400000 kB\nMemAvailable: 40000 kB\nCmaTotal: 65536 kB\nCmaFree: 900 kB\n"),
         {"memory": "warning", "cma": "warning"}),
        (_write("sys/fs/cgroup/system.slice/camwatchd.service/memory.events", "oom_kill 2\n"), {"memory": "failure"}),
        (_write("usr/local/lib/python3.13/dist-packages/numpy-1.26.0.dist-info/METADATA", ""), {"numpy": "warning"}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(
    breakage: Callable[[Path], object], found: dict[str, str], tmp_path: Path
) -> None:
    """Each thing that goes wrong on a Pi is found by the check that is named for it, and by no other."""
    place = rig.healthy(tmp_path)

    breakage(tmp_path)

    assert not_ok(place) == found


def test_a_camera_is_as_libcamera_names_it(tmp_path: Path) -> None:
    """Ids are libcamera's own, CSI comes before USB, and a lens is no camera."""
    found = sensors(rig.healthy(tmp_path))

    assert [(sensor.bus, sensor.model, sensor.id, sensor.nodes) for sensor in found] == [
        ("CSI", "imx708_wide", rig.CSI_ID, ("v4l-subdev0",)),
        ("USB", "HD Webcam C270", rig.USB_ID, ("video0", "video1")),
    ]


def test_a_sensor_that_does_not_answer_is_named(tmp_path: Path) -> None:
    """What the device tree has and the driver did not find is told apart from what is not there at all."""
    rig.csi_sensor(tmp_path, "imx477", "4-001a", probed=False)

    assert unprobed(Place(root=tmp_path)) == ["imx477 at 4-001a"]


def test_the_service_has_the_camera_by_right(tmp_path: Path) -> None:
    """Its own processes are no competitors; whoever else has a node open is, whether it locks the camera or not."""
    place = rig.healthy(tmp_path)
    for pid in (700, 811):
        folder = tmp_path / f"proc/{pid}/fd"
        folder.mkdir(parents=True)
        (folder / "5").symlink_to("/dev/video0")
    rig.put(tmp_path, "proc/811/comm", "ffmpeg\n")

    (holders,) = (finding for finding in findings(place) if finding.name == "holders")
    assert (holders.result, "ffmpeg (pid 811): /dev/video0" in holders.reason) == (Result.WARNING, True)
    assert "700" not in holders.reason


def test_a_competitor_with_many_nodes_is_seen(tmp_path: Path) -> None:
    """Whoever has the video node open is found however many others it has, and the node is named."""
    place = rig.healthy(tmp_path)
    folder = tmp_path / "proc/811/fd"
    folder.mkdir(parents=True)
    for number, name in enumerate(("media0", "media1", "media2", "v4l-subdev0", "v4l-subdev1", "video0")):
        (folder / str(number)).symlink_to(f"/dev/{name}")

    (holders,) = (finding for finding in findings(place) if finding.name == "holders")
    assert (holders.result, ": /dev/video0, " in holders.reason) == (Result.WARNING, True)


def test_nobody_at_the_socket_is_a_failure(tmp_path: Path) -> None:
    """systemd may say what it likes: a service at whose socket nobody listens does not run."""
    place = replace(rig.healthy(tmp_path), socket=str(tmp_path / "none"))

    assert not_ok(place) == {"service": Result.FAILURE}


def test_a_lock_is_told_with_its_owner(tmp_path: Path) -> None:
    """libcamera's lock on the media device says whose the camera is, also to those who may see nothing else."""
    place = rig.healthy(tmp_path)
    node = (tmp_path / "dev/media0").stat()
    device = (
        f"{node.st_dev >> 8 & 0xFFF:02x}:{node.st_dev & 0xFF | node.st_dev >> 12 & ~0xFF:02x}:{node.st_ino}"
    )
    rig.put(tmp_path, "proc/locks", f"1: POSIX  ADVISORY  WRITE 822 {device} 0 EOF\n")
    rig.put(tmp_path, "proc/822/comm", "rpicam-vid\n")

    (holders,) = (finding for finding in findings(place) if finding.name == "holders")
    assert holders.reason.startswith("a camera belongs to rpicam-vid (pid 822)")
    assert "sudo kill 822" in holders.remedy


def test_why_the_guard_is_closed_is_told(tmp_path: Path) -> None:
    """The reason stands in the drop-in that the guard has made for this boot."""
    place = rig.healthy(tmp_path)
    drop_in = "run/systemd/generator/camwatchd.service.d/zz-camwatchd-guard.conf"
    rig.put(
        tmp_path,
        drop_in,
        "# Written by the guard, because\n# 4 boots failed\n[Unit]\nStartLimitAction=none\n",
    )
    rig.systemctl(tmp_path, StartLimitAction="none", DropInPaths=f"/{drop_in}")

    assert not_ok(place) == {"start-limit-action": "warning"}
    assert any("because 4 boots failed" in finding.reason for finding in findings(place))


def test_a_mask_of_the_kernel_command_line_is_told_from_others(tmp_path: Path) -> None:
    """`systemctl unmask` would do nothing about it."""
    place = rig.healthy(tmp_path)
    rig.systemctl(tmp_path, LoadState="masked", ActiveState="inactive")
    rig.put(tmp_path, "run/systemd/generator.early/camwatchd.service", "")
    [service] = [finding for finding in findings(place) if finding.name == "service"]

    assert service.reason == "camwatchd.service is masked by the kernel command line"
    assert "/boot/firmware/cmdline.txt) and reboot; systemctl unmask does not help" in service.remedy


def test_versions_come_without_an_import(tmp_path: Path) -> None:
    """Of packages from dpkg's status, with stanzas of any shape; what is only half installed does not count."""
    place = rig.healthy(tmp_path)
    status = tmp_path / "var/lib/dpkg/status"
    status.write_text(
        f"{status.read_text()}\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n"
    )

    facts = versions.gather(place)

    assert facts.packages["libcamera0.6"] == "0.6.0+rpt1"
    assert "gone" not in facts.packages
    assert facts.modules["picamera2"][0] == "0.3.31"


def test_a_program_that_hangs_is_given_up(tmp_path: Path) -> None:
    """systemctl that does not answer is a systemd that is unknown, after a moment."""
    rig.put(tmp_path, "bin/systemctl", "#!/bin/sh\nexec sleep 60\n").chmod(0o755)
    place = Place(root=tmp_path, path=f"{tmp_path}/bin:/usr/bin:/bin")

    assert place.show("Version") == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs somebody to become")
def test_folders_that_are_not_ours_are_no_failure_of_the_check(tmp_path: Path) -> None:
    """Whoever may read nothing at all gets no verdict, and says so, where others get one."""
    place = rig.healthy(tmp_path)
    tmp_path.chmod(0o700)
    tmp_path.parent.chmod(0o700)
    tasks: dict[str, Task] = {group.name: partial(_as_a_stranger, group, place) for group in GROUPS}

    answers = ask(tasks, 20.0)

    assert answers.missing == {}
    assert [name for name, results in answers.given.items() if not results] == []


def _as_a_stranger(group: Group, place: Place) -> list[str]:
    os.setgroups([])
    os.setgid(STRANGER)
    os.setuid(STRANGER)
    return [finding.result for finding in group.find(place)]
