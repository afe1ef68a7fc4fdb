# SPDX-License-Identifier: MIT
"""What the guard does before and after each run of the daemon, and what it tells the operator."""

import subprocess
from pathlib import Path

import pytest

from camwatchd.errors import ExitStatus
from tests.adapters.guard_rig import GUARD, Machine
from tests.adapters.test_unit import UNIT, settings

LATER = "camwatchd-retry.timer tries again at most 15 minutes from now"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """It was booted before, so that reboots are open."""
    machine = Machine(tmp_path / "root")
    machine.history("success")
    return machine


def test_starts_and_ends_are_written_down(machine: Machine) -> None:
    """Each line is the boot, what happened, and the uptime."""
    for result, status in (("success", "TERM"), ("watchdog", "ABRT"), ("exit-code", "75")):
        machine.start()
        machine.uptime += 5
        machine.stop(result, status)

    assert [
        "2 start 10.00", "2 success 15.00", "2 start 15.00", "2 watchdog 20.00", "2 start 20.00", "2 exit-code 25.00",
    ] == machine.lines[2:]  # fmt: skip


def test_the_disable_file_ends_a_restart(machine: Machine) -> None:
    """systemd 257 starts the unit again without a look at its conditions: then the guard has it stopped."""
    machine.start()
    assert "stop camwatchd.service" not in machine.calls

    disable = machine.root / "boot/firmware/camwatchd.disable"
    disable.parent.mkdir(parents=True)
    disable.touch()
    assert "camwatchd.disable is there: it stays down\n" in machine.start()
    assert "stop camwatchd.service" in machine.calls


def test_everybody_may_read_the_record(machine: Machine) -> None:
    """Whatever the umask of the unit is: the daemon may tell what stands there."""
    machine.file.unlink()
    machine.start()

    assert machine.file.stat().st_mode & 0o777 == 0o644


def test_a_stop_on_purpose_begins_the_count_anew(machine: Machine) -> None:
    """Only what ended with success: a failure must keep counting, and reset-failed would hide it."""
    machine.stop("watchdog", "ABRT")
    assert [call for call in machine.calls if "reset-failed" in call] == []
    machine.stop("success")

    assert [call for call in machine.calls if "reset-failed" in call] == ["reset-failed camwatchd.service"]


def test_a_stop_on_purpose_counts_anew_even_without_a_record(machine: Machine) -> None:
    """The count is reset before anything else is tried."""
    machine.program(
        "sync", 'echo "sync after $(cat "$CAMWATCHD_ROOT/calls")" >> "$CAMWATCHD_ROOT/order"; exit 1'
    )
    machine.stop("success")

    assert (machine.root / "order").read_text() == "sync after reset-failed camwatchd.service\n"


@pytest.mark.parametrize(
    ("last", "restarts", "anew"),
    [
        (("exit-code", "78"), 0, True),  # somebody tries whether it works now
        (("watchdog", "ABRT"), 0, True),
        (("watchdog", "ABRT"), 1, False),  # systemd's own restart
        (("success", "TERM"), 0, False),  # was reset when it stopped
    ],
)
def test_only_restarts_by_systemd_add_up(
    machine: Machine, last: tuple[str, str], restarts: int, anew: bool
) -> None:
    """A start that somebody asks for after a failure resets the count: five tries must not reboot the machine."""
    machine.start()
    machine.stop(*last)
    before = len(machine.calls)
    (machine.root / "restarts").write_text(f"{restarts}\n")
    machine.start()

    assert ("reset-failed camwatchd.service" in machine.calls[before:]) == anew


def test_the_first_start_of_a_boot_counts(machine: Machine) -> None:
    """However the boot before ended."""
    machine.stop("watchdog", "ABRT")
    machine.boot()
    before = len(machine.calls)
    machine.start()

    assert machine.calls[before:] == []


def test_systemd_is_told_only_what_is_new(machine: Machine) -> None:
    """A daemon-reload is dear on a small Pi: one when the configuration forbids reboots, one when it allows them."""
    machine.start()
    machine.configure('[reboot]\nmode = "off"')
    machine.stop()
    machine.start()
    machine.stop()
    assert '[reboot] mode is "off"' in machine.start()
    assert machine.why == '[reboot] mode is "off"'
    machine.configure("")
    machine.start()
    machine.start()

    assert machine.why == ""
    assert machine.calls.count("daemon-reload") == 2


def test_a_reload_that_does_not_help_is_said(machine: Machine) -> None:
    """A generator that somebody switched off leaves the unit as it is: the operator hears it."""
    machine.program("systemctl", "")
    machine.configure('[reboot]\nmode = "off"')

    assert "daemon-reload did not take effect: for systemd reboots are still open" in machine.start()


