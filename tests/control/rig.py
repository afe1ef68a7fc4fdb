# SPDX-License-Identifier: MIT
"""Owns the test's daemon behind a control socket: it remembers what it was told, and says what the test wants."""

import gc
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from camwatchd.control.connection import Lent
from camwatchd.control.facts import CameraFacts, DaemonFacts, DrillFacts, RecoverPlan, StatusFacts
from camwatchd.control.peers import Rights
from camwatchd.control.protocol import (
    AdjustFacts,
    Answer,
    AttachFacts,
    Reason,
    Refused,
    Request,
    decode_answer,
    encode_request,
)
from camwatchd.control.server import Server
from camwatchd.core.ladder import Rung
from camwatchd.core.streams import Stream
from camwatchd.loop import Loop

STRANGER = 64123  # a uid that nobody has
GROUP = 64124  # a group that nobody is in unless a test says so
VIDEO = 64125  # another
RIGHTS = Rights(own_uid=0, group=GROUP, frames_group=VIDEO)


def camera(name: str = "cam0", **changes: object) -> CameraFacts:
    """A healthy camera, but for the changes."""
    healthy = CameraFacts(
        name=name, required=True, phase="healthy", band="EXCELLENT", health_score=100, consecutive_failures=0,
        is_initialized=True, is_capturing=True, fps=29.94, last_frame_age=0.031,
    )  # fmt: skip
    return replace(healthy, **changes)  # type: ignore[arg-type]


@dataclass
class FakeDaemon:
    """Keeps every order; a paused camera is free when the test says so."""

    cameras: tuple[CameraFacts, ...] = (camera("cam0"), camera("cam1"))
    orders: list[tuple[object, ...]] = field(default_factory=list)
    reloads: list[Callable[[str], None]] = field(default_factory=list)
    broken: bool = False  # its status raises
    scenes: list[tuple[CameraFacts, ...]] = field(default_factory=list)  # what is seen next, look by look
    cure: list[tuple[CameraFacts, ...]] = field(default_factory=list)  # the scenes that a recovery begins
    objection: str = ""  # to whatever rung is ordered ...
    objected: str = ""  # ... of this camera; empty: of all
    pid: int = 812
    verdict: str | None = None  # of a reload; None: it comes later
    unfit: str = ""  # the camera that no drill may be made with
    drilled: DrillFacts | None = None  # what a drill has come to at once; None: it goes on
    opened: bool = True  # its cameras were, at least once
    generation: int = 1  # of its only ring
    readers: int = 0
    answering: Callable[[], None] = lambda: None  # done whenever its status is asked for
    told: threading.Event = field(default_factory=threading.Event)  # it has an order

    def status(self) -> StatusFacts:
        self.answering()
        if self.broken:
            raise RuntimeError("a bug in the status")
        if self.scenes:
            self.cameras = self.scenes.pop(0)
        return StatusFacts(
            daemon=DaemonFacts(
                version="0.1.0",
                pid=self.pid,
                uptime=3600.0,
                status="cam0 EXCELLENT 100/100",
                reboot_mode="armed",
            ),
            cameras=self.cameras,
        )

    def pause(self, cameras: Sequence[str], seconds: float) -> None:
        self.orders.append(("pause", tuple(cameras), seconds))
        self.change(cameras, paused_for=seconds, phase="paused")
        self.told.set()

    def resume(self, cameras: Sequence[str]) -> None:
        self.orders.append(("resume", tuple(cameras)))
        self.change(cameras, paused_for=0.0, phase="starting")

    def plans(self, cameras: Sequence[str], rung: Rung | None) -> tuple[RecoverPlan, ...]:
        wanted = [camera for camera in self.cameras if camera.name in cameras]
        return tuple(
            RecoverPlan(
                camera=c.name, disturbs=c.phase == "healthy", steps=(f"{rung}: as the test has it",),
                objection=self.objection if self.objected in ("", c.name) else "",
            )
            for c in wanted
        )  # fmt: skip

    def recover(self, cameras: Sequence[str], rung: Rung | None) -> None:
        self.orders.append(("recover", tuple(cameras), rung))
        self.scenes = self.cure

    def drill(self, camera: str, exercise: str) -> DrillFacts | Refused:
        self.orders.append(("drill", camera, exercise))
        self.told.set()
        if camera == self.unfit:
            return Refused(Reason.UNFIT, f"{camera} is paused: a drill needs a healthy camera")
        facts = self.drilled or DrillFacts(
            exercise=exercise, expected_fault="frames-stopped", expected_cure="restart-stream"
        )
        self.change([camera], drill=exercise, last_drill=facts)
        return facts

    def reload(self, done: Callable[[str], None]) -> None:
        self.orders.append(("reload",))
        if self.verdict is None:
            self.reloads.append(done)
        else:
            done(self.verdict)

    def names(self) -> tuple[str, ...]:
        return tuple(camera.name for camera in self.cameras)

    def adjust(
        self, camera: str, controls: dict[str, Any], done: Callable[[AdjustFacts | Refused], None]
    ) -> None:
        self.orders.append(("adjust", camera, controls))
        done(AdjustFacts(camera, controls, {"Gain": (1, 16, 1)}))

    def attach(self, camera: str, stream: str) -> tuple[AttachFacts, Lent] | Refused | None:
        if not self.opened:
            return None
        self.readers += 1
        lent = Lent(os.open(os.devnull, os.O_RDONLY), f"{camera}/{stream}", self.generation, self._left)
        return AttachFacts(camera, Stream(stream, "YUV420", 64, 32, 64, 3072), self.generation, 4), lent

    def _left(self) -> None:
        self.readers -= 1

    def change(self, cameras: Sequence[str], **changes: object) -> None:
        """From now on these cameras are different."""
        self.cameras = tuple(
            replace(c, **changes) if c.name in cameras else c  # type: ignore[arg-type]
            for c in self.cameras
        )


