# SPDX-License-Identifier: MIT
"""Proves that a program which fails at every start reboots the machine a few times, and then never again."""

import pytest

from .container import Container
from .sabotage import assert_reboots_end, sabotage, worked_before

pytestmark = pytest.mark.system


@pytest.mark.scenario(6, "a segfault at every start: two reboots, then none")
def test_a_segfault_at_every_start(container: Container) -> None:
    """Segfault at every start: at most max_boots_without_health reboots, then none."""
    worked_before(container)
    sabotage(container, "segfault")
    assert_reboots_end(container, "signal")


@pytest.mark.scenario(6, "an exception right after READY, at every start: two reboots, then none")
def test_an_exception_right_after_ready(container: Container) -> None:
    """An exception right after READY: at most max_boots_without_health reboots, then none."""
    worked_before(container)
    sabotage(container, "raises after READY")
    assert_reboots_end(container, "exit-code")


@pytest.mark.scenario(6, "a start time-out at every start: two reboots, then none", seconds=40)
def test_a_start_time_out_at_every_start(container: Container) -> None:
    """A start time-out on every start: at most max_boots_without_health reboots, then none."""
    worked_before(container)
    sabotage(container, "silent", "TimeoutStartSec=1")
    assert_reboots_end(container, "timeout")
