# SPDX-License-Identifier: MIT
"""The flags of the original tools answer with the command to use now."""

import re
from pathlib import Path

import pytest

from camwatchd import cli
from camwatchd.cli import original


@pytest.mark.parametrize(
    ("old", "now"),
    [
        (["--status"], "camwatchctl status"),
        (["--status", "--json"], "camwatchctl status --json"),
        (["--test", "--num-tests", "5"], "camwatchctl test --num-tests 5"),
        (["--monitor", "--duration", "10"], "camwatchctl monitor --duration 10"),
        (["health_check"], "camwatchctl health"),
        (["health_check.py", "--json"], "camwatchctl health --json"),
        (["log_analyzer", "--recent-errors"], "camwatchctl logs --recent-errors"),
        (["./log-analyzer.py", "--hours", "24"], "camwatchctl logs --hours 24"),
        (["/opt/camera/health_check.py"], "camwatchctl health"),
        (["--recent-errors", "--hours", "2"], "camwatchctl logs --recent-errors --hours 2"),
    ],
)
def test_an_old_call_is_answered(old: list[str], now: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2, and the command with whatever else was asked for."""
    status = cli.main(old)

    assert (status, capsys.readouterr().err.splitlines()[1]) == (2, f"  hint: now it is: {now}")


@pytest.mark.parametrize(
    "argv", [[], ["status"], ["--socket", "/x"], ["--version"], ["status", "--test"], ["--json"]]
)
def test_a_new_call_is_no_old_one(argv: list[str]) -> None:
    """What stands behind a verb is the verb's."""
    assert original.refusal(argv) == ""


def test_the_man_page_has_the_table() -> None:
    """Each old name with its new command, and no other."""
    page = (Path(__file__).parents[1] / "debian" / "man" / "camwatchctl.1").read_text()
    rows = re.findall(r"^\.It Li (\S+) Ta camwatchctl (\S+)$", page, re.MULTILINE)

    assert rows == [(row.old, row.verb) for row in original.ORIGINALS]
