# SPDX-License-Identifier: MIT
"""Owns the fixtures of the control socket's tests."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.control.rig import Bench


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, as /run/camwatchd is one; pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def bench(open_folder: Path) -> Iterator[Bench]:
    """A server that the test turns."""
    bench = Bench(open_folder)
    yield bench
    bench.server.close()
