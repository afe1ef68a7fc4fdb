# SPDX-License-Identifier: MIT
"""Owns the ways of frames from one process to others: our ring, shared memory with queues, sockets.

The last two are written as a programmer would who needs it by tonight. A transport is made before the fork; `send()`
is the writer's, `receive()` that of reader number `index`, and gives when the frame was taken, or 0 at the end.
"""

import json
import math
import multiprocessing as mp
import os
import socket
import struct
from abc import ABC, abstractmethod
from multiprocessing import shared_memory
from typing import Any

import numpy as np
import numpy.typing as npt

from camwatchd.frames.layout import Facts, Layout
from camwatchd.frames.memory import Memory
from camwatchd.frames.reader import Raw, Reader
from camwatchd.frames.writer import Writer

Pixels = npt.NDArray[np.uint8]

SLOTS = 4
# About what picamera2 says of each frame.
METADATA = {
    "SensorTimestamp": 1_000_000_000, "ExposureTime": 19_989, "AnalogueGain": 2.0, "DigitalGain": 1.0003,
    "ColourTemperature": 4500, "ColourGains": [1.8, 1.6], "Lux": 410.3, "FrameDuration": 33_333, "LensPosition": 1.0,
    "SensorBlackLevels": [4096] * 4, "ScalerCrop": [0, 0, 4056, 3040], "AeLocked": True, "FocusFoM": 1843,
    "ColourCorrectionMatrix": [1.61, -0.49, -0.11, -0.35, 1.71, -0.35, -0.02, -0.56, 1.58],
}  # fmt: skip


class Transport(ABC):
    """For frames of `size` bytes to `readers` processes."""

    def __init__(self, size: int, readers: int) -> None:
        self.size, self.readers = size, readers

    @abstractmethod
    def send(self, data: Pixels, at: int) -> None:
        """A frame that was taken at `at`, ns."""

    @abstractmethod
    def receive(self, index: int) -> int:
        """The next that this reader can have, in memory of its own."""

    def look(self) -> None:  # noqa: B027 - most have it in memory of their own, and are done
        """What this reader does with what it has received."""

    @abstractmethod
    def end(self) -> None:
        """The writer's last word."""

    def close(self) -> None:  # noqa: B027 - not everybody has something to give back
        """Give everything back."""


class Ring(Transport):
    """Ours; readers take the newest."""

    def __init__(self, size: int, readers: int) -> None:
        super().__init__(size, readers)
        self._memory = Memory("bench", Layout(1, SLOTS, size))
        self._memory.readers = readers
        self._writer = Writer(self._memory.fd)
        self._reader: Reader | None = None
        self._seen = 0

    def send(self, data: Pixels, at: int) -> None:
        """Nothing, as long as nobody reads."""
        if self._writer.wanted:
            facts = Facts(0, at, at, at / 1e9, data.size, 1, data.size, 0, "RAW")
            self._writer.write(data, facts, json.dumps(METADATA).encode())

    def receive(self, index: int) -> int:
        if self._reader is None:
            descriptor = self._memory.for_readers()
            self._reader = Reader(descriptor)
            os.close(descriptor)
        while True:
            self._reader.wait(self._seen, math.inf)
            if self._reader.closed:
                return 0
            if (head := self._reader.head) != self._seen and (taken := self._take(self._reader, head)):
                self._seen = head
                return taken

    def _take(self, reader: Reader, head: int) -> int:
        raw = reader.copy(head)
        return raw.facts.taken_at if raw else 0

    def end(self) -> None:
        self._memory.retire()

    def close(self) -> None:
        self._writer.close()
        self._memory.close()


class Viewed(Ring):
    """The same, and the readers look at the frame where it is: they sum up every 64th byte."""

    _raw: Raw | None = None

    def _take(self, reader: Reader, head: int) -> int:
        self._raw = reader.view(head)
        return self._raw.facts.taken_at if self._raw else 0

    def look(self) -> None:
        if self._raw:
            int(self._raw.data[::64].sum())


class Nothing(Transport):
    """No frame at all: a byte through a pipe to each reader, which shows what waking up alone takes here and now."""

    def __init__(self, size: int, readers: int) -> None:
        super().__init__(size, readers)
        self._pipes = [os.pipe() for _ in range(readers)]

    def send(self, data: Pixels, at: int) -> None:
        for _, writing in self._pipes:
            os.write(writing, at.to_bytes(8, "little"))

    def receive(self, index: int) -> int:
        return int.from_bytes(os.read(self._pipes[index][0], 8), "little")

    def end(self) -> None:
        self.send(np.empty(0, np.uint8), 0)

    def close(self) -> None:
        for pipe in self._pipes:
            for end in pipe:
                os.close(end)


class Queues(Transport):
    """multiprocessing.shared_memory, and a queue for each reader that names the full slot. Frames may be torn."""

    def __init__(self, size: int, readers: int) -> None:
        super().__init__(size, readers)
        self._memory = shared_memory.SharedMemory(create=True, size=SLOTS * size)
        self._slots = np.ndarray((SLOTS, size), np.uint8, self._memory.buf)
        self._queues: list[Any] = [mp.get_context("fork").Queue() for _ in range(readers)]
        self._number = 0

    def send(self, data: Pixels, at: int) -> None:
        slot = self._number % SLOTS
        self._number += 1
        np.copyto(self._slots[slot], data)
        for queue in self._queues:
            queue.put((slot, at, METADATA))

    def receive(self, index: int) -> int:
        slot, at, _ = self._queues[index].get()
        self._slots[slot].copy()
        return int(at)

    def end(self) -> None:
        for queue in self._queues:
            queue.put((0, 0, {}))
            queue.close()
            queue.join_thread()

    def close(self) -> None:
        del self._slots
        self._memory.close()
        self._memory.unlink()


class Sockets(Transport):
    """A stream socket to each reader, through which everything goes."""

    _HEAD = struct.Struct("<QI")

    def __init__(self, size: int, readers: int) -> None:
        super().__init__(size, readers)
        self._pairs = [socket.socketpair() for _ in range(readers)]

    def send(self, data: Pixels, at: int) -> None:
        metadata = json.dumps(METADATA).encode()
        for ours, _ in self._pairs:
            ours.sendall(self._HEAD.pack(at, len(metadata)) + metadata)
            ours.sendall(data.data)

    def receive(self, index: int) -> int:
        connection = self._pairs[index][1]
        at, size = self._HEAD.unpack(_exactly(connection, self._HEAD.size).data)
        if at:
            json.loads(_exactly(connection, size).tobytes())
            _exactly(connection, self.size)
        return int(at)

    def end(self) -> None:
        for ours, _ in self._pairs:
            ours.sendall(self._HEAD.pack(0, 0))

    def close(self) -> None:
        for pair in self._pairs:
            for end in pair:
                end.close()


def _exactly(connection: socket.socket, size: int) -> Pixels:
    data = np.empty(size, np.uint8)
    connection.recv_into(data.data, size, socket.MSG_WAITALL)
    return data
