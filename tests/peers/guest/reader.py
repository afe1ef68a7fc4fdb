# SPDX-License-Identifier: MIT
"""Owns the reader of what a program serves: the pictures of an HTTP stream, or the status of camwatchd.

python3 -m tests.peers.guest.reader ADDRESS|camwatchd YUYV|MJPEG
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any
from urllib.request import urlopen

from tests.peers.guest.pictures import Record, of_jpeg

SILENCE = 5.0  # s without a picture until the stream is asked for anew, as a browser's user would
PAUSE = 0.2  # s; between two questions, and before a new connection


def main(source: str, format_: str) -> None:
    """For ever: whatever ends, it is asked again."""
    record = Record()
    follow = _status if source == "camwatchd" else _stream
    while True:
        with contextlib.suppress(OSError, HTTPException, ValueError):
            follow(source, format_, record)
        time.sleep(PAUSE)


def _stream(address: str, format_: str, record: Record) -> None:
    with urlopen(f"http://{address}", timeout=SILENCE) as stream:
        for headers, data in _parts(stream):
            if headers.get(b"x-ustreamer-online") == b"false":
                record.write("offline")
            else:
                record.picture(of_jpeg(data, format_ == "MJPEG"))


def _parts(stream: Any) -> Iterator[tuple[dict[bytes, bytes], bytes]]:
    headers: dict[bytes, bytes] = {}
    while line := stream.readline():
        name, colon, value = line.strip().partition(b":")
        if colon:
            headers[name.lower()] = value.strip()
        elif not name and b"content-length" in headers:
            yield headers, stream.read(int(headers[b"content-length"]))
            headers = {}


def _status(_source: str, _format: str, record: Record) -> None:
    """Its last healthy frame, told by its age; a camera that is not said to be healthy has none."""
    from camwatchd.control.client import Client
    from camwatchd.control.protocol import Status
    from camwatchd.errors import CamwatchError

    last = 0.0
    with contextlib.suppress(CamwatchError), Client() as client:
        while True:
            facts: Any = client.ask(Status())
            camera, now = facts.cameras[0], time.monotonic()
            if camera.late:
                record.write("late", now)
            frame = now - (camera.last_frame_age if camera.last_frame_age is not None else now)
            if camera.is_capturing and not camera.late and frame > last + PAUSE / 4:
                record.write("good", frame)
                last = frame
            time.sleep(PAUSE)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
