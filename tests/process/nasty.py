# SPDX-License-Identifier: MIT
"""Owns a daemon whose workers misbehave as no camera's script can, and whose loop can be asked how late it is.

    python -m tests.process.nasty HOW PROBE_FD JOURNAL

It is wired as `camwatchd.__main__` does it, but for the workers, the journal's address, the watched /dev (the
runtime directory) and the machine that it sees (the folder `host`, if there is one; its commands in `bin`).
"""

import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from camwatchd.adapters import child, config, log, notify
from camwatchd.adapters.devices import DeviceWatch
from camwatchd.adapters.host import Host
from camwatchd.adapters.stderr import StderrReader
from camwatchd.control import protocol
from camwatchd.core import messages as msg
from camwatchd.core.ladder import Outcome
from camwatchd.core.settings import CameraSettings
from camwatchd.loop import Loop, Signals
from camwatchd.slot import Worker
from camwatchd.supervisor import Part, Supervisor
from camwatchd.world import World
from tests.process.processor import queued

BEAT = 0.02  # seconds between the deadlines that are measured
BEATS = 20  # ... so many for an answer
FRAME = 0.05  # seconds
STALLED = "stalled"
_FRAMES = msg.Frames(1, 0, 0, FRAME, 0.0, 0.0, 0, 0, 100.0, 20.0)


class Waits:
    """How long this process has waited for a processor, or for a child of its that waited for one to be executed."""

    def __init__(self) -> None:
        self._for_children = 0.0
        self._spawn, os.posix_spawnp = os.posix_spawnp, self._count

    def __call__(self) -> float:
        return queued("self") + self._for_children

    def _count(self, *arguments: Any, **options: Any) -> int:
        pid = self._spawn(*arguments, **options)
        self._for_children += queued(pid)
        return pid


class Metronome:
    """Deadlines of its own in somebody's loop; asked, it answers with the longest delay of the next few."""

    def __init__(self, loop: Loop, fd: int) -> None:
        self.deadline = time.monotonic() + BEAT
        self._waits = Waits()
        self._waited = self._waits()
        self._fd, self._left, self._longest, self._expects = fd, 0, 0.0, False
        loop.watch(fd, self._asked)

    def tick(self) -> None:
        delay, before = time.monotonic() - self.deadline, self._waited
        self._waited = self._waits()
        self._longest = max(self._longest, delay - (self._waited - before))
        self.deadline = time.monotonic() + BEAT
        self._left -= 1
        if self._left == 0:
            os.write(self._fd, json.dumps(self._longest).encode())

    def signalled(self) -> None:
        """A signal has been served: whoever has asked for that is told."""
        if self._expects:
            self._expects = False
            os.write(self._fd, b"!")

    def _asked(self) -> None:
        """A "?" asks for the delay of the next deadlines, a "w" for the waits; anything else comes back at once, a "!"
        with the next signal once more."""
        question = os.read(self._fd, 1)
        self._expects = question == b"!"
        if question == b"?":
            self._left, self._longest = BEATS, 0.0
        elif question == b"w":
            os.write(self._fd, json.dumps(self._waits()).encode())
        elif question:
            os.write(self._fd, question)


class NastySupervisor(Supervisor):
    """Hires workers of the wrong kind; HOW `normal` hires true ones."""

    how: str
    metronome: Metronome

    def hire(self, camera: CameraSettings, *, fresh: bool, background: bool) -> Worker | None:
        if self.how == "normal" or self._stopping:
            return super().hire(camera, fresh=fresh, background=background)
        worker = child.spawn_linked(["tests.process.nasty", "worker", self.how], self.world.environ)
        return Worker(worker, StderrReader(worker.stderr))

    def _on_signal(self) -> None:
        super()._on_signal()
        self.metronome.signalled()

    def _parts(self) -> tuple[Part, ...]:
        return (*super()._parts(), self.metronome)


