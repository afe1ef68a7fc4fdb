# SPDX-License-Identifier: MIT
"""No client can make the daemon hold much, wait, or serve it alone."""

import os
import resource
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from camwatchd.control.connection import Connection
from camwatchd.control.peers import Peer
from camwatchd.control.protocol import Ping, Reason, Refused, Reload, Status, encode_request
from camwatchd.control.server import IDLE, MOST_CLIENTS, MOST_OWED, TURN
from tests.control.rig import GROUP, STRANGER, VIDEO, Bench, descriptors, drain, heard, is_over

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes another user's place: needs root")


@contextmanager
def stranger() -> Iterator[None]:
    """Within, whoever connects is nobody special: the kernel notes the user of that moment."""
    with somebody(0):
        yield


@contextmanager
def somebody(gid: int) -> Iterator[None]:
    """Within, whoever connects is no user that we know, in this group."""
    os.setegid(gid)
    os.seteuid(STRANGER)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def crowd(bench: Bench, size: int) -> list[socket.socket]:
    """So many clients, let in one after the other, each a second after the last."""
    clients = []
    for _ in range(size):
        clients.append(bench.connect())
        bench.turn()
        bench.now += 1
    return clients


def is_ready(bench: Bench) -> bool:
    """Whether the supervisor's loop would wake."""
    return bool(select.select([bench.server.fileno()], [], [], 0)[0])


def reason(client: socket.socket) -> Reason | None:
    """Why the client is turned away, if it was told."""
    answer = heard(client) or heard(client)  # the kernel tells of the end first
    return answer[1].reason if answer is not None and isinstance(answer[1], Refused) else None


def test_the_seventeenth_is_told(bench: Bench) -> None:
    """The client beyond the limit hears why it is closed, whether it has asked already or not."""
    with ExitStack() as stack, stranger():
        clients = [stack.enter_context(client) for client in crowd(bench, MOST_CLIENTS)]
        late, asking = stack.enter_context(bench.connect()), stack.enter_context(bench.connect())
        asking.send(encode_request(1, Ping()))
        bench.turn(2)

        assert [reason(late), reason(asking)] == [Reason.CROWDED] * 2
        assert [is_over(late), is_over(asking)] == [True, True]
        assert all(bench.ask(client, Ping()) is not None for client in clients)


def test_root_always_gets_in(bench: Bench) -> None:
    """For root the client that has been silent longest makes room, and is told; one that waits for an answer stays."""
    with ExitStack() as stack:
        with stranger():
            clients = [stack.enter_context(client) for client in crowd(bench, MOST_CLIENTS)]
        bench.ask(clients[0], Status())
        root = stack.enter_context(bench.connect())

        assert bench.ask(root, Ping()) is not None
        assert [reason(client) for client in clients[:3]] == [None, Reason.CROWDED, None]


def test_root_gets_in_even_before_root(bench: Bench) -> None:
    """Sixteen idle shells of root do not keep the seventeenth out."""
    with ExitStack() as stack:
        clients = [stack.enter_context(client) for client in crowd(bench, MOST_CLIENTS + 1)]

        assert bench.ask(clients[-1], Ping()) is not None
        assert [is_over(client) for client in clients[:3]] == [True, False, False]


def test_who_waits_for_an_answer_stays(bench: Bench) -> None:
    """Room is made by one that has nothing to wait for, and by a stranger before anybody else."""
    with ExitStack() as stack:
        clients = [stack.enter_context(client) for client in crowd(bench, MOST_CLIENTS - 1)]
        clients[0].send(encode_request(1, Reload()))
        bench.turn()
        with stranger():
            clients += [stack.enter_context(client) for client in crowd(bench, 1)]
        clients += [stack.enter_context(client) for client in crowd(bench, 2)]

        assert [n for n, client in enumerate(clients) if is_over(client)] == [1, MOST_CLIENTS - 1]


def test_who_does_not_read_makes_room_first(bench: Bench) -> None:
    """Clients that ask on and on without reading drive out each other, and nobody who asks and reads."""
    with ExitStack() as stack:
        calm, *deaf = [stack.enter_context(client) for client in crowd(bench, MOST_CLIENTS)]
        for serial in range(1, 4):
            for client in deaf:
                client.send(encode_request(serial, Status()))
            bench.turn()
            bench.now += 1
        newcomer = stack.enter_context(bench.connect())

        assert bench.ask(newcomer, Ping()) is not None
        assert bench.ask(calm, Ping()) is not None
        assert sum(is_over(client) for client in deaf) == 1


def test_who_makes_room_is_not_heard_any_more(bench: Bench) -> None:
    """A question that arrives in the very turn in which its client has to go is not read."""
    with ExitStack() as stack:
        clients = [stack.enter_context(client) for client in crowd(bench, MOST_CLIENTS)]
        newcomer = stack.enter_context(bench.connect())
        clients[0].send(encode_request(1, Reload()))
        bench.turn()

        assert bench.ask(newcomer, Ping()) is not None
        assert reason(clients[0]) is Reason.CROWDED
        assert bench.daemon.orders == []


