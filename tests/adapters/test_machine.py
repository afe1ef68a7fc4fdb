# SPDX-License-Identifier: MIT
"""What the machine says to a reboot: its uptime, systemd's words, the hour."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.adapters.host import Host
from camwatchd.adapters.machine import Machine, opens_in
from camwatchd.core.budget import NO_UNIT, Facts
from camwatchd.core.settings import Reboot
from tests.adapters.test_host import put
from tests.process.recorder_rig import systemctl

_TICKS = os.sysconf("SC_CLK_TCK")
_UNIT = "camwatchd.service"


def _stat(seconds: float, name: str = "systemd") -> str:
    """The stat of a process that began so long after the clock of the machine did."""
    return f"1 ({name}) S 0 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 {int(seconds * _TICKS)} 0 0 0"


@pytest.mark.parametrize("name", ["systemd", "a) b (c"])
def test_a_container_is_up_since_its_own_first_process(tmp_path: Path, name: str) -> None:
    """It shares the clock of a machine that may be up for a year."""
    host = put(tmp_path, proc__1__stat=_stat(1000.0, name))

    assert 42.0 == Machine(_UNIT, host, boottime=lambda: 1042.0).uptime()


def test_a_hidden_first_process_leaves_the_clock_of_the_machine(tmp_path: Path) -> None:
    """With /proc mounted hidepid=2; and no uptime is negative."""
    assert 1042.0 == Machine(_UNIT, Host(tmp_path), boottime=lambda: 1042.0).uptime()
    host = put(tmp_path, proc__1__stat=_stat(1000.0))
    assert 0.0 == Machine(_UNIT, host, boottime=lambda: 999.99).uptime()


def test_the_uptime_of_this_machine_is_that_of_its_first_process() -> None:
    """The formats are those of the running kernel: not longer than the clock runs, and it grows."""
    machine = Machine(_UNIT)

    assert 0.0 < machine.uptime() <= machine.uptime() <= time.clock_gettime(time.CLOCK_BOOTTIME)


@pytest.mark.parametrize(
    ("action", "watchdogs", "expected"),
    [
        ("reboot", "yes", ("reboot", True)),
        ("none", "yes", ("none", True)),
        ("reboot", "no", ("reboot", False)),
        ("", "yes", ("", True)),
        ("reboot", "", ("", True)),
    ],
)
def test_systemd_is_asked(tmp_path: Path, action: str, watchdogs: str, expected: tuple[str, bool]) -> None:
    """What it does not say, of the two, is not known; then there is no reboot for now."""
    machine = Machine(_UNIT, Host(tmp_path / "root"), systemctl(tmp_path, action, watchdogs))
    facts = machine.look(Reboot(), Facts(unhelpful=1))

    assert expected == (facts.action, facts.service_watchdogs)
    assert 1 == facts.unhelpful


@pytest.mark.parametrize("script", [None, "#!/bin/sh\nexit 1\n", "#!/bin/sh\necho reboot; exit 4\n"])
def test_a_systemd_that_does_not_answer_says_nothing(tmp_path: Path, script: str | None) -> None:
    """No systemctl, one that fails, or one that fails after all it said."""
    path = tmp_path / "systemctl"
    if script is not None:
        path.write_text(script)
        path.chmod(0o755)

    assert "" == Machine(_UNIT, Host(tmp_path), str(path)).look(Reboot(), Facts()).action


def test_a_systemd_that_hangs_is_given_up(tmp_path: Path) -> None:
    """The supervisor waits ten seconds for the whole answer."""
    path = tmp_path / "systemctl"
    path.write_text("#!/bin/sh\nexec sleep 60\n")
    path.chmod(0o755)
    began = time.monotonic()

    assert "" == Machine(_UNIT, Host(tmp_path), str(path)).look(Reboot(), Facts()).action
    assert time.monotonic() - began < 10


def test_without_a_unit_nobody_is_asked(tmp_path: Path) -> None:
    """Started by hand there is no start limit."""
    assert NO_UNIT == Machine("", Host(tmp_path), "/nothing").look(Reboot(), Facts()).action


def test_others_at_work_are_told(tmp_path: Path) -> None:
    """As the adapter for them finds them."""
    inhibitor = "WHAT=shutdown\nMODE=block\nPID=1\nWHO=me\nWHY=because\n"
    host = put(tmp_path, proc__1__stat=_stat(0.0), run__systemd__inhibit__7=inhibitor)

    assert ("shutdown inhibited by me (because)",) == Machine("", host).look(Reboot(), Facts()).others


@pytest.mark.parametrize(
    ("window", "clock", "seconds"),
    [
        ("02:00-04:30", "01:59:00", 60),
        ("02:00-04:30", "02:00:00", 0),
        ("02:00-04:30", "04:29:59", 0),
        ("02:00-04:30", "04:30:00", 77400),
        ("22:00-04:30", "21:59:59", 1),
        ("22:00-04:30", "23:59:59", 0),
        ("22:00-04:30", "00:00:00", 0),
        ("22:00-04:30", "04:30:00", 63000),
        ("03:00-03:00", "12:00:00", 0),
    ],
)
def test_the_window_opens_in_time(window: str, clock: str, seconds: float) -> None:
    """From its first minute up to its last, over midnight too; one that ends when it begins is always open."""
    hours, minutes, rest = (int(part) for part in clock.split(":"))

    assert seconds == opens_in(window, hours * 3600 + minutes * 60 + rest)


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 86399))
def test_the_window_is_open_when_it_has_opened(begin: int, end: int, now: int) -> None:
    """Waiting as long as it says leads into the window, and not a second sooner."""
    window = f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
    wait = opens_in(window, now)

    assert 0.0 == opens_in(window, (now + wait) % 86400)
    assert wait == 0.0 or opens_in(window, (now + wait - 1) % 86400) == 1.0


def test_the_window_binds_only_a_clock_that_is_set(tmp_path: Path) -> None:
    """A Pi without a battery does not know the hour before a time server told it."""
    rules = Reboot(window="02:00-04:30")
    machine = Machine("", Host(tmp_path), wall=lambda: time.gmtime(0))
    unset = machine.look(rules, Facts()).window_opens_in
    put(tmp_path, run__systemd__timesync__synchronized="")

    assert (0.0, 7200.0) == (unset, machine.look(rules, Facts()).window_opens_in)
    assert 0.0 == machine.look(Reboot(), Facts()).window_opens_in
