# SPDX-License-Identifier: MIT
"""Owns the guest's initrd: busybox and the few modules that find the disk. Debian's costs a boot 15 s."""

import gzip
import lzma
import shutil
import subprocess
import tempfile
from pathlib import Path

_INIT = Path(__file__).with_name("initrd-init.sh")
_FOLDERS = ("bin", "modules", "proc", "sys", "dev", "root")

# In the order in which they have to be loaded; what a kernel has built in is left out.
_MODULES = (
    "crypto/crc32c_generic",
    "lib/libcrc32c",
    "lib/crc16",
    "fs/mbcache",
    "fs/jbd2/jbd2",
    "drivers/block/virtio_blk",
    "fs/ext4/ext4",
)


def write_initrd(tree: Path, initrd: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        content = Path(scratch)
        _fill(content, tree)
        initrd.write_bytes(gzip.compress(_archive(content), compresslevel=1))


def _fill(content: Path, tree: Path) -> None:
    for folder in _FOLDERS:
        (content / folder).mkdir()
    shutil.copy(tree / "usr/bin/busybox", content / "bin/busybox")
    shutil.copy(_INIT, content / "init")
    (content / "init").chmod(0o755)
    kernel = next((tree / "usr/lib/modules").iterdir()) / "kernel"
    for number, module in enumerate(_MODULES):
        packed = kernel / f"{module}.ko.xz"
        if packed.exists():
            target = content / "modules" / f"{number}-{packed.stem}"
            target.write_bytes(lzma.decompress(packed.read_bytes()))


def _archive(content: Path) -> bytes:
    names = sorted(str(path.relative_to(content)) for path in content.rglob("*"))
    done = subprocess.run(
        ["cpio", "--create", "--format=newc", "--quiet", "--owner=0:0"],
        cwd=content,
        input="\n".join(names).encode(),
        capture_output=True,
        check=True,
    )
    return done.stdout
