# SPDX-License-Identifier: MIT
"""Owns the cameras as the kernel shows them in /sys, and the ids that libcamera makes of that; nothing is opened."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from camwatchd.adapters.entry import readable
from camwatchd.doctor.place import Place

_CLASS = "sys/class/video4linux"
_I2C = "sys/bus/i2c/devices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """One camera that the kernel has."""

    model: str  # as libcamera calls it
    bus: str  # CSI or USB
    nodes: tuple[str, ...]  # below /dev
    id: str = ""  # libcamera's; empty: it gives this camera none
    place: str = ""  # where it is plugged in, in the kernel's words


def sensors(place: Place) -> tuple[Sensor, ...]:
    """All of them in picamera2's order, which `index` counts: by id, the last first, and USB behind the others."""
    found = [*_on_csi(place), *_on_usb(place)]
    return tuple(sorted(found, key=lambda sensor: ("/usb" not in sensor.id, sensor.id), reverse=True))


def _on_csi(place: Place) -> Iterator[Sensor]:
    for entry in place.files(f"{_CLASS}/v4l-subdev*"):
        device = entry / "device"
        # A sensor has a port to the receiver in the device tree; a lens or a flash on the same bus has none.
        if _subsystem(device) == "i2c" and _has_port(device / "of_node"):
            name, _, address = (place.read(entry / "name") or "?").partition(" ")
            yield Sensor(
                model=name, bus="CSI", nodes=(entry.name,), id=_firmware_path(place, device), place=address
            )


def _on_usb(place: Place) -> Iterator[Sensor]:
    found: dict[str, list[Path]] = {}
    for entry in place.files(f"{_CLASS}/video*"):
        if _subsystem(entry / "device") == "usb":
            found.setdefault(os.path.realpath(entry / "device"), []).append(entry)
    for path, entries in sorted(found.items()):
        interface, nodes = Path(path), sorted(entries, key=_number)
        model = (place.read(nodes[0] / "name") or "?").strip()
        product = place.read(interface.parent / "product")  # the node's name may have it twice, and be cut
        yield Sensor(
            model=readable(product or model), bus="USB", nodes=tuple(node.name for node in nodes),
            id=_usb_id(place, interface), place=interface.parent.name,
        )  # fmt: skip


def unprobed(place: Place) -> list[str]:
    """Sensors that the device tree has and whose driver did not find them: nobody answered on their I2C address."""
    return [
        f"{place.read(device / 'name') or '?'} at {device.name}"
        for device in place.files(f"{_I2C}/*-*")
        if _has_port(device / "of_node") and not place.has(device / "driver")
    ]


def media_models(place: Place) -> dict[str, str]:
    """What each media controller is: rp1-cfe, unicam, a USB camera's name."""
    return {
        path.name: place.read(path / "model") or "?" for path in place.files("sys/bus/media/devices/media*")
    }


def _usb_id(place: Place, interface: Path) -> str:
    """As libcamera's uvcvideo handler: firmware path of the controller, port, vendor and product."""
    numbers = [place.read(interface.parent / name) for name in ("idVendor", "idProduct")]
    above = (path for path in interface.parents if path.is_relative_to(place.root / "sys"))
    controller = next(filter(None, (_firmware_path(place, path) for path in above)), "")
    if not controller or None in numbers:
        return ""
    port = interface.name.partition("-")[2]
    return f"{controller}-{port}-{numbers[0]}:{numbers[1]}"


def _firmware_path(place: Place, device: Path) -> str:
    """The device tree's path of a device, or ACPI's."""
    tree = place.root.resolve() / "sys/firmware/devicetree"
    node = Path(os.path.realpath(device / "of_node"))
    if node.is_relative_to(tree):
        return f"/{node.relative_to(tree)}"
    return place.read(device / "firmware_node/path") or ""


def _subsystem(device: Path) -> str:
    return Path(os.path.realpath(device / "subsystem")).name


def _has_port(node: Path) -> bool:
    return any(os.access(node / name, os.F_OK) for name in ("port", "ports"))


def _number(node: Path) -> int:
    digits = node.name.removeprefix("video")
    return int(digits) if digits.isdecimal() else 0
