# SPDX-License-Identifier: MIT
"""Owns the test's side of the recorder: its desk without a process, and the process on a real link."""

import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from camwatchd.adapters.durable import HealthMark
from camwatchd.adapters.host import Host
from camwatchd.adapters.ledger_file import LedgerFile
from camwatchd.adapters.machine import Machine
from camwatchd.core.budget import Verdict
from camwatchd.core.messages import MAX_MESSAGE
from camwatchd.core.records import Answered, AskLeave, Record, Reply, decode_reply, encode
from camwatchd.recorder_desk import Desk

PATIENCE = 20.0  # seconds; only ever waited for in full by a test that fails

R = TypeVar("R", bound=Reply)


class Desktop:
    """A desk on a machine of our own: `now` is its uptime, `systemctl` what its systemd says."""

    def __init__(
        self, folder: Path, *, boot: str = "boot-1", start: str = "start-1", medium: str = "",
        action: str = "reboot", watchdogs: str = "yes", now: float = 400.0,
    ) -> None:  # fmt: skip
        self.state, self.now = folder / "state", now
        self.said: list[tuple[int, Reply]] = []
        self._serials = itertools.count(1)
        machine = Machine(
            "camwatchd.service", Host(folder / "root"), systemctl(folder, action, watchdogs),
            boottime=lambda: self.now, wall=lambda: time.gmtime(self.now),
        )  # fmt: skip
        self.desk = Desk(
            file=LedgerFile(self.state, lambda: "2026-11-22T2130"), health=HealthMark(self.state, boot),
            medium=medium, machine=machine, boot=boot, start=start,
            say=lambda serial, reply: self.said.append((serial, reply)), clock=lambda: self.now,
        )  # fmt: skip

    def take(self, *records: Record) -> list[Reply]:
        """Hand records in together; what was said to them."""
        before = len(self.said)
        for record in records:
            self.desk.take(next(self._serials), record)
        self.desk.settle()
        return [reply for _, reply in self.said[before:]]

    def ask(self, request: AskLeave) -> Verdict:
        """Ask to leave."""
        reply = self.take(request)[-1]
        assert isinstance(reply, Answered)
        return reply.verdict

    def later(self, seconds: float) -> list[Reply]:
        """Let time pass, up to and including what is then due; what was said."""
        before, end = len(self.said), self.now + seconds
        while self.desk.deadline <= end:
            self.now = self.desk.deadline
            self.desk.tick()
        self.now = end
        return [reply for _, reply in self.said[before:]]

    def changes(self) -> int:
        """How often the ledger was changed, as SQLite counts it in the file."""
        return int.from_bytes((self.state / "ledger.db").read_bytes()[24:28], "big")


def systemctl(folder: Path, action: str, watchdogs: str) -> str:
    """A systemctl that answers so."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "systemctl"
    answers = f'case "$*" in *StartLimitAction*) echo {action};; *ServiceWatchdogs*) echo {watchdogs};; esac'
    path.write_text(f"#!/bin/sh\n{answers}\n")
    path.chmod(0o755)
    return str(path)


@contextmanager
def desktop(folder: Path, **how: str) -> Iterator[Desktop]:
    """A desk that is closed afterwards."""
    desk = Desktop(folder, **how)  # type: ignore[arg-type]
    try:
        yield desk
    finally:
        desk.desk.close()


@contextmanager
def withheld(folder: Path) -> Iterator[None]:
    """The state directory is not where it should be: a trouble that needs no privileges to make."""
    state, away = folder / "state", folder / "away"
    state.rename(away)
    state.write_text("in its place")
    yield
    state.unlink()
    away.rename(state)


class RecorderRig:
    """A recorder process, and what it said."""

    def __init__(
        self, state: Path, *options: str, before: Sequence[str] = (), start: str = "start-1"
    ) -> None:
        self.state, self.said = state, list[tuple[int, Reply]]()
        self._serials = itertools.count(1)
        self.link, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.link.settimeout(PATIENCE)
        state.mkdir(exist_ok=True)
        with far:
            command = [sys.executable, "-m", "camwatchd.recorder", f"--link={far.fileno()}"]
            command += [f"--supervisor={os.getpid()}", f"--state={state}", "--unit=", f"--start={start}"]
            self.process = subprocess.Popen(
                [*before, *command, *options],
                pass_fds=[far.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )

    def send(self, *records: Record) -> None:
        """Hand records in."""
        for record in records:
            self.link.send(encode(next(self._serials), record))

    def hear(self) -> tuple[int, Reply] | None:
        """The next reply; None at the end."""
        try:
            datagram = self.link.recv(MAX_MESSAGE + 1)
        except ConnectionResetError:
            return None
        if not datagram:
            return None
        self.said.append(decode_reply(datagram))
        return self.said[-1]

    def until(self, kind: type[R]) -> R:
        """The next reply of this kind."""
        while (heard := self.hear()) is not None:
            if isinstance(heard[1], kind):
                return heard[1]
        raise AssertionError(f"no {kind.__name__}; it said {self.said[-3:]} and ended: {self.ended()}")

    def ended(self) -> tuple[int, str]:
        """How it ended, and its last words."""
        output, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, output.decode()


@contextmanager
def recorder(
    state: Path, *options: str, before: Sequence[str] = (), start: str = "start-1"
) -> Iterator[RecorderRig]:
    """A recorder that is gone afterwards whatever happens."""
    rig = RecorderRig(state, *options, before=before, start=start)
    try:
        yield rig
    finally:
        rig.link.close()
        rig.process.kill()
        rig.process.communicate(timeout=PATIENCE)
