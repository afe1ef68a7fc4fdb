# SPDX-License-Identifier: MIT
"""Owns the tests of the unit files and of the user the daemon runs as, by systemd's own tools."""

import fnmatch
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from camwatchd.core import arithmetic, budget
from camwatchd.core.settings import Settings

SYSTEMD = Path(__file__).parents[2] / "systemd"
UNIT = SYSTEMD / "camwatchd.service"
RULES = SYSTEMD / "60-camwatchd.rules"
OTHERS = [
    SYSTEMD / f"camwatchd-{name}"
    for name in (
        "guard.path",
        "guard.service",
        "retry.service",
        "retry.timer",
        "guard.timer",
        "textfile.service",
        "textfile.timer",
    )
]
EXPOSURE = 1.6  # what is left over are the cameras themselves, AF_UNIX, AF_NETLINK and /proc

needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here"
)


def settings(unit: Path = UNIT) -> dict[tuple[str, str], list[str]]:
    """The unit's assignments: (section, name) to values."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    section = ""
    for line in unit.read_text().splitlines():
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


def test_the_textfile_service_may_complain() -> None:
    """Lines of the command are of a level that passes, while systemd's own two every half minute do not."""
    found = settings(SYSTEMD / "camwatchd-textfile.service")

    assert found["Service", "SyslogLevel"] == found["Service", "LogLevelMax"] == ["notice"]


@needs_analyze
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    """systemd-analyze verify has nothing to say about the units, once their programs exist."""
    units = [tmp_path / source.name for source in (UNIT, *OTHERS)]
    for unit in units:
        text = (SYSTEMD / unit.name).read_text()
        unit.write_text(
            re.sub(r"/usr/(bin|lib/camwatchd)/(camwatchctl|camwatchd|guard)\b", sys.executable, text)
        )
    verify = ["systemd-analyze", "verify", "--man=no", *map(str, units)]
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


# As udev's usb_id names the interfaces of a device: class, subclass and protocol of each.
@pytest.mark.parametrize(
    ("interfaces", "ours"),
    [
        (":0e0100:0e0200:", True),  # webcams: video control and streaming, ...
        (":0e0100:0e0200:010100:010200:", True),  # ... with a microphone ...
        (":010100:010200:0e0100:0e0200:", True),  # ... that comes first
        (":0e0100:0e0200:fe0101:", False),  # whoever may write to it may replace its firmware
        (":010100:0e0100:0e0200:030000:", False),  # ... or press its keys
        (":0e0100:0e0200:0a0000:", False),
        (":0e0100:100000:", False),
        (":060101:0e0100:0e0200:ff4201:", False),  # a phone
        (":e00101:0e0100:", False),
        (":080650:", False),  # a disk
        (":030101:030102:", False),  # keyboard and mouse
        (":ff0e00:", False),  # something of its vendor's own
        (":090000:", False),  # a hub
        (":010100:010200:", False),  # a microphone alone
        ("", False),
    ],
)
def test_the_nodes_of_cameras_are_ours_and_no_others(interfaces: str, ours: bool) -> None:
    """udev gives the daemon's user the USB devices that are a camera and nothing else."""
    alike, unlike, _ = rule()

    def fits(patterns: str) -> bool:
        return any(fnmatch.fnmatchcase(interfaces, pattern) for pattern in patterns.split("|"))

    assert ours == (fits(alike["ENV{ID_USB_INTERFACES}"]) and not fits(unlike["ENV{ID_USB_INTERFACES}"]))


def test_nobody_else_is_given_the_nodes_of_cameras() -> None:
    """Neither a group, which humans may be in, nor modes: what other rules say of them holds."""
    alike, unlike, gives = rule()
    assert gives == {"OWNER": settings()["Service", "User"][0]}
    assert alike.keys() == {"SUBSYSTEM", "ENV{DEVTYPE}", "ENV{ID_USB_INTERFACES}"}
    assert (alike["SUBSYSTEM"], alike["ENV{DEVTYPE}"]) == ("usb", "usb_device")
    assert unlike.keys() == {"ENV{ID_USB_INTERFACES}"}


