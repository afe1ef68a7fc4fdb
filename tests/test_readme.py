# SPDX-License-Identifier: MIT
"""README.md says what is so: its tables are those of the code, its examples work, its commands exist."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from camwatchd import __main__ as daemon
from camwatchd import cli
from camwatchd.adapters.config import load
from camwatchd.cli import faults, ladder
from camwatchd.cli.original import ORIGINALS
from camwatchd.core.alerts import ALERTS
from camwatchd.core.drills import EXERCISES
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import LADDER, Rung
from camwatchd.core.lastrungs import PARK_PAUSES
from camwatchd.core.settings import (
    CameraSettings,
    Checks,
    Daemon,
    Health,
    Reboot,
    RungSettings,
    Supervision,
)
from camwatchd.core.signs import LEARN
from camwatchd.recorder_desk import NOTE_EVERY
from tests import outages
from tests.outages import markdown
from tests.vm.root import WHEELS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)


SETTINGS = (Daemon, Supervision, Reboot, RungSettings, CameraSettings, Checks)


def section(name: str) -> str:
    """What stands below a heading of the second level."""
    return README.split(f"\n## {name}\n")[1].split("\n## ")[0]


def first_cells(head: str) -> list[str]:
    """The first column of the table that has this head."""
    table = README.split(head)[1].split("\n\n")[0]
    return [line.split("|")[1].strip(" `") for line in table.splitlines()[2:]]


def test_the_ladder_is_the_codes() -> None:
    """The table of rungs is the one in core.ladder."""
    assert markdown(ladder.HEAD, map(ladder.cells, LADDER)) in README


def test_the_faults_are_the_codes() -> None:
    """The table of faults is the one in core.faults."""
    assert markdown(faults.HEAD, map(faults.cells, FAULTS.values())) in README


def test_the_alerts_are_the_codes() -> None:
    """Names and ids of the alerts are those in core.alerts."""
    expected = [f"| `{alert.name}` | `{alert.message_id}` |" for alert in ALERTS]

    assert [row for row in expected if row in README] == expected
    assert len(first_cells("| alert | MESSAGE_ID | meaning |")) == len(ALERTS)


def test_the_numbers_are_the_defaults() -> None:
    """Numbers that the text mentions are the defaults of the settings."""
    rules, limits, text = Supervision(), Health(), " ".join(README.split())
    first, second, third, last = (f"{pause / 60:g}" for pause in PARK_PAUSES)

    assert f"only after {rules.stable_after:g} s of unbroken health" in text
    assert f"repeated every {rules.recovery_cooldown:g} s" in text
    assert f"{rules.system_reboot_threshold} failures in a row" in text
    assert f"and {rules.max_recovery_attempts} failed recoveries" in text
    assert f"after {first}, {second}, {third} and then every {last} minutes" in text
    assert (
        f"{limits.excellent_score} and more is EXCELLENT, {limits.good_score} GOOD, {limits.warning_score} WARNING"
        in text
    )


def test_the_flags_are_the_commands() -> None:
    """Every flag of camwatchd is explained, and no other."""
    flags = {option for action in daemon.arguments()._actions for option in action.option_strings}

    assert {cell.split()[0] for cell in first_cells("| flag of `camwatchd`")} == flags - {"-h", "--help"}


def test_the_verbs_are_the_commands() -> None:
    """Every verb of camwatchctl is named."""
    names = sorted(f"`{verb.name}`" for verb in cli.VERBS)

    assert f"`camwatchctl` has {', '.join(names[:-1])} and {names[-1]};" in " ".join(README.split())


def test_the_targets_are_the_makefiles() -> None:
    """Every target of the Makefile that does something is explained, and no other."""
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert first_cells("| command | what it does |") == [
        f"make {name}" for name in targets if name != "help"
    ]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_examples_are_valid(number: int, tmp_path: Path) -> None:
    """Every TOML example passes the daemon's own check."""
    file = tmp_path / "config.toml"
    file.write_text(EXAMPLES[number])

    assert load(file, tmp_path / "conf.d").settings.cameras[0].name == "cam0"


def test_the_reboot_is_told() -> None:
    """That systemd may reboot the machine stands in the README as in the unit, with the default limits."""
    unit = (ROOT / "systemd" / "camwatchd.service").read_text()
    rules = Reboot()
    told = " ".join(README.split("**Will it reboot my Pi?**")[1].split("\n\n")[0].split())

    assert "\nStartLimitAction=reboot\n" in unit
    assert told.startswith("As the last resort: systemd does (`StartLimitAction=reboot`)")
    assert f"at most {rules.max_reboots_per_day} times in 24 powered-on hours" in told
    assert f"and {rules.max_reboots_per_week} times in 7 days" in told
    assert f"After {rules.max_boots_without_health} boots in a row" in told
    assert "!/boot/firmware/camwatchd.disable\n" in unit
    assert "`camwatchd.disable`" in told


