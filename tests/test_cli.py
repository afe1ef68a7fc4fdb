# SPDX-License-Identifier: MIT
"""`camwatchctl` answers what the code knows, in words and in JSON, and its exit status is an answer."""

import json
import os
import signal
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
from tests import schemas


@pytest.mark.parametrize(("verb", "names"), [("ladder", list(Rung)), ("faults", list(FAULTS))])
def test_tables_have_every_row(verb: str, names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Each table has a row for everything that the code knows, in the code's order."""
    status = cli.main([verb])

    shown = capsys.readouterr().out.splitlines()[2:]
    rows = [row for row in shown if not row.startswith("who is where is not known: ")]  # no daemon runs here
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
    (tmp_path / "conf.d").mkdir()
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


def test_a_folder_that_is_named_must_be_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a file must; and the files that were read are told with their mistakes, too."""
    file, folder = tmp_path / "config.toml", tmp_path / "nope"
    file.write_text("[camera.cam0]\nwidth = 0\n")
    places = ["check-config", "--config", str(file), "--conf-dir", str(folder)]
    found = cli.main(places), "check the path after --conf-dir" in capsys.readouterr().err
    status = cli.main([*places, "--json"])
    told = json.loads(capsys.readouterr().out)

    assert (found, status) == ((78, True), 78)
    assert ([problem["file"] for problem in told["problems"]], told["files"]) == (
        [str(folder), str(file)],
        [str(file)],
    )


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


@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        (["faultz"], "did you mean faults? see: camwatchctl --help"),
        (["status", "--detaled"], "did you mean --detailed? see: camwatchctl status --help"),
        (["--detaled"], "did you mean --detailed? see: camwatchctl status --help"),
        (["--json", "--camera", "cam0", "logs"], "behind their verb: camwatchctl logs --json --camera cam0"),
        (["logs", "--fault", "buffer"], "did you mean buffer"),
        (["drill", "stal"], "did you mean stall?"),
        (["reload", "now"], "  hint: see: camwatchctl reload --help"),
    ],
)
def test_what_was_meant_is_suggested(argv: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A word that is nearly right is named, and the help of the verb, not of all."""
    with pytest.raises(SystemExit) as ended:
        cli.main(argv)

    assert (ended.value.code, hint in capsys.readouterr().err) == (2, True)


def test_wrong_arguments_are_unknown_to_nagios(capsys: pytest.CaptureFixture[str]) -> None:
    """The guidelines of the plugins have 3 for them: 2 would wake somebody for a camera."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["health", "--nagios", "--foo"])

    assert ended.value.code == 3
    assert capsys.readouterr().out.startswith("CAMWATCHD UNKNOWN - wrong arguments: ")


@pytest.mark.parametrize(
    ("argv", "status", "reason"),
    [
        (["recover"], 69, "unreachable"), (["pause"], 69, "unreachable"), (["drill", "stall"], 69, "unreachable"),
        (["controls"], 69, "unreachable"), (["reload"], 69, "unreachable"), (["history"], 69, "unavailable"),
        (["incident"], 69, "unavailable"), (["logs", "--file", "/none"], 2, "usage"),
        (["resume", "--foo"], 2, "usage"), (["drill"], 2, "usage"), (["controls", "A=-9e999"], 2, "usage"),
        (["controls", "A=[NaN]"], 2, "usage"), (["controls", f"A={'[' * 600}{']' * 600}"], 2, "usage"),
    ],
)  # fmt: skip
def test_what_fails_is_an_object_for_programs(
    argv: list[str], status: int, reason: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """One form for all verbs: the words that a human gets besides, taken apart, and one word more."""
    monkeypatch.setenv("CAMWATCHD_SOCKET", str(tmp_path / "none"))
    place = ["--state-dir", str(tmp_path)] if argv[0] in ("history", "incident") else []
    try:
        found = cli.main([*argv, "--json", *place])
    except SystemExit as ended:
        found = int(str(ended.code))
    out, err = capsys.readouterr()
    document = json.loads(out)

    assert schemas.mistakes(document, "error") + schemas.strangers(document, "error") == []
    assert (found, document["exit"], document["reason"]) == (status, status, reason)
    assert document["error"] in err
    assert document["hint"] in err


@pytest.mark.parametrize(
    ("argv", "output", "words"),
    [
        ("faults", ">&-", "standard output is closed"), ("status --watch", ">&-", "standard output is closed"),
        ("faults", ">/dev/full", "No space left"), ("health --json", ">/dev/full", "No space left"),
        ("faults", ">&- 2>&-", ""), ("--help", ">/dev/full", "No space left"),
        ("--version", ">/dev/full", "No space left"), ("status --help", ">/dev/full", "No space left"),
    ],
)  # fmt: skip
def test_an_output_that_takes_nothing(argv: str, output: str, words: str) -> None:
    """One sentence, no traceback, and a status that means nothing else."""
    script = "import sys; from camwatchd.cli import main; sys.exit(main(sys.argv[1:]))"
    command = f"exec '{sys.executable}' -c '{script}' {argv} {output}"
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, check=False)

    assert (done.returncode, words in done.stderr, "Traceback" in done.stderr) == (74, True, False)


def test_ctrl_c_while_it_is_imported() -> None:
    """No traceback of imports: until the command itself takes it, the signal ends us as it does others."""
    script = (
        "import os, signal, sys\n"
        "class Pressed:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'camwatchd.cli': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Pressed())\n"
        "from camwatchd.cli_entry import main; sys.exit(main())"
    )
    command = ["env", "--default-signal=INT", sys.executable, "-c", script]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)

    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


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
