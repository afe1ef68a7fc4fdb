# SPDX-License-Identifier: MIT
"""Owns the guest's end of the test channel: JSON lines on a virtio-serial port, a reply for each request.

    {"run": "COMMAND", "timeout": 30}           {"status": 0, "stdout": "...", "stderr": "..."}
    {"write": "/a/file", "data": "BASE64"}      {}
    {"read": "/a/file"}                         {"data": "BASE64"}

A command that is not done in time is killed with its process group and has the status null; a request
that cannot be served has the reply {"error": "..."}.
"""

import base64
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PORT = Path("/dev/virtio-ports/agent")
HOST_GONE_PAUSE = 0.05  # s; without a host the port reads as ended, and nothing announces the next host


def main() -> None:
    port = os.open(PORT, os.O_RDWR | os.O_CLOEXEC)
    for line in requests(port):
        send(port, json.dumps(serve(line)).encode() + b"\n")


def requests(port: int) -> Iterator[bytes]:
    pending = b""
    while True:
        received = os.read(port, 1 << 16)
        if not received:
            time.sleep(HOST_GONE_PAUSE)
            continue
        *lines, pending = (pending + received).split(b"\n")
        yield from lines


def send(port: int, reply: bytes) -> None:
    while reply:
        reply = reply[os.write(port, reply) :]


def serve(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
        if "run" in request:
            return run(request["run"], request["timeout"])
        if "write" in request:
            return write(Path(request["write"]), request["data"])
        return {"data": base64.b64encode(Path(request["read"]).read_bytes()).decode()}
    except (OSError, KeyError, ValueError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def run(command: str, timeout: float) -> dict[str, Any]:
    """Output goes to files: what the command leaves in the background may keep them open for ever."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            ["/bin/bash", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        status = wait(process, timeout)
        return {"status": status, "stdout": content(stdout), "stderr": content(stderr)}


def wait(process: subprocess.Popen[bytes], timeout: float) -> int | None:
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        # Not waited for: a process that hangs in the kernel would take the agent with it.
        os.killpg(process.pid, signal.SIGKILL)
        return None


def content(file: Any) -> str:
    file.seek(0)
    return bytes(file.read()).decode(errors="replace")


def write(path: Path, data: str) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base64.b64decode(data))
    return {}


if __name__ == "__main__":
    main()
