# SPDX-License-Identifier: MIT
"""Owns the machine of the peers: that of tests/vm with Debian's ustreamer and motion in it, built apart from it."""

import shutil
import subprocess
from pathlib import Path

from tests.vm import cache, snapshot
from tests.vm.root import root

PACKAGES = ("ustreamer", "motion")
_RESOLVER = Path("/etc/resolv.conf")
_INSTALL = (
    "export DEBIAN_FRONTEND=noninteractive && apt-get -q update"
    f" && apt-get -q install -y --no-install-recommends {' '.join(PACKAGES)} && apt-get clean"
)


def built() -> tuple[Path, Path]:
    """For `Machine()`; a few minutes when it is not there yet."""
    return snapshot.installed(_tree, "peers-")


def _tree() -> Path:
    ordinary = root()
    inputs = cache.key(str(ordinary), Path(__file__))
    return cache.built("peers-root", inputs, lambda folder: _build(ordinary, folder / "tree")) / "tree"


def _build(ordinary: Path, tree: Path) -> None:
    # No hard links: dpkg appends to its logs.
    subprocess.run(["cp", "--archive", "--reflink=auto", str(ordinary), str(tree)], check=True)
    resolver = tree / _RESOLVER.relative_to("/")
    shutil.copy(_RESOLVER, resolver)
    try:
        subprocess.run(["chroot", str(tree), "sh", "-c", _INSTALL], check=True, stdout=subprocess.DEVNULL)
    finally:
        resolver.unlink()
    for unit in ("motion.service", "ustreamer.service"):  # they are started with a configuration of ours
        (tree / "etc/systemd/system" / unit).unlink(missing_ok=True)
        (tree / "etc/systemd/system" / unit).symlink_to("/dev/null")
