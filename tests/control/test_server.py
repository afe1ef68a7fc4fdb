# SPDX-License-Identifier: MIT
"""The server answers whoever asks, each under its serial, now or later; nothing that a client does raises."""

import os
import socket
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from camwatchd.control.handlers import FREE_WITHIN
from camwatchd.control.protocol import (
    MAX_REQUEST,
    Adjust,
    Attach,
    Drill,
    Pause,
    PauseFacts,
    Ping,
    Pong,
    Reason,
    Recover,
    RecoverFacts,
    Refused,
    Reload,
    ReloadFacts,
    Request,
    Resume,
    ResumeFacts,
    Status,
    encode_request,
)
from camwatchd.core.ladder import Rung
from tests.control.rig import Bench, camera, descriptors, heard, is_over
from tests.control.samples import REQUESTS

PONG = Pong("0.1.0", 812)


def refusal(bench: Bench, client: socket.socket, datagram: bytes) -> tuple[int, Reason]:
    """The serial and the reason of the refusal that a datagram gets."""
    client.send(datagram)
    bench.turn(2)
    answer = heard(client)
    assert answer is not None
    assert isinstance(answer[1], Refused)
    return answer[0], answer[1].reason


# --- the socket itself ------------------------------------------------------------------------------------


def test_everybody_may_connect_whatever_the_umask(tmp_path: Path) -> None:
    """The socket's mode is 0666: the kernel's credentials decide, not the file's permissions."""
    before = os.umask(0o077)
    try:
        bench = Bench(tmp_path)
    finally:
        os.umask(before)
    bench.server.close()

    assert stat.S_IMODE(bench.path.stat().st_mode) == 0o666


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    """What a previous run left, whole or half made, is no hindrance."""
    for _ in range(2):
        bench = Bench(tmp_path)
        bench.path.with_name("control.sock.new").touch()
        with bench.connect() as client:
            assert bench.ask(client, Ping()) == (1, PONG)
        bench.server.close()

    assert [path.name for path in tmp_path.iterdir() if path.is_socket()] == ["control.sock"]


