# SPDX-License-Identifier: MIT
"""Owns the proof that a reload is refused whose helper cannot be executed or hangs, and blocks nothing."""

import json
import os
import sys
import time
from pathlib import Path

import pytest

from camwatchd.adapters import log
from camwatchd.core.settings import Settings
from camwatchd.loop import Loop
from camwatchd.reloading import Reloading
from tests.adapters.test_host import found_left_over
from tests.process.daemon import children


def test_a_reload_without_a_helper_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing exec is a refusal with its reason, nobody is busy with it, and the next reload works."""
    outcomes: list[Settings | None] = []
    loop = Loop()
    with (tmp_path / "log").open("w+") as said:
        reloading = Reloading(
            loop, log.build("json", "info", said.fileno(), {}), time.monotonic, os.environ,
            (str(tmp_path / "config.toml"), str(tmp_path / "conf.d")), outcomes.append,
        )  # fmt: skip
        executable = sys.executable
        monkeypatch.setattr(sys, "executable", "/nonexistent/python3")
        reloading.begin()
        refused = outcomes.copy(), reloading.busy, reloading.deadline, reloading.note
        monkeypatch.setattr(sys, "executable", executable)
        (tmp_path / "config.toml").touch()
        reloading.begin()
        while reloading.busy:
            loop.turn(10)
        first, second = (json.loads(line) for line in (tmp_path / "log").read_text().splitlines())

    assert ([None], False, float("inf"), "new configuration refused, see journal") == refused
    assert [None, Settings()] == outcomes
    assert "configuration.refused" == first["event"]
    assert "could be executed: [Errno 2]" in first["message"]
    assert "configuration.reloaded" == second["event"]


def test_a_helper_that_hangs_is_given_up(tmp_path: Path) -> None:
    """The disk does not answer: refused when its time is over, no leftover worker for the next start; and whoever has
    asked meanwhile has it read once more, as soon as the helper is gone."""
    outcomes: list[Settings | None] = []
    loop, config = Loop(), tmp_path / "config.toml"
    os.mkfifo(config)
    with (tmp_path / "log").open("w+") as said:
        reloading = Reloading(
            loop, log.build("json", "info", said.fileno(), {}), time.monotonic, os.environ,
            (str(config), str(tmp_path / "conf.d")), outcomes.append,
        )  # fmt: skip
        before = children()
        reloading.begin()
        (helper,) = children() - before  # others of ours may still be on their way out
        feeding = config.open("w")  # returns when the helper has opened its end, and now waits for a text
        left_over = found_left_over(tmp_path, helper)
        patience = reloading.deadline - time.monotonic()
        reloading.tick()
        refused = outcomes.copy(), reloading.busy, reloading.deadline
        config.unlink()
        config.touch()
        reloading.begin()
        asked = reloading.again
        while reloading.busy:
            loop.turn(10)
        feeding.close()

    assert (True, []) == (0 < patience <= 10, left_over)
    assert (([None], True, float("inf")), True) == (refused, asked)
    assert [None, Settings()] == outcomes
    assert "did not end within 10 s" in (tmp_path / "log").read_text()
