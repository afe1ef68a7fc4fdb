# SPDX-License-Identifier: MIT
"""Owns what is read from /proc and /sys: memory, tasks stuck in the kernel, processes left over in our cgroup.

Only files that cannot block: never `cmdline` or `maps` of a process that may hang in the kernel.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# What our processes that hold no camera call themselves; the kernel keeps 15 characters.
RECORDER_COMM = "camwatchd-ledge"
READER_COMM = "camwatchd-confi"  # of the configuration
RESET_COMM = "camwatchd-reset"
# Who may hang in our cgroup, on a dying SD card, in a device's reset or in the firmware, and holds no camera: these,
# the guard with its tools, the reader of the kernel's log, the recorder's question about the supply.
_NO_WORKERS = frozenset({
    RECORDER_COMM, READER_COMM, RESET_COMM,
    "guard", "tee", "sync", "head", "mv", "awk", "mawk", "timeout", "systemctl", "journalctl", "vcgencmd",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Host:
    """The machine, below `root` (another one in tests)."""

    root: Path = Path("/")

    def memory_total(self) -> int:
        """MemTotal in bytes; 0 where it cannot be read."""
        for line in self._read("proc/meminfo").splitlines():
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) * 1024
        return 0

    def stuck_tasks(self, pid: int) -> list[str]:
        """The tasks of a process in uninterruptible sleep, with the kernel function each waits in.

        Per task: the leader of a process whose thread hangs is a zombie (Z) and tells nothing.
        """
        tasks = self.root / "proc" / str(pid) / "task"
        return [self._wait_channel(task) for task in _listed(tasks) if self._state(task) == "D"]

    def leftovers(self, but: frozenset[int]) -> list[int]:
        """Processes in our own cgroup that are neither we nor our children: left over from a previous start."""
        group = self._cgroup()
        if not group.endswith(".service"):
            return []  # not a unit of its own: whoever else is there has every right to be
        pids = self._read(f"sys/fs/cgroup/{group}/cgroup.procs").split()
        return sorted(pid for pid in {int(pid) for pid in pids} - but if self._may_hold_a_camera(pid))

    def unit(self) -> str:
        """The service that we run as; empty if we were not started by systemd."""
        name = self._cgroup().rpartition("/")[2]
        return name if name.endswith(".service") else ""

    def camera_holders(self) -> list[str]:
        """Who holds a camera: libcamera locks its media device, and the kernel lists whose lock it is."""
        return self.lock_holders(
            path for path in _listed(self.root / "dev") if path.name.startswith("media")
        )

    def lock_holders(self, paths: Iterable[Path]) -> list[str]:
        """Who holds a POSIX lock on one of these files; they need not be readable by us."""
        files = {_device_and_inode(path) for path in paths} - {""}
        holders = set()
        for line in self._read("proc/locks").splitlines():
            # 1: POSIX  ADVISORY  WRITE 1234 00:06:345 0 EOF; a waiting one has "->" after the number
            fields = line.split()
            if len(fields) >= 6 and fields[1] == "POSIX" and fields[5] in files:
                holders.add(int(fields[4]))
        return [f"{self._read(f'proc/{pid}/comm').strip() or '?'} (pid {pid})" for pid in sorted(holders)]

    def refused_by_sandbox(self) -> list[str]:
        """Camera nodes that mode and group let us open and that are refused all the same.

        DeviceAllow= of a device group that the kernel had not registered when the service started does that, and
        only a start of the service mends it. access(2) asks the device cgroup too; nothing is opened.
        """
        nodes = [node for node in _listed(self.root / "dev") if node.name.startswith(("media", "video"))]
        return [
            str(node)
            for node in sorted(nodes)
            if _permitted(node) and not os.access(node, os.R_OK | os.W_OK)
        ]

    def _cgroup(self) -> str:
        return self._read("proc/self/cgroup").strip().rpartition(":")[2].lstrip("/")

    def _may_hold_a_camera(self, pid: int) -> bool:
        return self._read(f"proc/{pid}/comm").strip() not in _NO_WORKERS

    def _state(self, task: Path) -> str:
        # The command name in parentheses may itself contain parentheses and spaces.
        return self._read(task / "stat").rpartition(") ")[2][:1]

    def _wait_channel(self, task: Path) -> str:
        channel = self._read(task / "wchan").strip()
        return f"task {task.name} in {channel if channel.strip('0') else 'the kernel'}"

    def _read(self, path: Path | str) -> str:
        try:
            return (self.root / path).read_text(errors="replace")
        except OSError:
            return ""


def _permitted(node: Path) -> bool:
    """Whether owner, group and mode allow us to read and write."""
    try:
        status = node.stat()
    except OSError:
        return False
    ours = status.st_uid == os.geteuid() and status.st_mode & 0o600 == 0o600
    group = status.st_gid in (os.getegid(), *os.getgroups()) and status.st_mode & 0o060 == 0o060
    return ours or group or status.st_mode & 0o006 == 0o006


def _device_and_inode(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"


def _listed(folder: Path) -> list[Path]:
    try:
        return [folder / name for name in os.listdir(folder)]  # noqa: PTH208  # a folder that may vanish
    except OSError:
        return []
