# SPDX-License-Identifier: MIT
"""Owns what all tests share: hypothesis finds nothing wrong for being slow, and what waits most begins first."""

import pytest
from hypothesis import settings

settings.register_profile("camwatchd", deadline=None)
settings.load_profile("camwatchd")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests of processes: the short ones are left to fill the gaps at the end."""
    items.sort(
        key=lambda item: not item.nodeid.startswith(("tests/process/", "tests/frames/", "tests/client/"))
    )
