# SPDX-License-Identifier: MIT
"""Owns frames that prove themselves, and processes that write them until they are killed.

python -m tests.frames.rig FD SIZE
"""

import os
import socket
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from camwatchd.control.protocol import MAX_ANSWER, Attach, encode_request
from camwatchd.frames.layout import Facts
from camwatchd.frames.reader import Raw, Reader
from camwatchd.frames.writer import Writer

Pixels = npt.NDArray[np.uint8]
GREY = Facts(0, 1_000, 2_000, 3.5, 64, 32, 64, 0, "YUV420")


def picture(number: int, size: int) -> Pixels:
    """Pseudo-random bytes that depend on the number in every place."""
    block = np.random.default_rng(number).integers(0, 256, 4096, dtype=np.uint8)
    return np.resize(block, size)


def write_one(writer: Writer, size: int) -> None:
    """The next frame, with the checksum of its data as metadata."""
    data = picture(writer.number + 1, size)
    writer.write(data, GREY, b"%08x" % zlib.crc32(data.data))


def proves(frame: Raw) -> bool:
    """Whether what was read is one frame and not two."""
    return proves_itself(frame.data, frame.metadata)


def proves_itself(data: bytes | Pixels, metadata: bytes) -> bool:
    """The same of its parts."""
    return metadata == b"%08x" % zlib.crc32(bytes(data))


@contextmanager
def ring(path: Path, camera: str = "cam0") -> Iterator[Reader]:
    """The ring of a daemon's camera, without the client's help."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(str(path))
        connection.send(encode_request(1, Attach(camera)))
        _, descriptors, _, _ = socket.recv_fds(connection, MAX_ANSWER, 1)
        reader = Reader(descriptors[0])
        os.close(descriptors[0])
        yield reader
        reader.close()


def main() -> None:
    """For each line a child that writes as fast as possible until it is killed."""
    fd, size = map(int, sys.argv[1:])
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            write_for_ever(fd, size)
        print(child, flush=True)
        os.waitpid(child, 0)


def write_for_ever(fd: int, size: int) -> NoReturn:
    """As a worker does whose camera is very fast."""
    writer = Writer(fd)
    while True:
        write_one(writer, size)


if __name__ == "__main__":
    main()
