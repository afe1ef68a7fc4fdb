# SPDX-License-Identifier: MIT
"""Owns Prometheus' own judge of metrics, taken out of Debian's package: to install that would start a server."""

import shutil
import subprocess
from pathlib import Path

from tests.vm.cache import key

from . import cache

_PACKAGE = "prometheus"
_PROGRAM = "usr/bin/promtool"
# apt's own user may not write into our folders, and would say so.
_DOWNLOAD = ("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", _PACKAGE)


def promtool() -> Path:
    """The program; downloaded once."""
    return cache.built("promtool", key(Path(__file__)), _build) / "promtool"


def complaints(exposition: str) -> str:
    """What `promtool check metrics` has against it; empty: nothing."""
    done = subprocess.run(
        [promtool(), "check", "metrics"], input=exposition, capture_output=True, text=True, check=False
    )
    said = f"{done.stdout}{done.stderr}".strip()
    return f"{said} (status {done.returncode})" if said or done.returncode else ""


def _build(folder: Path) -> None:
    _run(_DOWNLOAD, folder, "is the list of packages there? apt-get update")
    (archive,) = folder.glob(f"{_PACKAGE}_*.deb")
    _run(("dpkg-deb", "--extract", archive.name, "package"), folder, "is the disk full?")
    (folder / "package" / _PROGRAM).rename(folder / "promtool")
    shutil.rmtree(folder / "package")
    archive.unlink()


def _run(command: tuple[str, ...], folder: Path, hint: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stdout}{done.stderr}\n  hint: {hint}")
