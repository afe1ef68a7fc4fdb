# SPDX-License-Identifier: MIT
"""`camwatchctl` answers what the code knows, in words and in JSON, and its exit status is an answer."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import camwatchd
from camwatchd import cli
from camwatchd.cli import reader
from camwatchd.cli.table import table
from camwatchd.core.faults import FAULTS
from camwatchd.core.ladder import LADDER, Rung


@pytest.mark.parametrize(("verb", "names"), [("ladder", list(Rung)), ("faults", list(FAULTS))])
def test_tables_have_every_row(verb: str, names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Each table has a row for everything that the code knows, in the code's order."""
    status = cli.main([verb])

    rows = capsys.readouterr().out.splitlines()[2:]
    assert (status, [row.split()[0] for row in rows]) == (0, names)


def test_json_has_the_codes_own_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    """For programs the tables are JSON with plain numbers."""
    cli.main(["ladder", "--json"])
    ladder = json.loads(capsys.readouterr().out)
    cli.main(["faults", "--json"])
    faults = json.loads(capsys.readouterr().out)

    assert [(row["rung"], row["timeout"], row["enabled"]) for row in ladder] == [
        (str(row.rung), row.timeout, row.enabled) for row in LADDER
    ]
    assert [(row["name"], row["hold"]) for row in faults] == [(f.name, f.hold) for f in FAULTS.values()]


def test_check_config_is_the_daemons_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """check-config says of a file what the daemon says of it, with the same exit status."""
    file = tmp_path / "config.toml"
    places = ["--config", str(file), "--conf-dir", str(tmp_path / "conf.d")]
    answers = []
    for text in ('[camera.cam0]\nbackend = "simulated"\n', "[camera.cam0]\nwidth = 0\n"):
        file.write_text(text)
        daemon = [sys.executable, "-m", "camwatchd", "--check-config", *places]
        done = subprocess.run(daemon, capture_output=True, text=True, check=False)
        ours = cli.main(["check-config", *places]), *capfd.readouterr()
        answers.append((ours, (done.returncode, done.stdout, done.stderr)))

    assert [ours for ours, _ in answers] == [daemons for _, daemons in answers]
    assert [ours[0] for ours, _ in answers] == [0, 78]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is the package's."""
    assert cli.main(["version"]) == 0
    assert capsys.readouterr().out == f"camwatchd {camwatchd.__version__}\n"


def test_the_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    """Who asks for help finds each verb, and what it is for."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])

    output = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert [verb.name for verb in cli.VERBS if f"{verb.name} {verb.summary}" not in output] == []


def test_an_unknown_verb_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """What is no verb ends with status 2, and says which there are."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["frobnicate"])

    assert ended.value.code == 2
    assert "faults" in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_bug() -> None:
    """`camwatchctl faults | head -1` ends without a traceback."""
    ends, writes = os.pipe()
    os.close(ends)
    command = [
        sys.executable,
        "-c",
        "import sys; from camwatchd.cli import main; sys.exit(main(['faults']))",
    ]

    with os.fdopen(writes, "wb") as nobody:
        done = subprocess.run(command, stdout=nobody, stderr=subprocess.PIPE, check=False)

    assert (done.returncode, done.stderr) == (reader.STATUS, b"")


def test_a_table_is_aligned() -> None:
    """A column is as wide as its widest cell, and no line ends in blanks."""
    assert table(("a", "bb"), [("ccc", "d"), ("e", "")]) == "a    bb\n-------\nccc  d\ne"
