# SPDX-License-Identifier: MIT
"""Owns the helper process that resets the USB device behind a camera: sysfs and the kernel's call may hang.

    python -m camwatchd.usb_reset PLACE RUNTIME_DIR SUPERVISOR

prints {"outcome": "succeeded", "detail": "..."}, or failed, or not-applicable. The port is reset as if the device
were pulled and plugged in again, but for its power: the kernel enumerates it anew and binds its driver again.

At each place one at a time, whoever asked for it: this daemon for another camera, or a start before it.
"""

import errno
import fcntl
import json
import os
import signal
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from camwatchd.adapters.host import RESET_COMM
from camwatchd.adapters.lifeline import tied_to
from camwatchd.core.ladder import Outcome
from camwatchd.core.usb import device_file, is_place, reset_mark, simulated_camera

_USBDEVFS_RESET = ord("U") << 8 | 20  # _IO('U', 20), linux/usbdevice_fs.h
_USBDEVFS_SETCONFIGURATION = 2 << 30 | 4 << 16 | ord("U") << 8 | 5  # _IOR('U', 5, unsigned int)
_VIDEO_CLASS = 0x0E  # of an interface, see usb.org's list of class codes
_CONFIGURATION, _INTERFACE = 2, 4  # types of descriptors, linux/usb/ch9.h
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


def order_configuration(fd: int, number: int) -> None:
    """Returns when drivers are bound to the interfaces of this configuration."""
    fcntl.ioctl(fd, _USBDEVFS_SETCONFIGURATION, struct.pack("I", number))


@dataclass(frozen=True, slots=True)
class Port:
    """A place on USB, where something may be plugged in."""

    place: str
    sys: Path = Path("/sys")
    dev: Path = Path("/dev")
    order: Callable[[int], None] = order_reset
    configure: Callable[[int, int], None] = order_configuration

    def reset(self) -> Report:
        """Reset what is plugged in here, if it is a camera: the number of the device is read at this moment."""
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
        active, known = self._active_classes(), self._descriptors()
        # A camera that lost its configuration has no interfaces, but the kernel knows those it should have.
        if self._node() != node or _VIDEO_CLASS not in (active or _values(known, _INTERFACE)):
            text = f"what is plugged in at USB port {self.place} is no camera"
            return Report(Outcome.NOT_APPLICABLE, text)
        try:
            self.order(fd)
            if not active:  # a reset gives back the configuration that there was: none
                self.configure(fd, _values(known, _CONFIGURATION)[0])  # stands before its interfaces
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

    def _active_classes(self) -> list[int]:
        """The classes of the interfaces that it has at this moment."""
        try:
            return [int(path.read_text(), 16) for path in self._device.glob("*:*/bInterfaceClass")]
        except (OSError, ValueError):
            return []

    def _descriptors(self) -> bytes:
        """What it said of itself when it was plugged in: the kernel's copy, the device is not asked."""
        try:
            return (self._device / "descriptors").read_bytes()
        except OSError:
            return b""

    def _not_opened(self, node: Path, error: OSError) -> Report:
        if error.errno in _VANISHED:
            text = f"the device at USB port {self.place} has just vanished ({node}: {error.strerror})"
            return Report(Outcome.NOT_APPLICABLE, text)
        return _failed(node, "may not be opened for writing", error)

    def _not_reset(self, node: Path, error: OSError) -> Report:
        if error.errno == errno.ENODEV:  # it came back as another device, or not at all: frames will tell
            return Report(Outcome.SUCCEEDED, f"{node} left USB port {self.place} during its reset")
        return _failed(node, "could not be reset", error)


def _values(descriptors: bytes, kind: int) -> list[int]:
    """The class of each interface, the number of each configuration: the sixth byte of both."""
    found, rest = [], descriptors
    while len(rest) > 5 and rest[0] > 1:  # shorter than its own head: nonsense follows
        found += [rest[5]] if rest[1] == kind and rest[0] > 5 else []
        rest = rest[rest[0] :]
    return found


def _failed(node: Path, what: str, error: OSError) -> Report:
    hint = ""
    if error.errno in _REFUSED:
        hint = (
            "; 60-camwatchd.rules of udev gives the user camwatchd what is a camera and nothing else,"
            " DeviceAllow=char-usb_device rw the unit"
        )
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


def reset(place: str, runtime_dir: Path) -> Report:
    """Reset what is at this place, unless somebody is still at it: who opened the device then would hang as well."""
    camera = simulated_camera(place)
    if not camera and not is_place(place):
        return Report(Outcome.FAILED, f"{place!r:.80} names no USB port")
    if not _alone(runtime_dir / f"reset-{place}.lock"):
        return Report(Outcome.FAILED, f"an earlier reset at USB port {place} has not returned yet")
    return reset_simulated(camera, runtime_dir) if camera else Port(place).reset()


def _alone(path: Path) -> bool:
    """Whether nobody else has the lock. Ours goes with us, and stays while we hang in the kernel, killed or not."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main(place: str, runtime_dir: str, supervisor: str) -> None:
    """Reset and report, unless nobody is there to hear it."""
    if not tied_to(int(supervisor)):
        return
    Path("/proc/self/comm").write_text(RESET_COMM)  # whoever finds us hanging shall not take us for a worker
    report = reset(place, Path(runtime_dir))
    sys.stdout.write(json.dumps({"outcome": report.outcome.value, "detail": report.detail}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
