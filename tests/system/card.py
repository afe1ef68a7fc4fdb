# SPDX-License-Identifier: MIT
"""Owns an SD card for the daemon's state: a small ext4 file system of its own, that can be filled and blocked."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from .container import Container

_PLACE = "/var/lib/camwatchd"
_SIZE = "8M"


def insert(container: Container) -> None:
    """From the next boot on what the package has in its folder lies on the card."""
    image, folder = container.tree.with_name("card"), f"{container.tree}{_PLACE}"
    make = ["mke2fs", "-q", "-t", "ext4", "-m", "0", "-d", folder, str(image), _SIZE]
    subprocess.run(make, check=True)
    container.lend(prepare=f"mount -o loop {image} {folder}")


def fill(container: Container) -> None:
    """To the last block."""
    container.run(
        f"for size in 64k 1k; do dd if=/dev/zero of={_PLACE}/filler.$size bs=$size; done; sync", check=False
    )


def make_room(container: Container) -> None:
    """As before."""
    container.run(f"rm {_PLACE}/filler.*")


@contextmanager
def blocked(container: Container) -> Iterator[None]:
    """Meanwhile whoever writes to the card waits, in the kernel and without an error."""
    mounted = f"/proc/{container.on.leader}/root{_PLACE}"
    subprocess.run(["fsfreeze", "--freeze", mounted], check=True)
    try:
        yield
    finally:
        subprocess.run(["fsfreeze", "--unfreeze", mounted], check=True)
