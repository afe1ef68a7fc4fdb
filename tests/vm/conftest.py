# SPDX-License-Identifier: MIT
"""Owns the machine that each test gets, and what a report says when one fails."""

from collections.abc import Iterator

import pytest

from .machine import Machine


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A fresh machine; a test in which the rig itself lost the camera is inconclusive, whatever it found."""
    with Machine() as machine:
        yield machine
        defect = machine.rig_defect()
    if defect:
        pytest.fail(f"inconclusive, run it again: the rig lost the camera by itself: {defect}")
