# SPDX-License-Identifier: MIT
"""Proves what becomes of a camera that is unplugged, unbound or missing, and then comes back on whatever node."""

import pytest

from .install import configure
from .machine import Entry
from .scene import ITS_ENTRIES, Scene, at, camera

pytestmark = pytest.mark.vm

NOTICED = (
    0.5  # s from pulling the plug to the alert; the kernel needs half of it to see that the link is down
)
# s on top of enumerating: what is asked for on a real processor. An emulated one takes longer than that to open the
# camera alone, so that the scenario's own opening comes on top.
AT_ONCE = 0.5
SPREAD = 0.3  # s between one opening and another, on an emulated processor
# A pause that is long enough: what is measured is what the camera's return does, not an attempt that was due anyway.
PATIENT = "[ladder.restart-worker]\nbackoff = 15\n"
DRIVER = "/sys/bus/usb/drivers/uvcvideo"
BOOTED = 30.0  # s; what else a boot does meanwhile, and libcamera is read for the first time
# Its port is there at boot, without its driver; usb-camera plugs itself in when it is started.
REBOOT_WITHOUT_IT = """
set -e
echo vhci-hcd > /etc/modules-load.d/camera.conf
systemctl disable usb-camera
systemctl add-wants multi-user.target usb-firmware-node.service
systemctl is-enabled camwatchd
systemd-run --on-active=1 systemctl reboot
"""


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
    scene.start(camera(), PATIENT, healthy=False)
    alert = scene.fault("not-found", "connection_error", since=began, within=20)
    _pause_begun(scene, after=alert)
    plugged = scene.order("plug")

    _found(scene, plugged, after=alert)
    scene.undisturbed()


@pytest.mark.scenario("missing at the boot of the machine, plugged in later")
def test_missing_at_boot(scene: Scene) -> None:
    """No driver of it is loaded until it is there: what it brings along is not refused by the unit's sandbox.

    systemd knows only those groups of devices that the kernel had registered when the unit was started.
    """
    machine = scene.machine
    configure(machine, camera() + PATIENT)
    machine.run(REBOOT_WITHOUT_IT, check=True)
    machine.await_reboot()
    started = scene.entry("EVENT=worker.starting", timeout=120)
    alert = scene.fault("not-found", "connection_error", since=at(started), within=BOOTED)
    machine.run("! grep uvcvideo /proc/modules", check=True)
    _pause_begun(scene, after=alert)
    machine.run("systemctl start usb-camera", check=True)
    plugged = machine.await_journal("_COMM=usb-camera", pattern="plugged in", after=alert)

    _found(scene, at(plugged), after=alert)
    assert not machine.journal(ITS_ENTRIES, "FAULT=device-refused")
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


def _pause_begun(scene: Scene, after: Entry) -> None:
    """It is looked for no more for 30 s, and there is a standby, unless it comes."""
    scene.entry("EVENT=ladder.waiting", "ATTEMPT=2", after=after)
    scene.await_standby()


def _found(scene: Scene, plugged: float, after: Entry) -> None:
    """Opened for the first time: what that took is known only then."""
    healthy = scene.entry("EVENT=alert.recovery", after=after)
    assert healthy["RUNG"] == "restart-worker", healthy["MESSAGE"]
    opened = scene.entry("EVENT=camera.opened", after=after)
    _measure(scene, plugged, _opening(opened, healthy), healthy)


def _measure(scene: Scene, plugged: float, opening: float, healthy: Entry) -> None:
    enumerating = scene.enumerated() - plugged
    scene.measured("enumerated after", enumerating, 5)
    scene.measured("healthy after", at(healthy) - plugged, enumerating + opening + SPREAD + AT_ONCE)
