# SPDX-License-Identifier: MIT
"""Owns the demo's daemon: a child process with a configuration of its own, its log read line by line as it comes."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from camwatchd.cameras.script import Memory
from camwatchd.core.plain import from_plain
from camwatchd.demo.tale import Event

_DOWN_WITHIN = 6.0  # seconds from SIGTERM; the daemon itself needs less than 5
_SYSTEMD = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "RUNTIME_DIRECTORY", "STATE_DIRECTORY")


class Stage:
    """The running daemon in a folder of its own; `fileno` is readable whenever it has said something."""

    def __init__(self, folder: Path, configuration: str, environ: Mapping[str, str]) -> None:
        config, drop_ins, self._runtime = folder / "config.toml", folder / "conf.d", folder / "run"
        config.write_text(configuration)
        drop_ins.mkdir()
        self._runtime.mkdir()
        self.command = [
            "camwatchd", "--config", str(config), "--conf-dir", str(drop_ins),
            "--runtime-dir", str(self._runtime),
        ]  # fmt: skip
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter with our own arguments
            [sys.executable, "-m", *self.command],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={name: value for name, value in environ.items() if name not in _SYSTEMD},
            process_group=0,  # Ctrl-C is for the demo, which then ends the daemon in its own way
        )  # fmt: skip
        os.set_blocking(self._stderr.fileno(), False)
        self._rest = b""
        self.ended = False

    @property
    def _stderr(self) -> IO[bytes]:
        assert self._process.stderr is not None
        return self._process.stderr

    def fileno(self) -> int:
        """For the loop."""
        return self._stderr.fileno()

    def read(self) -> list[Event | str]:
        """What the daemon said since the last look: events, and lines that are none (a traceback)."""
        try:
            data = os.read(self.fileno(), 65536)
        except BlockingIOError:
            return []
        self.ended = not data
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [_understood(line) for line in lines]

    def beginnings(self, count: int) -> Sequence[float | None]:
        """When each of the `count` scripted faults began, by the record that the simulated camera keeps."""
        try:
            record = (self._runtime / "simulated-cam0.json").read_text()
        except FileNotFoundError:
            return [None] * count
        return [progress.began for progress in from_plain(Memory, json.loads(record)).faults]

    def ask_to_end(self) -> None:
        """SIGTERM; asking twice is harmless."""
        self._process.terminate()

    def close(self) -> int:
        """See that the daemon is gone, and its workers with it; its exit status."""
        self.ask_to_end()
        try:
            status = self._process.wait(_DOWN_WITHIN)
        except subprocess.TimeoutExpired:  # its workers go with it
            self._process.kill()
            status = self._process.wait()
        self._stderr.close()
        return status


def _understood(line: bytes) -> Event | str:
    text = line.decode(errors="replace")
    try:
        event = json.loads(text)
    except ValueError:
        return text
    return event if isinstance(event, dict) and "event" in event else text
