# SPDX-License-Identifier: MIT
"""Owns a child process from exec to reaping: its link, its stderr, its pidfd; nothing here blocks or waits."""

import os
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from camwatchd.core.messages import MAX_MESSAGE, Order, encode

LINK_FD = 3  # where a worker finds its end of the link
_AT_A_TIME = 32  # datagrams read in one turn, so that one worker cannot keep the loop to itself


class Child:
    """A running (or dead but not yet reaped) worker. `fileno`s are for the loop's selector."""

    def __init__(self, pid: int, pidfd: int, link: socket.socket, stderr: int) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self.link = link
        self.stderr = stderr
        self.imported = False
        self.versions: dict[str, str] = {}  # of what it has imported, if a standby was told of it
        self.status: int | None = None  # as subprocess has it: negative for a signal

    def send(self, order: Order, descriptors: Sequence[int] = ()) -> bool:
        """Give an order, with copies of descriptors; False if the worker does not take it (full or closed link)."""
        try:
            socket.send_fds(self.link, [encode(order)], descriptors)
        except OSError:
            return False
        return True

    def receive(self) -> tuple[list[bytes], bool]:
        """The datagrams that are there (some at a time), and whether the worker has closed its end."""
        datagrams: list[bytes] = []
        while len(datagrams) < _AT_A_TIME:
            try:
                datagram = self.link.recv(MAX_MESSAGE + 1)
            except BlockingIOError:
                return datagrams, False
            except OSError:
                return datagrams, True
            if not datagram:
                return datagrams, True
            datagrams.append(datagram)
        return datagrams, False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; a process that is gone already does not mind."""
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            return

    def hurry(self) -> None:
        """Give it the processor as often as us, if it may have that and still lives."""
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.pid, os.getpriority(os.PRIO_PROCESS, 0))

    def has_ended(self) -> bool:
        """Whether it can be reaped without waiting."""
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        return bool(poll.poll(0))

    def reap(self) -> int:
        """Collect the exit status of a child that has ended, and close everything."""
        _, status = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        self.close()
        return self.status

    def close(self) -> None:
        """Close our ends; closing twice is harmless."""
        self.link.close()
        for name in ("pidfd", "stderr"):
            if getattr(self, name) >= 0:
                os.close(getattr(self, name))
                setattr(self, name, -1)


def spawn_worker(
    backend: str, environ: Mapping[str, str], *, standby: bool = False, background: bool = False
) -> Child:
    """Execute a worker that imports `backend` and then waits for its orders; OSError: nothing of it is left.

    `background`: until it opens a camera it leaves the processor to others.
    """
    arguments = [
        "camwatchd.worker",
        f"--link={LINK_FD}",
        f"--supervisor={os.getpid()}",
        f"--backend={backend}",
    ]
    if standby:
        arguments.append("--standby")
    if background:
        arguments.append("--background")
    return spawn_linked(arguments, environ)


def spawn_linked(arguments: list[str], environ: Mapping[str, str]) -> Child:
    """Execute `python -m ...` with a link to us; OSError: nothing of it is left."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        ours.setblocking(False)
        pid, pidfd, stderr = _spawn(
            _python(arguments), environ, [(os.POSIX_SPAWN_DUP2, theirs.fileno(), LINK_FD)]
        )
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    return Child(pid, pidfd, ours, stderr)


def spawn_helper(arguments: list[str], environ: Mapping[str, str]) -> tuple[int, int, int]:
    """Execute `python -m ...` for something that may block; gives its pid, its pidfd and where its output is read.

    OSError: nothing of it is left.
    """
    return _spawn(_python(arguments), environ, [])


def spawn_tool(command: Sequence[str], environ: Mapping[str, str]) -> tuple[int, int, int]:
    """Execute a program of the system, found as a shell would; gives the same. OSError: there is none."""
    return _spawn(command, environ, [])


def _python(arguments: list[str]) -> list[str]:
    # -P: never import what happens to lie in the current directory.
    return [sys.executable, "-P", "-m", *arguments]


def _spawn(command: Sequence[str], environ: Mapping[str, str], actions: list[Any]) -> tuple[int, int, int]:
    reader, writer = os.pipe2(os.O_CLOEXEC)
    try:
        os.set_blocking(reader, False)
        pid = _exec(command, environ, actions, writer)
        return pid, _pidfd(pid), reader
    except OSError:
        os.close(reader)
        raise
    finally:
        os.close(writer)


def _pidfd(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError:  # no descriptor left. It has done nothing yet that SIGKILL would have to wait for.
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


def _exec(command: Sequence[str], environ: Mapping[str, str], actions: list[Any], output: int) -> int:
    # Output first: its descriptor may have the very number that the link is moved to.
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, output, 2),
        *actions,
    ]
    # A group of its own keeps a Ctrl-C that is meant for us away from it; signals blocked or ignored here must
    # not be there.
    return os.posix_spawnp(
        command[0],
        list(command),
        dict(environ),
        file_actions=actions,
        setpgroup=0,
        setsigmask=[],
        setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE],
    )
