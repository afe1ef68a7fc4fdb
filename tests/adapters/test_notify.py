# SPDX-License-Identifier: MIT
"""Owns the tests of the line to systemd, on real datagram sockets."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from camwatchd import ports
from camwatchd.adapters.notify import Notifier, NullNotifier, from_environment


def listening(address: str | Path) -> socket.socket:
    """Systemd's end of the line."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.settimeout(5)
    listener.bind(str(address))
    return listener


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with listening(tmp_path / "notify") as listener:
        yield listener


@pytest.fixture
def notifier(systemd: socket.socket) -> Iterator[Notifier]:
    line = Notifier(systemd.getsockname())
    yield line
    line.close()


def test_each_method_says_its_word(notifier: Notifier, systemd: socket.socket) -> None:
    """Every method sends exactly one datagram with the assignment that sd_notify(3) defines."""
    said: dict[Callable[[], bool], bytes] = {
        notifier.ready: b"READY=1",
        notifier.stopping: b"STOPPING=1",
        notifier.ping: b"WATCHDOG=1",
        notifier.trigger: b"WATCHDOG=trigger",
        lambda: notifier.reloading(12.5): b"RELOADING=1\nMONOTONIC_USEC=12500000",
        lambda: notifier.watchdog_interval_is(150): b"WATCHDOG_USEC=150000000",
        lambda: notifier.status("cam0 fine"): b"STATUS=cam0 fine",
    }
    for method, datagram in said.items():
        assert method() is True
        assert datagram == systemd.recv(4096)
    systemd.setblocking(False)
    with pytest.raises(BlockingIOError):
        systemd.recv(4096)


def test_status_is_plain(notifier: Notifier, systemd: socket.socket) -> None:
    """A status with arrows, degrees and newlines arrives as one ASCII line of at most 200 characters."""
    notifier.status("45 °C → too\nWATCHDOG=1\x1b[0m " + "x" * 300)
    said = systemd.recv(4096).decode("ascii")
    assert said.startswith("STATUS=45 ?C ? too WATCHDOG=1 [0m xxx")
    assert len("STATUS=") + 200 == len(said)


@pytest.mark.parametrize("seconds", [0, 1e-9, -5])
def test_an_interval_never_disarms(notifier: Notifier, systemd: socket.socket, seconds: float) -> None:
    """WATCHDOG_USEC=0 would switch the watchdog off for good, so the smallest interval is 1 us."""
    notifier.watchdog_interval_is(seconds)
    assert systemd.recv(4096) == b"WATCHDOG_USEC=1"


def test_a_full_socket_does_not_block(notifier: Notifier, systemd: socket.socket) -> None:
    """When systemd does not read, a send fails at once and is counted; once it reads, sends work again."""
    sent = 0
    while notifier.ping():
        sent += 1
    before = time.monotonic()
    assert not notifier.ping()
    assert time.monotonic() - before < 0.1
    assert notifier.failures == 2
    assert [b"WATCHDOG=1"] * sent == [systemd.recv(4096) for _ in range(sent)]
    assert notifier.ping()


def test_a_closed_peer_is_found_again(tmp_path: Path) -> None:
    """When systemd's socket goes away sends fail quietly, and a new socket at the same address is used."""
    address = tmp_path / "notify"
    notifier = Notifier(str(address))
    with listening(address):
        assert notifier.ready()
    assert not notifier.ping()
    address.unlink()
    assert not notifier.ping()
    with listening(address) as again:
        assert notifier.ping()
        assert again.recv(4096) == b"WATCHDOG=1"
    assert notifier.failures == 2
    notifier.close()


def test_an_absent_socket_is_only_counted(tmp_path: Path) -> None:
    """A NOTIFY_SOCKET that does not exist, or is too long to be one, never raises."""
    for address in (str(tmp_path / "absent"), "/" + "x" * 200):
        notifier = Notifier(address)
        assert (notifier.ready(), notifier.failures) == (False, 1)


def test_an_abstract_socket_is_reached() -> None:
    """An address that begins with @ is in the abstract name space."""
    name = f"camwatchd-test-{os.getpid()}"
    with listening("\0" + name) as systemd:
        notifier = Notifier("@" + name)
        assert notifier.ready()
        assert systemd.recv(4096) == b"READY=1"
        notifier.close()


def test_children_do_not_inherit(systemd: socket.socket) -> None:
    """The three variables of systemd leave the environment, and nothing else does."""
    environ = {"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "60000000", "HOME": "/"}
    environ["WATCHDOG_PID"] = str(os.getpid())
    notifier = from_environment(environ)
    assert environ == {"HOME": "/"}
    assert isinstance(notifier, Notifier)
    assert notifier.watchdog_interval == 60.0


@pytest.mark.parametrize(
    ("microseconds", "pid", "expected"),
    [
        ("60000000", "", 60.0),
        ("60000000", "self", 60.0),
        ("60000000", "1", None),  # systemd's own, never ours
        ("0", "", None),
        ("", "", None),
        ("soon", "", None),
    ],
)
def test_whose_watchdog_it_is(microseconds: str, pid: str, expected: float | None) -> None:
    """The interval counts only if it is a number and WATCHDOG_PID is ours or absent."""
    environ = {"NOTIFY_SOCKET": "/absent", "WATCHDOG_USEC": microseconds}
    if pid:
        environ["WATCHDOG_PID"] = str(os.getpid()) if pid == "self" else pid
    assert from_environment(environ).watchdog_interval == expected


def test_without_systemd_nothing_fails() -> None:
    """Without NOTIFY_SOCKET every method succeeds, whatever the watchdog variables say."""
    notifier: ports.Notifier = from_environment({"WATCHDOG_USEC": "60000000"})
    assert isinstance(notifier, NullNotifier)
    assert notifier.watchdog_interval is None
    done = [notifier.ready(), notifier.stopping(), notifier.reloading(1.0), notifier.status("x")]
    done += [notifier.ping(), notifier.watchdog_interval_is(5.0), notifier.trigger()]
    assert all(done)
    assert notifier.failures == 0
