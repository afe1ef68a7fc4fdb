# SPDX-License-Identifier: MIT
"""Owns the tests of the unit file and of the user it runs as, by systemd's own tools."""

import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[2] / "systemd"
UNIT = SYSTEMD / "camwatchd.service"
EXPOSURE = 1.6  # what is left over are the cameras themselves, AF_UNIX, AF_NETLINK and /proc

needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here"
)


def settings() -> dict[tuple[str, str], list[str]]:
    """The unit's assignments: (section, name) to values."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    section = ""
    for line in UNIT.read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found[section, name].append(value)
    return found


def seconds(name: str, section: str = "Service") -> float:
    (value,) = settings()[section, name]
    number, unit = re.fullmatch(r"(\d+)(min)?", value).groups()  # type: ignore[union-attr]
    return float(number) * (60 if unit else 1)


@needs_analyze
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """systemd-analyze verify has nothing to say about the unit, once its program exists."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("=/usr/bin/camwatchd\n", f"={sys.executable}\n"))
    verify = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(verify, capture_output=True, text=True, timeout=60)
    ours = [line for line in done.stderr.splitlines() if "camwatchd" in line]
    assert ours == []
    assert done.returncode == 0, done.stderr


@needs_analyze
def test_the_sandbox_is_tight() -> None:
    """systemd-analyze security gives at most the exposure that the cameras cost."""
    rate = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE * 10:.0f}", str(UNIT)]
    done = subprocess.run(rate, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-300:]


def test_the_camera_is_within_reach() -> None:
    """What libcamera needs is allowed: its device groups, group video, udev's netlink, /dev as it is."""
    unit = settings()
    allowed = {value.removesuffix(" rw") for value in unit["Service", "DeviceAllow"]}
    assert allowed == {"char-video4linux", "char-media", "char-dma_heap", "/dev/udmabuf"}
    assert unit["Service", "SupplementaryGroups"] == ["video"]
    assert unit["Service", "RestrictAddressFamilies"] == ["AF_UNIX AF_NETLINK"]
    for hides in ("PrivateDevices", "PrivateNetwork", "PrivateUsers", "ProtectProc", "NoExecPaths"):
        assert ("Service", hides) not in unit
    for late in ("Wants", "After"):
        assert unit["Unit", late] == ["modprobe@mc.service modprobe@videodev.service"]


def test_this_release_never_reboots() -> None:
    """No setting of the unit reboots, and systemd is never kept from killing."""
    unit = settings()
    assert unit["Unit", "StartLimitAction"] == ["none"]
    names = {name for _, name in unit}
    assert not names & {
        "FailureAction",
        "SuccessAction",
        "JobTimeoutAction",
        "SendSIGKILL",
        "RebootArgument",
    }


def test_what_restarts() -> None:
    """Crashes, time-outs, status 75 and stray signals restart; what another start cannot cure does not."""
    unit = settings()
    assert unit["Service", "Restart"] == ["on-abnormal"]
    (forced,) = unit["Service", "RestartForceExitStatus"]
    assert {"0", "75", "SIGTERM"} <= set(forced.split())
    assert not {"1", "2", "78"} & set(forced.split())
    assert unit["Service", "ExecStopPost"][0].startswith("+-")


def test_the_times_fit_together() -> None:
    """A daemon that hangs at each start reaches the start limit, and an orderly stop (5 s) has room."""
    (burst,) = settings()["Unit", "StartLimitBurst"]
    stopping = seconds("TimeoutAbortSec") + 3 * seconds("TimeoutStopSec")  # a process that cannot be killed
    cycle = seconds("TimeoutStartSec") + seconds("WatchdogSec") + stopping + seconds("RestartSec")
    assert int(burst) * cycle < 0.8 * seconds("StartLimitIntervalSec", "Unit")
    assert seconds("TimeoutStopSec") >= 3 * 5
    assert seconds("WatchdogSec") == seconds("TimeoutStartSec") == 60


def test_the_oldest_systemd_knows_it_all() -> None:
    """Nothing in the unit is newer than systemd 252, which ignores what it does not know."""
    unit = settings()
    assert unit["Service", "Type"] == ["notify"]
    newer = {
        "RestartSteps",
        "RestartMaxDelaySec",
        "RestartMode",
        "FileDescriptorStorePreserve",
        "SurviveFinalKillSignal",
    }
    assert not newer & {name for _, name in unit}


@pytest.mark.skipif(
    shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not installed here"
)
def test_the_user_is_made(tmp_path: Path) -> None:
    """systemd-sysusers makes the user the unit names and puts it into group video."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/group").write_text("video:x:44:\n")
    make = ["systemd-sysusers", f"--root={tmp_path}", str(SYSTEMD / "camwatchd.sysusers.conf")]
    subprocess.run(make, check=True, capture_output=True, timeout=60)
    (user,) = settings()["Service", "User"]
    assert f"video:x:44:{user}" in (tmp_path / "etc/group").read_text().splitlines()
    assert f"{user}:x:" in (tmp_path / "etc/passwd").read_text()
    assert f" {user} {user} " in (SYSTEMD / "camwatchd.tmpfiles.conf").read_text()
