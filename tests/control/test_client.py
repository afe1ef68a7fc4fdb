# SPDX-License-Identifier: MIT
"""A client gets its answer, or is told why there is none and what to do; it never waits longer than it was told to."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from camwatchd.control.client import Client, ControlError
from camwatchd.control.protocol import (
    Adjust,
    Answer,
    Pause,
    PauseFacts,
    Ping,
    Pong,
    Reason,
    Recover,
    Refused,
    Request,
    Status,
    encode_answer,
)
from tests.control.rig import running


@contextmanager
def speaking(path: Path, say: Callable[[socket.socket], object]) -> Iterator[None]:
    """A daemon that does one thing with the first client, and then closes the connection."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            say(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        listener.close()


def failure(path: Path | str, patience: float = 5.0) -> ControlError:
    """What a client is told that asks for a sign of life."""
    with pytest.raises(ControlError) as raised, Client(path) as client:
        client.ask(Ping(), patience)
    return raised.value


def test_answers_come_one_after_the_other(tmp_path: Path) -> None:
    """A client may ask again and again, and gets what the daemon says."""
    with running(tmp_path) as daemon, Client(daemon.path) as client:
        pong, status = client.ask(Ping()), client.ask(Status())

        assert isinstance(pong, Pong)
        assert status == daemon.daemon.status()


def test_a_late_answer_is_waited_for(tmp_path: Path) -> None:
    """The answer to a pause comes when the camera is free, however long other answers take."""
    with running(tmp_path) as daemon, Client(daemon.path) as client, Client(daemon.path) as other:
        daemon.soon(lambda: daemon.daemon.change(("cam1",), has_worker=False))
        assert client.ask(Pause(60.0, ("cam1",))) == PauseFacts(("cam1",), 60.0)
        daemon.daemon.told.clear()
        answers: list[Answer] = []
        waiting = threading.Thread(target=lambda: answers.append(client.ask(Pause(60.0, ("cam0",)), 30.0)))
        waiting.start()
        assert daemon.daemon.told.wait(30)
        assert isinstance(other.ask(Ping()), Pong)
        before = answers[:]
        daemon.soon(lambda: daemon.daemon.change(("cam0",), has_worker=False))
        waiting.join()

    assert (before, answers) == ([], [PauseFacts(("cam0",), 60.0)])


def test_a_refusal_is_an_error_with_its_hint(tmp_path: Path) -> None:
    """What the daemon refuses is raised with its reason, its sentence and its remedy."""
    with running(tmp_path) as daemon, Client(daemon.path) as client:
        daemon.soon(lambda: daemon.daemon.change(("cam0",), paused_for=60.0))
        daemon.soon(daemon.daemon.told.set)
        assert daemon.daemon.told.wait(30)
        with pytest.raises(ControlError) as raised:
            client.ask(Recover(("cam0",)))

    assert raised.value.reason is Reason.PAUSED
    assert "resume" in raised.value.hint


@pytest.mark.parametrize("left", [False, True])
def test_no_daemon_is_said(tmp_path: Path, left: bool) -> None:
    """Without a socket, and with one that nobody serves any more, the daemon does not run."""
    path = tmp_path / "control.sock"
    if left:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as dead:
            dead.bind(str(path))
    error = failure(path)

    assert (error.reason, error.hint) == (Reason.UNREACHABLE, "systemctl status camwatchd says more")
    assert f"not running: nobody listens at {path}" in error.message


def test_what_is_no_socket_is_no_daemon_that_is_down(tmp_path: Path) -> None:
    """A name that was mistyped says nothing of the daemon."""
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file", ""):
        error = failure(path)

        assert (error.reason, error.message) == (Reason.UNREACHABLE, f"{str(path)!r} is no socket")
        assert "/run/camwatchd/control.sock" in error.hint


