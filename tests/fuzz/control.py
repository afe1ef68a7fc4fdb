# SPDX-License-Identifier: MIT
"""Owns the control socket as a target: clients that say anything to the real server, in the real loop.

An input is what two clients do by turns, separated by NUL: what is sent begins with anything but the bytes below.
"""

import json
import os
import socket
import tempfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from camwatchd.control.handlers import FREE_WITHIN
from camwatchd.control.protocol import MAX_ANSWER, MAX_REQUEST, Adjust, Pause, decode_answer, encode_request
from camwatchd.control.server import IDLE, MOST_OWED
from camwatchd.loop import Loop
from tests.control.rig import Bench, camera
from tests.control.samples import REQUESTS

NEXT = b"\x00"
LEAVE, MUTE, LEND, PAD, WAIT, DONE = (bytes([number]) for number in range(1, 7))
"""The client leaves and another comes; it does not read the answer; it sends a descriptor too; it says the rest over
and over, beyond what is allowed; a minute passes; the daemon has done what takes its time."""

_ACTS = 8  # of an input
_LOOK = 100  # inputs
_CAMERAS = (camera("cam0"), camera("cam1"))
_KNOWN: deque[bytes] = deque(maxlen=20)  # answers that are well-formed: most are the same


class Control:
    """The server of one daemon, for all inputs; its two clients stay until they are closed, or leave."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.bench, self._loop = Bench(Path(self._folder.name)), Loop()
        self._loop.watch(self.bench.server.fileno(), self.bench.server.serve)
        self._null = os.open(os.devnull, os.O_RDONLY)
        self._clients = [self.bench.connect() for _ in range(2)]
        self._taken = 0

    def take(self, data: bytes) -> None:
        """What two clients do; now and then both leave, and the server must be as it was."""
        for number, act in enumerate(data.split(NEXT)[:_ACTS]):
            if act[:1] == LEAVE or not self._act(self._clients[number % 2], act):
                self._come_anew(number % 2)
            self._turn(1)
            if act[:1] != MUTE and not read(self._clients[number % 2]):
                self._come_anew(number % 2)
        self._taken += 1
        if self._taken % _LOOK == 0:
            self._look()
        self._forget()

    def close(self) -> None:
        """Give everything back."""
        for client in self._clients:
            client.close()
        self._loop.forget(self.bench.server.fileno())
        self.bench.server.close()
        os.close(self._null)
        self._folder.cleanup()

    def _come_anew(self, number: int) -> None:
        self._clients[number].close()
        self._clients[number] = self.bench.connect()

    def _act(self, client: socket.socket, act: bytes) -> bool:
        """Do it; False: the daemon has closed the connection."""
        head, rest = act[:1], act[1:]
        try:
            if head == LEND:
                socket.send_fds(client, [rest], [self._null])
            elif head == PAD:
                client.send((rest or b" ") * (MAX_REQUEST // max(1, len(rest)) + 1))
            elif head == WAIT:
                self.bench.now += IDLE
            elif head == DONE:
                self._finish()
            else:
                client.send(rest if head == MUTE else act)
        except BlockingIOError:  # it is not read as fast as it says
            return True
        except OSError:
            return False
        return True

    def _turn(self, times: int) -> None:
        server = self.bench.server
        for _ in range(times):
            self._loop.turn(0)
            if self.bench.now >= server.deadline:
                server.tick()
            server.look()

    def _finish(self) -> None:
        daemon = self.bench.daemon
        while daemon.reloads:
            daemon.reloads.pop()("")
        daemon.change(daemon.names(), has_worker=False)

    def _forget(self) -> None:
        """What the test's own daemon remembers goes."""
        daemon = self.bench.daemon
        daemon.cameras = _CAMERAS
        daemon.orders.clear()
        self.bench.log.lines.clear()

    def _look(self) -> None:
        """Of the server nothing may be left when everybody has gone."""
        daemon, server = self.bench.daemon, self.bench.server
        for client in self._clients:
            client.close()
        self._turn(MOST_OWED + 2)
        self._finish()
        self.bench.now += FREE_WITHIN
        self._turn(1)
        left = len(server._clients), len(server._handlers._waiting), len(server._handlers._readers)
        assert (0, 0, 0) == left, f"clients, pauses and readers that are left: {left}"
        assert 0 == daemon.readers
        self._clients = [self.bench.connect() for _ in range(2)]


def read(client: socket.socket) -> bool:
    """All that is there; each is an answer as clients know them. False: the daemon has closed the connection."""
    try:
        while True:
            datagram, descriptors, _, _ = socket.recv_fds(client, MAX_ANSWER, 4)
            for descriptor in descriptors:
                os.close(descriptor)
            if not datagram:
                return False
            if datagram not in _KNOWN:
                decode_answer(datagram)
                _KNOWN.append(datagram)
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


def make() -> Control:
    """See `Family`."""
    return Control()


def seeds() -> list[bytes]:
    """Every request, alone and in a conversation, and what is nearly one."""
    said = [encode_request(7, request) for request in REQUESTS]
    return [*said, *(head + said[1] for head in (MUTE, LEND, PAD)), *_conversations(said), *_nearly(said)]


def heavy() -> list[bytes]:
    """As much as a datagram holds, of what is slow to read or to refuse."""
    names = b"[" + b",".join([b'"x"'] * 2000) + b"]"
    pause, adjust = encode_request(7, Pause(60.0)), encode_request(7, Adjust("cam0", {"A": 1}))
    many = b",".join(b'"C%d":[1,2]' % number for number in range(600))
    deep = [b'{"version":' + b"[" * depth + b"]" * depth + b"}" for depth in (900, 4000)]
    full = [pause.replace(b"[]", names), adjust.replace(b'"A":1', many), b'{"serial":' + b"9" * 4000, *deep]
    return [NEXT.join([text] * _ACTS) for text in full]


def words() -> list[bytes]:
    """The keys, names and values of requests."""
    texts = {word for request in REQUESTS for word in _texts(json.loads(encode_request(7, request)))}
    return [NEXT, LEAVE, MUTE, LEND, PAD, WAIT, DONE, *(json.dumps(text).encode() for text in sorted(texts))]


def _conversations(said: list[bytes]) -> Iterator[bytes]:
    ping, status = said[:2]
    for request in said:
        yield NEXT.join([request, ping, DONE, request, LEAVE, WAIT, status])
    yield NEXT.join([MUTE + status] * _ACTS)
    yield NEXT.join(said[:_ACTS])


def _nearly(said: list[bytes]) -> Iterator[bytes]:
    yield from (b"", b"{", b"[" * 2000, b"\xff\xfe", b"null", said[3][:-3], said[3] * 2)
    yield said[3].replace(b'"serial":7', b'"serial":' + b"9" * 400)
    yield said[3].replace(b'"version":1', b'"version":2')
    yield from (said[2].replace(b"600.0", text) for text in (b"1e999", b"NaN", b"-0", b'"1"', b"[[[[]]]]"))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for item in pair for text in _texts(item))
    elif isinstance(value, list):
        yield from (text for item in value for text in _texts(item))
