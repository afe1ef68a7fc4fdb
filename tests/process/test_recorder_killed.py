# SPDX-License-Identifier: MIT
"""SIGKILL at any moment: no acknowledged record is lost, none is there twice, and the ledger opens every time."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from camwatchd.adapters import ledger_dump
from camwatchd.adapters.ledger_file import LedgerFile
from camwatchd.core import records as rec
from camwatchd.core.budget import Kind, Verdict
from camwatchd.core.ladder import Rung
from tests.adapters.ledger_rig import FAULT, ask
from tests.process import recorder_nursery
from tests.process.recorder_rig import PATIENCE

_ROUNDS = 100
_AHEAD = 16  # records on the way, as the supervisor has them
_MOST = 12  # acknowledgements before a kill
_LATER = 0.004  # seconds from the last awaited acknowledgement to the kill: a commit takes about as long


class Nursery:
    """Gives a link to a new recorder."""

    def __init__(self, state: Path) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(PATIENCE)
        with theirs:
            command = [sys.executable, "-P", recorder_nursery.__file__, str(theirs.fileno()), str(state)]
            self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()])

    def born(self) -> tuple[socket.socket, int]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(self.control, [b"one"], [theirs.fileno()])
            return ours, int(self.control.recv(16))


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    """A nursery that is gone afterwards."""
    nursery = Nursery(tmp_path)
    yield nursery
    nursery.control.close()
    nursery.process.wait(PATIENCE)


class Stream:
    """Records without end; what was not acknowledged goes to the next recorder, as the supervisor does it."""

    def __init__(self) -> None:
        self.acknowledged = 0  # all serials up to here

    def play(self, link: socket.socket, acks: int, patience: float) -> None:
        """Until so many acknowledgements came, and then as many as come within `patience`."""
        sent, goal = self.acknowledged, self.acknowledged + acks
        while True:
            for serial in range(sent + 1, self.acknowledged + _AHEAD + 1):
                link.send(rec.encode(serial, _record(serial)))
            sent = self.acknowledged + _AHEAD
            link.settimeout(PATIENCE if self.acknowledged < goal else patience)
            try:
                self.hear(link)
            except TimeoutError:
                return

    def hear(self, link: socket.socket) -> bool:
        """The next reply; False: it is dead."""
        try:
            datagram = link.recv(4096)
        except ConnectionResetError:
            return True  # it died with records unread; what it had said before can still be read
        if datagram:
            serial, reply = rec.decode_reply(datagram)
            assert reply in (rec.Written(), rec.Answered(Verdict(Kind.GRANTED))) or serial == 1
            assert serial == self.acknowledged + 1
            self.acknowledged = serial
        return bool(datagram)


def _record(serial: int) -> rec.Record:
    """First a healthy frame; then an incident each, of a camera of its own; every fifth asks for a restart."""
    if serial == 1:
        return rec.CameraHealthy("cam0")
    if serial % 5 == 0:
        return ask(rung=Rung.RESTART_SERVICE)
    return rec.IncidentOpened(f"cam{serial}", FAULT, str(serial))


def test_no_acknowledged_record_is_lost(tmp_path: Path, nursery: Nursery) -> None:
    """A hundred recorders die at random moments while records stream in; what was granted is written once."""
    chance, stream = random.Random(3), Stream()
    for _ in range(_ROUNDS):
        link, pid = nursery.born()
        with link:
            stream.play(link, chance.randrange(_MOST), max(1e-6, chance.uniform(-1, 1) * _LATER))
            os.kill(pid, signal.SIGKILL)
            link.settimeout(PATIENCE)
            while stream.hear(link):
                continue

    LedgerFile(tmp_path, lambda: "now").open().close()  # the last one may have died in mid-write
    ledger = ledger_dump.read(tmp_path)
    everything = range(1, stream.acknowledged + 1)
    grants = Counter(mark["serial"] for mark in ledger["marks"] if mark["kind"] == "service-restart")
    incidents = {incident["camera"]: len(incident["steps"]) for incident in ledger["incidents"]}
    assert len(everything) > 3 * _ROUNDS
    assert [] == [serial for serial in everything if serial % 5 == 0 and grants[serial] != 1]
    assert [] == [serial for serial in everything[1:] if serial % 5 and incidents.get(f"cam{serial}") != 1]
    assert [] == list(tmp_path.glob("*damaged*"))
