# SPDX-License-Identifier: MIT
"""Readers of frames are silent for months, and none of them can cost the daemon more than its place."""

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from camwatchd.control.protocol import (
    MAX_ANSWER,
    Answer,
    Attach,
    AttachFacts,
    Ping,
    Pong,
    Reason,
    Refused,
    decode_answer,
    encode_request,
)
from camwatchd.control.server import IDLE, MOST_CLIENTS, MOST_READERS
from tests.control.rig import STRANGER, VIDEO, Bench, descriptors, is_over

CAM0 = Attach("cam0")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def connected(bench: Bench, stack: ExitStack) -> socket.socket:
    client = stack.enter_context(bench.connect())
    bench.turn()
    return client


def attached(bench: Bench, client: socket.socket, request: Attach = CAM0) -> tuple[Answer | None, int]:
    """The answer, if there is one, and how many descriptors came along (they are closed)."""
    client.send(encode_request(1, request))
    bench.turn()
    return taken(client)


def taken(client: socket.socket) -> tuple[Answer | None, int]:
    try:
        datagram, found, _, _ = socket.recv_fds(client, MAX_ANSWER, 4)
    except BlockingIOError:
        return None, 0
    for fd in found:
        os.close(fd)
    return decode_answer(datagram)[1], len(found)


def test_a_reader_is_counted_while_it_is_there(bench: Bench, stack: ExitStack) -> None:
    """It need not say that it leaves: the end of its process is enough, and no descriptor is left of it."""
    before = descriptors()
    client = connected(bench, stack)
    answer, came = attached(bench, client)
    during = bench.daemon.readers
    client.close()
    bench.turn()

    assert isinstance(answer, AttachFacts)
    assert (1, 1, 0) == (came, during, bench.daemon.readers)
    assert before == descriptors()


def test_a_reader_is_never_idle(bench: Bench, stack: ExitStack) -> None:
    """It has what it needs, and asks again when there is something else; one that never asked for it is."""
    client, other = connected(bench, stack), connected(bench, stack)
    attached(bench, client)
    bench.now += 100 * IDLE
    bench.turn()

    assert [is_over(client), is_over(other)] == [False, True]


def test_a_refused_reader_is_like_any_other_client(bench: Bench, stack: ExitStack) -> None:
    """It does not keep its place for ever."""
    client = connected(bench, stack)
    answer, _ = attached(bench, client, Attach("cam7"))
    bench.now += IDLE
    bench.turn()

    assert isinstance(answer, Refused)
    assert "no camera is called 'cam7'; there are: cam0, cam1" == answer.message
    assert is_over(client)


def test_the_same_ring_is_given_once(bench: Bench, stack: ExitStack) -> None:
    """Whoever asks over and over fills no queue with descriptors; of the next generation there is one more."""
    client = connected(bench, stack)
    first = attached(bench, client)
    before = descriptors()
    again, came = attached(bench, client)
    bench.daemon.generation = 2
    after = attached(bench, client)

    assert (1, 1) == (first[1], after[1])
    assert isinstance(again, Refused)
    assert (Reason.CROWDED, 0) == (again.reason, came)
    assert 1 == bench.daemon.readers
    assert before == descriptors()


def test_two_streams_are_two_rings(bench: Bench, stack: ExitStack) -> None:
    """Over one connection, whose end lets both go."""
    client = connected(bench, stack)
    came = [attached(bench, client, Attach("cam0", stream))[1] for stream in ("main", "lores")]
    during = bench.daemon.readers
    client.close()
    bench.turn()

    assert ([1, 1], 2, 0) == (came, during, bench.daemon.readers)


def test_a_reader_waits_for_the_first_opening(bench: Bench, stack: ExitStack) -> None:
    """However long that takes; it is not idle meanwhile."""
    bench.daemon.opened = False
    client = connected(bench, stack)
    nothing = attached(bench, client)
    bench.now += 10 * IDLE
    bench.turn()
    bench.daemon.opened = True
    bench.turn()
    answer, came = taken(client)

    assert (None, 0) == nothing
    assert isinstance(answer, AttachFacts)
    assert 1 == came


