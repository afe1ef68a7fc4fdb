# SPDX-License-Identifier: MIT
"""Owns the fixtures of the control socket's tests."""

from collections.abc import Iterator

import pytest

from tests.control.rig import Bench, open_folder


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A server that the test turns."""
    with open_folder() as folder:
        bench = Bench(folder)
        yield bench
        bench.server.close()
