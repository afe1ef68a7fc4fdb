# SPDX-License-Identifier: MIT
"""What is told of a request, and to whom: the journal hears of orders only, and a refusal is short."""

from camwatchd.control.protocol import (
    LONGEST_PAUSE,
    Adjust,
    Attach,
    Pause,
    PauseFacts,
    Recover,
    Refused,
    Request,
    Resume,
    Status,
    encode_request,
)
from tests.control.rig import Bench, heard


def test_what_comes_often_is_no_line_of_the_journal(bench: Bench) -> None:
    """An application steers its camera many times a second, a dry run does nothing; an order is told in any case."""
    often: list[Request] = [Adjust("cam0"), Adjust("cam0", {"Gain": 2}), Recover(dry_run=True)]
    with bench.connect() as client:
        for serial, request in enumerate(often, 1):
            bench.ask(client, request, serial)
        quiet = len(bench.log.quiet)
        bench.ask(client, Resume(), 4)
        bench.ask(client, Attach("cam0"), 5)

    assert [event for event, _ in bench.log.lines] == [
        "control.asked", "control.ordered", "control.asked", "control.ordered",
    ]  # fmt: skip
    assert (quiet, len(bench.log.quiet)) == (3, 3)


def test_who_only_looked_and_left_is_no_line_either(bench: Bench) -> None:
    """Only of an order that was not obeyed somebody may have to know; what is no request never was one."""
    for datagram in (encode_request(1, Status()), encode_request(1, Attach("cam0")), b"null"):
        with bench.connect() as client:
            client.send(datagram)
        bench.turn(3)

    assert bench.log.of("control.late") == []
    assert bench.server.deadline == float("inf")


def test_nobody_to_let_in_is_nothing(bench: Bench) -> None:
    """Who has left while it waited leaves nothing to wait for."""
    assert bench.server._listener is not None
    assert not bench.server._listener.getblocking()
    bench.server._let_in()

    assert (bench.server._clients, bench.log.lines) == (set(), [])
    assert bench.server.deadline == float("inf")


def test_a_name_that_nobody_has_is_told_shortly(bench: Bench) -> None:
    """However long it is; and where there is no camera, that is said."""
    bench.daemon.cameras = ()
    with bench.connect() as client:
        answer = bench.ask(client, Pause(60.0, ("x" * 5000,)))

    assert answer is not None
    assert isinstance(answer[1], Refused)
    assert answer[1].message.endswith("xxx; there are: none")
    assert len(answer[1].message) < 100


def test_the_longest_pause_is_one(bench: Bench) -> None:
    """Up to a day, and that is still allowed."""
    bench.daemon.change(("cam0",), has_worker=False)
    with bench.connect() as client:
        assert bench.ask(client, Pause(LONGEST_PAUSE, ("cam0",))) == (
            1,
            PauseFacts(("cam0",), LONGEST_PAUSE),
        )


def test_of_several_pauses_the_shortest_is_told(bench: Bench) -> None:
    """Somebody else may have had one of the cameras for longer meanwhile."""
    with bench.connect() as client, bench.connect() as other:
        bench.ask(client, Pause(60.0))
        bench.ask(other, Pause(900.0, ("cam1",)))
        bench.daemon.change(("cam0", "cam1"), has_worker=False)
        bench.turn()

        assert heard(client) == (1, PauseFacts(("cam0", "cam1"), 60.0))
        assert heard(other) == (1, PauseFacts(("cam1",), 900.0))