def test_a_socket_of_another_kind_is_said(tmp_path: Path) -> None:
    """Whatever else keeps us from connecting is told in the system's words."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(tmp_path / "other"))
        other.listen()
        error = failure(tmp_path / "other")

    assert error.reason is Reason.UNREACHABLE
    assert "Protocol wrong type for socket" in error.message


def test_a_daemon_that_hangs_is_not_waited_for_long(tmp_path: Path) -> None:
    """No answer within the patience is an error, however the connection lives on."""
    over = threading.Event()
    with speaking(tmp_path / "s", lambda _: over.wait(30)):
        before = time.monotonic()
        error = failure(tmp_path / "s", 0.2)
        took = time.monotonic() - before
        over.set()

    assert error.reason is Reason.SILENT
    assert "within 0.2 s" in error.message
    assert 0.2 <= took < 5


@pytest.mark.parametrize(
    ("asked", "ordered"),
    [
        (Pause(10.0), True), (Adjust("cam0", {"ExposureTime": 1}), True), (Recover(), True),
        (Status(), False), (Adjust("cam0"), False), (Recover(dry_run=True), False),
    ],
)  # fmt: skip
def test_an_order_without_an_answer_may_have_been_done(
    asked: Request, ordered: bool, tmp_path: Path
) -> None:
    """Nobody knows: that is said, and where to look. A mere question leaves nothing behind."""
    over = threading.Event()
    with speaking(tmp_path / "s", lambda _: over.wait(30)), Client(tmp_path / "s") as client:
        with pytest.raises(ControlError) as raised:
            client.ask(asked, 0.1)
        over.set()

    assert ordered == ("whether it was done is not known" in raised.value.message)
    assert ordered == ("camwatchctl status" in raised.value.hint)


def test_a_daemon_that_lets_nobody_in_is_not_waited_for(tmp_path: Path) -> None:
    """A full queue before the door is no reason to hang."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen(0)
        with Client(tmp_path / "s"), pytest.raises(ControlError) as raised:
            Client(tmp_path / "s")

    assert raised.value.reason is Reason.SILENT


def test_a_daemon_that_leaves_is_said(tmp_path: Path) -> None:
    """The end of the connection before the answer is no answer."""
    with speaking(tmp_path / "s", lambda connection: connection.recv(1000)):
        error = failure(tmp_path / "s")

    assert error.reason is Reason.UNREACHABLE
    assert "before it answered" in error.message


def test_last_words_are_heard(tmp_path: Path) -> None:
    """Who is turned away hears why, even if the daemon has closed without reading the question."""
    words = encode_answer(0, Refused(Reason.CROWDED, "full", "later"))
    said = threading.Event()

    def turn_away(connection: socket.socket) -> None:
        connection.recv(1, socket.MSG_PEEK)  # the question has arrived
        connection.send(words)
        said.set()

    with speaking(tmp_path / "s", turn_away):
        error = failure(tmp_path / "s")

    assert said.is_set()
    assert (error.reason, error.message, error.hint) == (Reason.CROWDED, "full", "later")


def test_last_words_are_heard_before_the_question_is_asked(tmp_path: Path) -> None:
    """A connection that is closed already when the question is asked still says why."""
    words = encode_answer(0, Refused(Reason.CROWDED, "full"))
    with speaking(tmp_path / "s", lambda connection: connection.send(words)):
        client = Client(tmp_path / "s")
    with client, pytest.raises(ControlError) as raised:
        client.ask(Ping())

    assert raised.value.reason is Reason.CROWDED


def test_another_release_is_said(tmp_path: Path) -> None:
    """An answer that cannot be understood is one of another release: restart the daemon."""
    answer = encode_answer(1, Pong("9.0", 1)).replace(b'"version":1', b'"version":9')
    with speaking(tmp_path / "s", lambda c: c.recv(1000) and c.send(answer)):
        error = failure(tmp_path / "s")

    assert error.reason is Reason.VERSION
    assert "systemctl restart camwatchd" in error.hint
    assert "version 9" in error.message


def test_answers_to_earlier_questions_are_skipped(tmp_path: Path) -> None:
    """The answer that nobody waited for any more is not taken for the next one."""

    def both(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.recv(1000)
        connection.send(encode_answer(1, Pong("late", 1)))
        connection.send(encode_answer(2, Pong("in time", 1)))

    with speaking(tmp_path / "s", both), Client(tmp_path / "s") as client:
        with pytest.raises(ControlError):
            client.ask(Ping(), 0.1)
        assert client.ask(Ping()) == Pong("in time", 1)
