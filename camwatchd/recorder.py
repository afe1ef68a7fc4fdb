# SPDX-License-Identifier: MIT
"""Owns the life of the recorder process, which holds the ledger: it may block on a dying SD card, nobody else does.

    python -m camwatchd.recorder --link FD --supervisor PID --state DIR --unit NAME --start ID [--boot-id ID]

It ends when the supervisor closes the link, or with the supervisor.
"""

import argparse
import faulthandler
import select
import signal
import socket
import sys
import time
from pathlib import Path

from camwatchd.adapters import lifeline, medium
from camwatchd.adapters.durable import HealthMark
from camwatchd.adapters.host import RECORDER_COMM
from camwatchd.adapters.host_facts import Lookout
from camwatchd.adapters.ledger_file import LedgerFile
from camwatchd.adapters.machine import Machine
from camwatchd.core.exits import WorkerExit
from camwatchd.core.messages import MAX_MESSAGE, ProtocolError
from camwatchd.core.records import Reply, decode_record, encode
from camwatchd.recorder_desk import Desk

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def main(argv: list[str]) -> WorkerExit:
    """The whole life of the recorder."""
    options = _arguments().parse_args(argv)
    if not lifeline.tied_to(options.supervisor):
        return WorkerExit.ORPHANED
    Path("/proc/self/comm").write_text(RECORDER_COMM)
    faulthandler.enable()
    # systemd and a terminal tell everybody of the group; the supervisor closes the link when it has said all.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    link = socket.socket(fileno=options.link)
    return serve(link, _desk(options, link))


def serve(link: socket.socket, desk: Desk) -> WorkerExit:
    """Take records until the link is closed."""
    ready = select.poll()
    ready.register(link, select.POLLIN)
    is_open = True
    while is_open:
        ready.poll(max(0.0, desk.deadline - desk.clock()) * 1000)
        try:
            is_open = _take(link, desk)
        except ProtocolError as error:
            sys.stderr.write(f"camwatchd.recorder: no record: {error}\n")
            return WorkerExit.BAD_ORDER
        desk.settle()
        desk.tick()
    desk.close()
    return WorkerExit.CLEAN


def _take(link: socket.socket, desk: Desk) -> bool:
    """What has come by now; False: nothing more will."""
    while True:
        try:
            datagram = link.recv(MAX_MESSAGE + 1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except (
            ConnectionResetError
        ):  # it left without reading all replies; what it had sent can still be read
            continue
        if not datagram:
            return False
        desk.take(*decode_record(datagram))


def _desk(options: argparse.Namespace, link: socket.socket) -> Desk:
    machine = Machine(options.unit)
    boot = options.boot_id or _BOOT_ID.read_text().strip()

    def stamp() -> str:
        return time.strftime("%Y-%m-%dT%H%M", machine.wall())

    def say(serial: int, reply: Reply) -> None:
        try:
            link.send(encode(serial, reply))
        except OSError:  # EPIPE, ECONNRESET: nobody listens any more, which reading finds too
            return

    return Desk(
        file=LedgerFile(options.state, stamp),
        health=HealthMark(options.state, boot),
        medium=medium.untrusted(options.state),
        machine=machine,
        boot=boot,
        start=options.start,
        say=say,
        look=Lookout(),
    )


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="camwatchd.recorder", allow_abbrev=False)
    parser.add_argument("--link", type=int, required=True, metavar="FD")
    parser.add_argument("--supervisor", type=int, required=True, metavar="PID")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR")
    parser.add_argument("--unit", required=True, metavar="NAME", help="the service; empty: none")
    parser.add_argument("--start", required=True, metavar="ID", help="of this start of the service")
    parser.add_argument("--boot-id", metavar="ID", help=f"default: from {_BOOT_ID}")
    return parser


if __name__ == "__main__":
    # The supervisor reads the traceback of anything unexpected from our stderr, and replaces us.
    sys.exit(main(sys.argv[1:]))
