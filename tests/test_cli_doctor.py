# SPDX-License-Identifier: MIT
"""`camwatchctl doctor`, `version` and `check-config`: what they print, as text and JSON, and how they end."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import camwatchd
from camwatchd import cli
from camwatchd.cli import doctor, version
from camwatchd.control.protocol import Pong
from camwatchd.doctor.finding import Finding, Result, failure, ok, warning
from camwatchd.doctor.table import GROUPS
from tests.control.rig import Running, running

FOUND = [
    ok("clock", "synchronised"),
    Finding(
        name="camera", subject="imx708", result=Result.OK, reason="CSI", paste='[camera.cam0]\nid = "/base"'
    ),
    warning("journal", "in memory only: a reboot forgets it", "sudo journalctl --flush"),
    failure("power", "under-voltage now", "use the supply made for this board"),
]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Running]:
    """One that answers."""
    with running(tmp_path) as daemon:
        yield daemon


def test_a_check_is_a_line_with_its_remedy_below() -> None:
    """Result, name and reason in columns, what to do or to paste beneath, the count of troubles at the end."""
    assert doctor.text(FOUND, root=False).splitlines() == [
        "ok       clock               synchronised",
        "ok       camera              imx708: CSI",
        "                                [camera.cam0]",
        '                                id = "/base"',
        "warning  journal             in memory only: a reboot forgets it",
        "                             -> sudo journalctl --flush",
        "failure  power               under-voltage now",
        "                             -> use the supply made for this board",
        "",
        "1 failure (power); 1 warning (journal); 2 ok",
        "As an ordinary user not everything can be seen; root sees more: sudo camwatchctl doctor",
    ]


def test_colours_change_nothing_else() -> None:
    """On a terminal the result is coloured; without the colours it is the same text."""
    coloured = doctor.text(FOUND, colours=True)

    assert "\x1b[1;31mfailure" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == doctor.text(FOUND)


def test_commands_are_never_broken() -> None:
    """Reasons are wrapped, remedies stand in one line however long: they are there to be pasted."""
    long = [warning("space", "word " * 40, "x" * 200)]
    lines = doctor.text(long, width=60).splitlines()

    assert [line for line in lines if "x" * 200 in line and len(line) > 200] != []
    assert max(len(line) for line in lines if "word" in line) <= 60


def test_the_doctor_looks_at_this_machine(daemon: Running) -> None:
    """Whatever machine runs the tests: each check has a result, in time; the exit status is the worst."""
    code = "import sys; from camwatchd.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "doctor", "--json", "--socket", str(daemon.path)]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)

    assert done.stderr == ""
    assert time.monotonic() - began < 20  # 5 s on a machine that does nothing else
    assert {item["name"] for item in found} >= {n for group in GROUPS for n in group.checks} - {"camera"}
    assert all(item.keys() == {"name", "result", "reason", "remedy", "subject", "paste"} for item in found)
    results = {item["result"] for item in found}
    assert done.returncode == (2 if "failure" in results else int("warning" in results))


def test_the_man_page_has_every_check() -> None:
    """Each name that a program may look for is explained, and no other."""
    page = (Path(__file__).parents[1] / "debian/man/camwatchctl.1").read_text()
    part = page.split(".Sh CHECKS OF THE DOCTOR\n")[1].split("\n.Sh ")[0]
    documented = [
        name for head in re.findall(r"^\.It (.*)", part, re.MULTILINE) for name in head.split(" , ")
    ]

    assert documented == [name for group in GROUPS for name in group.checks]


def test_version_says_whether_a_restart_is_due(daemon: Running, capsys: pytest.CaptureFixture[str]) -> None:
    """The installed one is what counts; a daemon that is another is told, with what to do, and status 1."""
    status = cli.main(["version", "--json", "--socket", str(daemon.path)])
    facts = json.loads(capsys.readouterr().out)
    installed, running_one = facts["version"], facts["daemon"]["version"]

    assert installed == camwatchd.__version__
    assert (status, facts["needs_restart"]) == (int(installed != running_one), installed != running_one)
    old = version.document(Pong("0.0.9", 77))
    assert old["needs_restart"] is True
    assert version.text(old).splitlines()[1] == (
        "the daemon that runs is 0.0.9 (pid 77): sudo systemctl restart camwatchd"
    )


def test_version_needs_no_daemon(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where none runs, there is nothing to compare with."""
    status = cli.main(["version", "--json", "--socket", str(tmp_path / "none")])

    expected = {"version": camwatchd.__version__, "daemon": None, "needs_restart": False, "trouble": ""}
    assert (status, json.loads(capsys.readouterr().out)) == (0, expected)


@pytest.mark.parametrize(
    ("text", "status", "valid"),
    [('[camera.a]\nbackend = "simulated"\n', 0, True), ("[camera.a]\nwidth = 0\n", 78, False)],
)
def test_check_config_for_programs(
    text: str, status: int, valid: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each problem has its file, key, value, expectation and hint; the exit status is the same as without --json."""
    (file := tmp_path / "config.toml").write_text(text)
    (tmp_path / "none").mkdir()

    assert (
        cli.main(["check-config", "--json", "--config", str(file), "--conf-dir", str(tmp_path / "none")])
        == status
    )
    facts = json.loads(capsys.readouterr().out)
    assert (facts["valid"], facts["cameras"]) == (valid, ["a"] if valid else [])
    assert [(problem["file"], problem["key"], problem["value"]) for problem in facts["problems"]] == (
        [] if valid else [(str(file), "camera.a.width", "0")]
    )
