# SPDX-License-Identifier: MIT
"""Owns how a bench runs the real daemon, reads its events and what the kernel says it cost."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Event = dict[str, Any]


@dataclass
class Daemon:
    """A running daemon; `events()` yields its log as it comes."""

    process: "subprocess.Popen[str]"
    folder: Path
    seen: list[Event] = field(default_factory=list)

    def await_event(self, name: str, **facts: object) -> Event:
        """The next event of that name with these facts."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            event: Event = json.loads(line)
            self.seen.append(event)
            if event["event"] == name and facts.items() <= event.items():
                return event
        raise RuntimeError(f"the daemon ended before {name}; its last events: {self.seen[-5:]}")

    def opened_at(self, camera: str = "cam0") -> float:
        """When the simulated camera was first opened: its script counts from there."""
        memory = json.loads((self.folder / f"simulated-{camera}.json").read_text())
        return float(memory["first_open"])

    def child(self, module: str, *, standby: bool = False) -> int:
        """The pid of the one child that runs a module of ours; of the two workers, the standby if so wished."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        words = {int(child): Path(f"/proc/{child}/cmdline").read_text().split("\0") for child in children}
        (found,) = (pid for pid, w in words.items() if module in w and ("--standby" in w) is standby)
        return found


@contextmanager
def daemon(config: str) -> Iterator[Daemon]:
    """The daemon on a configuration, from start to SIGTERM."""
    with tempfile.TemporaryDirectory(prefix="camwatchd-bench-") as name:
        folder = Path(name)
        (folder / "config.toml").write_text(config)
        arguments = [
            f"--config={folder}/config.toml",
            f"--conf-dir={folder}/none",
            f"--runtime-dir={folder}",
        ]
        command = [sys.executable, "-m", "camwatchd", *arguments, "--log-format=json", "--log-level=debug"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            yield Daemon(process, folder)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=10)


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and all its threads, to the nanosecond: utime of /proc is too coarse here."""
    tasks = Path(f"/proc/{pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9


def rss_megabytes(pid: int) -> float:
    """Resident memory, shared pages included."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
