# SPDX-License-Identifier: MIT
"""Owns the containers that tests get, the line that is printed for each scenario, and what a failure shows."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from . import cache, nspawn
from .container import Container
from .installed import bare, installed
from .root import RELEASES

_CONTAINER = pytest.StashKey[Container]()


def pytest_configure(config: pytest.Config) -> None:
    """Both are of this folder only."""
    config.addinivalue_line(
        "markers",
        "scenario(number, title, seconds=30): which demand a test proves, and about how long that takes",
    )
    config.pluginmanager.register(_Lines(config), "scenario lines")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest come first, so that none is waited for alone; the title goes along with each report."""
    items.sort(key=_seconds, reverse=True)
    for item in items:
        if (marker := item.get_closest_marker("scenario")) and isinstance(item, pytest.Function):
            release = item.callspec.params["release"]
            item.user_properties.append(("scenario", f"{release:9} {marker.args[0]:02} {marker.args[1]}"))


def _seconds(item: pytest.Item) -> float:
    marker = item.get_closest_marker("scenario")
    return float(marker.kwargs.get("seconds", 30)) if marker else 0.0


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    """Every test runs on every release."""
    return str(request.param)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Where this process keeps its containers."""
    nspawn.sweep()
    with cache.scratch() as path:
        yield Path(path)


@pytest.fixture
def container(request: pytest.FixtureRequest, release: str, folder: Path) -> Iterator[Container]:
    """A container with the package installed; off, and without any state of an earlier start."""
    with Container(installed(release), folder) as container:
        request.node.stash[_CONTAINER] = container
        yield container


@pytest.fixture
def bare_container(request: pytest.FixtureRequest, release: str, folder: Path) -> Iterator[Container]:
    """A container whose apt offers the package, but has not installed it; off."""
    with bare(release, folder) as container:
        request.node.stash[_CONTAINER] = container
        yield container


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, None, None]:
    """The container's last words go into the report of a failed test."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    container = item.stash.get(_CONTAINER, None)
    if report.failed and report.when == "call" and container:
        report.sections.append(("container", container.tail()))


class _Lines:
    """One line for each scenario, as soon as it is over."""

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

    @staticmethod
    def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
        """No dots in between the lines."""
        return ("passed", "", "") if report.passed and report.when == "call" else None