def test_who_left_is_not_waited_for(bench: Bench, stack: ExitStack) -> None:
    """A thousand readers that came and went before the camera was there leave nothing behind."""
    bench.daemon.opened = False
    for _ in range(1000):
        with bench.connect() as client:
            bench.turn()
            client.send(encode_request(1, CAM0))
            bench.turn()
        bench.turn()
    waiting = len(bench.server._handlers._readers)
    bench.daemon.opened = True
    bench.turn()

    assert (0, 0) == (waiting, bench.daemon.readers)


def test_readers_take_no_place_of_others(bench: Bench, stack: ExitStack) -> None:
    """Beyond the number of clients there is room for readers, and then none for more readers only."""
    for _ in range(MOST_READERS):
        client = connected(bench, stack)
        assert 1 == attached(bench, client)[1]
    assert 1 == attached(bench, client, Attach("cam0", "lores"))[1]  # who has a place may have more in it
    answer, _ = attached(bench, connected(bench, stack))
    ping = bench.ask(connected(bench, stack), Ping())

    assert MOST_READERS > MOST_CLIENTS
    assert isinstance(answer, Refused)
    assert Reason.CROWDED == answer.reason
    assert ping is not None
    assert isinstance(ping[1], Pong)


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user's place: needs root")
def test_one_user_cannot_take_all_places(bench: Bench, stack: ExitStack) -> None:
    """The others' readers find room; so does root."""
    os.setegid(VIDEO)
    os.seteuid(STRANGER)
    try:
        clients = [connected(bench, stack) for _ in range(4)]
        for client in clients:
            attached(bench, client)
        for _ in range(MOST_READERS // 2 - 4):
            attached(bench, connected(bench, stack))
        one_more, _ = attached(bench, connected(bench, stack))
        os.seteuid(0)
        os.seteuid(STRANGER + 1)
        of_another, _ = attached(bench, connected(bench, stack))
    finally:
        os.seteuid(0)
        os.setegid(0)
    of_root, _ = attached(bench, connected(bench, stack))

    assert isinstance(one_more, Refused)
    assert f"uid {STRANGER} has 32 readers of frames connected already" == one_more.message
    assert isinstance(of_another, AttachFacts)
    assert isinstance(of_root, AttachFacts)


def test_a_reader_that_never_reads_is_let_go(bench: Bench, stack: ExitStack) -> None:
    """Its answers wait with their descriptors only so far."""
    before = descriptors()
    client = connected(bench, stack)
    for generation in range(2000):
        bench.daemon.generation = generation
        try:
            client.send(encode_request(1, CAM0))
        except OSError:
            break
        bench.turn()
    else:
        raise AssertionError("it was never let go")

    client.close()
    bench.turn()
    assert 0 == bench.daemon.readers
    assert before == descriptors()


def test_what_was_lent_to_nobody_comes_back(bench: Bench, stack: ExitStack) -> None:
    """A client that waited for two rings and is found to have left with the first answer."""
    bench.daemon.opened = False
    before = descriptors()
    with bench.connect() as client:
        bench.turn()
        for serial, stream in enumerate(("main", "lores"), 1):
            client.send(encode_request(serial, Attach("cam0", stream)))
            bench.turn()
    bench.daemon.opened = True
    bench.server.look()

    assert (set(), 0) == (bench.server._clients, bench.daemon.readers)
    assert before == descriptors()


def test_a_reader_that_waits_is_one_whatever_else_it_asks(bench: Bench, stack: ExitStack) -> None:
    """It takes no client's place meanwhile; when it is refused it is no reader any more."""
    bench.daemon.opened = False
    client = connected(bench, stack)
    attached(bench, client)
    pong = bench.ask(client, Ping(), 2)
    waiting = [other.reads for other in bench.server._clients]
    bench.daemon.cameras = ()
    bench.turn()
    answer, _ = taken(client)

    assert pong is not None
    assert isinstance(answer, Refused)
    assert ([True], [False]) == (waiting, [other.reads for other in bench.server._clients])


def test_no_descriptor_left_is_told(bench: Bench, stack: ExitStack) -> None:
    """As any other refusal: the daemon goes on."""
    client = connected(bench, stack)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    client.send(encode_request(1, CAM0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        bench.turn()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        os.close(free)
    answer, came = taken(client)

    assert isinstance(answer, Refused)
    assert (Reason.INTERNAL, 0) == (answer.reason, came)
    assert "Too many open files" in answer.message
