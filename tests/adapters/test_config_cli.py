# SPDX-License-Identifier: MIT
"""Tests of --check-config, --print-config, the way out with a message, and the price of the imports."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from camwatchd.adapters import config, config_cli
from camwatchd.errors import CamwatchError, ExitStatus, die


def test_check_tells_what_was_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A valid configuration is told in one line, with its cameras and the files that were read; exit status 0."""
    (tmp_path / "a.toml").write_text("[camera.front]\n[camera.back]\nindex = 1\n")
    status = config_cli.check(tmp_path / "a.toml", tmp_path / "none.d")

    assert (status, capsys.readouterr()) == (
        0,
        (f"configuration is valid: 2 cameras (front, back); read {tmp_path / 'a.toml'}\n", ""),
    )


@pytest.mark.parametrize("command", [config_cli.check, config_cli.show])
def test_a_file_that_was_named_must_be_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: Callable[[Path, Path], int]
) -> None:
    """Whoever gives --config means that file: one that is missing is a problem, told with all others."""
    (tmp_path / "a.toml").write_text("[foo]\n")
    status = command(tmp_path / "none.toml", tmp_path)

    out, err = capsys.readouterr()
    assert (status, out) == (78, "")
    assert err.startswith("2 problems in the configuration:\n")
    assert f"{tmp_path / 'none.toml'}\n  expected a file that is there\n  hint: check the path" in err


def test_check_without_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual file may be missing: no file at all is valid, and said."""
    monkeypatch.setattr(config, "CONFIG_FILE", str(tmp_path / "none.toml"))
    status = config_cli.check(tmp_path / "none.toml", tmp_path / "none.d")

    assert status == ExitStatus.EX_OK
    assert (
        capsys.readouterr().out == "configuration is valid: 1 camera (cam0); no file found, all defaults\n"
    )


@pytest.mark.parametrize("command", [config_cli.check, config_cli.show])
def test_problems_go_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: Callable[[Path, Path], int]
) -> None:
    """An unusable configuration ends both commands with status 78 and the problems on stderr alone."""
    (tmp_path / "config.toml").write_text("frame_timeout = 3\n")
    status = command(tmp_path / "config.toml", tmp_path / "conf.d")

    out, err = capsys.readouterr()
    assert (status, out) == (78, "")
    assert err.startswith("1 problem in the configuration:\n\n")
    assert err.endswith("hint: frame_timeout belongs in [supervision]\n")


def test_show_prints_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--print-config writes the effective values to stdout; exit status 0."""
    (tmp_path / "config.toml").touch()
    status = config_cli.show(tmp_path / "config.toml", tmp_path / "conf.d")

    assert status == ExitStatus.EX_OK
    assert "[supervision]\nmax_consecutive_failures = 3" in capsys.readouterr().out


def test_die_says_why_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """The way out prints the message with its hint and carries the exit status."""
    with pytest.raises(SystemExit) as raised:
        die("no runtime directory", "start the service with systemctl", ExitStatus.EX_UNAVAILABLE)

    assert raised.value.code == 69
    assert capsys.readouterr().err == (
        "camwatchd: no runtime directory\n  hint: start the service with systemctl\n"
    )


def test_error_without_hint_is_its_message() -> None:
    """An error with nothing to hint at has no empty hint line."""
    assert str(CamwatchError("gone")) == "gone"


def test_imports_stay_cheap() -> None:
    """Reading the configuration imports nothing that is slow on a Pi or forbidden in the supervisor."""
    code = "import sys, camwatchd.adapters.config, camwatchd.errors; print(*sys.modules)"
    listed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert "camwatchd.adapters.config" in listed
    assert {"numpy", "subprocess", "asyncio", "structlog", "picamera2", "libcamera"} & set(listed) == set()