def rule() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """The only rule for udev: what must match, what must not, what is given."""
    text = "".join(line for line in RULES.read_text().splitlines() if not line.startswith("#"))
    found = re.findall(r'([A-Z{}_a-z]+)(==|!=|=)"(.*?)"', text)
    assert text.count('"') == 2 * len(found)
    alike, unlike, gives = (
        {key: value for key, operator, value in found if operator == wanted} for wanted in ("==", "!=", "=")
    )
    return alike, unlike, gives


def test_the_camera_is_within_reach() -> None:
    """What libcamera needs is allowed: its device groups, group video, udev's netlink, /dev; and the journal."""
    unit = settings()
    allowed = {value.removesuffix(" rw") for value in unit["Service", "DeviceAllow"]}
    assert allowed == {"char-video4linux", "char-media", "char-dma_heap", "/dev/udmabuf", "char-usb_device"}
    assert unit["Service", "SupplementaryGroups"] == ["video systemd-journal"]
    assert unit["Service", "RestrictAddressFamilies"] == ["AF_UNIX AF_NETLINK"]
    for hides in ("PrivateDevices", "PrivateNetwork", "PrivateUsers", "ProtectProc", "NoExecPaths"):
        assert ("Service", hides) not in unit
    for late in ("Wants", "After"):
        assert "modprobe@mc.service modprobe@videodev.service modprobe@usbcore.service" in unit["Unit", late]


def test_only_the_start_limit_reboots() -> None:
    """Nothing but too many starts reboots, not the first failure either, and systemd is never kept from killing."""
    unit = settings()
    assert unit["Unit", "StartLimitAction"] == ["reboot"]
    names = {name for file in (UNIT, *OTHERS) for _, name in settings(file)}
    assert not names & {
        "FailureAction",
        "SuccessAction",
        "JobTimeoutAction",
        "SendSIGKILL",
        "RebootArgument",
    }


def test_a_standby_may_come_back_from_the_background() -> None:
    """Without the limit worker.py does not step back at all: getrlimit(2) counts it from 20 down."""
    assert ["+0"] == settings()["Service", "LimitNICE"]


def test_what_restarts() -> None:
    """Crashes, time-outs, status 75 and stray signals restart; what another start cannot cure never does."""
    unit = settings()
    assert unit["Service", "Restart"] == ["on-abnormal"]
    (forced,) = unit["Service", "RestartForceExitStatus"]
    (prevented,) = unit["Service", "RestartPreventExitStatus"]
    assert {"0", "75", "SIGTERM"} <= set(forced.split())
    assert {"1", "2", "78", "EXEC", "USER", "GROUP", "CHDIR", "NAMESPACE"} <= set(prevented.split())
    assert not set(forced.split()) & set(prevented.split())


def test_the_guard_stands_before_and_after_the_daemon() -> None:
    """As root: without it nothing starts; a stop that it fails in is still a stop."""
    unit = settings()
    assert unit["Service", "ExecStartPre"] == ["+/usr/lib/camwatchd/guard start"]
    assert unit["Service", "ExecStopPost"] == ["+-/usr/lib/camwatchd/guard stop %n"]
    assert unit["Service", "ExecStart"] == ["/usr/bin/camwatchd"]


def test_the_guard_hears_of_health_and_of_failures() -> None:
    """It is asked again when the recorder's mark changes, which the path unit watches, and when the unit failed."""
    unit, path = settings(), settings(SYSTEMD / "camwatchd-guard.path")
    (state,) = unit["Service", "StateDirectory"]
    assert path["Path", "PathChanged"] == [f"/var/lib/{state}/healthy"]
    assert ["camwatchd-guard.path camwatchd-guard.timer"] == unit["Unit", "Wants"][1:]
    assert unit["Unit", "OnFailure"] == ["camwatchd-retry.timer camwatchd-guard.service"]


