# SPDX-License-Identifier: MIT
"""Owns the line that is printed for each scenario as soon as it is over, with the time it took."""

from pathlib import Path

import pytest

_NAME = "scenario lines"


class ScenarioLines:
    """A plugin. The title is the user property "scenario"; what was measured, "measured", goes with it."""

    @classmethod
    def register(cls, config: pytest.Config) -> None:
        """Once, whichever folders are collected."""
        if not config.pluginmanager.has_plugin(_NAME):
            config.pluginmanager.register(cls(config), _NAME)

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._seconds: dict[str, float] = {}
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Reports of other processes come here too."""
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self._failed.add(report.nodeid)
        title = dict(report.user_properties).get("scenario")
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if report.when == "teardown" and title and terminal:
            word = "FAILED" if report.nodeid in self._failed else "skipped" if report.skipped else "ok"
            terminal.write_line(f"{title:<90} {self._seconds[report.nodeid]:6.1f} s  {word}")
            for name, text in report.user_properties:
                if name == "measured":
                    terminal.write_line(f"    {text}")

    @staticmethod
    def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
        """No dots in between the lines."""
        return ("passed", "", "") if report.passed and report.when == "call" else None


def ours(items: list[pytest.Item], conftest: str) -> list[pytest.Item]:
    """Those in the folder of this conftest.py: pytest shows each of them the tests of all folders."""
    folder = Path(conftest).parent
    return [item for item in items if item.path.is_relative_to(folder)]
