# SPDX-License-Identifier: MIT
"""Owns the helper process that resets the USB device behind a camera: sysfs and the kernel's call may hang.

    python -m camwatchd.usb_reset PLACE RUNTIME_DIR SUPERVISOR

prints {"outcome": "succeeded", "detail": "..."}, or failed, or not-applicable. The port is reset as if the device
were pulled and plugged in again, but for its power: the kernel enumerates it anew and binds its driver again.
"""

import errno
import fcntl
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from camwatchd.adapters.lifeline import tied_to
from camwatchd.core.ladder import Outcome
from camwatchd.core.usb import device_file, is_place, reset_mark, simulated_camera

_USBDEVFS_RESET = ord("U") << 8 | 20  # _IO('U', 20), linux/usbdevice_fs.h
_VIDEO_CLASS = "0e"  # of an interface, see usb.org's list of class codes
_VANISHED = (errno.ENOENT, errno.ENODEV, errno.ENXIO)
_REFUSED = (errno.EACCES, errno.EPERM)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the reset, and a sentence on it."""

    outcome: Outcome
    detail: str


def order_reset(fd: int) -> None:
    """Returns when the device is enumerated anew and its drivers are bound again; OSError says why not."""
    fcntl.ioctl(fd, _USBDEVFS_RESET, 0)


@dataclass(frozen=True, slots=True)
class Port:
    """A place on USB, where something may be plugged in."""

    place: str
    sys: Path = Path("/sys")
    dev: Path = Path("/dev")
    order: Callable[[int], None] = order_reset

    def reset(self) -> Report:
        """Reset what is plugged in here, if it is a camera: the number of the device is read at this moment."""
        if not is_place(self.place):
            return Report(Outcome.FAILED, f"{self.place!r:.80} names no USB port")
        if (node := self._node()) is None:
            return Report(Outcome.NOT_APPLICABLE, f"nothing is plugged in at USB port {self.place}")
        try:
            fd = os.open(node, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            return self._not_opened(node, error)
        try:
            return self._reset(node, fd)
        finally:
            os.close(fd)

    def _reset(self, node: Path, fd: int) -> Report:
        """What was opened is looked at once more: a disk may be plugged in where the camera was a moment ago."""
        if self._node() != node or not self._is_camera():
            text = f"what is plugged in at USB port {self.place} is no camera"
            return Report(Outcome.NOT_APPLICABLE, text)
        try:
            self.order(fd)
        except OSError as error:
            return self._not_reset(node, error)
        return Report(Outcome.SUCCEEDED, f"{node} at USB port {self.place} was reset")

    @property
    def _device(self) -> Path:
        return self.sys / "bus" / "usb" / "devices" / self.place

    def _node(self) -> Path | None:
        """The device's node; None: there is no device."""
        try:
            bus, number = (int((self._device / name).read_text()) for name in ("busnum", "devnum"))
        except (OSError, ValueError):
            return None
        return self.dev / "bus" / "usb" / f"{bus:03}" / f"{number:03}"

    def _is_camera(self) -> bool:
        try:
            classes = [path.read_text().strip() for path in self._device.glob("*:*/bInterfaceClass")]
        except OSError:
            return False
        return _VIDEO_CLASS in classes

    def _not_opened(self, node: Path, error: OSError) -> Report:
        if error.errno in _VANISHED:
            text = f"the device at USB port {self.place} has just vanished ({node}: {error.strerror})"
            return Report(Outcome.NOT_APPLICABLE, text)
        return _failed(node, "may not be opened for writing", error)

    def _not_reset(self, node: Path, error: OSError) -> Report:
        if error.errno == errno.ENODEV:  # it came back as another device, or not at all: frames will tell
            return Report(Outcome.SUCCEEDED, f"{node} left USB port {self.place} during its reset")
        return _failed(node, "could not be reset", error)


def _failed(node: Path, what: str, error: OSError) -> Report:
    hint = ""
    if error.errno in _REFUSED:
        hint = "; 60-camwatchd.rules of udev gives it to group video, DeviceAllow=char-usb_device rw to the unit"
    return Report(Outcome.FAILED, f"{node} {what}: {error.strerror}{hint}")


def reset_simulated(camera: str, runtime_dir: Path) -> Report:
    """What became of a simulated device; its camera finds the mark when it is opened next."""
    try:
        answers = (runtime_dir / device_file(camera)).read_text()
    except FileNotFoundError:
        return Report(Outcome.NOT_APPLICABLE, f"the simulated device of {camera} is unplugged")
    while answers == "hangs":
        signal.pause()
    if answers == "refused":
        refused = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return _failed(runtime_dir / device_file(camera), "may not be opened for writing", refused)
    (runtime_dir / reset_mark(camera)).touch()
    return Report(Outcome.SUCCEEDED, f"the simulated device of {camera} was reset")


def main(place: str, runtime_dir: str, supervisor: str) -> None:
    """Reset and report, unless nobody is there to hear it."""
    if not tied_to(int(supervisor)):
        return
    camera = simulated_camera(place)
    report = reset_simulated(camera, Path(runtime_dir)) if camera else Port(place).reset()
    sys.stdout.write(json.dumps({"outcome": report.outcome.value, "detail": report.detail}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
