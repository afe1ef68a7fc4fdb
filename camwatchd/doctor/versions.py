# SPDX-License-Identifier: MIT
"""Owns the checks of versions: ours, the running daemon's, and what it depends on; nothing of it is imported."""

import platform
import re
import site
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from camwatchd import __version__
from camwatchd.control.client import Client, ControlError
from camwatchd.control.protocol import Ping, Pong, Reason
from camwatchd.doctor.finding import Finding, failure, ok, unknown, warning
from camwatchd.doctor.place import Place, matching

NAMES = ("version", "numpy", "libcamera", "picamera2", "system")

OLDEST_PICAMERA2 = (0, 3, 20)  # the first whose captures can be given a time
_PATIENCE = 2.0  # seconds for the daemon
_RESTART = "sudo systemctl restart camwatchd"
_PACKAGE = re.compile(r"^Package: (\S+)\nStatus: \S+ \S+ installed\n(?:.+\n)*?Version: (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is installed, and what runs."""

    running: str = ""  # the daemon's release; empty: none answers
    silence: str = ""  # why none does, if there is one
    packages: Mapping[str, str] = field(default_factory=dict)  # dpkg's
    modules: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # version, and the folder it is in
    needs_picamera2: bool = True
    kernel: str = ""
    modules_gone: bool = False  # those of the running kernel were removed by an upgrade
    release: str = ""  # of the operating system
    board: str = ""


def find(place: Place) -> Iterator[Finding]:
    """All checks of this group."""
    facts = gather(place)
    yield version(facts)
    yield numpy(facts)
    yield libcamera(facts)
    yield picamera2(facts)
    yield system(facts)


def gather(place: Place) -> Facts:
    """The facts of this machine."""
    daemon, silence = ask_daemon(place.socket)
    kernel = place.read("proc/sys/kernel/osrelease") or ""
    kernels = [path.name for path in place.files("lib/modules/*")]
    pretty = re.search(r'^PRETTY_NAME="?([^"\n]*)', place.read("etc/os-release") or "", re.MULTILINE)
    return Facts(
        running=daemon.release if daemon else "",
        silence=silence,
        packages=dict(_PACKAGE.findall(place.read("var/lib/dpkg/status") or "")),
        modules={name: found for name in ("numpy", "picamera2") if (found := _module(place, name))},
        needs_picamera2=bool(place.real_cameras()),
        kernel=kernel,
        modules_gone=bool(kernels) and bool(kernel) and kernel not in kernels,
        release=pretty[1] if pretty else "",
        board=place.read("proc/device-tree/model") or "",
    )


def ask_daemon(socket: str, patience: float = _PATIENCE) -> tuple[Pong | None, str]:
    """Who answers at this socket; or why a daemon that seems to be there does not."""
    try:
        with Client(socket) as client:
            answer = client.ask(Ping(), patience)
    except ControlError as error:
        return None, "" if error.reason is Reason.UNREACHABLE else error.message
    return (answer, "") if isinstance(answer, Pong) else (None, f"it answered {answer!r:.80}")


def _module(place: Place, name: str) -> tuple[str, str] | None:
    """As pip and Debian note it beside what they install: numpy-2.1.0.dist-info, picamera2-0.3.27.egg-info."""
    for folder in _folders(place):
        for info in matching(folder, f"{name}-*.*-info"):
            return info.stem.split("-")[1], str(folder)
    return None


def _folders(place: Place) -> list[Path]:
    """Where the daemon's Python looks, which is ours but for what this user has installed for himself."""
    if place.root == Path("/"):
        return [Path(entry) for entry in sys.path if entry and entry != site.getusersitepackages()]
    return [
        *place.files("usr/local/lib/python3*/dist-packages"),
        *place.files("usr/lib/python3/dist-packages"),
    ]


def version(facts: Facts) -> Finding:
    """Whether what runs is what is installed."""
    if facts.silence:
        return failure("version", f"{__version__} is installed; the daemon: {facts.silence}", _RESTART)
    if facts.running and facts.running != __version__:
        text = f"{__version__} is installed, but the daemon that runs is {facts.running}"
        return warning("version", text, _RESTART)
    runs = "and runs" if facts.running else "no daemon answers"
    return ok("version", f"camwatchd {__version__}, {runs}; Python {platform.python_version()}")


def numpy(facts: Facts) -> Finding:
    """The one that Debian's libcamera and picamera2 were built with."""
    if not (found := facts.modules.get("numpy")):
        return failure("numpy", "not found: no picture can be checked", "sudo apt install python3-numpy")
    number, folder = found
    if "/usr/local/" in f"{folder}/" and "python3-numpy" in facts.packages:
        theirs = facts.packages["python3-numpy"]
        text = f"{number} from {folder} stands before Debian's {theirs}: picamera2 may not load"
        return warning("numpy", text, "sudo pip uninstall --break-system-packages numpy")
    return ok("numpy", number)


def libcamera(facts: Facts) -> Finding:
    """The library and its Python binding."""
    library = {name: v for name, v in facts.packages.items() if re.fullmatch(r"libcamera\d[\d.]*", name)}
    binding = facts.packages.get("python3-libcamera", "")
    if not library or not binding:
        if not facts.needs_picamera2:
            return ok("libcamera", "not installed, and not needed: every camera is simulated")
        if not facts.packages:
            return unknown("libcamera", "there is no dpkg to ask")
        return failure("libcamera", "not installed", "sudo apt install python3-libcamera python3-picamera2")
    text = (
        f"{', '.join(f'{name} {number}' for name, number in library.items())}; python3-libcamera {binding}"
    )
    if binding not in library.values():
        return warning("libcamera", f"of different versions: {text}", "sudo apt full-upgrade")
    return ok("libcamera", text)


def picamera2(facts: Facts) -> Finding:
    """What opens real cameras."""
    if not (found := facts.modules.get("picamera2")):
        if not facts.needs_picamera2:
            return ok("picamera2", "not installed, and not needed: every camera is simulated")
        return failure(
            "picamera2", "not found: no camera can be opened", "sudo apt install python3-picamera2"
        )
    number, folder = found
    if tuple(map(int, re.findall(r"\d+", number)[:3])) < OLDEST_PICAMERA2:
        text = f"{number} in {folder} is too old: at least {'.'.join(map(str, OLDEST_PICAMERA2))}"
        return failure("picamera2", text, "sudo apt update && sudo apt install python3-picamera2")
    return ok("picamera2", number)


def system(facts: Facts) -> Finding:
    """Kernel, operating system, board."""
    parts = [facts.board, facts.release, f"kernel {facts.kernel}" if facts.kernel else ""]
    if systemd := facts.packages.get("systemd"):
        parts.append(f"systemd {systemd}")
    if not any(parts):
        return unknown("system", "neither /proc nor /etc/os-release say")
    text = ", ".join(filter(None, parts))
    if facts.modules_gone:
        text += "; the modules of this kernel are gone since an upgrade: no driver can be loaded any more"
        return warning("system", text, "sudo reboot")
    return ok("system", text)