def supervise(how: str, probe: int, journal: str) -> int:
    signals = Signals([signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    environ = dict(os.environ)
    here = Path.cwd()
    places = here / "config.toml", here / "conf.d"
    kind = "journal" if journal else "json"
    if (fake := here / "host").exists():
        environ["SYSTEMD_EXEC_PID"] = str(os.getpid())
        environ["PATH"] = f"{here / 'bin'}:{environ['PATH']}"
    world = World(
        notifier=notify.from_environment(environ),
        log=log.build(kind, "info", 2, environ, journal_address=journal),
        signals=signals,
        environ=environ,
        runtime_dir=str(here / "run"),
        state_dir=str(here / "state"),
        config=(str(places[0]), str(places[1])),
        host=Host(fake if fake.exists() else Path("/")),
        devices=DeviceWatch(str(here / "run")),
    )
    supervisor = NastySupervisor(config.load(*places).settings, world)
    supervisor.how, supervisor.metronome = how, Metronome(supervisor.loop, probe)
    return supervisor.run()


def idle(probe: int) -> None:
    """What the machine itself adds to every delay: the same measurement in a loop with nothing else to do."""
    loop = Loop()
    metronome = Metronome(loop, probe)
    while True:
        loop.turn(metronome.deadline - time.monotonic())
        if time.monotonic() >= metronome.deadline:
            metronome.tick()


# --- the clients ------------------------------------------------------------------------------------------


def flood(path: str, ready: int) -> None:
    """Ask from all sides without a pause: clients that read, clients that never do, and some who only look in."""
    request = protocol.encode_request(1, protocol.Status())
    reading, deaf = [_called(path) for _ in range(8)], [_called(path) for _ in range(4)]
    os.write(ready, b".")
    while True:
        for crowd in (reading, deaf):
            for index, client in enumerate(crowd):
                try:
                    client.send(request)
                    if crowd is reading:
                        client.recv(protocol.MAX_ANSWER)
                except BlockingIOError:
                    continue
                except OSError:  # it was dropped
                    client.close()
                    crowd[index] = _called(path)
        _called(path).close()


def _called(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.connect(path)
    except ConnectionRefusedError:  # the daemon is gone
        sys.exit(0)
    sock.setblocking(False)
    return sock


# --- the worker -------------------------------------------------------------------------------------------


def work(how: str) -> None:
    """Deliver three frames as a camera does, then misbehave; or do what the test wants from the beginning."""
    link = socket.socket(fileno=child.LINK_FD)
    link.send(msg.encode(msg.Imported("nasty", 0.1)))
    link.recv(msg.MAX_MESSAGE)
    link.send(msg.encode(msg.Opened("nasty", "nasty", "YUV420", 2, 2, 0.1)))
    link.send(msg.encode(msg.Streaming(1, 0.1)))
    if how != "obeys":
        for _ in range(3):
            link.send(msg.encode(_FRAMES))
    _HABITS[how](link)


def _refuse_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGABRT):
        signal.signal(number, signal.SIG_IGN)


def _close(link: socket.socket) -> None:
    """Close the link and live on, whatever is asked of it."""
    _refuse_signals()
    link.close()
    while True:
        signal.pause()


def _die_in_mid_message(link: socket.socket) -> None:
    link.send(b'{"kind":"Frames","count":1,"seq')
    os.kill(os.getpid(), signal.SIGKILL)


def _send_for_ever(datagram: bytes, *, refusing: bool = False) -> Callable[[socket.socket], None]:
    def habit(link: socket.socket) -> None:
        if refusing:
            _refuse_signals()
        while True:
            link.send(datagram)

    return habit


def _flood(link: socket.socket) -> None:
    """A hundred megabytes of what libcamera says, then frames again and again from the beginning."""
    line = (
        b"[0:00:01.000000000] [7] ERROR V4L2 v4l2_videodevice.cpp:2155 /dev/video0: the same thing again\n"
    )
    while True:
        rest = 100_000_000
        while rest > 0:
            rest -= os.write(2, line * 40)
        link.send(msg.encode(_FRAMES))


def _obey(link: socket.socket) -> None:
    """Deliver frames, but none while there is a file of the name STALLED; restart the stream when told to."""
    orders = select.poll()
    orders.register(link, select.POLLIN)
    while True:
        if orders.poll(FRAME * 1000):
            order = msg.decode_order(link.recv(msg.MAX_MESSAGE))
            assert isinstance(order, msg.RestartStream)
            link.send(msg.encode(msg.Finished(order.order, Outcome.SUCCEEDED, "", 0.0)))
        stalled = Path(STALLED).exists()
        link.send(msg.encode(msg.CaptureFailed("frames-stopped", "no frame", FRAME) if stalled else _FRAMES))


_HABITS: dict[str, Callable[[socket.socket], None]] = {
    "closes": _close,
    "dies": _die_in_mid_message,
    "babbles": _send_for_ever(bytes(range(256)), refusing=True),
    "chatters": _send_for_ever(msg.encode(_FRAMES)),
    "fails": _send_for_ever(msg.encode(msg.CaptureFailed("frames-stopped", "no frame", 0.5))),
    "floods": _flood,
    "obeys": _obey,
}


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        work(sys.argv[2])
    elif sys.argv[1] == "mute":
        _close(socket.socket(fileno=child.LINK_FD))
    elif sys.argv[1] == "flood":
        flood(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1] == "idle":
        idle(int(sys.argv[2]))
    else:
        sys.exit(supervise(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
