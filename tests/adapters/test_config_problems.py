# SPDX-License-Identifier: MIT
"""Tests of what an operator is told about a wrong configuration."""

from pathlib import Path

import pytest

from camwatchd.adapters.config import load
from camwatchd.adapters.host import Host
from camwatchd.errors import ConfigError, Problem


def _problems(root: Path, main: str = "", **drop_ins: str) -> tuple[Problem, ...]:
    (root / "conf.d").mkdir(exist_ok=True)
    (root / "config.toml").write_text(main)
    for name, text in drop_ins.items():
        (root / "conf.d" / f"{name}.toml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        load(root / "config.toml", root / "conf.d")
    return raised.value.problems


SIM = '[camera.a]\nbackend = "simulated"\n'

# What is written | key | value as quoted | part of what was expected | part of the hint
# fmt: off
WRONG = [
    ("frame_timeout = 3", "frame_timeout", "3",
     "one of our tables", "frame_timeout belongs in [supervision]"),
    ("[health]\nframe_timeout = 3", "health.frame_timeout", "3",
     "a key of [health]", "belongs in [supervision]"),
    ("[camera.a]\nfrozen_after = 3", "camera.a.frozen_after", "3",
     "a key of", "belongs in [camera.<name>.checks]"),
    ("until = 3", "until", "3", "one of our tables", "belongs in [[camera.<name>.fault]]"),
    ("attempts = 3", "attempts", "3", "one of our tables", "belongs in [ladder.<rung>]"),
    ("[restart-stream]", "restart-stream", "", "one of our tables", "restart-stream belongs in [ladder]"),
    ("[supervison]\nframe_timeout = 3", "supervison", "", "one of our tables", "did you mean supervision?"),
    ("[supervision]\nframe_timout = 3", "supervision.frame_timout", "3",
     "a key of", "did you mean frame_timeout?"),
    ("frame_timout = 3", "frame_timout", "3",
     "one of our tables", "did you mean frame_timeout? It belongs in [superv"),
    ("[health]\nxyzzy = 3", "health.xyzzy", "3",
     "a key of [health]", "known here: excellent_score, good_score,"),
    ('[supervision]\nframe_timeout = "7"', "supervision.frame_timeout", '"7"',
     "a number from 0.1 to 600 s", "write frame_timeout = 7, without quotes"),
    ("[supervision]\nframe_timeout = 0.01", "supervision.frame_timeout", "0.01",
     "from 0.1 to 600", "the default is frame_timeout = 5.0"),
    ("[supervision]\nframe_timeout = 5000", "supervision.frame_timeout", "5000",
     "from 0.1 to 600", "5000 ms are 5"),
    ("[supervision]\nframe_timeout = nan", "supervision.frame_timeout", "nan", "a number", "the default is"),
    ("[supervision]\nframe_timeout = inf", "supervision.frame_timeout", "inf", "a number", "the default is"),
    ("[supervision]\nframe_timeout = [5]", "supervision.frame_timeout", "[5]", "a number", "the default is"),
    ("[supervision]\nframe_timeout = {}", "supervision.frame_timeout", "", "a number", "the default is"),
    ("[supervision]\nframe_timeout = true", "supervision.frame_timeout", "true",
     "a number", "the default is"),
    ("[supervision]\nmax_recovery_attempts = 5.0", "supervision.max_recovery_attempts", "5.0",
     "a whole number", "write max_recovery_attempts = 5, without"),
    ("[supervision]\nmax_recovery_attempts = 5.5", "supervision.max_recovery_attempts", "5.5",
     "a whole number", "the default is"),
    ("supervision = 5", "supervision", "5", "a table", "write [supervision] on a line of its own"),
    ('[daemon]\nstandby = "Auto"', "daemon.standby", '"Auto"',
     '"auto", true or false', 'did you mean "auto"?'),
    ('[daemon]\nstandby = "true"', "daemon.standby", '"true"',
     '"auto", true or false', "write standby = true, without quotes"),
    ('[daemon]\nlog_level = "warn"', "daemon.log_level", '"warn"',
     'one of "debug", "info",', 'did you mean "warning"?'),
    ("[camera.a]\nmodel = 708", "camera.a.model", "708", "text in quotes", 'write model = "708", in quotes'),
    ("[camera]\nwidth = 3", "camera.width", "3", "the name of a camera", "width belongs in [camera.<name>]"),
    ("[camera.checks]", "camera.checks", "", "the name of a camera", "checks belongs in [camera.<name>]"),
    ("[camera.Cam0]", "camera.Cam0", "",
     "a name of up to 32 lower-case letters", "for example [camera.front-door]"),
    ('[camera."a b"]', 'camera."a b"', "", "a name of up to 32 lower-case letters", "for example"),
    ("[[camera]]", "camera", "[{}]", "a table", "write [camera.<name>]"),
    ("[camera.a]\ncontrols = 3", "camera.a.controls", "3", "a table", "write [camera.a.controls]"),
    ("[camera.a]\ncontrols.A = 1979-05-27", "camera.a.controls.A", "1979-05-27",
     "true, false, a number, text", "finite"),
    ("[camera.a]\ncontrols.A = [[[1]]]", "camera.a.controls.A", "[[[1]]]", "a list of these", "two deep"),
    ("[camera.a]\ncontrols.A = [-inf]", "camera.a.controls.A", "[-inf]", "a number", "finite"),
    (f"{SIM}fault = 3", "camera.a.fault", "3",
     "an array of tables", "write [[camera.a.fault]], with two brackets"),
    (f"{SIM}[camera.a.fault]\nat = 1", "camera.a.fault", "", "an array of tables", "with two brackets"),
    (f"{SIM}fault = [{{ at = 1, at_frame = 2 }}]", "camera.a.fault[0].at_frame", "2",
     "at_frame or at, not both", "remove"),
    (f'{SIM}fault = [{{}}, {{ until = "reboot" }}]', "camera.a.fault[1].until", '"reboot"',
     'one of "retry", "restart-stream", "restart-worker"', "leave the key out"),
    (f'{SIM}fault = [{{ kind = "stal" }}]', "camera.a.fault[0].kind", '"stal"',
     'one of "stall"', 'did you mean "stall"?'),
    (f'{SIM}fault = [{{ signal = "SIGHUP" }}]', "camera.a.fault[0].signal", '"SIGHUP"',
     'one of "SIGABRT"', "SIG"),
    ("[ladder.restart-strem]", "ladder.restart-strem", "",
     "one of retry, restart-stream", "did you mean restart-stream?"),
    ("[ladder.retry]\nattempts = 5", "ladder.retry.attempts", "5",
     "no key here", "max_consecutive_failures in [supervision]"),
    ("[ladder.restart-worker]\nenabled = false", "ladder.restart-worker.enabled", "false",
     "true", "cannot be disabled"),
    ("[health]\ngood_score = 95", "health.good_score", "95",
     "excellent_score = 90, good_score = 95", "no band may begin above"),
    ("[supervision]\nframe_timeout = 31", "supervision.frame_timeout", "31.0",
     "no_frame_timeout (30 s) not shorter", "raise no_frame_timeout"),
    ("[camera.a]\n[camera.b]", "camera.b", "",
     "another camera than [camera.a]", "its own id, model or index"),
    ("[[camera.a.fault]]\nat = 1", "camera.a.fault", "",
     "only where the camera is simulated", 'backend = "simulated"'),
    (f"{SIM}slots = 6", "camera.a.slots", "6",
     "2, 4, 8 or 16", "frames are found by the last bits of their number"),
    (f"{SIM}slots = 32", "camera.a.slots", "32", "a whole number from 2 to 16 frames", ""),
    (f'{SIM}fault = [{{ message = "{"x" * 40000}" }}]', "camera.a", "",
     "at most 26624 bytes", "shorten its script"),
]
# fmt: on


@pytest.mark.parametrize(
    ("text", "key", "value", "expected", "hint"), WRONG, ids=[row[0][:60] for row in WRONG]
)
def test_each_mistake_is_named(
    tmp_path: Path, text: str, key: str, value: str, expected: str, hint: str
) -> None:
    """One mistake gives one problem: its file, key, value as written, what was expected, and what to do."""
    (problem,) = _problems(tmp_path, text)

    assert (str(tmp_path / "config.toml"), key, value) == (problem.file, problem.key, problem.value)
    assert expected in problem.expected
    assert hint in problem.hint


def test_slots_must_have_room_on_this_machine(tmp_path: Path) -> None:
    """A ring of frames beyond a quarter of the memory: the sums, and a number of slots that would do."""
    text = f"{SIM}width = 4056\nheight = 3040\nslots = 8\n"
    (tmp_path / "config.toml").write_text(text)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal:         437216 kB\n")
    with pytest.raises(ConfigError) as raised:
        load(tmp_path / "config.toml", tmp_path / "conf.d", Host(tmp_path))
    (problem,) = raised.value.problems

    assert (str(tmp_path / "config.toml"), "camera.a.slots", "8") == (
        problem.file,
        problem.key,
        problem.value,
    )
    assert (
        "frames that take at most a quarter of the memory, 111.9 MB; 8 of 4056x3040 take 197.3 MB"
        == problem.expected
    )
    assert "slots = 4 has room here" == problem.hint


def test_all_files_are_checked_at_once(tmp_path: Path) -> None:
    """A syntax error in one file hides no problem of another, and problems stand in the order of the files."""
    found = _problems(
        tmp_path, "[daemon]\nstandby = 3\nx = 1\n", a="[daemon\n", b="[health]\ngood_score = -1\n"
    )

    assert [(Path(p.file).stem, p.key) for p in found] == [
        ("config", "daemon.standby"),
        ("config", "daemon.x"),
        ("a", ""),
        ("b", "health.good_score"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "quote"),
    [
        ("[daemon]\nstandby = auto\n", 2, 11, "standby = auto"),
        ("a = 1\na = 2\n", 2, 6, "a = 2"),
        ('a = "x\u2028" b\n', 1, 10, "'a = \"x\\u2028\" b'"),
        ("[daemon", 1, 8, "[daemon"),
    ],
)
def test_syntax_errors_have_a_place(tmp_path: Path, text: str, line: int, column: int, quote: str) -> None:
    """A syntax error names line and column, also at the end of the file, and quotes the line."""
    (problem,) = _problems(tmp_path, text)

    assert (line, column, quote) == (problem.line, problem.column, problem.value)
    assert "valid TOML" in problem.expected


@pytest.mark.parametrize("text", [f"a = {'9' * 5000}", f"a = {'[' * 5000}"], ids=["digits", "depth"])
def test_what_the_parser_cannot_bear_is_a_problem(tmp_path: Path, text: str) -> None:
    """A number or a nesting beyond the parser's limits is a problem of the file, not a crash."""
    (problem,) = _problems(tmp_path, text)

    assert (problem.key, problem.file) == ("", str(tmp_path / "config.toml"))


def test_bytes_that_are_no_text_have_a_place(tmp_path: Path) -> None:
    """A file that is not UTF-8 names the place of the first wrong byte."""
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "x.toml").write_bytes(b'[daemon]\nlog_level = "\xff"\n')
    (problem,) = _problems(tmp_path)

    assert (2, 14, "UTF-8 text") == (problem.line, problem.column, problem.expected)


