# SPDX-License-Identifier: MIT
"""Owns the proof of what the helper resets, on a /sys and a /dev of its own: a camera's device, and nothing else."""

import errno
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from camwatchd.cameras.usb import place_in, place_of
from camwatchd.core.ladder import Outcome
from camwatchd.core.usb import simulated_camera, simulated_place
from camwatchd.usb_reset import Port, Report, order_configuration, reset, reset_simulated
from tests.control.rig import open_folder

PLACE = "1-1.3"


def descriptors(*classes: int, configuration: int = 1) -> bytes:
    """What a device says of itself: of the interfaces' classes, in one configuration, and of an endpoint each."""
    device = bytes([18, 1, 0, 2, 0xEF, 2, 1, 64, *range(9), 1])
    interfaces = [
        bytes([9, 4, number, 0, 1, kind, 1, 0, 0, 7, 5, 0x81, 2, 0, 2, 0])
        for number, kind in enumerate(classes)
    ]
    body = b"".join(interfaces)
    return device + bytes([9, 2, 9 + len(body), 0, len(classes), configuration, 0, 0x80, 250]) + body


class Machine:
    """A machine's /sys and /dev, on which devices are plugged in; the orders to reset are kept."""

    def __init__(self, root: Path) -> None:
        self.sys, self.dev = root / "sys", root / "dev"
        self.reset_files: list[Path] = []
        self.configured: list[int] = []

    def plug(self, place: str = PLACE, number: int = 5, *classes: str) -> Path:
        """Plug in a device with interfaces of these classes (a webcam: video twice, and audio); gives its node."""
        device = self.sys / "devices" / "platform" / "usb1" / place
        for interface, kind in enumerate(classes or ("0e", "0e", "01")):
            folder = device / f"{place}:1.{interface}"
            folder.mkdir(parents=True)
            (folder / "bInterfaceClass").write_text(f"{kind}\n")
        (device / "busnum").write_text("1\n")
        (device / "devnum").write_text(f"{number}\n")
        link = self.sys / "bus" / "usb" / "devices" / place
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(device)
        node = self.dev / "bus" / "usb" / "001" / f"{number:03}"
        node.parent.mkdir(parents=True, exist_ok=True)
        node.touch()
        return node

    def plug_bare(self, said: bytes) -> Path:
        """Plug in a device that could not be configured: it has no interfaces, but the kernel knows what it said."""
        node = self.plug()
        device = self.sys / "bus" / "usb" / "devices" / PLACE
        for interface in list(device.glob("*:*")):
            (interface / "bInterfaceClass").unlink()
            interface.rmdir()
        (device / "descriptors").write_bytes(said)
        return node

    def renumber(self, number: int, place: str = PLACE) -> None:
        """It was unplugged and plugged in again."""
        (self.sys / "bus" / "usb" / "devices" / place / "devnum").write_text(f"{number}\n")

    def port(self, place: str = PLACE, order: Callable[[int], None] | None = None) -> Port:
        """The port as the helper sees it; `order` stands for the kernel."""
        return Port(place, self.sys, self.dev, order or self._order, self._configure)

    def _order(self, fd: int) -> None:
        self.reset_files.append(Path(f"/proc/self/fd/{fd}").readlink())

    def _configure(self, fd: int, number: int) -> None:
        assert [Path(f"/proc/self/fd/{fd}").readlink()] == self.reset_files
        self.configured.append(number)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_device_at_the_place_is_reset(machine: Machine) -> None:
    """Its node is the one whose number sysfs tells at this moment; of all devices only this one is touched."""
    machine.plug("1-1.2", 4)
    node = machine.plug(PLACE, 5)
    report = machine.port().reset()

    assert [node] == machine.reset_files
    assert Report(Outcome.SUCCEEDED, f"{node} at USB port 1-1.3 was reset") == report


