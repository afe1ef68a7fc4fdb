# SPDX-License-Identifier: MIT
"""Owns the proof that a reload whose helper cannot be executed is refused like any other bad one."""

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
