# SPDX-License-Identifier: MIT
"""Owns the machine's disk: root file system, guest files and camera in one image, with kernel and initrd."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from . import cache
from .initrd import write_initrd
from .root import root

_HERE = Path(__file__).parent
_GUEST = _HERE / "guest"
_CAMERA = _HERE / "camera"
_JPEGS = "/usr/local/share/usb-camera"
_SIZE = "3G"  # sparse
_ENABLED = ("usb-camera.service", "test-agent.service")

# Each costs seconds of an emulated boot, and nothing here needs it.
_MASKED = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer"),
    *("fstrim.timer", "systemd-tmpfiles-clean.timer", "e2scrub_reap.service", "systemd-pstore.service"),
    *("getty.target", "serial-getty@ttyS0.service", "systemd-networkd.service"),
    *("systemd-hwdb-update.service", "systemd-firstboot.service", "ldconfig.service"),
    *("systemd-binfmt.service", "proc-sys-fs-binfmt_misc.automount", "systemd-timesyncd.service"),
)


def image(source: Callable[[], Path] = root, prefix: str = "") -> Path:
    """The folder that holds disk.img, vmlinuz and initrd.img; nobody writes into them any more.

    Another root file system has a prefix, so that what is built of it replaces nothing of the ordinary one.
    """
    tree = source()
    code = [_GUEST, _CAMERA, *(_HERE / name for name in ("image.py", "initrd.py", "initrd-init.sh"))]
    return cache.built(f"{prefix}image", cache.key(str(tree), *code), lambda folder: _build(tree, folder))


def _build(tree: Path, folder: Path) -> None:
    copy = folder / "tree"
    # Hard links: what is changed below must be replaced, never written to.
    subprocess.run(["cp", "--archive", "--link", str(tree), str(copy)], check=True)
    _compile_camera(copy / "usr/local/bin/usb-camera")
    subprocess.run(["cp", "-r", "--remove-destination", f"{_GUEST}/.", str(copy)], check=True)
    _finish(copy)
    shutil.copy(next((copy / "boot").glob("vmlinuz-*")), folder / "vmlinuz")
    write_initrd(copy, folder / "initrd.img")
    _format(copy, folder / "disk.img")
    shutil.rmtree(copy)


def _compile_camera(program: Path) -> None:
    """Static, so that the host's C library does not have to be the guest's."""
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-static"]
    sources = [str(source) for source in sorted(_CAMERA.glob("*.c"))]
    subprocess.run(["gcc", *flags, "-o", str(program), *sources], check=True)


def _finish(copy: Path) -> None:
    subprocess.run(["chroot", str(copy), "python3", "/usr/local/lib/testbed/jpegs.py", _JPEGS], check=True)
    units = copy / "etc/systemd/system"
    for name in _MASKED:
        (units / name).symlink_to("/dev/null")
    wanted = units / "multi-user.target.wants"
    for name in _ENABLED:
        (wanted / name).symlink_to(f"/etc/systemd/system/{name}")
    _replace(copy / "etc/machine-id", f"{cache.key('machine-id'):0<32}\n")
    _replace(copy / "etc/hostname", "camera\n")
    # With this folder the journal is kept on disk: a test may want to read it after a crash.
    (copy / "var/log/journal").mkdir(exist_ok=True)


def _replace(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    file.write_text(text)


def _format(tree: Path, disk: Path) -> None:
    # Without a journal and checksums: the disk lives for one test, and both cost time when emulated.
    features = "^has_journal,^metadata_csum"
    options = ["-q", "-t", "ext4", "-O", features, "-m", "0", "-d", str(tree)]
    subprocess.run(["mke2fs", *options, str(disk), _SIZE], check=True, stdout=subprocess.DEVNULL)
