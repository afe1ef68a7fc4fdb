# SPDX-License-Identifier: MIT
"""Owns a second version of the package, and apt's way to it."""

import subprocess
from pathlib import Path

from tests.vm.cache import REPOSITORY, key

from . import cache
from .container import Container
from .installed import INSTALL, package
from .root import offer

VERSION = "9.9"
_APT_SECONDS = 120


def upgrade(container: Container) -> None:
    """As an operator does it, or a fleet's tool."""
    offer(container.tree, _next_package())
    container.run(INSTALL, timeout=_APT_SECONDS)


def _next_package() -> Path:
    """Built from the working tree, once for each package under test."""
    folder = cache.built("next", key(package(), Path(__file__)), _build)
    (found,) = folder.glob("*.deb")
    return found


def _build(folder: Path) -> None:
    command = ["sh", str(REPOSITORY / "debian/build.sh"), str(folder), VERSION]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
