# SPDX-License-Identifier: MIT
"""Owns the package under test, and the trees in which apt has installed it."""

import os
from pathlib import Path

from tests.vm.cache import REPOSITORY, key

from . import cache
from .container import Container
from .root import base, offer

_HERE = Path(__file__).parent
# The file that a test run is to judge, if it is not the one that `make deb` has just built.
_CHOSEN = "CAMWATCHD_DEB"
INSTALL = "apt-get update -q && apt-get install -q -y camwatchd"
_APT_SECONDS = 120


def package() -> Path:
    """The .deb under test."""
    if chosen := os.environ.get(_CHOSEN):
        return Path(chosen)
    found = sorted((REPOSITORY / "build" / "deb").glob("camwatchd_*.deb"))
    assert len(found) == 1, f"build/deb holds {len(found)} packages; run make deb, or set {_CHOSEN}"
    return found[0]


def bare(release: str, folder: Path) -> Container:
    """A container whose apt offers the package, but has not installed it."""
    container = Container(base(release), folder)
    offer(container.tree, package())
    return container


def installed(release: str) -> Path:
    """A tree in which apt has installed the package while it ran; off, and as if it had never been on."""
    code = [_HERE / name for name in ("installed.py", "container.py", "nspawn.py", "nspawn.sh")]
    inputs = key(str(base(release)), package(), *code)
    return cache.built(f"installed-{release}", inputs, lambda folder: _install(release, folder)) / "tree"


def _install(release: str, folder: Path) -> None:
    with bare(release, folder) as container:
        container.boot()
        container.run(INSTALL, timeout=_APT_SECONDS)
        container.power_off()
        _forget(container.tree)
        container.tree.rename(folder / "tree")


def _forget(tree: Path) -> None:
    """What the first start has written: each test begins with its own."""
    state, log = tree / "var/lib/camwatchd", tree / "var/log/journal"
    written = [path for folder in (state, log) for path in folder.rglob("*") if not path.is_dir()]
    for path in written:
        path.unlink()
