# SPDX-License-Identifier: MIT
"""Owns the tests of logging, on real sockets, pipes and terminals, full ones included."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.adapters import journal, log
from camwatchd.adapters.console import LINE_LIMIT, Console, json_line, text
from camwatchd.adapters.entry import Entry
from camwatchd.core import alerts
from camwatchd.core.ladder import Outcome, Rung


def entry(message: str = "", **facts: object) -> Entry:
    return Entry("test.event", message, 6, 12.0, 1.7e9, facts)


def fields(datagram: bytes) -> dict[str, str]:
    """What journald makes of a datagram."""
    found: dict[str, str] = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(rest[:8], "little")
            value, rest = rest[8 : 8 + size], rest[8 + size :]
            assert rest[:1] == b"\n"
            rest = rest[1:]
        found[name.decode()] = value.decode()
        datagram = rest
    return found


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(5)
        listener.bind(str(tmp_path / "journal"))
        yield listener


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ends = os.openpty()
    yield ends
    for end in ends:
        os.close(end)


# --- the journal --------------------------------------------------------------------------------------


def test_facts_become_fields(journald: socket.socket) -> None:
    """An entry arrives with its sentence, its priority and each fact as an upper-case field."""
    out = log.build("journal", "info", 2, {}, journal_address=journald.getsockname())
    facts = {"camera": "cam0", "rung": Rung.RESTART_STREAM, "outcome": Outcome.FAILED, "took": 0.1 + 0.2}
    out.warning(
        "ladder.action_finished", message="It failed.", attempt=1, health_score=70, left=None, **facts
    )
    assert fields(journald.recv(65536)) == {
        "MESSAGE": "It failed.",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "camwatchd",
        "EVENT": "ladder.action_finished",
        "CAMERA": "cam0",
        "RUNG": "restart-stream",
        "OUTCOME": "failed",
        "TOOK": "0.3",
        "ATTEMPT": "1",
        "HEALTH_SCORE": "70",
    }


def test_alerts_can_be_found(journald: socket.socket) -> None:
    """An alert's sentence begins with its name, and its journal id and priority go along."""
    out = log.build("journal", "warning", 2, {}, journal_address=journald.getsockname())
    log.say(out, alerts.RECOVERY, "cam0: healthy again", camera="cam0", camera_issue="buffer_error")
    found = fields(journald.recv(65536))
    assert found["MESSAGE"] == "CAMERA_RECOVERY: cam0: healthy again"
    assert (found["MESSAGE_ID"], found["PRIORITY"]) == (alerts.RECOVERY.message_id, "5")
    assert (found["EVENT"], found["CAMERA_ISSUE"]) == ("alert.recovery", "buffer_error")