def test_metrics_are_written_for_whoever_wants_them() -> None:
    """The timer is shipped and neither enabled nor started; what it writes goes when the package does."""
    timer, service = settings(OTHERS[6]), settings(OTHERS[5])
    [command] = service["Service", "ExecStart"]
    file = command.split()[-1]
    debian = SYSTEMD.parent / "debian"

    assert command.split()[:3] == ["/usr/bin/camwatchctl", "health", "--textfile"]
    assert (
        service["Unit", "ConditionPathIsDirectory"]
        == service["Service", "ReadWritePaths"]
        == [str(Path(file).parent)]
    )
    assert timer["Install", "WantedBy"] == ["timers.target"]
    assert (
        "dh_installsystemd --name=camwatchd-textfile --no-enable --no-start"
        in (debian / "rules").read_text()
    )
    assert f"rm -f {file}" in (debian / "camwatchd.postrm").read_text()
    assert "camwatchd-textfile.timer" in (debian / "camwatchd.prerm").read_text()


def test_what_failed_is_tried_again() -> None:
    """The timer runs once for each failure, as long as the guard says, and starts nothing but a unit that failed."""
    timer, service = settings(OTHERS[3]), settings(OTHERS[2])
    assert timer["Timer", "OnActiveSec"] == ["15min"]
    assert timer["Timer", "RemainAfterElapse"] == ["no"]
    assert not [name for file in OTHERS[:5] for section, name in settings(file) if section == "Install"]
    assert "at most 15 minutes from now" in (SYSTEMD / "guard.sh").read_text()
    assert service["Unit", "Before"] == ["camwatchd.service"]
    assert service["Service", "ExecCondition"] == ["/usr/bin/systemctl --quiet is-failed camwatchd.service"]
    assert service["Service", "ExecStart"] == [
        "/usr/bin/systemctl reset-failed camwatchd.service",
        "/usr/bin/systemctl --no-block start camwatchd.service",
    ]


def test_the_numbers_are_those_of_the_code() -> None:
    """What the core computes with is what the unit says."""
    (burst,) = settings()["Unit", "StartLimitBurst"]
    assert int(burst) == budget.BURST
    assert seconds("StartLimitIntervalSec", "Unit") == arithmetic.START_LIMIT_INTERVAL
    assert seconds("TimeoutStartSec") == arithmetic.TIMEOUT_START
    assert seconds("TimeoutStopSec") == arithmetic.TIMEOUT_STOP
    assert seconds("TimeoutAbortSec") == arithmetic.TIMEOUT_ABORT
    assert seconds("RestartSec") == arithmetic.RESTART


def test_the_times_fit_together() -> None:
    """A daemon that hangs at each start reaches the limit with a margin of 20 %; an orderly stop (5 s) has room."""
    cycle = arithmetic.total(arithmetic.between_starts(Settings()))
    interval = seconds("StartLimitIntervalSec", "Unit")
    print(
        f"{budget.BURST} x {cycle:.0f} s of {interval:.0f} s: {1 - budget.BURST * cycle / interval:.0%} to spare"
    )
    assert budget.BURST * cycle <= 0.8 * interval
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
    assert not newer & {name for file in (UNIT, *OTHERS) for _, name in settings(file)}


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


def test_the_guards_folder_is_roots() -> None:
    """Only the folder below is the daemon's: in the upper one nobody but root can put a link in the guard's way."""
    lines = (SYSTEMD / "camwatchd.tmpfiles.conf").read_text().splitlines()
    (user,) = settings()["Service", "User"]
    (state,) = settings()["Service", "StateDirectory"]
    assert [line for line in lines if not line.startswith("#")] == [
        "d /var/lib/camwatchd 0755 root root -",
        f"d /var/lib/{state} 0750 {user} {user} -",
    ]
    assert settings()["Service", "StateDirectoryMode"] == ["0750"]
