# SPDX-License-Identifier: MIT
"""Proves what becomes of a camera whose frames stop, or come too slowly, and then return."""

import pytest

from .scene import Scene

pytestmark = pytest.mark.vm

NOTICED = 4.7  # s; three frame deadlines of 1.5 s, the first of them since the last frame
RETURNED = 0.5  # s from the camera's first new picture to three healthy captures


@pytest.mark.scenario("frames stop for 5 s")
def test_a_stall_of_five_seconds(scene: Scene) -> None:
    """Noticed at the third deadline, and over as soon as the frames are back."""
    scene.start()
    begun, over = scene.during(5, "stall", "normal")

    alert = scene.fault("frames-stopped", "capture_failure", since=begun, within=NOTICED)
    scene.recovery(since=over, within=RETURNED, after=alert, by="restart-stream")
    scene.undisturbed()


@pytest.mark.scenario("frames stop for 60 s")
def test_a_stall_of_a_minute(scene: Scene) -> None:
    """The ladder climbs meanwhile; whatever it is doing, frames that return end the incident at once."""
    scene.start()
    begun, over = scene.during(60, "stall", "normal")

    alert = scene.fault("frames-stopped", "capture_failure", since=begun, within=NOTICED)
    scene.recovery(since=over, within=RETURNED, after=alert)
    scene.undisturbed()