@given(st.text(), st.text())
def test_no_value_forges_a_field(message: str, evidence: str) -> None:
    """Whatever a value holds, newlines and binary included, it arrives as the value of its own field."""
    found = fields(journal.datagram(entry(message, evidence=evidence)))
    assert found.keys() == {"MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "EVENT", "EVIDENCE"}
    assert found["EVIDENCE"] == evidence.encode("utf-8", "replace").decode()


def test_names_the_journal_would_drop_are_left_out() -> None:
    """Facts whose names are no journal field do not spoil the entry, and none replaces ours."""
    found = fields(
        journal.datagram(entry("m", _pid="1", **{"a-b": 1, "ä": 1, "x" * 65: 1, "MESSAGE": "no"}))
    )
    assert found.keys() == {"MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "EVENT"}
    assert found["MESSAGE"] == "m"


def test_a_full_journal_does_not_block(journald: socket.socket) -> None:
    """When journald does not read, entries are lost at once, and the next one through says how many."""
    now = iter(range(10**9))
    out = log.build(
        "journal", "info", 2, {}, journal_address=journald.getsockname(), clock=lambda: next(now) * 60.0
    )
    before = time.monotonic()
    for _ in range(2000):
        out.info("test.event", message="hello")
    assert time.monotonic() - before < 5
    journald.setblocking(False)
    arrived = 0
    while arrived < 2000:
        try:
            journald.recv(65536)
        except BlockingIOError:
            break
        arrived += 1
    assert arrived < 2000
    out.info("test.event", message="again")
    assert (
        fields(journald.recv(65536))["MESSAGE"] == f"again ({2000 - arrived} entries lost before this one)"
    )
    out.info("test.event", message="fine")
    assert fields(journald.recv(65536))["MESSAGE"] == "fine"


def test_a_journal_that_comes_back_is_found(tmp_path: Path) -> None:
    """Without journald entries are lost quietly; once its socket is there again they arrive."""
    address = tmp_path / "journal"
    line = journal.Journal(str(address))
    assert not line.write(entry())
    for _ in range(2):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
            journald.bind(str(address))
            while not line.write(entry("here")):
                assert line._fd == -1, "the failed write must have hung up"
            assert fields(journald.recv(65536))["MESSAGE"] == "here"
        address.unlink()
    line.close()


def test_too_large_an_entry_is_cut(journald: socket.socket) -> None:
    """A huge value is cut to a field's limit, and all of them further if the datagram is still too large."""
    line = journal.Journal(journald.getsockname())
    assert line.write(entry("ä" * 1_000_000, evidence="b"))
    message = fields(journald.recv(1 << 20))["MESSAGE"]
    assert message == "ä" * (journal.VALUE_LIMIT // 2)
    with socket.socket(fileno=os.dup(line._fd)) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
    assert line.write(entry("m", **{f"fact_{number}": "x" * 4000 for number in range(9)}))
    found = fields(journald.recv(1 << 20))
    assert (found["MESSAGE"], found["FACT_8"]) == ("m", "x" * journal.TIGHT_LIMIT)
    assert not line.write(entry("m", **{f"fact_{number}": "x" * 4000 for number in range(99)}))
    line.close()


def test_only_the_stream_we_were_given_means_the_journal(
    journald: socket.socket, pipe: tuple[int, int]
) -> None:
    """`auto` takes the journal if JOURNAL_STREAM is our stderr; redirected, the redirection wins."""
    read, write = pipe
    status = os.fstat(write)
    ours = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
    log.build("auto", "info", write, ours, journal_address=journald.getsockname()).info("test.journal")
    assert fields(journald.recv(65536))["EVENT"] == "test.journal"
    for environ in ({}, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino + 1}"}, {"JOURNAL_STREAM": "x"}):
        log.build("auto", "info", write, environ, journal_address=journald.getsockname()).info("test.text")
        assert os.read(read, 65536).endswith(b"test.text\n")


# --- lines --------------------------------------------------------------------------------------------


def test_text_is_aligned(pipe: tuple[int, int]) -> None:
    """A line has time, level, camera (said once) and sentence in columns; else it shows the facts."""
    read, write = pipe
    out = log.build("text", "debug", write, {"TERM": "xterm"})
    out.critical("test.event", camera="cam0", message="cam0: All\nis lost\x1b[2J.")
    out.debug("test.event", attempt=2, settled=True, tried=(Rung.RETRY, Rung.REBOOT))
    first, second, third = os.read(read, 65536).decode().splitlines()
    assert first[12:] == "  CRITICAL  cam0    All"
    assert second == "    is lost[2J."
    assert third[12:] == "  DEBUG     -       test.event attempt=2 settled=yes tried=retry, reboot"
    assert ":" == first[2] == third[5]


def test_levels_below_are_not_logged(pipe: tuple[int, int]) -> None:
    """`log_level` keeps lower events out and lets its own through."""
    read, write = pipe
    out = log.build("text", "warning", write, {})
    out.info("test.low")
    out.warning("test.high")
    assert os.read(read, 65536).count(b"\n") == 1


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_colours_are_for_terminals(
    terminal: tuple[int, int], environ: dict[str, str], coloured: bool
) -> None:
    """Colours need a terminal that has them and nobody who set NO_COLOR."""
    master, slave = terminal
    log.build("text", "info", slave, environ).error("test.event")
    assert coloured is os.read(master, 4096).startswith(b"\x1b[31m")


def test_a_full_pipe_does_not_block(pipe: tuple[int, int]) -> None:
    """When nobody reads the pipe, lines are lost at once; the next one through says how many."""
    read, write = pipe
    out = log._Out(Console(write, text(colours=False)))
    before = time.monotonic()
    for _ in range(3000):
        out.info(entry("x" * 100))
    assert time.monotonic() - before < 5
    assert os.get_blocking(write), "others share the descriptor: it must stay as it was"
    arrived = os.read(read, 1 << 20).count(b"\n")
    assert 0 < arrived < 3000
    out.info(entry("again"))
    assert os.read(read, 65536).endswith(f"again ({3000 - arrived} entries lost before this one)\n".encode())


def test_a_stopped_terminal_does_not_block(terminal: tuple[int, int]) -> None:
    """A terminal that nobody reads, and one stopped with Ctrl-S, cost lines but no time."""
    master, slave = terminal
    out = Console(slave, text(colours=False))
    os.write(master, b"\x13")
    before = time.monotonic()
    assert not out.write(entry("stopped"))
    os.write(master, b"\x11")
    while out.write(entry("x" * 300)) or out.write(entry("full")):  # the kernel moves some on meanwhile
        assert time.monotonic() - before < 5
    assert time.monotonic() - before < 5
    assert b"stopped" not in os.read(master, 1 << 20)


def test_a_torn_line_is_ended(terminal: tuple[int, int]) -> None:
    """After half a line got through, the next one starts on a line of its own."""
    master, slave = terminal
    out = Console(slave, text(colours=False))
    while out.write(entry("x" * 300)):
        pass
    torn = out._torn
    os.set_blocking(master, False)
    seen = b""
    try:
        while True:
            seen += os.read(master, 1 << 20)
    except BlockingIOError:
        pass
    assert out.write(entry("next"))
    after = os.read(master, 4096)
    assert after.startswith(b"\r\n") is bool(torn) is not seen.endswith(b"\n")
    assert after.strip().endswith(b"next")


def test_a_gone_reader_is_survived() -> None:
    """A pipe whose reader is gone loses lines and raises nothing."""
    read, write = os.pipe()
    out = Console(write, text(colours=False))
    os.close(read)
    assert not out.write(entry("x"))
    os.close(write)


def test_a_socket_as_stderr_does_not_block() -> None:
    """A stream socket as stderr, as systemd gives one, loses lines when it is full, and stays blocking."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        out = Console(ours.fileno(), text(colours=False))
        before = time.monotonic()
        while out.write(entry("x" * 300)):
            assert time.monotonic() - before < 5
        assert ours.getblocking()


@given(st.text(max_size=9000), st.dictionaries(st.text(), st.text(max_size=9000) | st.floats() | st.none()))
def test_json_lines_are_json(message: str, facts: dict[str, object]) -> None:
    """Every line is one JSON object of at most PIPE_BUF bytes that keeps our own keys, whatever the facts."""
    line = json_line(Entry("test.event", message, 3, 1.5, 0.0, facts, lost=2))
    data = json.loads(line, parse_constant=pytest.fail)
    assert len(line) <= LINE_LIMIT
    assert line.count(b"\n") == 1
    assert (data["event"], data["level"], data["monotonic"], data["lost"]) == ("test.event", "error", 1.5, 2)
    assert data["time"] == "1970-01-01T00:00:00.000+00:00"


def test_json_keeps_types(pipe: tuple[int, int]) -> None:
    """Numbers stay numbers, enums show their values, infinity is a word because JSON has none."""
    read, write = pipe
    out = log.build("json", "info", write, {})
    out.info(
        "test.event", attempt=1, took=0.1 + 0.2, rung=Rung.RETRY, bound=float("inf"), ok=True, none=None
    )
    data = json.loads(os.read(read, 65536))
    assert {"attempt": 1, "took": 0.3, "rung": "retry", "bound": "inf", "ok": True}.items() <= data.items()
    assert "none" not in data


# --- storms -------------------------------------------------------------------------------------------


def test_a_storm_is_limited(pipe: tuple[int, int]) -> None:
    """Of a storm ten entries pass, then one in ten seconds, which says how many were kept back."""
    read, write = pipe
    now = [100.0]
    out = log.build("text", "info", write, {}, clock=lambda: now[0])
    for _ in range(500):
        out.warning("worker.said", camera="cam0", message="again")
    assert os.read(read, 65536).count(b"\n") == 10
    out.warning("worker.said", camera="cam1", message="another camera is not silenced")
    log.say(out, alerts.CRITICAL, "nor is an alert", camera="cam0")
    assert os.read(read, 65536).count(b"\n") == 2
    now[0] += 10
    out.warning("worker.said", camera="cam0", message="again")
    out.warning("worker.said", camera="cam0", message="again")
    assert os.read(read, 65536).endswith(b"again (490 more like this kept back)\n")


def test_memory_is_spared() -> None:
    """Importing the log leaves OpenSSL out of the supervisor, and does not hide it from those who want it."""
    program = "import sys, camwatchd.adapters.log; assert 'ssl' not in sys.modules; import ssl, asyncio"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