@pytest.mark.parametrize(
    ("result", "status", "says"),
    [
        ("exit-code", str(ExitStatus.EX_CONFIG.value), "camwatchd --check-config"),
        ("exit-code", str(ExitStatus.EX_BUG.value), "apt install --reinstall camwatchd"),
        ("exit-code", str(ExitStatus.EX_USAGE.value), "systemctl cat camwatchd"),
        ("exit-code", str(ExitStatus.EX_TEMPFAIL.value), "asked for this restart itself"),
        ("exit-code", "203", "cannot be executed"),
        ("exit-code", "99", "ended with status 99"),
        ("exit-code", "", "was not even started"),
        ("watchdog", "ABRT", "no sign of a healthy frame in time"),
        ("timeout", "KILL", "did not start or stop in time"),
        ("signal", "SEGV", "was ended by signal SEGV"),
        ("core-dump", "BUS", "was ended by signal BUS"),
        ("resources", "", "failed: resources"),
    ],
)
def test_a_failure_is_explained(machine: Machine, result: str, status: str, says: str) -> None:
    """What happened, and what a human can do, in words; each with what happens next."""
    told = machine.stop(result, status)

    assert says in told.splitlines()[0]
    assert len(told.splitlines()) == 2


def test_what_happens_next_is_what_the_unit_does(machine: Machine) -> None:
    """Each result that the unit restarts is told so, and each that it does not is left to the timer."""
    (prevented,) = settings(UNIT)["Service", "RestartPreventExitStatus"]
    statuses = [status for status in prevented.split() if status.isdigit()]
    restarted = [
        ("exit-code", "75"),
        ("watchdog", "ABRT"),
        ("timeout", "TERM"),
        ("signal", "SEGV"),
        ("core-dump", "BUS"),
    ]

    for status in (*statuses, "203", ""):
        assert f"it stays down; {LATER}" in machine.stop("exit-code", status)
    for result, status in restarted:
        assert "starts it again in a few seconds" in machine.stop(result, status)
        assert machine.said.endswith("the machine is rebooted\n")


def test_what_comes_after_too_many_starts_is_told(machine: Machine) -> None:
    """Where reboots are closed, the timer is what comes after the last restart."""
    machine.configure('[reboot]\nmode = "off"')
    machine.stop("watchdog", "ABRT")

    assert f"it stays down, and {LATER}" in machine.said
    assert '[reboot] mode is "off"' in machine.said


def test_a_stop_that_was_ordered_stays(machine: Machine) -> None:
    """An administrator's stop that fails is no reason to start again; the next start forgets it."""
    stay = machine.root / "run/camwatchd-guard/stay"
    (machine.root / "jobs").write_text("308 camwatchd.service stop running\n")
    assert "it was told to stop, and stays down" in machine.stop("timeout", "KILL")
    assert stay.exists()
    retry = settings(UNIT.with_name("camwatchd-retry.service"))
    assert retry["Unit", "ConditionPathExists"] == [f"!/{stay.relative_to(machine.root)}"]
    machine.start()

    assert not stay.exists()


def test_a_restart_that_was_ordered_is_one(machine: Machine) -> None:
    """A stop that fails on the way of a restart promises nothing else."""
    (machine.root / "jobs").write_text("308 camwatchd.service restart running\n")

    assert "it was told to restart, and does" in machine.stop("timeout", "KILL")


def test_in_the_journal_lines_have_their_priority(machine: Machine) -> None:
    """systemd takes it from the head of the line."""
    machine.environ["JOURNAL_STREAM"] = "8:1234"
    told = machine.stop("exit-code", "78")

    assert [line[:3] for line in told.splitlines()] == ["<3>", "<5>"]


def test_the_hourly_look_says_only_what_has_changed(machine: Machine) -> None:
    """camwatchd-guard.timer asks for ever: the same answer again is no news."""
    machine.configure('[reboot]\nmode = "off"')

    assert "will not reboot this machine" in machine.run("check")
    assert machine.run("check") == ""


def test_a_missing_user_is_named_among_the_units_own_lines(machine: Machine) -> None:
    """systemd executes nothing of a unit without its user, so the unit's OnFailure= has to say it."""
    machine.run("check")
    assert not (machine.root / "logged").exists()
    (machine.root / "no-user").touch()
    machine.run("check")
    command, message, *fields = (machine.root / "logged").read_text().splitlines()

    assert command == "--journald"
    assert message.startswith(
        "MESSAGE=its user camwatchd is missing: run systemd-sysusers, or apt install --reinstall"
    )
    assert LATER in message
    assert "OBJECT_SYSTEMD_UNIT=camwatchd.service" in fields


def test_wrong_arguments_are_refused() -> None:
    """Called by hand it says how."""
    done = subprocess.run(["sh", str(GUARD), "help"], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr) == (64, "usage: guard start | stop UNIT | check | DIR DIR DIR\n")
