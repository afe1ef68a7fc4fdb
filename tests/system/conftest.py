# SPDX-License-Identifier: MIT
"""Owns the containers that tests get, the line that is printed for each scenario, and what a failure shows."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.scenario_lines import ScenarioLines, ours

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
    ScenarioLines.register(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest come first, so that none is waited for alone; the title goes along with each report."""
    items.sort(key=_seconds, reverse=True)
    for item in ours(items, __file__):
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
