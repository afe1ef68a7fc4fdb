# SPDX-License-Identifier: MIT
"""Owns the snapshots: a machine that is up, its camera plugged in; then the same with the package installed."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.system.installed import package

from . import cache
from .image import image
from .install import install
from .qemu import Qemu
from .root import root
from .shell import Shell

READY, INSTALLED = "ready", "installed"
_DISK = "machine.qcow2"
_BOOT_SECONDS = 300
_WARM_UP_SECONDS = 120

# The camera's nodes are there, and libcamera and picamera2 have been read and find it.
_WARM_UP = """
set -e
for attempt in $(seq 300); do [ -e /dev/video0 ] && break; sleep 0.1; done
udevadm settle
systemctl is-active --quiet usb-camera
export LIBCAMERA_PIPELINES_MATCH_LIST=uvcvideo
python3 -c 'import structlog, sdnotify, tomli, sqlite3
from picamera2 import Picamera2
assert len(Picamera2.global_camera_info()) == 1'
sync
"""


def installed(source: Callable[[], Path] = root, prefix: str = "") -> tuple[Path, Path]:
    """The image's folder and the disk with the snapshot in it, which is to be copied, never run; see `image()`."""
    with cache.lock():
        base, ready = _ready(source, prefix)
        inputs = cache.key(str(ready), package(), Path(__file__).with_name("install.py"))
        folder = cache.built(f"{prefix}{INSTALLED}", inputs, lambda new: _install(base, ready, new))
    return base, folder / _DISK


def _ready(source: Callable[[], Path], prefix: str) -> tuple[Path, Path]:
    base = image(source, prefix)
    code = [Path(__file__).with_name(name) for name in ("snapshot.py", "qemu.py")]
    inputs = cache.key(str(base), _qemu_version(), *code)
    return base, cache.built(f"{prefix}{READY}", inputs, lambda new: _build(base, new)) / _DISK


def _qemu_version() -> str:
    return subprocess.run(
        ["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True
    ).stdout


def _build(base: Path, folder: Path) -> None:
    disk = folder / _DISK
    options = ["-q", "-f", "qcow2", "-b", str(base / "disk.img"), "-F", "raw"]
    subprocess.run(["qemu-img", "create", *options, str(disk)], check=True)
    _save(Qemu(base, disk, folder / "console.log"), READY, _warm_up)


def _install(base: Path, ready: Path, folder: Path) -> None:
    disk = folder / _DISK
    subprocess.run(["cp", "--sparse=always", str(ready), str(disk)], check=True)
    _save(
        Qemu(base, disk, folder / "console.log", READY), INSTALLED, lambda machine: install(Shell(machine))
    )
    subprocess.run(["qemu-img", "snapshot", "-d", READY, str(disk)], check=True)


def _save(machine: Qemu, name: str, prepare: Callable[[Qemu], None]) -> None:
    try:
        prepare(machine)
        with cache.progress("saving the snapshot"):
            complaint = machine.monitor(f"savevm {name}")
    finally:
        machine.close()
    if complaint:
        raise RuntimeError(f"savevm: {complaint}")


def _warm_up(machine: Qemu) -> None:
    with cache.progress("booting the machine"):
        machine.ask_agent({"run": "true", "timeout": 10}, _BOOT_SECONDS)
    with cache.progress("reading libcamera and picamera2 once"):
        answer = machine.ask_agent({"run": _WARM_UP, "timeout": _WARM_UP_SECONDS}, _WARM_UP_SECONDS + 10)
    if answer["status"] != 0:
        raise RuntimeError(f"the machine is not ready: {answer}\n{machine.console_tail()}")
