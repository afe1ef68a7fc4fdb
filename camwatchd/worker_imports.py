# SPDX-License-Identifier: MIT
"""Owns the slow imports of a worker: what was imported, in which version, and whether it changed on disk since."""

import os
import platform
import re
import sys
import time
from importlib import import_module
from pathlib import Path

from camwatchd.core.messages import Imported

# The packages that a camera process must not mix versions of: an upgrade under a resting standby.
PACKAGES = ("numpy", "picamera2", "libcamera")

Fingerprint = dict[str, tuple[int, int, int] | None]


def import_backend(name: str) -> Imported:
    """Import a backend; whatever an import can raise comes through."""
    # On its own numpy's library for linear algebra starts a thread a core, each with memory of its own; a
    # SIGABRT may land in one of them, and faulthandler then reads the main thread's stack while it changes.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from camwatchd.cameras.base import load  # imports numpy

    load(name)
    import_module("camwatchd.worker_loop")  # or a standby would import it when it is wanted
    return Imported(name, round(_seconds_since_exec(), 3), _versions())


def fingerprint() -> Fingerprint:
    """What the imported files of PACKAGES look like on disk now; None where one is missing."""
    return {path: _look(path) for path in sorted(_imported_files())}


def changed(before: Fingerprint) -> str:
    """The first file that is no longer what it was; empty if all are."""
    return next((path for path, was in before.items() if _look(path) != was), "")


def _look(path: str) -> tuple[int, int, int] | None:
    try:
        stat = Path(path).stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _imported_files() -> set[str]:
    modules = [module for name, module in list(sys.modules.items()) if name.split(".")[0] in PACKAGES]
    files = {file for module in modules if (file := getattr(module, "__file__", None))}
    # libcamera's Python part is thin; what counts is the shared library it is bound to.
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    return files | {line.split(maxsplit=5)[5] for line in maps if "/libcamera" in line and ".so" in line}


def _versions() -> dict[str, str]:
    """Of what was imported, by the name of the folder beside it that pip or Debian has put there.

    importlib.metadata says the same, but takes 20 ms of processor time, a fifth of all that a worker imports.
    """
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        file = getattr(sys.modules.get(name), "__file__", None)
        for info in Path(file).parents[1].glob(f"{name}-*.*-info") if file else ():
            found[name] = info.stem.split("-")[1]  # numpy-2.1.0.dist-info, picamera2-0.3.27-py3.egg-info
    return {**_libcamera(Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")), **found}


def _libcamera(maps: str) -> dict[str, str]:
    """Debian's Python part says no version of its own; the shared library's name does."""
    match = re.search(r"/libcamera\.so\.(\d[\d.]*)$", maps, re.MULTILINE)
    return {"libcamera": match[1]} if match else {}


def _seconds_since_exec() -> float:
    """From the kernel's start time of this process (proc(5), field 22), so that Python's own start counts too."""
    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started