def test_a_replugged_device_has_another_number(machine: Machine) -> None:
    """The number is read for each reset, never remembered."""
    machine.plug()
    port = machine.port()
    port.reset()
    machine.renumber(9)
    machine.dev.joinpath("bus/usb/001/009").touch()
    port.reset()

    assert ["005", "009"] == [path.name for path in machine.reset_files]


@pytest.mark.parametrize("kind", ["08", "03", "ff", "09"])
def test_what_is_no_camera_is_left_alone(machine: Machine, kind: str) -> None:
    """A disk, a keyboard or a hub that was plugged in at the camera's place is never reset."""
    machine.plug(PLACE, 5, kind)
    report = machine.port().reset()

    assert [] == machine.reset_files
    assert (Outcome.NOT_APPLICABLE, "what is plugged in at USB port 1-1.3 is no camera") == (
        report.outcome,
        report.detail,
    )


def test_a_camera_that_lost_its_configuration_is_one(machine: Machine) -> None:
    """Without a single interface it is known by what it once said; it is reset, and then given its configuration."""
    node = machine.plug_bare(descriptors(0x01, 0x0E, 0x0E, configuration=3))
    report = machine.port().reset()

    assert (Outcome.SUCCEEDED, [node], [3]) == (report.outcome, machine.reset_files, machine.configured)


def test_a_camera_with_interfaces_keeps_its_configuration(machine: Machine) -> None:
    """The kernel gives it back by itself: another order would only disturb."""
    machine.plug()
    machine.port().reset()

    assert [] == machine.configured


@pytest.mark.parametrize(
    "said",
    [
        descriptors(0x08),
        descriptors(),
        descriptors(0x08) + bytes([9, 5, 0, 0, 1, 0x0E, 1, 0, 0]),  # an endpoint of the same length
        descriptors(0x08) + bytes([0, 4, 0, 0, 1, 0x0E]),
        descriptors(0x08) + bytes([5, 4, 0, 0, 1, 0x0E]),
        descriptors(0x0E)[:32],
        b"",
    ],
    ids=["disk", "nothing", "endpoint", "no length", "too short", "cut off", "silent"],
)
def test_what_never_said_that_it_is_a_camera_is_none(machine: Machine, said: bytes) -> None:
    """A disk without a configuration, or nonsense, is left alone."""
    machine.plug_bare(said)

    assert Outcome.NOT_APPLICABLE is machine.port().reset().outcome
    assert [] == machine.reset_files


def test_interfaces_count_more_than_what_was_said(machine: Machine) -> None:
    """A phone that could be a camera, and is a disk at the moment, is left alone."""
    machine.plug(PLACE, 5, "08")
    (machine.sys / "bus/usb/devices" / PLACE / "descriptors").write_bytes(descriptors(0x0E))

    assert Outcome.NOT_APPLICABLE is machine.port().reset().outcome


def test_what_was_opened_is_what_is_looked_at(machine: Machine) -> None:
    """A number that belongs to another device by the time its node is open is not reset."""
    other = machine.plug("1-1.2", 4, "08")
    machine.plug(PLACE, 5)
    with other.open("rb+") as opened:
        report = machine.port()._reset(other, opened.fileno())

    assert Outcome.NOT_APPLICABLE is report.outcome
    assert [] == machine.reset_files


def test_an_empty_port_is_not_applicable(machine: Machine) -> None:
    """Nothing is plugged in: there is nothing to reset, which is no failure."""
    machine.plug("1-1.2")

    assert (
        Report(Outcome.NOT_APPLICABLE, "nothing is plugged in at USB port 1-1.3") == machine.port().reset()
    )


def test_a_device_that_vanishes_meanwhile_is_not_applicable(machine: Machine) -> None:
    """Its node goes before it can be opened."""
    machine.plug().unlink()
    report = machine.port().reset()

    assert Outcome.NOT_APPLICABLE is report.outcome
    assert "has just vanished" in report.detail


