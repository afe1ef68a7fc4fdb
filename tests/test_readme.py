# SPDX-License-Identifier: MIT
"""README.md says what is so: its tables are those of the code, its examples work, its commands exist."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from camwatchd import __main__ as daemon
from camwatchd import cli
from camwatchd.adapters.config import load
from camwatchd.cli import faults, ladder
from camwatchd.core.alerts import ALERTS
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import LADDER
from camwatchd.core.lastrungs import PARK_PAUSES
from camwatchd.core.settings import Health, Reboot, Supervision

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as README.md writes it."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


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