def test_a_stranger_takes_nobodys_place(bench: Bench) -> None:
    """Who may only look does not drive out whoever may act."""
    with ExitStack() as stack:
        clients = [stack.enter_context(client) for client in crowd(bench, MOST_CLIENTS)]
        with stranger():
            late = stack.enter_context(bench.connect())
        bench.turn()

        assert reason(late) is Reason.CROWDED
        assert not any(is_over(client) for client in clients)


def test_a_stranger_keeps_nobody_from_frames(bench: Bench) -> None:
    """Any user may hold all places; who may see frames gets one of them all the same."""
    with ExitStack() as stack:
        with stranger():
            clients = [stack.enter_context(client) for client in crowd(bench, MOST_CLIENTS)]
        with somebody(VIDEO):
            viewer = stack.enter_context(bench.connect())

        assert bench.ask(viewer, Ping()) is not None
        assert [reason(client) for client in clients[:2]] == [Reason.CROWDED, None]


def test_fifty_clients_come_and_go(bench: Bench) -> None:
    """However many ask and leave, each is answered, and no descriptor stays behind."""
    before = descriptors()
    for _ in range(50):
        with bench.connect() as client:
            assert bench.ask(client, Status()) is not None
        bench.turn()

    assert descriptors() == before


def test_one_datagram_of_each_client_in_a_turn(bench: Bench) -> None:
    """A client that floods is heard as often as one that asks once."""
    with bench.connect() as flood, bench.connect() as calm:
        bench.turn(2)
        for serial in range(1, 11):
            flood.send(encode_request(serial, Ping()))
        calm.send(encode_request(1, Ping()))
        bench.turn()

        assert heard(calm) is not None
        assert [heard(flood) is None, heard(flood) is None] == [False, True]


def test_a_client_that_does_not_read_is_dropped(bench: Bench) -> None:
    """Beyond what its socket holds, 16 answers are kept for it; then it is dropped, and the server never waited."""
    with bench.connect() as client:
        bench.turn()
        asked = 0
        while not bench.log.of("control.dropped"):
            client.send(encode_request(1, Status()))
            bench.turn()
            asked += 1
            assert asked < 10_000
        in_its_socket, over = drain(client)

    assert over
    assert bench.log.of("control.dropped") == ["client of uid 0: asks for more than it reads"]
    assert asked == in_its_socket + MOST_OWED + 1


def test_a_slow_reader_gets_all_its_answers(bench: Bench) -> None:
    """What there was no room for is said when there is, in order."""
    with bench.connect() as client:
        bench.turn()
        asked = 0
        while not any(c.backlog > 3 for c in bench.server._clients):
            asked += 1
            client.send(encode_request(asked, Status()))
            bench.turn()
        assert is_ready(bench) is False  # no room: nothing to do
        serials = []
        while (answer := heard(client)) is not None:
            serials.append(answer[0])
            bench.turn()

        assert serials == list(range(1, asked + 1))
        assert not any(c.backlog for c in bench.server._clients)
        bench.turn()
        assert is_ready(bench) is False  # nor when all is said


def test_a_client_that_leaves_with_answers_waiting(bench: Bench) -> None:
    """What there was no room for goes with the client, and nothing of it stays."""
    before = descriptors()
    with bench.connect() as client:
        bench.turn()
        while not any(c.backlog for c in bench.server._clients):
            client.send(encode_request(1, Status()))
            bench.turn()
        client.send(encode_request(1, Status()))
    bench.turn(2)

    assert descriptors() == before


def test_nothing_to_do_wakes_nobody(bench: Bench) -> None:
    """After an answer the loop may sleep: the server's descriptor is readable only when somebody wants something."""
    with bench.connect() as client:
        ready = [is_ready(bench)]
        bench.ask(client, Ping())
        ready.append(is_ready(bench))
        client.send(encode_request(2, Ping()))
        ready.append(is_ready(bench))

    assert ready == [True, False, True]


def test_answers_that_take_their_time_count_too(bench: Bench) -> None:
    """A client may wait for 16 answers, not for more."""
    with bench.connect() as client:
        bench.turn()
        for serial in range(1, MOST_OWED + 2):
            client.send(encode_request(serial, Reload()))
            bench.turn()

        assert len(bench.daemon.reloads) == MOST_OWED
        assert is_over(client)


