# SPDX-License-Identifier: MIT
"""Owns one boot of a container: systemd-nspawn, its control group, the process that is PID 1 inside, its end."""

import itertools
import math
import os
import re
import select
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

_SCRIPT = Path(__file__).with_name("nspawn.sh")
_STARTED = 10.0  # seconds; until PID 1 is there
_GONE = 20.0  # seconds; after SIGKILL to everything
_REBOOT = 133  # nspawn's exit status after a reboot that was asked for inside
_PREFIX = "camwatchd-test"
_CLOCKS = (time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC)
_numbers = itertools.count()

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
ENVIRONMENT |= {"LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "PAGER": "cat"}


class Boot:
    """From power on to the end, which is a reboot, a power-off or `kill()`."""

    def __init__(
        self, tree: Path, console: Path, options: Sequence[str], uptime: float, prepare: str
    ) -> None:
        self._console = console
        self._cgroup = _cgroups() / f"{_PREFIX}-{os.getpid()}-{next(_numbers)}"
        self._cgroup.mkdir()
        self._notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notes.bind("")  # a name of the kernel's choice, as long as it lasts
        self._said = ""
        # Rounded up: no clock may begin below 0.
        clocks = [f"{math.ceil(uptime - time.clock_gettime(clock))}" for clock in _CLOCKS]
        notes = "@" + self._notes.getsockname()[1:].decode()
        with console.open("ab") as said:
            self.process = subprocess.Popen(
                ["sh", str(_SCRIPT), str(self._cgroup), *clocks, f"--directory={tree}", *options],
                env={**ENVIRONMENT, "NOTIFY_SOCKET": notes, "PREPARE": prepare},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        try:
            self.leader = int(self._await(r"^X_NSPAWN_LEADER_PID=(\d+)$", _STARTED))
        except BaseException:
            self.kill()
            raise

    def await_ready(self, timeout: float) -> None:
        """Until everything that is wanted at boot was started, or failed to."""
        self._await("^READY=1$", timeout)

    def hear_no_more(self) -> None:
        """systemd's status goes on; a queue that nobody empties would stop nspawn once it is full."""
        self._notes.close()

    def _await(self, pattern: str, timeout: float) -> str:
        end = time.monotonic() + timeout
        while not (found := re.search(pattern, self._said, re.MULTILINE)):
            self._notes.settimeout(max(0.001, min(0.5, end - time.monotonic())))
            try:
                self._said += self._notes.recv(4096).decode() + "\n"
            except TimeoutError:
                late = time.monotonic() >= end
                assert not late, f"the container is not up after {timeout:g} s\n{self.console_tail()}"
                assert self.process.poll() is None, f"the container ended\n{self.console_tail()}"
        return found[found.lastindex or 0]

    def command(self, *words: str) -> list[str]:
        """A command line that runs these words inside, as root, with nothing of the host's environment."""
        environment = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
        return ["nsenter", f"--target={self.leader}", "--all", "env", "-i", *environment, *words]

    @property
    def end(self) -> str:
        """How it ended; empty while it runs."""
        status = self.process.poll()
        return "" if status is None else {0: "power-off", _REBOOT: "reboot"}.get(status, f"status {status}")

    def kill(self) -> None:
        """SIGKILL to every process at once, systemd's included; nothing is left but the files."""
        if (self._cgroup / "cgroup.kill").exists():
            (self._cgroup / "cgroup.kill").write_text("1")
        self.process.wait(_GONE)
        self._notes.close()
        _remove(self._cgroup)

    def console_tail(self, lines: int = 40) -> str:
        """What PID 1 and nspawn said last."""
        return "\n".join(self._console.read_text(errors="replace").splitlines()[-lines:])


def cgroups() -> list[Path]:
    """The control groups of all containers that there are."""
    return list(_cgroups().glob(f"{_PREFIX}-*"))


def _cgroups() -> Path:
    """Where this process may make control groups of the second version, whatever else the host has."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    mount = next(line.split()[1] for line in mounts if line.split()[2] == "cgroup2")
    own = Path("/proc/self/cgroup").read_text().splitlines()
    path = next(line.removeprefix("0::") for line in own if line.startswith("0::"))
    return Path(mount + path)


def sweep() -> None:
    """Remove the control groups of test processes that were killed, with whoever is still in them."""
    for folder in cgroups():
        owner = folder.name.split("-")[2]
        if not Path("/proc", owner).exists():
            (folder / "cgroup.kill").write_text("1")
            _remove(folder)


def _remove(cgroup: Path) -> None:
    """The kernel counts processes out of a group a moment after their end was told."""
    with (cgroup / "cgroup.events").open() as events:
        poll = select.poll()
        poll.register(events, select.POLLPRI)
        end = time.monotonic() + _GONE
        while "populated 1" in events.read():
            assert time.monotonic() < end, f"{cgroup} is not empty: {_left(cgroup)}"
            poll.poll(1000)
            events.seek(0)
    for folder, _, _ in os.walk(cgroup, topdown=False):
        Path(folder).rmdir()


def _left(cgroup: Path) -> list[str]:
    pids = [pid for file in cgroup.rglob("cgroup.procs") for pid in file.read_text().split()]
    return [Path("/proc", pid, "stat").read_text() for pid in pids]