def test_the_outages_are_the_cores() -> None:
    """How long each fault may last is what the ladder's own rehearsal says; python -m tests.outages prints it."""
    assert outages.table() in README


def test_the_old_names_are_the_codes() -> None:
    """Each original flag or tool, and the command that answers for it."""
    rows = [(f"`{row.old}`", f"`camwatchctl {row.verb}`") for row in ORIGINALS]

    assert markdown(("before", "now"), rows) in README


def test_the_report_has_every_drill() -> None:
    """The report that is shown has each exercise, in the order of the code."""
    assert re.findall(r"^cam0    (\w+) ", section("The acceptance test"), re.MULTILINE) == list(EXERCISES)
    assert "practises nine failures" in README
    assert len(EXERCISES) == 9


def test_the_off_switches_are_those_of_the_man_page() -> None:
    """README.md and camwatchd(8) know the same ones, in the same order."""
    page = (ROOT / "debian" / "man" / "camwatchd.8").read_text().split(".Sh OFF SWITCHES\n")[1]
    heads = re.findall(r"^\.It (?:Ql|Pa) (.*)", page.split("\n.Sh ")[0], re.MULTILINE)
    rows = re.findall(r"^\| `([^`]+)`", section("Off switches"), re.MULTILINE)

    assert rows == [head.replace("\\(dq", '"') for head in heads]
    assert len(rows) > 10


def test_the_tuning_knows_the_settings() -> None:
    """Whatever is to be set is there, and what is said to be a default is one."""
    known = {field.name: field.default for table in SETTINGS for field in fields(table)}
    rungs = {row.rung: row for row in LADDER}
    known |= {"attempts": rungs[Rung.RESTART_STREAM].attempts, "timeout": rungs[Rung.RESTART_WORKER].timeout}
    told = re.findall(r"`([a-z_]+)` = (\d+)", section("Tuning"))
    set_to = re.findall(r"`(?:\[[a-z.-]+\] )?([a-z_]+) = [^`]+`", section("Tuning"))

    assert [(name, int(value)) for name, value in told] == [(name, known[name]) for name, _ in told]
    assert len(told) > 10
    assert [name for name in set_to if name not in known] == []


def test_the_times_of_the_unit_are_told() -> None:
    """What stands in the unit and in the recorder, where the text mentions it."""
    unit, text = (ROOT / "systemd" / "camwatchd.service").read_text(), " ".join(README.split())
    burst, interval = (
        re.findall(rf"^StartLimit{key}=(.*)", unit, re.MULTILINE)[0] for key in ("Burst", "IntervalSec")
    )

    assert f"the daemon itself crashed or hung {burst} times within {interval}" in text
    assert "\nRestartSec=15\n" in unit
    assert "three or four times more, 15 s apart" in text
    assert (NOTE_EVERY, Daemon().summary_interval, LEARN) == (600, 3600, 14)  # ten minutes, an hour, 14 days


def test_the_versions_are_those_that_are_asked_for() -> None:
    """The oldest versions are those of the packaging, and picamera2 is the one that the virtual machine has."""
    project, control = (ROOT / "pyproject.toml").read_text(), (ROOT / "debian" / "control").read_text()
    told = section("Verified where")
    asked = {
        "Python": re.findall(r'requires-python = ">=(.*)"', project)[0],
        "systemd": re.findall(r"systemd \(>= (\d+)~\)", control)[0],
        "numpy": re.findall(r"numpy>=([\d.]+)", project)[0],
        "picamera2": re.findall(r"picamera2>=([\d.]+)", project)[0],
    }
    tried = [wheel.split("==") for wheel in WHEELS]

    assert [name for name, version in asked.items() if f"{name} {version} and newer" not in told] == []
    assert [name for name, version in tried if f"{name} {version}, the kernel's" in told] == ["picamera2"]


def test_the_links_lead_somewhere() -> None:
    """Each heading that is referred to is there, and so is each file."""
    headings = re.findall(r"^#+ (.*)", README, re.MULTILINE)
    anchors = {"#" + re.sub(r"[^a-z0-9 _-]", "", name.lower()).replace(" ", "-") for name in headings}
    links = re.findall(r"\]\(([^)]+)\)", README)

    assert len(links) > 20
    assert [link for link in links if link.startswith("#") and link not in anchors] == []
    assert [link for link in links if not link.startswith("#") and not (ROOT / link).exists()] == []
