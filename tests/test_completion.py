# SPDX-License-Identifier: MIT
"""bash completes what camwatchctl takes: verbs, options, names of cameras and faults, files; and waits for nobody."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from camwatchd import cli
from camwatchd.cli.completion import script
from camwatchd.core.drills import EXERCISES
from camwatchd.core.faults import FAULTS, Issue
from camwatchd.core.ladder import Rung
from tests.control.rig import running

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "debian" / "completion" / "camwatchctl"
_PLACE = "usr/share/bash-completion/completions"  # where bash-completion looks for a command's name

# What bash does at the tab key: the words so far, the last of them perhaps half, to the function that was registered.
_TAB = """
source "$1"
registered=$(complete -p camwatchctl)
COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2))
[[ $registered =~ ' -F '([^ ]+) ]] && "${BASH_REMATCH[1]}" camwatchctl
printf '%s\\n' "${COMPREPLY[@]}"
"""

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


def tab(*words: str, folder: Path | None = None, **environ: str) -> set[str]:
    """What bash offers after `camwatchctl` and these words."""
    done = subprocess.run(
        ["bash", "--norc", "-c", _TAB, "bash", str(SHIPPED), "camwatchctl", *words],
        cwd=folder, env=os.environ | environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return set(done.stdout.splitlines()) - {""}


def program(folder: Path, text: str, name: str = "camwatchctl") -> str:
    """A PATH on which a command is this shell script."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_the_script_is_generated() -> None:
    """The installed script is what the table of verbs says, nothing else, and is put where bash looks for it."""
    regenerate = "python -m camwatchd.cli.completion > debian/completion/camwatchctl"

    assert SHIPPED.read_text() == script(), f"regenerate it: {regenerate}"
    assert f"debian/completion/camwatchctl {_PLACE}\n" in (ROOT / "debian" / "camwatchd.install").read_text()


def test_the_script_has_no_known_pitfall() -> None:
    """shellcheck has nothing to say about it."""
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed (apt install shellcheck)")
    done = subprocess.run(["shellcheck", str(SHIPPED)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_verbs_are_completed() -> None:
    """First comes a verb, whole or as begun; the options of status may come at once."""
    assert tab("") == {verb.name for verb in cli.VERBS}
    assert tab("re") == {verb.name for verb in cli.VERBS if verb.name.startswith("re")}
    assert tab("--json", "sna") == {"snapshot"}
    assert tab("--camera", "cam0", "--int") == tab("--camera", "=", "cam0", "--int") == {"--interval"}
    assert tab("--") == {"--help", "--socket", "--version", *tab("status", "--")}


@pytest.mark.parametrize("verb", [verb.name for verb in cli.VERBS])
def test_every_option_is_completed(verb: str) -> None:
    """After a verb bash offers what argparse takes there, and nothing else."""
    (verbs,) = [a for a in cli.arguments()._actions if isinstance(a, argparse._SubParsersAction)]
    options = {name for action in verbs.choices[verb]._actions for name in action.option_strings}

    assert tab(verb, "--") == {name for name in options if name.startswith("--")}


def test_values_are_completed() -> None:
    """What an option may be is offered, also after =; what only the operator knows is not guessed."""
    assert tab("stream", "--format", "") == {"mjpeg", "y4m", "raw"}
    assert tab("stream", "--format", "=", "m") == {"mjpeg"}
    assert tab("stream", "--format", "=") == {"mjpeg", "y4m", "raw"}
    assert tab("logs", "--fault", "") == tab("history", "--fault", "") == {*FAULTS, *Issue}
    assert tab("recover", "--rung", "re") == {rung for rung in Rung if rung.startswith("re")}
    assert tab("drill", "") == set(EXERCISES)
    assert tab("ladder", "--simulate", "") == {"all", *FAULTS}
    assert tab("incident", "") == {"last"}
    assert tab("logs", "--fault", "busy", "--fol") == {"--follow"}
    assert tab("logs", "--hours", "") == tab("pause", "1") == set()


def test_files_are_completed(tmp_path: Path) -> None:
    """Where a file belongs, names of files are offered, blanks included; where a folder belongs, only folders."""
    (tmp_path / "a log").touch()
    (tmp_path / "a folder").mkdir()

    assert tab("logs", "--file", "a", folder=tmp_path) == {"a log", "a folder"}
    assert tab("snapshot", "a", folder=tmp_path) == {"a log", "a folder"}
    assert tab("check-config", "--conf-dir", "a", folder=tmp_path) == {"a folder"}
    assert tab("--socket", "a", folder=tmp_path) == {"a log", "a folder"}


def test_cameras_are_those_of_the_running_daemon(tmp_path: Path) -> None:
    """Their names come from the daemon, by the socket that the line names; without one there are none."""
    path = program(
        tmp_path,
        f"exec '{sys.executable}' -c 'import sys; from camwatchd.cli import main; sys.exit(main())' \"$@\"",
    )
    program(tmp_path, 'shift; exec "$@"', "timeout")  # this machine may be busy: here nobody is in a hurry
    with running(tmp_path) as daemon:
        here = str(daemon.path)

        assert tab("pause", "--camera", "", PATH=path, CAMWATCHD_SOCKET=here) == {"cam0", "cam1"}
        assert tab("--socket", here, "pause", "--camera", "cam1", PATH=path) == {"cam1"}
        assert tab("logs", "--socket", "=", here, "--camera", "=", "c", PATH=path) == {"cam0", "cam1"}
    assert tab("pause", "--camera", "", PATH=path, CAMWATCHD_SOCKET="/nowhere") == set()


def test_a_daemon_that_does_not_answer_holds_nobody_up(tmp_path: Path) -> None:
    """After two seconds the tab key has no names to offer, whatever the daemon does."""
    path = program(tmp_path, "exec tail -f /dev/null")
    began = time.monotonic()

    assert tab("pause", "--camera", "", PATH=path) == set()
    assert time.monotonic() - began < 20
