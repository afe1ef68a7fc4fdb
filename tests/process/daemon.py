# SPDX-License-Identifier: MIT
"""Owns the test's side of a daemon: its configuration, systemd's end of the notify socket, and all that it says.

A thread reads both while the test does something else, so that nothing is ever full. How late it reads does not
matter: a line says itself when it was written, and the kernel notes when a datagram was sent.
"""

import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from tests.process.processor import queued

T = TypeVar("T")

PATIENCE = 60.0  # seconds; only ever waited for in full by a test that fails
DOWN_WITHIN = 5.0  # seconds from SIGTERM to the end of everything: what systemd's unit counts on
_PACKAGE = Path(__file__).parents[2]
_MARK = "CAMWATCHD_TEST_RUN"  # in the environment of a daemon and of all that it starts
_LOOK_AGAIN = 0.02  # seconds; a look at all processes of a machine takes a tenth of that
_SO_TIMESTAMPNS = 35  # <asm-generic/socket.h>; the module `socket` does not know it

# Times of a real installation, shortened so that an incident takes a second or two. The last rungs, which end the
# daemon, are left to the tests of leaving.
QUICK = """
[daemon]
standby = false
log_level = "debug"
summary_interval = 2
[supervision]
max_consecutive_failures = 2
frame_timeout = 0.5
no_frame_timeout = 3
first_frame_timeout = 2
recovery_cooldown = 1
system_reboot_threshold = 1000
[ladder.restart-service]
enabled = false
[ladder.restart-stream]
attempts = 1
settle = 1.5
[ladder.restart-worker]
attempts = 2
timeout = 4
settle = 2.5
backoff = 0.1
"""


def camera(name: str, *faults: dict[str, object], **keys: object) -> str:
    """The [camera.<name>] table of a small simulated camera and its script, as TOML."""
    lines = [f"[camera.{name}]"]
    lines += _pairs({"backend": "simulated", "width": 64, "height": 48, "frame_rate": 20, **keys})
    for fault in faults:
        lines += [f"[[camera.{name}.fault]]", *_pairs(fault)]
    return "\n".join(lines) + "\n"


def _pairs(keys: dict[str, object]) -> list[str]:
    # Values of JSON are values of TOML too, as far as they are used here; a dotted key reaches a sub-table.
    return [f"{key.replace('__', '.')} = {json.dumps(value)}" for key, value in keys.items()]


@dataclass(frozen=True, slots=True)
class Line:
    """A log line: its place among all lines, when it was written, its fields."""

    number: int
    at: float
    facts: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.facts[name]

    def fits(self, event: str, facts: dict[str, object]) -> bool:
        return self.facts["event"] == event and all(self.facts.get(k) == v for k, v in facts.items())


@dataclass(frozen=True, slots=True)
class Note:
    """A datagram to systemd: its place among all of them, when it was sent, its text."""

    number: int
    at: float
    text: str