@pytest.mark.parametrize("place", ["", "..", "1-1/..", "usb1", "1-1:1.0", "/etc", "1-1.3\n", "1-1.3 "])
def test_only_ports_are_places(tmp_path: Path, place: str) -> None:
    """No name leads out of the folder of devices, to a root hub or to an interface; or out of the one of locks."""
    report = reset(place, tmp_path)

    assert Outcome.FAILED is report.outcome
    assert "names no USB port" in report.detail
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(("number", "hinted"), [(errno.EPERM, True), (errno.ETIMEDOUT, False)])
def test_what_the_kernel_says_is_told(machine: Machine, number: int, *, hinted: bool) -> None:
    """A refused or broken reset has failed, with the file, the kernel's words, and where permission comes from."""

    def refuse(fd: int) -> None:
        raise OSError(number, os.strerror(number))

    node = machine.plug()
    report = machine.port(order=refuse).reset()

    assert Outcome.FAILED is report.outcome
    assert f"{node} could not be reset: {os.strerror(number)}" in report.detail
    assert hinted == ("60-camwatchd.rules" in report.detail)


def test_a_device_that_leaves_in_its_reset_was_reset(machine: Machine) -> None:
    """ENODEV after the order: it comes back as another device or not at all, which frames have to show."""

    def leave(fd: int) -> None:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    machine.plug()
    report = machine.port(order=leave).reset()

    assert Outcome.SUCCEEDED is report.outcome
    assert "left USB port 1-1.3" in report.detail


def test_a_node_that_may_not_be_opened_is_named() -> None:
    """As an unprivileged user, without the udev rule: failed, with the file and what should have allowed it."""
    with open_folder() as folder:
        machine = Machine(folder)
        node = machine.plug()
        node.chmod(0o444)
        pid = os.fork()
        if pid == 0:
            _as_nobody(machine, node)
        _, status = os.waitpid(pid, 0)

    assert 0 == os.waitstatus_to_exitcode(status)


def _as_nobody(machine: Machine, node: Path) -> None:
    """In a child: 0 if the report is the expected one."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setuid(65534)
    report = machine.port().reset()
    expected = f"{node} may not be opened for writing: Permission denied; 60-camwatchd.rules"
    os._exit(0 if report.outcome is Outcome.FAILED and report.detail.startswith(expected) else 1)


def test_the_real_order_reaches_the_kernel(machine: Machine) -> None:
    """The ioctl is made on the opened file: this one is no USB device, and the kernel says so."""
    machine.plug()
    report = Port(PLACE, machine.sys, machine.dev).reset()

    assert (Outcome.FAILED, True) == (report.outcome, "Inappropriate ioctl for device" in report.detail)
    with pytest.raises(OSError, match="Inappropriate ioctl"), Path("/dev/null").open("rb") as none:
        order_configuration(none.fileno(), 1)


# --- the camera's side ------------------------------------------------------------------------------------


def _node(machine: Machine, number: int, interface: Path) -> int:
    """A video node of an interface, as sysfs links it; gives its dev_t."""
    folder = interface / "video4linux" / f"video{number}"
    folder.mkdir(parents=True)
    (folder / "device").symlink_to(interface)
    link = machine.sys / "dev" / "char" / f"81:{number}"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(folder)
    return os.makedev(81, number)


def test_a_cameras_place_is_found_by_its_nodes(machine: Machine) -> None:
    """From a device number over the interface to the device that it belongs to."""
    machine.plug("1-1.2", 4)
    machine.plug(PLACE, 5)
    devices = machine.sys / "devices" / "platform" / "usb1"
    other = _node(machine, 0, devices / "1-1.2" / "1-1.2:1.0")
    ours = _node(machine, 2, devices / PLACE / f"{PLACE}:1.0")

    assert [PLACE, "1-1.2"] == [place_of([ours], machine.sys), place_of([other], machine.sys)]


def test_a_camera_on_csi_has_no_place(machine: Machine) -> None:
    """Its nodes belong to a platform device; nodes that are gone, or none, lead nowhere either."""
    soc = machine.sys / "devices" / "platform" / "soc"
    nodes = [_node(machine, 0, soc / "fe801000.csi"), os.makedev(81, 9)]
    nodes.append(
        _node(machine, 1, soc / "i2c-10" / "10-0010" / "sensor")
    )  # on a control bus: looks like a port
    (soc / "usb1").mkdir()
    (soc / "usb1" / "devnum").write_text("1\n")  # a root hub is none
    nodes.append(_node(machine, 2, soc / "usb1" / "interface"))

    assert "" == place_of(nodes, machine.sys)


@pytest.mark.parametrize(
    "devices", [{}, {"SystemDevices": 81}, {"SystemDevices": [-1]}, {"SystemDevices": ["x"]}]
)
def test_what_libcamera_may_say_never_keeps_a_camera_closed(
    machine: Machine, devices: dict[str, object]
) -> None:
    """Without the property, or with values that are no device numbers, the camera has no place, and is opened."""
    assert "" == place_in(devices, machine.sys)


def test_a_camera_names_its_devices(machine: Machine) -> None:
    """By libcamera's property, as picamera2 hands it on."""
    machine.plug()
    node = _node(machine, 0, machine.sys / "devices" / "platform" / "usb1" / PLACE / f"{PLACE}:1.0")

    assert PLACE == place_in({"SystemDevices": [node], "Model": "webcam"}, machine.sys)


