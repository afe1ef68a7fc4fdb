# SPDX-License-Identifier: MIT
"""`camwatchctl test` measures through a real daemon and without one, and says what is not good."""

import argparse
import json
import socket
import threading
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from camwatchd import cli
from camwatchd.cli.captures import Capture, Trial, percentiles, text
from camwatchd.cli.test import through_daemon
from camwatchd.client.camera import Camera
from camwatchd.client.errors import FrameTimeoutError
from camwatchd.client.frame import Frame
from tests.control.rig import descriptors
from tests.process.daemon import QUICK, camera, daemon


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Run":
    """The verb, where a daemon may be."""
    monkeypatch.setenv("CAMWATCHD_SOCKET", str(tmp_path / "run" / "control.sock"))
    return Run(tmp_path, capsys)


class Run:
    """Calls the verb with the configuration in this folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def __call__(self, *argv: str) -> tuple[int, str]:
        places = ["--config", str(self.folder / "config.toml"), "--conf-dir", str(self.folder / "conf.d")]
        status = cli.main(["test", *argv, *places])
        return status, self._capsys.readouterr().out

    def json(self, *argv: str) -> tuple[int, dict[str, object]]:
        status, shown = self(*argv, "--json")
        return status, json.loads(shown)


def test_percentiles_are_measured_values() -> None:
    """The nearest rank: of a hundred the 95th, of few the largest."""
    hundred = [float(n) for n in range(100, 0, -1)]

    assert {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0} == percentiles(hundred)
    assert {"p50": 2.0, "p95": 3.0, "p99": 3.0, "max": 3.0} == percentiles([3.0, None, 1.0, 2.0])
    assert {} == percentiles([None])


def test_what_is_wrong_is_told_once() -> None:
    """The same reason of several captures is one line; only good captures are measured."""
    bad = Capture(5.0, problem="cam0: no frame within 5 s")
    trial = Trial("cam0", "daemon", 4, (Capture(0.01, 0.02), bad, bad), "given up")
    lines = text(trial).splitlines()

    assert "cam0: FAILED: 1 of 4 test captures, through the running daemon" == lines[0]
    assert 1 == lines.count("cam0: no frame within 5 s")
    assert "given up" == lines[-1]
    assert not any("5000" in line for line in lines)


class Interrupted:
    """A camera in whose second capture somebody presses Ctrl-C."""

    name = "cam0"

    def __init__(self) -> None:
        self._captures = iter([FrameTimeoutError("no frame"), KeyboardInterrupt()])

    def capture_array(self, _timeout: float) -> Frame:
        raise next(self._captures)


class _Pressed:
    @property
    def sensor_timestamp(self) -> int:
        raise KeyboardInterrupt


class Between(Interrupted):
    """A camera whose second frame somebody presses Ctrl-C at, while it is looked at."""

    def capture_array(self, _timeout: float) -> Frame:
        try:
            return super().capture_array(_timeout)
        except KeyboardInterrupt:
            return cast("Frame", _Pressed())


@pytest.mark.parametrize("camera", [Interrupted(), Between()])
def test_ctrl_c_shows_what_was_measured(camera: Interrupted) -> None:
    """Of a thousand captures those that were made are told of, and why there are no more: in one, or between two."""
    options = argparse.Namespace(json=True, num_tests=1000, timeout=1.0)
    trial = through_daemon(cast("Camera", camera), options)

    assert (len(trial.captures), trial.trouble) == (1, "ended by Ctrl-C after 1 captures")
    assert trial.interrupted


def test_captures_that_were_not_made_have_not_failed() -> None:
    """Of those that were, it says how many are good."""
    some = tuple(Capture(0.01, 0.02) for _ in range(35))
    trial = Trial("cam0", "daemon", 1000, some, "ended by Ctrl-C after 35 captures", interrupted=True)

    assert text(trial).startswith(
        "cam0: interrupted: 35 of 35 good (of 1000 asked for), through the running daemon"
    )
    bad = replace(trial, captures=(*some, Capture(5.0, problem="late")))
    assert "interrupted: 35 of 36 good" in text(bad)


def test_a_daemon_that_closes_the_door_has_the_camera(run: Run, tmp_path: Path) -> None:
    """It is there, stopping or crowded: its camera is not opened beside it."""
    (tmp_path / "run").mkdir()
    (tmp_path / "config.toml").write_text(camera("cam0"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(str(tmp_path / "run" / "control.sock"))
        door.listen()
        closing = threading.Thread(target=lambda: door.accept()[0].close())
        closing.start()
        status, shown = run("-n", "1")
        closing.join()

    assert (status, shown) == (69, "")


def test_through_a_running_daemon(run: Run, tmp_path: Path) -> None:
    """New frames each time, and how long they took."""
    with daemon(tmp_path, QUICK + camera("cam0")) as rig:
        rig.event("camera.started")
        status, shown = run.json("-n", "6")
        assert 2 == run("--camera", "cam7")[0]
        assert 0 == cli.main(["pause", "60"])
        failed = run("-n", "4", "--timeout", "0.1")

    assert (0, "daemon", 6, True) == (status, shown["through"], shown["good"], shown["passed"])
    interval = shown["interval"]
    assert isinstance(interval, dict)
    assert 0.02 < interval["p50"] < 0.2
    assert (1, True, True) == (failed[0], "paused by its operator" in failed[1], "3 in a row" in failed[1])


def test_without_a_daemon(run: Run, tmp_path: Path) -> None:
    """A worker opens the camera that is configured, and is gone afterwards."""
    (tmp_path / "config.toml").write_text(camera("cam0"))
    before = descriptors()
    status, shown = run.json("-n", "8")

    assert (0, "direct", 8) == (status, shown["through"], shown["good"])
    assert before == descriptors()
    assert 2 == run("--camera", "cam7")[0]


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ({"kind": "busy"}, 69, "busy: another program is using the camera"),
        ({"kind": "crash", "at_frame": 2}, 1, "the capture process was killed by a signal"),
        ({"kind": "stall", "at_frame": 2}, 1, "waiting for a frame: no end after"),
    ],
)
def test_a_camera_that_fails_without_a_daemon(
    run: Run, tmp_path: Path, fault: dict[str, object], status: int, words: str
) -> None:
    """It is said what it was doing, and why it went no further."""
    (tmp_path / "config.toml").write_text(camera("cam0", fault))
    found, shown = run("-n", "8", "--timeout", "0.5")

    assert (status, True) == (found, words in shown)