class Daemon:
    """A daemon under test. Everything it said is kept; what is awaited may have been said already."""

    def __init__(
        self,
        directory: Path,
        command: list[str],
        watchdog: float | None = None,
        fds: tuple[int, ...] = (),
        notify: Path | None = None,  # another socket than the one that is read here
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.directory = directory
        self.lines: list[Line] = []
        self.notes: list[Note] = []
        self.noise: list[str] = []  # what is no log line: a traceback
        self._news = threading.Condition()
        self._over = False
        self._queued_before: float | None = None  # the first signal that was sent
        self._added = 0.0
        self._run = uuid.uuid4().hex
        self._systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._systemd.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        (directory / "notify").unlink(missing_ok=True)  # of an earlier start in this folder
        self._systemd.bind(str(directory / "notify"))
        environment = {**os.environ, **variables, _MARK: self._run}
        environment["NOTIFY_SOCKET"] = str(notify or directory / "notify")
        environment["PYTHONPATH"] = f"{_PACKAGE}:{os.environ.get('PYTHONPATH', '')}"
        if watchdog is not None:
            environment["WATCHDOG_USEC"] = str(round(watchdog * 1e6))
        # systemd knows the pid before it executes; a shell does too.
        shell = ["/bin/sh", "-c", 'WATCHDOG_PID=$$ exec "$0" "$@"', sys.executable, *command]
        self.process = subprocess.Popen(
            shell,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=fds,
        )
        self.pid = self.process.pid
        self._reader = threading.Thread(target=self._read, name="reader")
        self._reader.start()

    # --- awaiting -----------------------------------------------------------------------------------------

    def event(self, name: str, *, since: int = 0, **facts: object) -> Line:
        """The first log line of this event with these facts, not before line number `since`."""
        return self._await(
            lambda: next((line for line in self.lines[since:] if line.fits(name, facts)), None),
            f"event {name} {facts}",
        )

    def note(self, pattern: str, *, since: int = 0) -> Note:
        """The first datagram that matches, not before number `since`."""
        return self._await(
            lambda: next((n for n in self.notes[since:] if re.match(pattern, n.text)), None),
            f"datagram {pattern!r}",
        )

    def status(self, pattern: str, *, since: int = 0) -> str:
        """The first STATUS= that contains this pattern."""
        return self.note(f"STATUS=.*{pattern}", since=since).text.removeprefix("STATUS=")

    def told(self, name: str, **facts: object) -> list[Line]:
        """All such log lines so far."""
        with self._news:
            return [line for line in self.lines if line.fits(name, facts)]

    def alerts(self, camera: str) -> list[Line]:
        """The alerts about a camera so far."""
        with self._news:
            return [
                line
                for line in self.lines
                if line["event"].startswith("alert.") and line.facts.get("camera") == camera
            ]

    def _await(self, find: Callable[[], T | None], what: str) -> T:
        end = time.monotonic() + PATIENCE
        with self._news:
            while (found := find()) is None:
                left = end - time.monotonic()
                if left <= 0 or self._over or not self._news.wait(left):
                    raise AssertionError(f"no {what}; the last lines were:\n{self._tail()}")
        return found

    def _tail(self) -> str:
        last = [str(line.facts) for line in self.lines[-20:]] + [note.text for note in self.notes[-5:]]
        return "\n".join([*last, *self.noise[-20:]])

    # --- its processes ------------------------------------------------------------------------------------

    def processes(self) -> dict[int, list[str]]:
        """The processes that this daemon started and that are alive, with their command lines."""
        return {pid: line for pid, line in _marked(self._run).items() if pid != self.pid}

    def own(self) -> set[int]:
        """Those that are ours: all but the reader of the kernel's log, which a machine may lack."""
        return {pid for pid, line in self.processes().items() if "--dmesg" not in line}

    def workers(self, *, standby: bool = False) -> set[int]:
        """The pids of the workers that were executed with a camera in mind, or of those to stand by."""
        return {
            pid
            for pid, line in self.processes().items()
            if "camwatchd.worker" in line and ("--standby" in line) is standby
        }

    def worker(self) -> int:
        """The pid of the only worker, as soon as it is executed."""
        return self.only(self.workers)

    def recorder(self) -> int:
        """The pid of the recorder, as soon as one is executed."""
        return self.only(self._recorders)

    def _recorders(self) -> set[int]:
        return {pid for pid, line in self.processes().items() if "camwatchd.recorder" in line}

    def only(self, find: Callable[[], set[int]]) -> int:
        """The only such process, as soon as there is one."""
        (pid,) = self.until(find)
        return pid

    def until(self, find: Callable[[], T]) -> T:
        """The first that is found. For what no event tells of: look again, at once when anything is said."""
        end = time.monotonic() + PATIENCE
        while not (found := find()):
            assert time.monotonic() < end, self._tail()
            with self._news:
                self._news.wait(_LOOK_AGAIN)
        return found

    # --- the end ------------------------------------------------------------------------------------------

    def signal(self, number: signal.Signals) -> float:
        """Send a signal; gives the time."""
        if number in (signal.SIGTERM, signal.SIGINT):  # what ends it is timed from the last of them
            self._queued_before = self._queued()
        now = time.monotonic()
        self.process.send_signal(number)
        return now

    def stop(self, *, within: float = DOWN_WITHIN) -> float:
        """SIGTERM, and the proof that everything is down in time and in order; gives the seconds it took."""
        began = self.signal(signal.SIGTERM)
        took = self.ends(0) - began
        assert took < within, f"down after {took:.1f} s\n{self._tail()}"
        self.close()
        assert self.noise == []
        return took

    def ends(self, status: int) -> float:
        """The proof that it ends with this status and that nothing of it is left; gives the time of its end."""
        at = self.ended(status)
        killed = self._recorders()
        assert set() == self.processes().keys() - killed, self._tail()
        # A recorder that does not answer is ended by the kernel, together with us.
        return max([at, *(await_end(pid) - self._added for pid in killed)])

    def ended(self, status: int) -> float:
        """The proof that it ends with this status; gives the time, without what the machine has added to it.

        That is for how long, since the first signal, the kernel had it and us wait for a processor.
        """
        at = await_end(self.pid)
        if self._queued_before is not None:
            self._added = self._queued() - self._queued_before
        assert status == self.process.wait(PATIENCE), self._tail()
        return at - self._added

    def _queued(self) -> float:
        """Of a process that ended it can be asked until somebody waits for it."""
        return queued(self.pid) + queued("thread-self")

    def close(self) -> None:
        """Whatever happened, nothing of it is left."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in _marked(self._run):
            os.kill(pid, signal.SIGKILL)
        self._reader.join()
        self._systemd.close()
        assert self.process.stderr
        self.process.stderr.close()

    # --- the reader ---------------------------------------------------------------------------------------

    def _read(self) -> None:
        assert self.process.stderr
        stderr, poll, rest = self.process.stderr.fileno(), select.poll(), b""
        wall_ahead = _wall_ahead()
        poll.register(stderr, select.POLLIN)
        poll.register(self._systemd.fileno(), select.POLLIN)
        while True:
            ready = [fd for fd, _ in poll.poll()]
            if self._systemd.fileno() in ready:
                at, text = _received(self._systemd)
                self._heed(at - wall_ahead, text)
            elif stderr in ready:
                data = os.read(stderr, 65536)
                *whole, rest = (rest + data).split(b"\n")
                self._note_lines(whole)
                if not data:
                    break
        with self._news:
            self._over = True
            self._news.notify_all()

    def _heed(self, at: float, text: str) -> None:
        with self._news:
            self.notes.append(Note(len(self.notes), at, text))
            self._news.notify_all()

    def _note_lines(self, whole: list[bytes]) -> None:
        with self._news:
            for raw in whole:
                if raw.startswith(b"{"):
                    facts = json.loads(raw)
                    self.lines.append(Line(len(self.lines), facts["monotonic"], facts))
                else:
                    self.noise.append(raw.decode(errors="replace"))
            self._news.notify_all()


def _wall_ahead() -> float:
    """By how much the wall clock is ahead of the monotonic one; the best of some looks, for one may be interrupted."""
    looks = [(time.monotonic(), time.time(), time.monotonic()) for _ in range(5)]
    before, wall, after = min(looks, key=lambda look: look[2] - look[0])
    return wall - (before + after) / 2


def _received(systemd: socket.socket) -> tuple[float, str]:
    """The next datagram, and when it was sent, by the wall clock."""
    data, ((_, _, stamp),), _, _ = systemd.recvmsg(65536, socket.CMSG_SPACE(struct.calcsize("ll")))
    seconds, nanoseconds = struct.unpack("ll", stamp)
    return seconds + nanoseconds / 1e9, data.decode("ascii")


def _marked(run: str) -> dict[int, list[str]]:
    """The living processes of one run, found by their environment: a parent that is gone hides nobody."""
    found, mark = {}, f"{_MARK}={run}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = (entry / "cmdline").read_text().split("\0")
        except OSError:  # ended meanwhile, or somebody else's
            continue
    return found


def await_end(pid: int) -> float:
    """Wait for a process that need not be a child of ours; gives the time of its end."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return time.monotonic()
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    ended = poll.poll(PATIENCE * 1000)
    os.close(pidfd)
    assert ended, f"process {pid} does not end"
    return time.monotonic()


def folders(directory: Path, config: str) -> None:
    """What a daemon finds: its configuration, drop-ins, the directories for runtime files and state."""
    for name in ("run", "state", "conf.d"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    (directory / "config.toml").write_text(config)


def command(*options: str) -> list[str]:
    """The arguments of a daemon in these folders."""
    places = ["--config=config.toml", "--conf-dir=conf.d", "--runtime-dir=run", "--state-dir=state"]
    return ["-m", "camwatchd", *places, "--log-format", "json", *options]


@contextmanager
def daemon(
    directory: Path,
    config: str,
    *options: str,
    watchdog: float | None = None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Daemon]:
    """A daemon that is gone afterwards whatever happens; a test that succeeds has seen it go down in order.

    `variables` of its environment are its own, not those of the test: other tests may run beside it.
    """
    folders(directory, config)
    with running(Daemon(directory, command(*options), watchdog, variables=variables)) as rig:
        yield rig


@contextmanager
def running(rig: Daemon) -> Iterator[Daemon]:
    """As above, for a daemon already started."""
    try:
        yield rig
        if rig.process.poll() is None:
            rig.stop()
    finally:
        rig.close()


def children() -> set[int]:
    """The processes that this thread has started and not yet reaped."""
    return {int(pid) for pid in Path("/proc/thread-self/children").read_text().split()}
