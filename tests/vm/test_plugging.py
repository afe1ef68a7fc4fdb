# SPDX-License-Identifier: MIT
"""Proves what becomes of a camera that is unplugged, unbound or missing, and then comes back on whatever node."""

import pytest

from .machine import Entry
from .scene import Scene, at, camera

pytestmark = pytest.mark.vm

NOTICED = (
    0.5  # s from pulling the plug to the alert; the kernel needs half of it to see that the link is down
)
AT_ONCE = 0.5  # s on top of enumerating, opening and three frames
SPREAD = 0.3  # s between one opening and another, on an emulated processor
DRIVER = "/sys/bus/usb/drivers/uvcvideo"


@pytest.mark.scenario("unplugged while streaming, plugged in after 3 s")
def test_plugged_in_after_three_seconds(scene: Scene) -> None:
    """Gone at once and by its name, and back without a pause of the ladder's."""
    opening = _started(scene)
    begun, plugged = scene.during(3, "unplug", "plug")

    alert = scene.fault("device-gone", "connection_error", since=begun, within=NOTICED)
    _back(scene, plugged, opening, after=alert)
    scene.undisturbed()


@pytest.mark.scenario("unplugged while streaming, plugged in after 90 s")
def test_plugged_in_after_a_minute_and_a_half(scene: Scene) -> None:
    """It was looked for with every attempt there is meanwhile; the pause is over when the camera is there."""
    opening = _started(scene)
    begun = scene.order("unplug")
    alert = scene.fault("device-gone", "connection_error", since=begun, within=NOTICED)
    scene.machine.run("sleep 85", 100, check=True)
    last = scene.machine.journal("_SYSTEMD_UNIT=camwatchd.service", "-n1")[-1]
    pause = scene.entry("EVENT=ladder.waiting", after=last)
    plugged = scene.order("plug")

    assert "again in 30 s" in pause["MESSAGE"]
    _back(scene, plugged, opening, after=alert)
    scene.undisturbed()


@pytest.mark.scenario("unplugged and plugged in without a gap")
def test_plugged_in_without_a_gap(scene: Scene) -> None:
    """libcamera's list shows a healthy camera, but the stream is dead: the node that was opened has gone."""
    opening = _started(scene)
    begun, plugged = scene.replug()

    alert = scene.fault("device-gone", "connection_error", since=begun, within=NOTICED)
    _back(scene, plugged, opening, after=alert)
    scene.undisturbed()


@pytest.mark.scenario("driver unbound, and bound again after 3 s")
def test_driver_unbound_and_bound(scene: Scene) -> None:
    """To the daemon an unplugged camera, although its USB device stays where it is."""
    opening = _started(scene)
    interface = scene.machine.run(f"basename {DRIVER}/*:1.0", check=True).stdout.strip()
    begun = scene.now()
    scene.machine.run(f"echo {interface} > {DRIVER}/unbind; sleep 3", check=True)
    alert = scene.fault("device-gone", "connection_error", since=begun, within=NOTICED)
    bound = scene.now()
    scene.machine.run(f"echo {interface} > {DRIVER}/bind", check=True)

    _back(scene, bound, opening, after=alert)
    scene.undisturbed()


@pytest.mark.scenario("missing at the start of the daemon, plugged in later")
def test_missing_at_the_start(scene: Scene) -> None:
    """The start does not hang, the fault is named, and the camera is taken when it is there."""
    scene.order("unplug")
    began = scene.now()
    scene.start(camera(), "[ladder.restart-worker]\nbackoff = 15", healthy=False)
    alert = scene.fault("not-found", "connection_error", since=began, within=20)
    scene.entry("EVENT=ladder.waiting", "ATTEMPT=2", after=alert)
    scene.await_standby()
    plugged = scene.order("plug")

    healthy = scene.entry("EVENT=alert.recovery", after=alert)
    opened = scene.entry("EVENT=camera.opened")
    _measure(scene, plugged, _opening(opened, healthy), healthy)
    scene.undisturbed()


def _started(scene: Scene) -> float:
    """A healthy camera with a standby; what its start took from the call to open."""
    scene.start()
    scene.await_standby()
    opened, healthy = (scene.entry(f"EVENT={event}") for event in ("camera.opened", "camera.started"))
    return _opening(opened, healthy)


def _opening(opened: Entry, healthy: Entry) -> float:
    return at(healthy) - at(opened) + float(opened["SECONDS"])


def _back(scene: Scene, plugged: float, opening: float, after: Entry) -> None:
    healthy = scene.entry("EVENT=alert.recovery", after=after, timeout=90)
    assert healthy["RUNG"] == "restart-worker", healthy["MESSAGE"]
    _measure(scene, plugged, opening, healthy)


def _measure(scene: Scene, plugged: float, opening: float, healthy: Entry) -> None:
    enumerating = scene.enumerated() - plugged
    scene.measured("enumerated after", enumerating, 5)
    scene.measured("healthy after", at(healthy) - plugged, enumerating + opening + SPREAD + AT_ONCE)
