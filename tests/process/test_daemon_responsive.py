# SPDX-License-Identifier: MIT
"""Owns the proof that nobody keeps the supervisor from its work for 50 ms: no worker, recorder, client or journal."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from camwatchd.control.protocol import SOCKET_NAME
from tests.process.daemon import PATIENCE, QUICK, Daemon, camera, folders, running
from tests.process.processor import queued

BOUND = 0.050  # seconds: the promise
# Measured is the daemon and not the machine: the time that the kernel had it, or us, wait for a processor is taken
# off, and a sample is taken again when just then a process with nothing to do was itself this late. The bound stays.
NOISE = 0.010
_SAMPLES = 12
_TRIES = 200
_CONFIG = QUICK.replace("debug", "info") + camera("cam0")
_CRASH = '[[camera.cam0.fault]]\nkind = "crash"\nat = 0.5\n'


class Probe:
    """Asks a loop how late it is."""

    def __init__(self) -> None:
        self._ours, self.theirs = socket.socketpair()
        self._ours.settimeout(PATIENCE)

    def echo(self) -> float:
        """Seconds until the loop has served a descriptor."""
        began, in_queue = time.monotonic(), queued("thread-self")
        self._ours.send(b".")
        self.hear()
        return time.monotonic() - began - (queued("thread-self") - in_queue)

    def hear(self) -> None:
        """Wait for a sign of life."""
        assert self._ours.recv(1)

    def expect(self) -> None:
        """Have the next signal answered when it is served."""
        self._ours.send(b"!")
        self.hear()

    def waits(self) -> float:
        """Seconds for which the machine has kept the process from a processor so far."""
        self._ours.send(b"w")
        return self.answer()

    def ask(self) -> None:
        """Have the next deadlines measured."""
        self._ours.send(b"?")

    def answer(self) -> float:
        """What was asked for: else the longest delay of a deadline since then."""
        return float(json.loads(self._ours.recv(100)))

    def close(self) -> None:
        self._ours.close()
        self.theirs.close()


@pytest.fixture(scope="module")
def idle() -> Iterator[Probe]:
    """The probe of a process with nothing to do."""
    probe = Probe()
    command = [sys.executable, "-m", "tests.process.nasty", "idle", str(probe.theirs.fileno())]
    with subprocess.Popen(command, pass_fds=[probe.theirs.fileno()]) as process:
        probe.echo()
        yield probe
        process.kill()
    probe.close()


@pytest.fixture
def probe() -> Iterator[Probe]:
    probe = Probe()
    yield probe
    probe.close()


def nasty(directory: Path, how: str, probe: Probe, journal: str = "") -> Daemon:
    """A daemon with workers that behave so."""
    folders(directory, _CONFIG)
    fd = probe.theirs.fileno()
    return Daemon(directory, ["-m", "tests.process.nasty", how, str(fd), journal], 60.0, (fd,))


def samples(measure: Callable[[], float], probe: Probe, idle: Probe, count: int = _SAMPLES) -> list[float]:
    """Delays, each taken while the machine itself was prompt before and after."""
    taken: list[float] = []
    for _ in range(_TRIES):
        before, in_queue = idle.echo(), probe.waits()
        delay = measure()
        in_queue = probe.waits() - in_queue
        if max(before, idle.echo()) < NOISE:
            taken.append(delay - in_queue)
        if len(taken) == count:
            return taken
    raise AssertionError(f"the machine is too busy to measure: {len(taken)} of {_TRIES} samples count")


def lateness(probe: Probe, idle: Probe) -> float:
    """The longest delay of a deadline of the next few."""
    for _ in range(_TRIES // 10):
        idle.ask()
        probe.ask()
        late, noise = probe.answer(), idle.answer()
        if noise < NOISE:
            return late
    raise AssertionError(f"the machine is too busy to measure: {noise:.3f} s late by itself")


def reload_latency(rig: Daemon) -> Callable[[], float]:
    """Seconds from SIGHUP to what it makes the daemon tell systemd."""

    def measure() -> float:
        since, in_queue = len(rig.notes), queued("thread-self")
        began = rig.signal(signal.SIGHUP)
        in_queue = queued("thread-self") - in_queue
        return rig.note("RELOADING=1\nMONOTONIC_USEC=", since=since).at - began - in_queue

    return measure


def signal_latency(rig: Daemon, probe: Probe) -> Callable[[], float]:
    """Seconds from SIGHUP until it is served, for a daemon that cannot tell systemd."""

    def measure() -> float:
        probe.expect()
        began = rig.signal(signal.SIGHUP)
        probe.hear()
        return time.monotonic() - began

    return measure


def prove_prompt(rig: Daemon, probe: Probe, idle: Probe) -> None:
    """Signals, descriptors and deadlines are served in time; the measurement is spread over some seconds."""
    for _ in range(2):
        signals = samples(reload_latency(rig), probe, idle, _SAMPLES // 2)
        assert max(signals) < BOUND, signals
        assert lateness(probe, idle) < BOUND
    echoes = samples(probe.echo, probe, idle)
    assert max(echoes) < BOUND, echoes


HABITS = {
    "closes": "worker-protocol",
    "dies": "worker-protocol",
    "babbles": "worker-protocol",
    "fails": "frames-stopped",
    "chatters": "",
    "floods": "",
}


@pytest.mark.parametrize("how", HABITS)
def test_no_worker_keeps_the_supervisor(how: str, tmp_path: Path, probe: Probe, idle: Probe) -> None:
    """A worker closes its link, dies in mid-message, sends garbage or reports without end, floods stderr with
    100 MB: signals and deadlines are served within 50 ms meanwhile, and all is down within 5 s of SIGTERM."""
    with running(nasty(tmp_path, how, probe)) as rig:
        rig.event("camera.started", camera="cam0")
        if fault := HABITS[how]:
            rig.event("alert.capture_failure", fault=fault)
        prove_prompt(rig, probe, idle)
        rig.stop()


def test_a_stopped_worker_does_not_keep_the_supervisor(tmp_path: Path, probe: Probe, idle: Probe) -> None:
    """While its worker is stopped by SIGSTOP the supervisor is as prompt, and down within 5 s of SIGTERM."""
    with running(nasty(tmp_path, "normal", probe)) as rig:
        rig.event("camera.started", camera="cam0")
        stop(rig.worker())
        prove_prompt(rig, probe, idle)
        rig.stop()


def test_a_stopped_recorder_does_not_keep_the_supervisor(tmp_path: Path, probe: Probe, idle: Probe) -> None:
    """While its recorder is stopped, as by a card that blocks, and a crash is to be written down, the supervisor is
    as prompt, and down within 5 s of SIGTERM."""
    with running(nasty(tmp_path, "normal", probe)) as rig:
        rig.event("camera.started", camera="cam0")
        stop(rig.recorder())
        os.kill(rig.worker(), signal.SIGKILL)
        rig.event("alert.recovery", camera="cam0")
        prove_prompt(rig, probe, idle)
        rig.stop()


def test_no_client_keeps_the_supervisor(tmp_path: Path, probe: Probe, idle: Probe) -> None:
    """While clients ask without a pause, some of whom never read an answer, the supervisor is as prompt."""
    with running(nasty(tmp_path, "normal", probe)) as rig:
        rig.event("camera.started", camera="cam0")
        with clients(tmp_path / "run" / SOCKET_NAME):
            prove_prompt(rig, probe, idle)
            rig.stop()


@contextmanager
def clients(path: Path) -> Iterator[None]:
    """Clients that flood the control socket, and have begun."""
    probe = Probe()
    command = [sys.executable, "-m", "tests.process.nasty", "flood", str(path), str(probe.theirs.fileno())]
    with subprocess.Popen(command, pass_fds=[probe.theirs.fileno()]) as process:
        try:
            probe.hear()
            yield
            assert process.poll() in (None, 0)
        finally:
            process.kill()  # also when the test fails: as long as its daemon lives, it would ask for ever
    probe.close()


def stop(pid: int) -> None:
    """SIGSTOP, in effect on return."""
    os.kill(pid, signal.SIGSTOP)
    stat = Path("/proc", str(pid), "stat")
    while stat.read_text().rpartition(") ")[2][0] not in "Tt":
        os.sched_yield()


class FullSocket:
    """A datagram socket that takes nothing more, until it is read."""

    def __init__(self, path: Path) -> None:
        self._reader = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._reader.bind(str(path))
        self._reader.settimeout(PATIENCE)
        self.path = path
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as writer:
            writer.setblocking(False)
            writer.connect(str(path))
            with contextlib.suppress(BlockingIOError):
                while True:
                    writer.send(_FILLING)

    def read_until(self, pattern: bytes) -> bytes:
        """Read on until a datagram matches."""
        end = time.monotonic() + PATIENCE
        while not re.match(pattern, datagram := self._reader.recv(65536), re.DOTALL):
            assert time.monotonic() < end, f"no {pattern!r}; the last was {datagram!r}"
        return datagram

    def close(self) -> None:
        self._reader.close()


_FILLING = b"X_FILLING=1\n"


def test_full_sockets_do_not_keep_the_supervisor(tmp_path: Path, probe: Probe, idle: Probe) -> None:
    """While systemd and journald read nothing, signals and deadlines are served within 50 ms, and recovery goes on;
    systemd is told what it must know as soon as it reads; all is down within 5 s of SIGTERM, sockets full again."""
    folders(tmp_path, _CONFIG + _CRASH)
    journal, systemd = FullSocket(tmp_path / "journal"), FullSocket(tmp_path / "systemd")
    fd = probe.theirs.fileno()
    command = ["-m", "tests.process.nasty", "normal", str(fd), str(journal.path)]
    rig = Daemon(tmp_path, command, 60.0, (fd,), notify=systemd.path)
    with running(rig), contextlib.closing(journal), contextlib.closing(systemd):
        probe.echo()  # it has begun
        (worker,) = rig.workers()
        while Path("/proc", str(worker)).exists():
            assert max(samples(probe.echo, probe, idle)) < BOUND
            assert lateness(probe, idle) < BOUND
        signals = samples(signal_latency(rig, probe), probe, idle, _SAMPLES // 2)
        assert max(signals) < BOUND, signals
        assert systemd.read_until(b"READY=1")
        assert systemd.read_until(b"WATCHDOG_USEC=60000000")
        assert systemd.read_until(
            b"STATUS=cam0 EXCELLENT 100/100, .* 1 recovery in 24 h .last: restart-worker"
        )
        assert journal.read_until(rb".*MESSAGE=.* entries lost before this one\)")
        rig.stop()