# --- the simulated device, and the process ----------------------------------------------------------------


def test_a_simulated_place_names_its_camera() -> None:
    """There and back; a real place names no simulated camera."""
    assert ["cam0", "", ""] == [
        simulated_camera(p) for p in (simulated_place("cam0"), PLACE, "simulated:../x")
    ]


def test_the_simulated_device_answers_as_it_shows(tmp_path: Path) -> None:
    """Absent, refused, or reset with a mark for its camera."""
    absent = reset_simulated("cam0", tmp_path)
    (tmp_path / "usb-cam0").write_text("refused")
    refused = reset_simulated("cam0", tmp_path)
    unmarked = not (tmp_path / "usb-cam0.reset").exists()
    (tmp_path / "usb-cam0").write_text("answers")
    done = reset_simulated("cam0", tmp_path)

    assert [Outcome.NOT_APPLICABLE, Outcome.FAILED, Outcome.SUCCEEDED] == [
        report.outcome for report in (absent, refused, done)
    ]
    assert unmarked
    assert (tmp_path / "usb-cam0.reset").exists()


@pytest.mark.parametrize(("ours", "said"), [(True, "not-applicable"), (False, "")])
def test_the_helper_prints_its_report(tmp_path: Path, *, ours: bool, said: str) -> None:
    """One line of JSON; nothing is done or said for a supervisor that is gone."""
    supervisor = os.getpid() if ours else 1
    command = [sys.executable, "-m", "camwatchd.usb_reset", "simulated:cam0", str(tmp_path), str(supervisor)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert said == (json.loads(done.stdout)["outcome"] if done.stdout else "")
    assert "" == done.stderr


def test_at_one_place_one_at_a_time(tmp_path: Path) -> None:
    """While somebody is at it, a second one at the same place fails at once and touches nothing; elsewhere it may."""
    for camera in ("cam0", "cam1"):
        (tmp_path / f"usb-{camera}").write_text("answers")
    with (tmp_path / "reset-simulated:cam0.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        here, there = reset(simulated_place("cam0"), tmp_path), reset(simulated_place("cam1"), tmp_path)
    touched = (tmp_path / "usb-cam0.reset").exists()
    afterwards = reset(simulated_place("cam0"), tmp_path)

    assert Report(Outcome.FAILED, "an earlier reset at USB port simulated:cam0 has not returned yet") == here
    assert (Outcome.SUCCEEDED, Outcome.SUCCEEDED) == (there.outcome, afterwards.outcome)
    assert not touched


def test_a_real_place_is_locked_as_well(tmp_path: Path) -> None:
    """Its lock is named after the port, whose name leads nowhere else."""
    reset("99-1.3", tmp_path)

    assert ["reset-99-1.3.lock"] == [path.name for path in tmp_path.iterdir()]