def test_a_place_that_cannot_be_had_is_an_oserror(tmp_path: Path) -> None:
    """Who wires the daemon decides what a missing or unfit folder means; the server can still be turned and closed."""
    with pytest.raises(OSError):
        Bench(tmp_path / "missing")
    bench = Bench(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    with pytest.raises(OSError):
        bench.server.listen(tmp_path / "taken")
    bench.turn()
    bench.server.close()


# --- questions and answers --------------------------------------------------------------------------------


def test_status_is_what_the_daemon_says(bench: Bench) -> None:
    """The facts arrive as the daemon gave them."""
    with bench.connect() as client:
        assert bench.ask(client, Status(), 41) == (41, bench.daemon.status())


def test_one_connection_asks_many_things(bench: Bench) -> None:
    """A connection lasts, and each answer carries its question's serial."""
    with bench.connect() as client:
        answers = [bench.ask(client, Ping(), serial) for serial in (1, 2, 3)]

    assert [answer and answer[0] for answer in answers] == [1, 2, 3]


def test_orders_reach_the_daemon(bench: Bench) -> None:
    """Each order is given once, with the cameras named, or all of them if none is."""
    with bench.connect() as client:
        bench.ask(client, Recover(("cam1", "cam1")), 1)
        answer = bench.ask(client, Recover(rung=Rung.RESTART_STREAM), 2)

    assert answer is not None
    assert isinstance(answer[1], RecoverFacts)
    assert (answer[1].cameras, [plan.camera for plan in answer[1].plans]) == (
        ("cam0", "cam1"), ["cam0", "cam1"],
    )  # fmt: skip
    assert bench.daemon.orders == [
        ("recover", ("cam1",), None), ("recover", ("cam0", "cam1"), Rung.RESTART_STREAM),
    ]  # fmt: skip


def test_what_is_objected_to_is_not_done(bench: Bench) -> None:
    """Neither is a dry run; which says what would be, and what is against it."""
    with bench.connect() as client:
        dry = bench.ask(client, Recover(("cam0",), Rung.REBOOT, dry_run=True), 1)
        bench.daemon.objection = "there is nothing that it would cure"
        refused = bench.ask(client, Recover((), Rung.REBOOT), 2)
        also_dry = bench.ask(client, Recover(("cam0",), Rung.REBOOT, dry_run=True), 3)

    assert bench.daemon.orders == []
    assert [answer and isinstance(answer[1], RecoverFacts) for answer in (dry, also_dry)] == [True, True]
    assert refused is not None
    assert isinstance(refused[1], Refused)
    assert (refused[1].reason, refused[1].message) == (
        Reason.RUNG,
        "reboot may not be tried now: cam0: there is nothing that it would cure; "
        "cam1: there is nothing that it would cure",
    )


def test_orders_are_logged_with_who_gave_them(bench: Bench) -> None:
    """The journal can tell who disturbed a camera; who only looks is not worth a line."""
    with bench.connect() as client:
        bench.ask(client, Status(), 1)
        bench.ask(client, Recover(("cam0",)), 2)
        bench.ask(client, Recover(("cam0",), dry_run=True), 3)
        bench.ask(client, Adjust("cam0"), 4)

    assert bench.log.of("control.ordered") == [
        f"asked for by uid {os.getuid()} (pid {os.getpid()}): "
        "Recover(cameras=('cam0',), rung=None, dry_run=False)"
    ]


@pytest.mark.parametrize(
    "request_",
    [
        Pause(60.0, ("cam7",)), Resume(("cam0", "cam7")), Recover(("cam7",)), Drill("cam7", "stall"),
        Adjust("cam7", {"Gain": 2}), Attach("cam7"),
    ],
)  # fmt: skip
def test_an_unknown_camera_is_answered_with_the_known(bench: Bench, request_: Request) -> None:
    """A name that no camera has changes nothing, and the refusal lists those that there are."""
    with bench.connect() as client:
        answer = bench.ask(client, request_)

    assert answer == (1, Refused(Reason.CAMERA, "no camera is called 'cam7'; there are: cam0, cam1"))
    assert bench.daemon.orders == []


@pytest.mark.parametrize("seconds", [0.0, -1.0, 86401.0, 1e308])
def test_a_pause_has_an_end(bench: Bench, seconds: float) -> None:
    """A pause of no time or of more than a day is refused, and says what to do instead."""
    with bench.connect() as client:
        answer = bench.ask(client, Pause(seconds))

    assert answer is not None
    assert isinstance(answer[1], Refused)
    assert (answer[1].reason, "systemctl stop" in answer[1].hint) == (Reason.MALFORMED, True)
    assert bench.daemon.orders == []


def test_a_pause_is_answered_when_the_camera_is_free(bench: Bench) -> None:
    """The answer comes when the last worker of the cameras named is gone, and not before."""
    with bench.connect() as client:
        answers = [bench.ask(client, Pause(60.0, ("cam0", "cam1")))]
        for name in ("cam0", "cam1"):
            bench.daemon.change((name,), has_worker=False, paused_for=59.0)
            bench.turn()
            answers.append(heard(client))

    assert answers == [None, None, (1, PauseFacts(("cam0", "cam1"), 59.0))]


def test_a_camera_that_is_free_is_paused_at_once(bench: Bench) -> None:
    """Where no worker is, nothing is waited for."""
    bench.daemon.change(("cam0",), has_worker=False)
    with bench.connect() as client:
        assert bench.ask(client, Pause(60.0, ("cam0",))) == (1, PauseFacts(("cam0",), 60.0))


def test_a_worker_that_does_not_end_is_told_of(bench: Bench) -> None:
    """A pause is answered in any case: with the cameras that are not free when they should be."""
    with bench.connect() as client:
        bench.ask(client, Pause(60.0, ("cam0",)))
        bench.now += FREE_WITHIN - 0.1
        bench.turn()
        early = heard(client)
        bench.now = bench.server.deadline
        bench.turn()

        assert (early, heard(client)) == (None, (1, PauseFacts(("cam0",), 60.0, ("cam0",))))
    assert bench.server.deadline > bench.now


def test_a_pause_that_somebody_ends_is_answered(bench: Bench) -> None:
    """Who waits for a camera hears that somebody else had it taken again."""
    with bench.connect() as client, bench.connect() as other:
        bench.ask(client, Pause(60.0, ("cam0",)))
        resumed = bench.ask(other, Resume(), 5)
        answer = heard(client)

    assert resumed == (5, ResumeFacts(("cam0",)))
    assert answer is not None
    assert isinstance(answer[1], Refused)
    assert answer[1].reason == Reason.RESUMED


def test_everybody_who_waits_is_answered(bench: Bench) -> None:
    """Two who want the same camera both hear that it is free."""
    with bench.connect() as first, bench.connect() as second:
        bench.ask(first, Pause(60.0, ("cam0",)), 1)
        bench.ask(second, Pause(90.0, ("cam0",)), 2)
        bench.daemon.change(("cam0",), has_worker=False)
        bench.turn()

        assert [heard(first), heard(second)] == [(n, PauseFacts(("cam0",), 90.0)) for n in (1, 2)]


def test_a_camera_that_left_the_configuration_is_free(bench: Bench) -> None:
    """A reload that removes a camera ends the wait for it."""
    with bench.connect() as client:
        bench.ask(client, Pause(60.0, ("cam0",)))
        bench.daemon.cameras = (camera("cam1"),)
        bench.turn()

        assert heard(client) == (1, PauseFacts(("cam0",), 0.0))


def test_resume_says_whose_pause_it_ended(bench: Bench) -> None:
    """A camera that is not paused is left alone."""
    bench.daemon.change(("cam1",), paused_for=30.0)
    with bench.connect() as client:
        answers = bench.ask(client, Resume(), 1), bench.ask(client, Resume(), 2)

    assert answers == ((1, ResumeFacts(("cam1",))), (2, ResumeFacts(())))
    assert bench.daemon.orders == [("resume", ("cam1",)), ("resume", ())]


def test_a_paused_camera_is_not_recovered(bench: Bench) -> None:
    """Somebody else may be using it: the refusal says how to take it again."""
    bench.daemon.change(("cam1",), paused_for=30.0)
    with bench.connect() as client:
        answer = bench.ask(client, Recover())

    assert answer is not None
    assert isinstance(answer[1], Refused)
    assert (answer[1].reason, "resume" in answer[1].hint) == (Reason.PAUSED, True)
    assert bench.daemon.orders == []


def test_a_reload_is_answered_when_it_ended(bench: Bench) -> None:
    """Other questions are answered meanwhile, on the same connection too."""
    with bench.connect() as client:
        before = bench.ask(client, Reload(), 1)
        between = bench.ask(client, Ping(), 2)
        bench.daemon.reloads.pop()("cam0: width = 0")

        assert (before, between and between[0]) == (None, 2)
        assert heard(client) == (1, ReloadFacts("cam0: width = 0"))


def test_the_problems_of_a_huge_configuration_are_cut(bench: Bench) -> None:
    """However much is wrong, the answer fits into a datagram."""
    bench.daemon.verdict = "x" * 1_000_000
    with bench.connect() as client:
        answer = bench.ask(client, Reload())

    assert answer is not None
    assert isinstance(answer[1], ReloadFacts)
    assert 10_000 < len(answer[1].problems) < 30_000


# --- what goes wrong --------------------------------------------------------------------------------------


def test_garbage_is_answered(bench: Bench) -> None:
    """What is no request, half of one or too long is refused, and the connection goes on."""
    whole = encode_request(7, Ping())
    with bench.connect() as client:
        reasons = [
            refusal(bench, client, datagram)
            for datagram in (b"\x00\xff", whole[:-1], whole + whole, whole + b" " * MAX_REQUEST, b"null")
        ]

        assert reasons == [(0, Reason.MALFORMED)] * 5
        assert bench.ask(client, Ping(), 8) == (8, PONG)


def test_a_bug_in_the_status_is_no_end_of_the_daemon(bench: Bench) -> None:
    """Everybody may ask for the status: what fails in it is logged with its traceback, and the client is told."""
    bench.daemon.broken = True
    with bench.connect() as client:
        answer = bench.ask(client, Status())
        bench.daemon.broken = False

        assert answer is not None
        assert isinstance(answer[1], Refused)
        assert answer[1].reason == Reason.INTERNAL
        assert "RuntimeError: a bug in the status" in bench.log.of("control.failed")[0]
        assert bench.ask(client, Status(), 2) == (2, bench.daemon.status())


def test_facts_that_are_no_json_are_a_bug_too(bench: Bench) -> None:
    """An infinite number in the facts is found here and not by the client."""
    bench.daemon.change(("cam0",), fps=float("inf"))
    with bench.connect() as client:
        answer = bench.ask(client, Status())

    assert answer is not None
    assert isinstance(answer[1], Refused)
    assert answer[1].reason == Reason.INTERNAL


def test_a_bug_in_an_order_is_the_supervisors(bench: Bench) -> None:
    """An order may have been half carried out: that is not hidden."""
    bench.daemon.broken = True
    with bench.connect() as client, pytest.raises(RuntimeError):
        bench.ask(client, Resume())


def test_a_client_that_vanishes_is_forgotten(bench: Bench) -> None:
    """With answers unread or in the middle of waiting: nothing of it stays, and what it ordered is done, if it was
    there when that was read: who has given up may have told somebody that nothing was done.
    """
    unread, waiting, at_once = bench.connect(), bench.connect(), bench.connect()
    bench.turn(3)
    bench.daemon.change(("cam0",), has_worker=False)
    waiting.send(encode_request(1, Reload()))
    unread.send(encode_request(1, Status()))
    bench.turn()
    at_once.send(encode_request(1, Pause(60.0, ("cam0",))))
    for client in (unread, waiting, at_once):
        client.close()
    bench.turn(3)
    bench.daemon.reloads.pop()("")
    bench.turn()

    assert bench.daemon.orders == [("reload",)]
    assert "control.late" in [event for event, _ in bench.log.lines]
    assert bench.server.deadline == float("inf")


CUTS = st.tuples(
    st.integers(0, 300),
    st.integers(0, 300),
    st.binary(max_size=4) | st.sampled_from([b"[", b'"', b"9" * 400]),
)
ACTS = st.tuples(
    st.integers(0, 1), st.sampled_from(REQUESTS), st.lists(CUTS, max_size=2), st.booleans(), st.booleans()
)


def spoilt(request: Request, cuts: list[tuple[int, int, bytes]]) -> bytes:
    """A valid request with parts of it replaced."""
    text = encode_request(7, request)
    for at, to, instead in cuts:
        text = text[:at] + instead + text[max(at, to) :]
    return text or b"{"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(ACTS, max_size=12))
