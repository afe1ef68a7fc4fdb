# SPDX-License-Identifier: MIT
"""Owns the first peer: a plain picamera2 loop, which trusts systemd to start it again when it dies.

python3 -m tests.peers.guest.bare YUYV|MJPEG
"""

import sys

from tests.peers.guest.camera import captured, number, opened
from tests.peers.guest.pictures import Record


def main(format_: str) -> None:
    """For ever."""
    record, camera = Record(), opened(format_)
    while True:
        record.picture(number(captured(camera, format_), format_))


if __name__ == "__main__":
    main(sys.argv[1])
