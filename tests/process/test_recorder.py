# SPDX-License-Identifier: MIT
"""The recorder as a process: its link, its name, its end, and troubles that only a real file system can make."""

import os
import resource
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from camwatchd.adapters import ledger_dump
from camwatchd.adapters.host import RECORDER_COMM
from camwatchd.core import records as rec
from camwatchd.core.exits import WorkerExit
from tests.adapters.ledger_rig import FAULT, ask
from tests.process.recorder_rig import PATIENCE, RecorderRig, recorder
from tests.process.side_by_side import SideBySide

together = SideBySide()
start = together.from_the_start()

BEGIN = rec.Begin("0.1.0", 1)
HEALTHY = rec.CameraHealthy("cam0")
# Mounts that nobody else sees; unprivileged where the kernel allows user namespaces.
_OWN_MOUNTS = ("unshare", "--mount", "--map-root-user", "--propagation=private")
SMALL = 'mount -t tmpfs -o size=200k tmpfs "$0"'
READ_ONLY = 'mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"'


def kinds(state: Path) -> list[str]:
    """The marks in the ledger."""
    return [mark["kind"] for mark in ledger_dump.read(state)["marks"]]


def test_it_answers_by_the_serial(tmp_path: Path) -> None:
    """A record is acknowledged, a request decided; without systemd nobody would reboot."""
    with recorder(tmp_path) as rig:
        rig.send(BEGIN, HEALTHY, ask())
        verdict = rig.until(rec.Answered).verdict

    assert [1, 2, 3] == [serial for serial, _ in rig.said]
    assert "no-systemd" == verdict.name
    assert "healthy" in kinds(tmp_path)


def test_it_names_itself(tmp_path: Path) -> None:
    """The supervisor tells by the name that it is no worker that still holds a camera."""
    with recorder(tmp_path) as rig:
        rig.send(BEGIN)
        rig.until(rec.Opened)

        assert RECORDER_COMM == Path(f"/proc/{rig.process.pid}/comm").read_text().strip()