def test_no_conversation_upsets_the_server(
    bench: Bench, acts: list[tuple[int, Request, list[tuple[int, int, bytes]], bool, bool]]
) -> None:
    """Two clients say what is nearly right, with descriptors, and leave when they like: nothing of them stays."""
    clients = [bench.connect(), bench.connect()]
    bench.turn(2)
    for who, said, cuts, lends, leaves in acts:
        socket.send_fds(clients[who], [spoilt(said, cuts)], [0] if lends else [])
        bench.turn()
        if leaves:
            clients[who].close()
            clients[who] = bench.connect()
            bench.turn()
    for client in clients:
        client.close()
    bench.turn(len(acts) + 2)
    for done in bench.daemon.reloads:
        done("")
    bench.now += FREE_WITHIN
    bench.turn()

    assert (set(), float("inf")) == (bench.server._clients, bench.server.deadline)
    assert bench.daemon.readers == 0


def test_who_only_says_no_more_is_still_obeyed(bench: Bench) -> None:
    """As a program does that ends its input before it reads the answer."""
    with bench.connect() as client:
        client.send(encode_request(1, Pause(60.0, ("cam0",))))
        client.shutdown(socket.SHUT_WR)
        bench.turn(2)

    assert bench.daemon.orders == [("pause", ("cam0",), 60.0)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.binary(min_size=1, max_size=100) | st.just(encode_request(1, Ping())), max_size=12))
def test_no_datagrams_upset_the_server(bench: Bench, datagrams: list[bytes]) -> None:
    """Whatever a client sends is answered, once each, and the next client is served as if nothing had been."""
    with bench.connect() as client:
        bench.turn()
        for datagram in datagrams:
            client.send(datagram)
        bench.turn(len(datagrams) + 1)
        answers = [heard(client) for _ in datagrams]
    with bench.connect() as next_one:
        bench.turn()

        assert None not in answers
        assert bench.ask(next_one, Ping(), 3) == (3, PONG)


def test_the_end_of_the_daemon_ends_every_connection(bench: Bench) -> None:
    """Who waits finds the connection closed, and who comes is refused; closing gives every descriptor back."""
    with bench.connect() as client:
        bench.ask(client, Reload())
        before = descriptors()
        bench.server.close()

        assert is_over(client)
        assert descriptors() == before - 3  # selector, listener, client
        with pytest.raises(ConnectionRefusedError):
            bench.connect()
