# SPDX-License-Identifier: MIT
"""Owns the tests of the helper that reads the configuration for a running daemon."""

import json
import subprocess
import sys
from pathlib import Path

from camwatchd.adapters import config, reload
from camwatchd.core.plain import from_plain
from camwatchd.core.settings import Settings

_GOOD = """
[daemon]
standby = true
[supervision]
frame_timeout = 2.5
[ladder.restart-stream]
attempts = 4
[camera.door]
backend = "simulated"
controls = { Gain = 1.5, Name = "x" }
[[camera.door.fault]]
kind = "stall"
until = "restart-worker"
"""


def test_good_settings_come_back_as_they_are(tmp_path: Path) -> None:
    """What the helper prints is, read by the daemon, exactly what loading the files itself would give."""
    main = tmp_path / "config.toml"
    main.write_text(_GOOD)
    answer = json.loads(json.dumps(reload.answer(main, tmp_path / "conf.d")))

    assert ["settings"] == list(answer)
    assert config.load(main, tmp_path / "conf.d").settings == from_plain(Settings, answer["settings"])


def test_problems_come_back_as_text(tmp_path: Path) -> None:
    """Every problem of a bad configuration is in the answer, and no settings are."""
    main = tmp_path / "config.toml"
    main.write_text("[supervision]\nframe_timeout = -1\nmax_consecutive_failures = 0\n")
    answer = reload.answer(main, tmp_path / "conf.d")

    assert ["problems"] == list(answer)
    assert "frame_timeout" in str(answer)
    assert "max_consecutive_failures" in str(answer)


def test_a_file_that_was_named_is_not_replaced_by_defaults(tmp_path: Path) -> None:
    """A daemon whose own file has gone keeps what it has: it is told of a problem, not of defaults."""
    answer = reload.answer(tmp_path / "config.toml", tmp_path / "conf.d")

    assert ["problems"] == list(answer)
    assert "expected a file that is there" in str(answer)


def test_as_a_process_it_prints_the_answer_and_nothing_else(tmp_path: Path) -> None:
    """`python -m camwatchd.adapters.reload FILE FOLDER` ends with 0 and one JSON object."""
    (tmp_path / "config.toml").write_text(_GOOD)
    main = str(tmp_path / "config.toml")
    command = [sys.executable, "-m", "camwatchd.adapters.reload", main, str(tmp_path / "conf.d")]
    done = subprocess.run(command, capture_output=True, check=True)

    assert json.loads(done.stdout)["settings"]["daemon"]["standby"] is True
    assert b"" == done.stderr