def test_it_ends_when_the_link_is_closed(tmp_path: Path) -> None:
    """What was sent before is written, though nobody reads the answers any more."""
    with recorder(tmp_path) as rig:
        rig.send(BEGIN, HEALTHY, rec.CleanStop())
        rig.link.close()

        assert (WorkerExit.CLEAN, "") == rig.ended()
    assert ["boot", "start", "healthy", "clean-stop"] == kinds(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_stays_until_the_link_is_closed(tmp_path: Path, number: signal.Signals) -> None:
    """systemd may tell every process to stop; the supervisor has something to say to it yet."""
    with recorder(tmp_path) as rig:
        rig.send(BEGIN)
        rig.until(rec.Opened)
        rig.process.send_signal(number)
        rig.send(rec.CleanStop())

        assert rec.Written() == rig.until(rec.Written)


def test_it_dies_with_its_supervisor(tmp_path: Path) -> None:
    """Even while somebody else still holds the other end of the link."""
    code = (
        "import os, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'camwatchd.recorder', f'--supervisor={os.getpid()}',\n"
        "    *sys.argv[1:]], close_fds=False)\n"
        "print(child.pid, flush=True); child.wait()"
    )
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(PATIENCE)
    options = [f"--link={theirs.fileno()}", f"--state={tmp_path}", "--unit=", "--start=s"]
    with ours, theirs:
        with subprocess.Popen(
            [sys.executable, "-c", code, *options], pass_fds=[theirs.fileno()], stdout=subprocess.PIPE
        ) as supervisor:
            assert supervisor.stdout is not None
            pidfd = os.pidfd_open(int(supervisor.stdout.readline()))
            ours.send(rec.encode(1, BEGIN))
            ours.recv(65536)
            supervisor.kill()
        ended = select.select([pidfd], [], [], PATIENCE)[0]
        os.close(pidfd)

    assert [pidfd] == ended


def test_an_orphan_does_not_begin(tmp_path: Path) -> None:
    """The supervisor was gone before it could be tied to it."""
    with recorder(tmp_path, "--supervisor=1") as rig:
        assert WorkerExit.ORPHANED == rig.ended()[0]
    assert not (tmp_path / "ledger.db").exists()


def test_what_is_no_record_ends_it(tmp_path: Path) -> None:
    """Another program's words, or those of another version: it says so and does not guess."""
    with recorder(tmp_path) as rig:
        rig.link.send(b'{"serial": 1, "kind": "Nonsense"}')
        status, words = rig.ended()

    assert WorkerExit.BAD_ORDER == status
    assert "no record" in words


def test_the_next_one_writes_what_the_last_one_did_not_acknowledge(tmp_path: Path) -> None:
    """It died after writing and before answering: the supervisor sends again, and all is in the ledger once."""
    records: list[rec.Record] = [BEGIN, HEALTHY, rec.IncidentOpened("cam0", FAULT, "x"), rec.CleanStop()]
    with recorder(tmp_path) as rig:
        rig.send(*records)
        rig.until(rec.Opened)
    with recorder(tmp_path) as rig:
        rig.send(*records)
        while rig.hear() != (4, rec.Written()):
            assert rig.said

    assert ["boot", "start", "healthy", "clean-stop"] == kinds(tmp_path)
    assert [1] == [len(incident["steps"]) for incident in ledger_dump.read(tmp_path)["incidents"]]


# --- troubles of a real file system -----------------------------------------------------------------------------


@together
def test_writes_that_fail_are_trouble_until_they_succeed(tmp_path: Path) -> None:
    """The process may write nothing (a limit on file sizes): said, nothing granted; lifted: all is written."""
    with recorder(tmp_path) as rig:
        rig.send(BEGIN)
        rig.until(rec.Opened)
        _, hard = resource.prlimit(rig.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(rig.process.pid, resource.RLIMIT_FSIZE, (0, hard))
        rig.send(rec.IncidentOpened("cam0", FAULT, "x"))
        trouble = rig.until(rec.Unwritten).trouble
        rig.send(ask())
        verdict = rig.until(rec.Answered).verdict
        resource.prlimit(rig.process.pid, resource.RLIMIT_FSIZE, (hard, hard))

        assert rec.Written() == rig.until(rec.Written)
    assert ("I/O error", "ledger-untrusted") == (trouble[:9], verdict.name)
    assert 1 == len(ledger_dump.read(tmp_path)["incidents"])


@contextmanager
def mounted(state: Path, mount: str) -> Iterator[RecorderRig]:
    """A recorder in a mount namespace of its own, in which `mount` was done to its state directory, "$0"."""
    if subprocess.run([*_OWN_MOUNTS, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs root or user namespaces")
    state.mkdir(exist_ok=True)
    with recorder(state, before=[*_OWN_MOUNTS, "sh", "-ec", f'{mount}; exec "$@"', str(state)]) as rig:
        yield rig


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)


@together
def test_a_full_disk_is_said_and_survived(tmp_path: Path) -> None:
    """Named so to record and request; when there is room again all is written."""
    with mounted(tmp_path / "state", SMALL) as rig:
        rig.send(BEGIN, HEALTHY)
        rig.until(rec.Written)
        filler = Path(f"/proc/{rig.process.pid}/root{rig.state}/filler")
        _fill(filler)
        rig.send(rec.IncidentOpened("cam0", FAULT, "x" * 600))
        trouble = rig.until(rec.Unwritten).trouble
        rig.send(ask())
        verdict = rig.until(rec.Answered).verdict
        filler.unlink()
        rig.send(rec.CleanStop())  # what comes new is tried at once, and what waits with it

        assert [rec.Written(), rec.Written()] == [rig.until(rec.Written), rig.until(rec.Written)]
    assert ("disk full", "ledger-untrusted") == (trouble, verdict.name)


@together
def test_a_read_only_file_system_is_said_and_survived(tmp_path: Path) -> None:
    """As a failing card leaves it after the boot; writable again, all is written into the same ledger."""
    state = tmp_path / "state"
    with recorder(state) as rig:
        rig.send(BEGIN, HEALTHY)
        rig.until(rec.Written)
    with mounted(state, READ_ONLY) as rig:
        rig.send(BEGIN)
        trouble = rig.until(rec.Unwritten).trouble
        enter = ["nsenter", f"--target={rig.process.pid}", "--user", "--preserve-credentials", "--mount"]
        subprocess.run([*enter, "mount", "-o", "remount,bind,rw", str(state)], check=True)

        rig.send(HEALTHY)

        assert ("cam0",) == rig.until(rec.Opened).healthy
    assert "read-only file system" == trouble


def test_a_state_directory_in_memory_proves_nothing(tmp_path: Path) -> None:
    """On tmpfs the ledger is kept, but no budget: said with the first answer."""
    with mounted(tmp_path / "state", SMALL) as rig:
        rig.send(BEGIN)

        assert f"{rig.state} is on tmpfs, which a boot empties" == rig.until(rec.Opened).untrusted


@together
def test_the_ledger_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    """The reader prints text or JSON, and says why where there is nothing to read."""
    reader = [sys.executable, "-m", "camwatchd.adapters.ledger_dump"]
    with recorder(tmp_path) as rig:
        rig.send(BEGIN, HEALTHY, rec.IncidentOpened("cam0", FAULT, "no frame for 1.5 s"))
        while rig.hear() != (3, rec.Written()):
            assert rig.said
        text = subprocess.run([*reader, str(tmp_path)], capture_output=True, text=True, check=True).stdout
        plain = subprocess.run([*reader, str(tmp_path), "--json"], capture_output=True, check=True).stdout
    none = subprocess.run([*reader, str(tmp_path / "none")], capture_output=True, text=True, check=False)

    assert "healthy cam0" in text
    assert f"cam0: {FAULT}: no frame for 1.5 s  [open]" in text
    assert b'"kind": "healthy"' in plain
    assert (1, True) == (none.returncode, "ledger.db" in none.stderr)
