# SPDX-License-Identifier: MIT
"""Owns the proof that reports never block the worker, keep their order, and lose nothing but what must be lost."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hypothesis import given
from hypothesis import strategies as st

from camwatchd.core.exits import WorkerExit
from camwatchd.core.messages import (
    MAX_MESSAGE,
    CaptureFailed,
    Frames,
    Late,
    Remark,
    Report,
    Stop,
    decode_report,
    encode,
)
from camwatchd.worker_calls import camera_failed
from camwatchd.worker_link import BACKLOG_LIMIT, Link
from camwatchd.worker_report import BATCH_INTERVAL, Reporter

FAILED = CaptureFailed("frames-stopped", "no frame", 1.5)


def _frame(sequence: int, **numbers: float) -> Frames:
    known = {"latency_max": 0.0, "late": 0, "dropped": 0} | numbers
    return Frames(1, sequence, sequence, 0.1, 0.0, mean=1.0, deviation=1.0, **known)  # type: ignore[arg-type]


@contextmanager
def _pair() -> Iterator[tuple[Link, socket.socket]]:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    far.setblocking(False)
    with near, far:
        yield Link(near), far


def _heard(far: socket.socket) -> list[Report]:
    reports = []
    with suppress(BlockingIOError):
        while True:
            reports.append(decode_report(far.recv(MAX_MESSAGE)))
    return reports


def _fill(link: Link) -> int:
    """Fail until the socket is full; how many failures it took."""
    sent = 0
    while not link.backlog:
        link.send(FAILED)
        sent += 1
    return sent


def test_a_full_link_merges_frames_and_keeps_failures() -> None:
    """While nobody reads, healthy batches become one, and every failure within the limit arrives in its order."""
    with _pair() as (link, far):
        sent = _fill(link)
        for number in range(1000):
            link.send(_frame(number, dropped=1, late=1, latency_max=float(number == 500)))
        link.send(FAILED)
        heard = _heard(far)
        link.flush()
        heard += _heard(far)
    merged = [report for report in heard if isinstance(report, Frames)]

    assert heard[:sent] == [FAILED] * sent
    assert [(report.count, report.sequence, report.dropped, report.late) for report in merged] == [
        (1000, 999, 1000, 1000)
    ]
    assert merged[0].latency_max == 1.0
    assert heard[-1] == FAILED


def test_a_flood_while_nobody_reads_is_bounded_and_counted() -> None:
    """Beyond the limit reports are dropped, and how many is said as soon as there is room."""
    with _pair() as (link, far):
        sent = _fill(link)
        for _ in range(BACKLOG_LIMIT + 9):
            link.send(FAILED)
        backlog = link.backlog
        heard = _heard(far)
        link.flush()
        heard += _heard(far)

    assert backlog == BACKLOG_LIMIT
    assert heard[:-1] == [FAILED] * (sent + BACKLOG_LIMIT - 1)
    assert heard[-1] == Remark(
        "reports-dropped", "10 reports were dropped while the supervisor did not read"
    )


def test_last_words_wait_for_room_but_not_for_ever() -> None:
    """drain() returns although nobody reads."""
    with _pair() as (link, _):
        _fill(link)
        link.drain(0.01)

        assert link.backlog == 1


def test_the_other_end_may_vanish_at_any_time() -> None:
    """Reports to a closed link vanish without an exception; the loss is found when orders are read."""
    with _pair() as (link, far):
        far.send(encode(Stop()))
        link.send(FAILED)
        far.close()
        link.send(FAILED)

        assert link.backlog == 0
        assert WorkerExit.LINK_LOST in [link.receive(), link.receive()]


def test_without_an_order_there_is_none() -> None:
    """Reading an empty link does not block."""
    with _pair() as (link, _):
        assert link.receive() is None


def test_whatever_an_exception_says_fits_a_datagram() -> None:
    """The longest chain of the worst texts stays below the limit of a message, and keeps its root cause."""
    error: Exception = ValueError("\U0001f4a5" * 5000)
    for _ in range(20):
        error, cause = RuntimeError("\U0001f4a5" * 5000), error
        error.__cause__ = cause
    report = camera_failed("open", error)

    assert len(encode(report)) < MAX_MESSAGE
    assert report.chain[-1].startswith("ValueError")


def test_a_chain_that_bites_its_tail_ends() -> None:
    """Exceptions that are each other's cause are named once each."""
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one

    assert camera_failed("take", one).chain == ("ValueError('one')", "ValueError('other')")


@given(
    st.lists(st.tuples(st.floats(0.001, 0.5), st.sampled_from(["healthy", "failed", "late"])), max_size=200)
)
def test_batches_lose_nothing_and_keep_the_order(events: list[tuple[float, str]]) -> None:
    """Whatever happens when: each failure is sent at once, and all healthy frames before it were sent before it."""
    sent: list[Report] = []
    reporter, now, healthy = Reporter(sent.append), 0.0, 0
    for pause, event in events:
        now += pause
        if event == "healthy":
            healthy += 1
            reporter.healthy(_frame(healthy), now)
        else:
            report = FAILED if event == "failed" else Late(0.1)
            (reporter.trouble if event == "failed" else reporter.tell)(report, now)
            assert sent[-1] == report
            assert sum(report.count for report in sent if isinstance(report, Frames)) == healthy
    reporter.tell(Late(0.1), now)

    assert sum(report.count for report in sent if isinstance(report, Frames)) == healthy


def test_proof_is_not_batched() -> None:
    """The first three healthy frames, and those after any trouble, are sent one by one; then a batch in 0.25 s."""
    sent: list[Report] = []
    reporter = Reporter(sent.append)
    for number in range(10):
        reporter.healthy(_frame(number), number / 100)
    reporter.trouble(FAILED, 0.2)
    for number in range(10, 15):
        reporter.healthy(_frame(number), number / 100 + 0.2)
    reporter.healthy(_frame(15), 0.32 + BATCH_INTERVAL - 0.001)
    reporter.healthy(_frame(16), 0.32 + BATCH_INTERVAL + 0.001)
    counts = [report.count if isinstance(report, Frames) else 0 for report in sent]

    assert counts == [1, 1, 1, 7, 0, 1, 1, 1, 4]


def test_a_call_beyond_its_bound_leaves_its_stack() -> None:
    """A call that takes longer than announced writes the Python stack to stderr, and goes on."""
    script = """
import select
from camwatchd.worker_calls import announced

def stuck_in_the_camera():
    return len(select.select([], [], [], 0.5)[0])

said = []
assert announced("open", stuck_in_the_camera, said.append, bound=0.1) == 0
print(said)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=20
    )

    assert done.stdout == "[Entering(call='open', bound=0.1)]\n"
    assert "Timeout (0:00:00.100000)!" in done.stderr
    assert "in stuck_in_the_camera" in done.stderr
