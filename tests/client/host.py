# SPDX-License-Identifier: MIT
"""Owns a daemon that says what a test wants, and no more: frames come from a ring that the test itself writes."""

import contextlib
import itertools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from camwatchd.client import Camera
from camwatchd.control.facts import StatusFacts
from camwatchd.control.protocol import (
    MAX_REQUEST,
    Answer,
    Attach,
    AttachFacts,
    Refused,
    Request,
    Status,
    decode_request,
    encode_answer,
)
from camwatchd.core.streams import Stream
from camwatchd.frames.layout import Facts, Layout
from camwatchd.frames.memory import Memory
from camwatchd.frames.reader import Reader
from camwatchd.frames.writer import Writer
from tests.control.rig import FakeDaemon
from tests.frames.rig import GREY, picture

SIZE, SLOTS = 4096, 8
Greet = Callable[[socket.socket], object]
Say = Callable[[Request | Refused], Answer | None]


def status() -> StatusFacts:
    """Of a healthy camera."""
    return FakeDaemon().status()


def shot(age: float = 0.0) -> Facts:
    """What is known of a frame that was taken so many seconds ago."""
    return replace(GREY, taken_at=round((time.monotonic() - age) * 1e9))


class Ring:
    """One generation, and who writes it."""

    def __init__(self) -> None:
        self.memory = Memory("camwatchd", Layout(1, SLOTS, SIZE))
        self.writer = Writer(self.memory.fd)

    def write(self, count: int = 1, age: float = 0.0) -> None:
        """So many frames."""
        for _ in range(count):
            self.writer.write(picture(self.writer.number + 1, SIZE), shot(age))

    @contextmanager
    def writing(self, *pictures: bytes) -> Iterator[None]:
        """A hundred frames a second meanwhile; of these JPEG files in turn, if there are any."""
        over = threading.Event()

        def write() -> None:
            for number in itertools.count():
                if over.wait(0.01):
                    break
                if pictures:
                    self._write_jpeg(pictures[number % len(pictures)])
                else:
                    self.write()

        thread = threading.Thread(target=write)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _write_jpeg(self, data: bytes) -> None:
        facts = replace(shot(), format="MJPEG", width=64, height=48, stride=0)
        self.writer.write(np.frombuffer(data, np.uint8), facts)

    def reader(self) -> Reader:
        """One without a client."""
        fd = self.memory.for_readers()
        try:
            return Reader(fd)
        finally:
            os.close(fd)

    def close(self) -> None:
        """Readers keep what they have mapped."""
        self.writer.close()
        self.memory.close()


class Host:
    """Serves each connection in a thread: the ring to whoever attaches, the status, else what `say` gives.

    None is no answer at all. `greet` has each connection to itself instead.
    """

    def __init__(self, path: Path, ring: Ring, say: Say | None = None, greet: Greet | None = None) -> None:
        self.path, self.ring, self.asked = path, ring, threading.Event()
        self._say, self._awake = say, threading.Event()
        self._greet = greet or self._talk
        self._awake.set()
        self._connections: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(path))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def kill(self) -> None:
        """As SIGKILL does: connections end, the ring is not closed; the socket is left behind."""
        self._awake.set()
        for sock in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Nothing is said meanwhile."""
        self._awake.clear()
        yield
        self._awake.set()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._connections.append(sock)
                self._threads.append(threading.Thread(target=self._meet, args=[sock]))
                self._threads[-1].start()

    def _meet(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            self._greet(sock)

    def _talk(self, sock: socket.socket) -> None:
        while datagram := sock.recv(MAX_REQUEST):
            self.asked.set()
            self._awake.wait()
            self._answer(sock, *decode_request(datagram))

    def _answer(self, sock: socket.socket, serial: int, request: Request | Refused) -> None:
        answer = self._say(request) if self._say else usual(request)
        if isinstance(answer, AttachFacts):
            fd = self.ring.memory.for_readers()
            socket.send_fds(sock, [encode_answer(serial, answer)], [fd])
            os.close(fd)
        elif answer is not None:
            sock.send(encode_answer(serial, answer))


def usual(request: Request | Refused) -> Answer | None:
    """What a daemon says whose camera is well; nothing about controls."""
    match request:
        case Attach():
            return AttachFacts("cam0", Stream("main", "YUV420", 64, 32, 64, SIZE), 1, SLOTS)
        case Status():
            return status()
    return None


@contextmanager
def host(
    folder: Path, say: Say | None = None, greet: Greet | None = None
) -> Iterator[tuple[Host, Ring, Camera]]:
    """It, its ring, and a camera that asks it."""
    ring = Ring()
    found = Host(folder / "sock", ring, say, greet)
    try:
        with Camera(socket=str(found.path)) as cam:
            yield found, ring, cam
    finally:
        found.kill()
        ring.close()