def test_unreadable_files_are_problems(tmp_path: Path) -> None:
    """What stands there but cannot be read is a problem: a folder, a broken link, also in place of the main file."""
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "folder.toml").mkdir()
    (tmp_path / "conf.d" / "link.toml").symlink_to("nowhere")
    (tmp_path / "main").symlink_to("nowhere")
    with pytest.raises(ConfigError) as raised:
        load(tmp_path / "main", tmp_path / "conf.d")

    problems = raised.value.problems
    assert [Path(problem.file).name for problem in problems] == ["main", "folder.toml", "link.toml"]
    assert all("got:" in problem.expected for problem in problems)


def test_drop_ins_that_are_no_folder_are_a_problem(tmp_path: Path) -> None:
    """A file where the folder of drop-ins should be is a problem, not an empty folder."""
    (tmp_path / "conf.d").write_text("")
    with pytest.raises(ConfigError) as raised:
        load(tmp_path / "config.toml", tmp_path / "conf.d")

    assert [problem.file for problem in raised.value.problems] == [str(tmp_path / "conf.d")]


def test_file_names_cannot_break_the_output(tmp_path: Path) -> None:
    """A file name with a line break is told escaped, so that a problem stays readable."""
    (problem,) = _problems(tmp_path, **{"a\nb": "x"})

    assert "a\\nb" in problem.file
    assert "\n" not in problem.file


