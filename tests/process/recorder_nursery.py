# SPDX-License-Identifier: MIT
"""Owns recorders by the hundred: each one forked from a process that has done the imports, on a link of its own.

    python tests/process/recorder_nursery.py FD STATE

Whatever link arrives on FD gets a recorder; its pid is the answer.
"""

import os
import signal
import socket
import sys

from camwatchd import recorder


def main(control: socket.socket, state: str) -> None:
    """Fork until nobody asks any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries them
    supervisor = os.getpid()
    while True:
        _, fds, _, _ = socket.recv_fds(control, 16, 1)
        if not fds:
            return
        pid = os.fork()
        if pid == 0:
            options = [f"--link={fds[0]}", f"--supervisor={supervisor}", f"--state={state}"]
            os._exit(recorder.main([*options, "--unit=", "--start=start-1"]))
        os.close(fds[0])
        control.send(str(pid).encode())


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