@dataclass
class Log:
    """Keeps what is logged, as (event, facts)."""

    lines: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    quiet: list[str] = field(default_factory=list)  # sentences of them that the journal does not get

    def _say(self, event: str, **facts: object) -> None:
        self.lines.append((event, facts))

    info = warning = error = critical = _say

    def debug(self, event: str, **facts: object) -> None:
        self._say(event, **facts)
        self.quiet.append(str(facts.get("message")))

    def of(self, event: str) -> list[str]:
        """The sentences of one kind of event."""
        return [str(facts["message"]) for name, facts in self.lines if name == event]


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, as /run/camwatchd is one; pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


class Bench:
    """A server whose turns the test takes itself, one at a time, at the time that the test says it is."""

    def __init__(self, folder: Path) -> None:
        self.daemon, self.log, self.now = FakeDaemon(), Log(), 1000.0
        self.path = folder / "control.sock"
        self.server = Server(self.daemon, self.log, lambda: self.now, RIGHTS)
        self.server.listen(self.path)

    def connect(self) -> socket.socket:
        """A client that is let in (or not) with the next turn. It never waits: all is there or is not."""
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            client.connect(str(self.path))
        except OSError:
            client.close()
            raise
        return client

    def turn(self, times: int = 1) -> None:
        """What the supervisor's loop does."""
        for _ in range(times):
            self.server.serve()
            if self.now >= self.server.deadline:
                self.server.tick()
            self.server.look()

    def ask(self, client: socket.socket, request: Request, serial: int = 1) -> tuple[int, Answer] | None:
        """The answer, if it is there after two turns (one lets the client in)."""
        client.send(encode_request(serial, request))
        self.turn(2)
        return heard(client)


def descriptors() -> int:
    """How many this process has open, but for those of earlier tests' garbage, which goes when it likes."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def heard(client: socket.socket) -> tuple[int, Answer] | None:
    """What the client finds: an answer; None: nothing or the end."""
    try:
        datagram = client.recv(1 << 20)
    except (BlockingIOError, ConnectionResetError):
        return None
    return decode_answer(datagram) if datagram else None


def drain(client: socket.socket) -> tuple[int, bool]:
    """How many answers are there, and whether the daemon has closed the connection after them."""
    answers = 0
    while True:
        try:
            if not client.recv(1 << 20):
                return answers, True
            answers += 1
        except ConnectionResetError:  # the kernel tells of the end, once, before what was said
            continue
        except BlockingIOError:
            return answers, False


def is_over(client: socket.socket) -> bool:
    """Whether the daemon has closed the connection; what it said before is read and forgotten."""
    return drain(client)[1]


class Running:
    """A server in a loop of its own, for clients that wait. Orders reach the daemon from that one thread."""

    def __init__(self, folder: Path) -> None:
        self.daemon, self.log = FakeDaemon(), Log()
        self.path = folder / "control.sock"
        self._loop = Loop()
        self._server = Server(self.daemon, self.log, time.monotonic, RIGHTS)
        self._server.listen(self.path)
        self._calls: list[Callable[[], None]] = []
        self._ours, self._theirs = socket.socketpair()
        self._over = False
        self._loop.watch(self._server.fileno(), self._server.serve)
        self._loop.watch(self._theirs.fileno(), self._call)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def soon(self, call: Callable[[], None]) -> None:
        """Have it done in the loop."""
        self._calls.append(call)
        self._ours.send(b"!")

    def stop(self) -> None:
        """The daemon ends."""
        self.soon(lambda: setattr(self, "_over", True))
        self._thread.join()
        self._loop.forget(self._server.fileno())
        self._server.close()
        self._ours.close()
        self._theirs.close()

    def _call(self) -> None:
        self._theirs.recv(4096)
        while self._calls:
            self._calls.pop(0)()

    def _run(self) -> None:
        while not self._over:
            self._loop.turn(
                min(self._server.deadline - time.monotonic(), 60.0)
            )  # no selector waits for ever
            if time.monotonic() >= self._server.deadline:
                self._server.tick()
            self._server.look()


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """A daemon that serves until the end of the block."""
    daemon = Running(folder)
    try:
        yield daemon
    finally:
        daemon.stop()