def test_an_idle_client_is_dropped(bench: Bench) -> None:
    """A minute after its last question a client is dropped; one that waits for an answer may wait."""
    with bench.connect() as idle, bench.connect() as waiting, bench.connect() as busy:
        bench.turn(3)
        waiting.send(encode_request(1, Reload()))
        bench.turn()
        bench.now += IDLE - 1
        assert bench.ask(busy, Ping()) is not None
        assert bench.server.deadline == bench.now + 1
        bench.now += 1
        bench.turn()

        assert [is_over(client) for client in (idle, waiting, busy)] == [True, False, False]
        assert bench.server.deadline == bench.now - 1 + IDLE  # of the one that is left; who waits has none


def test_no_descriptor_left_is_no_busy_loop(bench: Bench) -> None:
    """Who cannot be let in for want of descriptors waits a second, and the loop sleeps meanwhile."""
    with bench.connect() as client:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        free = os.open("/dev/null", os.O_RDONLY)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        try:
            bench.turn(3)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            os.close(free)
        deaf, deadline = bench.log.of("control.deaf"), bench.server.deadline
        bench.now = deadline
        bench.turn()

        assert (len(deaf), deadline) == (1, 1001.0)
        assert "Too many open files" in deaf[0]
        assert bench.ask(client, Ping()) is not None


def test_all_clients_together_do_not_keep_the_loop(bench: Bench) -> None:
    """When requests take their time a turn ends after a few; the next goes on with who was not heard yet."""

    def take_time() -> None:
        bench.now += TURN / 3

    with ExitStack() as stack:
        clients = [stack.enter_context(client) for client in crowd(bench, MOST_CLIENTS)]
        bench.daemon.answering = take_time
        turns, order = [], []
        for _ in range(8):
            for client in clients:
                client.send(encode_request(1, Status()))
            began = bench.now
            bench.turn()
            turns.append(bench.now - began)
            order += [number for number, client in enumerate(clients) if drain(client)[0]]

    assert max(turns) < 1.5 * TURN
    assert (
        2 * TURN < 0.050
    )  # and a turn that one slow answer makes longer is still none that anybody notices
    assert sorted(order[:MOST_CLIENTS]) == list(range(MOST_CLIENTS))


def test_who_makes_room_is_not_written_to_any_more(bench: Bench) -> None:
    """One that begins to read its answers in the very turn in which it has to go."""
    with ExitStack() as stack:
        deaf, *others = [stack.enter_context(client) for client in crowd(bench, MOST_CLIENTS)]
        while not any(c.backlog for c in bench.server._clients):
            deaf.send(encode_request(1, Status()))
            bench.turn()
        bench.turn()  # nobody wants anything: so the newcomer is the first to be served
        newcomer = stack.enter_context(bench.connect())
        drain(deaf)  # there is room in its socket now
        bench.turn()

        assert is_over(deaf)
        assert bench.ask(newcomer, Ping()) is not None
        assert not any(is_over(client) for client in others)


def test_who_may_do_more_goes_before_who_may_do_less(bench: Bench) -> None:
    """A member of the group takes the place of a viewer, and root that of a member before that of another root."""
    with ExitStack() as stack:
        with somebody(VIDEO):
            viewers = [stack.enter_context(client) for client in crowd(bench, 1)]
        roots = [stack.enter_context(client) for client in crowd(bench, MOST_CLIENTS - 1)]
        with somebody(GROUP):
            member = stack.enter_context(bench.connect())
        bench.turn()
        alive = [not is_over(client) for client in (*viewers, member)]
        with somebody(GROUP):
            another = stack.enter_context(bench.connect())
        bench.turn()
        refused = reason(another)
        root = stack.enter_context(bench.connect())

        assert (alive, refused) == ([False, True], Reason.CROWDED)
        assert bench.ask(root, Ping()) is not None
        assert is_over(member)
        assert not any(is_over(client) for client in roots)


@pytest.mark.parametrize(
    ("story", "goes"), [("ask", 0), ("ask ask", 5), ("ask ask read", 0), ("ask read ask", 0)]
)
def test_who_has_not_read_yet_is_not_deaf(bench: Bench, story: str, goes: int) -> None:
    """One answer may be on its way; who asks on before it has read that one makes room before the longest silent."""
    with ExitStack() as stack:
        clients = [stack.enter_context(client) for client in crowd(bench, MOST_CLIENTS)]
        for word in story.split():
            if word == "ask":
                clients[5].send(encode_request(1, Ping()))
                bench.turn()
            else:
                drain(clients[5])
        newcomer = stack.enter_context(bench.connect())

        assert bench.ask(newcomer, Ping()) is not None
        assert [number for number, client in enumerate(clients) if is_over(client)] == [goes]


def test_nothing_to_hear_is_not_the_end() -> None:
    """Whoever is woken for nothing waits for nothing."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        connection = Connection(ours, Peer(1, 0, 0), 0.0)
        assert not ours.getblocking()
        heard_so_far = connection.receive(), connection.has_left
        theirs.close()

        assert heard_so_far == (None, False)
        assert (connection.receive(), connection.has_left) == (b"", True)
