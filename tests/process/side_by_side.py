# SPDX-License-Identifier: MIT
"""Owns the running of tests side by side: those that mostly wait for their daemons wait together.

    together = SideBySide()

    @together
    def test_something(tmp_path: Path) -> None: ...

The first of them to be run starts all that are selected, each in a thread and a folder of its own; each then
reports its own outcome. Only `tmp_path` and parameters may be their arguments. Where other tests of the module are
to be run while these wait:

    start = together.from_the_start()
"""

import inspect
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

_AT_ONCE = 6  # more would only make each other slow on two processors

Test = Callable[..., None]


class SideBySide:
    """A decorator for the tests of one module."""

    def __init__(self) -> None:
        self._tests: dict[Test, Test] = {}  # by what pytest calls
        self._outcomes: dict[str, Future[None]] = {}

    def __call__(self, test: Test) -> Test:
        def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, **_: Any) -> None:
            if not self._outcomes:
                self._start(request.session.items, tmp_path_factory)
            self._outcomes[request.node.nodeid].result()

        own = [p for p in inspect.signature(test).parameters.values() if p.name != "tmp_path"]
        asked = list(inspect.signature(run).parameters.values())[:2]
        run.__signature__ = inspect.Signature([*asked, *own])  # type: ignore[attr-defined]  # what pytest fills in
        run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
        self._tests[run] = test
        return run

    def from_the_start(self) -> Any:
        """A fixture of the module: whichever of its tests comes first, these are started before it."""

        @pytest.fixture(scope="module", autouse=True)
        def start(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
            self._start(request.session.items, tmp_path_factory)

        return start

    def _start(self, items: list[pytest.Item], folders: pytest.TempPathFactory) -> None:
        pool = ThreadPoolExecutor(_AT_ONCE)
        for item in items:
            if isinstance(item, pytest.Function) and item.function in self._tests:
                job = _job(self._tests[item.function], item, folders.mktemp("together"))
                self._outcomes[item.nodeid] = pool.submit(job)
        pool.shutdown(wait=False)  # no more come; those that were submitted are run


def _job(test: Test, item: pytest.Function, folder: Path) -> Callable[[], None]:
    parameters = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    return lambda: test(tmp_path=folder, **parameters)