@pytest.mark.parametrize(
    "broken",
    [
        "[health",
        "[health]\nexcelent_score = 99",
        "excellent_score = 99",
        "excelent_score = 99",
        "health = 3",
        "[helth]\nexcellent_score = 99",
    ],
)
def test_contradictions_wait_for_their_causes(tmp_path: Path, broken: str) -> None:
    """No contradiction is told that the repair of another problem may resolve."""
    (problem,) = _problems(tmp_path, "[health]\ngood_score = 95", later=broken)

    assert "later" in problem.file


def test_other_contradictions_do_not_wait(tmp_path: Path) -> None:
    """A contradiction is told together with problems that have nothing to do with it."""
    found = _problems(
        tmp_path,
        "[health]\ngood_score = 95\n[daemon]\nx = 1",
        later="[ladder.restart-worker]\nenabled = false",
    )

    assert {"daemon.x", "health.good_score", "ladder.restart-worker.enabled"} == {
        problem.key for problem in found
    }


@pytest.mark.parametrize(
    "unknown", ["[[foo]]\na = 1", "[foo]\nhealth = 1", "foo = 3", "[camera]\nwidth = 3"]
)
def test_an_unknown_table_hides_no_contradiction(tmp_path: Path, unknown: str) -> None:
    """What is no name of ours, and near to none, cannot be what was to fit."""
    found = _problems(tmp_path, "[health]\ngood_score = 95\n", later=unknown)

    assert "health.good_score" in {problem.key for problem in found}
    assert len(found) == 2


def test_problems_read_well(tmp_path: Path) -> None:
    """The error says how many problems there are, one block each, ending in a hint line."""
    found = _problems(tmp_path, '[supervision]\nframe_timeout = "7"\n', later="[daemon]\nstandby = auto\n")

    file, later = tmp_path / "config.toml", tmp_path / "conf.d" / "later.toml"
    assert str(ConfigError(found)) == (
        "2 problems in the configuration:\n"
        "\n"
        f'{file}: supervision.frame_timeout = "7"\n'
        "  expected a number from 0.1 to 600 s\n"
        "  hint: write frame_timeout = 7, without quotes\n"
        "\n"
        f"{later}, line 2, column 11: standby = auto\n"
        "  expected valid TOML, got: Invalid value\n"
        "  hint: text needs quotes, true and false none; each table and key may stand only once in a file"
    )


def test_long_values_are_cut(tmp_path: Path) -> None:
    """A value is quoted back in one short line, however long it was."""
    (problem,) = _problems(tmp_path, f'[daemon]\nlog_level = "{"x" * 500}"')

    assert problem.value == f'"{"x" * 59}...'
