# SPDX-License-Identifier: MIT
"""Owns a file system that never finds a file: whoever opens one waits in the kernel, and not even SIGKILL ends that.

python3 fusehang.py FOLDER, as root, inside a container that was lent /dev/fuse. It needs nothing but Python, and
tells systemd when it is mounted. The callers are free when this process is gone. The protocol: linux/fuse.h.
"""

import ctypes
import os
import socket
import struct
import sys
from pathlib import Path

_LOOKUP, _FORGET, _GETATTR, _INIT, _INTERRUPT, _BATCH_FORGET = 1, 2, 3, 26, 36, 42
_ENOSYS = 38
_REQUEST = struct.Struct("<IIQQIIII")  # length, operation, unique, node, uid, gid, pid, padding
_REPLY = struct.Struct("<IiQ")  # length, error, unique
_ROOT = 1
_LONGEST = 1 << 17

# Version 7.31, no read-ahead, no special abilities, twelve requests in the background, writes of 64 KiB.
_INITED = struct.pack("<IIIIHHIIHH28x", 7, 31, 65536, 0, 12, 8, 65536, 1, 0, 0)
# Valid for a second; the root is a folder that everybody may search.
_ATTRIBUTES = struct.pack("<QIIQQQQQQIIIIIIIIII", 1, 0, 0, _ROOT, *[0] * 8, 0o40755, 2, *[0] * 3, 4096, 0)


def main(folder: Path) -> None:
    """Until it is killed."""
    folder.mkdir(parents=True, exist_ok=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    _mount(folder, f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other")
    _tell_systemd("READY=1")
    while True:
        _serve(device, os.read(device, _LONGEST))


def _serve(device: int, request: bytes) -> None:
    _, operation, unique, node, *_ = _REQUEST.unpack_from(request)
    if operation in (_LOOKUP, _FORGET, _BATCH_FORGET, _INTERRUPT):
        return  # the look-up is what never ends; the others want no answer
    error, data = -_ENOSYS, b""
    if operation == _INIT:
        error, data = 0, _INITED
    elif operation == _GETATTR and node == _ROOT:
        error, data = 0, _ATTRIBUTES
    os.write(device, _REPLY.pack(_REPLY.size + len(data), error, unique) + data)


def _mount(folder: Path, options: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"hang", os.fsencode(folder), b"fuse", 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), "mount", str(folder))


def _tell_systemd(text: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
