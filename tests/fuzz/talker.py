# SPDX-License-Identifier: MIT
"""Owns who tells a running daemon anything: random mutations of real requests, over connection after connection.

    python -m tests.fuzz.talker SOCKET MESSAGES SEED CORPUS      prints what came back, as JSON

Whole requests that would stop the frames on purpose are left out: everything else may be said, by root.
"""

import contextlib
import json
import os
import random
import select
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from camwatchd.control.protocol import (
    MAX_ANSWER,
    Drill,
    Pause,
    Recover,
    Reload,
    Request,
    decode_answer,
    decode_request,
)
from tests.fuzz import control

_ACTING = (Drill, Pause, Recover, Reload)
_MOST = 40  # messages of one connection
_LONGEST = 40_000  # bytes; more than the daemon reads
_READS = 0.5  # of them are followed by a look at the answers
_PATIENCE = 5000  # milliseconds


def mutated(chance: random.Random, samples: list[bytes], words: list[bytes]) -> bytes:
    """One of them with a few changes: bytes and words in, parts out, doubled or from another one, or cut short."""
    text = bytearray(chance.choice(samples))
    for _ in range(chance.choice((0, 1, 1, 2, 3, 8))):
        at, to = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        match chance.randrange(6):
            case 0:
                text[at:to] = b""
            case 1:
                text[at:at] = chance.choice(words)
            case 2:
                text[at : at + 1] = chance.randbytes(1)
            case 3:
                text[at:at] = text[at:to] * chance.choice((1, 2, 50))
            case 4:
                text[at:] = chance.choice(samples)[at:]
            case 5:
                text[to:] = b""
    return bytes(text[:_LONGEST])


def messages(seed: int, count: int, corpus: Path) -> Iterator[bytes]:
    """So many, the same for the same seed and corpus."""
    chance, words = random.Random(seed), control.words()
    samples = [
        part for text in (*control.seeds(), *found(corpus)) for part in text.split(control.NEXT) if part
    ]
    while count:
        text = mutated(chance, samples, words)
        if text and not acts(decode_request(text)[1]):
            count -= 1
            yield text


def found(corpus: Path) -> list[bytes]:
    """What the guided fuzzer has left there, if it has."""
    return [path.read_bytes() for path in sorted(corpus.iterdir())] if corpus.is_dir() else []


def acts(request: Request | object) -> bool:
    """Whether it stops frames on purpose, or has a program started."""
    return isinstance(request, _ACTING) and not getattr(request, "dry_run", False)


class Talker:
    """One connection after the other."""

    def __init__(self, path: str, chance: random.Random) -> None:
        self.heard: Counter[str] = Counter()
        self._path, self._chance = path, chance
        self._null = os.open(os.devnull, os.O_RDONLY)

    def converse(self, said: list[bytes]) -> None:
        """Say all of it, read now and then, and leave: politely or at once."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
            sock.connect(self._path)
            sock.setblocking(False)
            for text in said:
                if not self._say(sock, text):
                    self.heard["closed by the daemon"] += 1
                    break
                if self._chance.random() < _READS:
                    self._await(sock)

    def _say(self, sock: socket.socket, text: bytes) -> bool:
        descriptors = [self._null] * (self._chance.random() < 0.1)
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        while poll.poll(_PATIENCE):
            try:
                socket.send_fds(sock, [text], descriptors)
            except BlockingIOError:
                self._read(sock)
            except OSError:
                return False
            else:
                return True
        raise TimeoutError("the daemon does not read")

    def _await(self, sock: socket.socket) -> None:
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        poll.poll(_PATIENCE)
        self._read(sock)

    def _read(self, sock: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionResetError):
            while True:
                datagram, descriptors, _, _ = socket.recv_fds(sock, MAX_ANSWER, 4)
                for descriptor in descriptors:
                    os.close(descriptor)
                if not datagram:
                    return
                self.heard[type(decode_answer(datagram)[1]).__name__] += 1


def main(path: str, count: int, seed: int, corpus: str) -> None:
    """Say them all."""
    chance = random.Random(seed)
    talker = Talker(path, chance)
    queue: list[bytes] = []
    length = 1
    for text in messages(seed, count, Path(corpus)):
        queue.append(text)
        if len(queue) >= length:
            talker.converse(queue)
            queue, length = [], chance.randint(1, _MOST)
    talker.converse(queue)
    print(json.dumps(talker.heard))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
