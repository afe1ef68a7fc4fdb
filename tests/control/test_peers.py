# SPDX-License-Identifier: MIT
"""Who connected is known from the kernel, and decides what is answered; a refusal says what to do about it."""

import grp
import json
import os
import subprocess
import sys

import pytest

from camwatchd.control import peers
from camwatchd.control.peers import Peer, Rights
from camwatchd.control.protocol import (
    Attach,
    AttachFacts,
    Drill,
    Pause,
    Ping,
    Pong,
    Reason,
    Recover,
    RecoverFacts,
    Refused,
    Reload,
    Request,
    Resume,
    Status,
    encode_request,
)
from tests.control.rig import GROUP, STRANGER, VIDEO, Bench, heard

OWN = 990
RIGHTS = Rights(own_uid=OWN, group=GROUP)
ORDERS: list[Request] = [Pause(60.0), Resume(), Recover(), Reload(), Drill("cam0", "stall")]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user: needs root")

# Another user, who connects, asks what it was given and waits until it may leave.
_OTHER_USER = """
import os, socket, sys
path, uid, gid, groups, *datagrams = sys.argv[1:]
client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
client.settimeout(30)
os.setgroups([int(group) for group in groups.split()])
os.setgid(int(gid))
os.setuid(int(uid))
client.connect(path)
for datagram in datagrams:
    client.send(datagram.encode())
print("asked", flush=True)
sys.stdin.read()
for datagram in datagrams:
    print(client.recv(1 << 20).decode(), flush=True)
"""


def answers_to(bench: Bench, uid: int, gid: int, groups: str, *requests: Request) -> list[dict[str, object]]:
    """What another user's process is answered."""
    datagrams = [encode_request(n, request).decode() for n, request in enumerate(requests, 1)]
    command = [sys.executable, "-c", _OTHER_USER, str(bench.path), str(uid), str(gid), groups, *datagrams]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as other:  # type: ignore[call-overload]
        assert other.stdout.readline() == "asked\n"
        bench.turn(1 + len(requests))
        output, _ = other.communicate(timeout=30)
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_only_the_chosen_may_act(order: Request) -> None:
    """Root, the daemon's own user and the members of the group may; nobody else, whatever other groups they are in."""
    chosen = [Peer(1, 0, 0), Peer(1, OWN, 5), Peer(1, 1000, GROUP), Peer(1, 1000, 5, (7, GROUP))]
    others = [Peer(1, 1000, 5), Peer(1, 1000, 0, (0, 44)), Peer(1, GROUP, OWN, (OWN,))]

    assert [RIGHTS.objection(peer, order) for peer in chosen] == [None] * 4
    assert [refused.reason for peer in others if (refused := RIGHTS.objection(peer, order))] == [
        Reason.PERMISSION
    ] * 3


@pytest.mark.parametrize("question", [Status(), Ping()], ids=repr)
def test_everybody_may_look(question: Request) -> None:
    """Nobody needs a right to ask how things are."""
    assert RIGHTS.objection(Peer(1, 1000, 5), question) is None


def test_a_refusal_names_the_remedy() -> None:
    """Who may not act is told who does not, and both ways to be allowed."""
    refused = RIGHTS.objection(Peer(4242, 1000, 5), Reload())

    assert isinstance(refused, Refused)
    assert "uid 1000" in refused.message
    assert "Reload" in refused.message
    assert "sudo" in refused.hint
    assert "usermod -aG camwatchd $USER" in refused.hint


def test_a_group_that_is_missing_has_no_members() -> None:
    """Without the group (a run from a clone) root and the daemon's own user remain, and nobody else gets in by it."""
    missing = Rights(own_uid=OWN, group=peers.group_id("no-such-group"))

    assert not missing.may_act(Peer(1, 1000, 5, (0, 65535)))
    assert missing.may_act(Peer(1, 0, 0))
    assert peers.group_id(grp.getgrgid(0).gr_name) == 0


def test_the_peer_is_who_connected(bench: Bench) -> None:
    """Pid, user, group and supplementary groups are those of the connecting process."""
    with bench.connect() as client:
        bench.turn()
        (peer,) = [c.peer for c in bench.server._clients]
        assert heard(client) is None

    assert (peer.pid, peer.uid, peer.gid) == (os.getpid(), os.geteuid(), os.getegid())
    assert sorted(peer.groups) == sorted(os.getgroups())


@needs_root
def test_another_user_may_look_and_not_act(bench: Bench) -> None:
    """A real other user gets the status; its orders are refused with the remedy, and none reaches the daemon."""
    status, *refusals = answers_to(bench, STRANGER, STRANGER, "", Status(), *ORDERS)

    assert status["answer"] == "StatusFacts"
    assert [answer["reason"] for answer in refusals] == ["permission"] * len(ORDERS)
    assert all(f"uid {STRANGER}" in str(answer["message"]) for answer in refusals)
    assert bench.daemon.orders == []


@needs_root
@pytest.mark.parametrize(("gid", "groups"), [(GROUP, ""), (STRANGER, f"1 2 {GROUP}")])
def test_members_of_the_group_may_act(bench: Bench, gid: int, groups: str) -> None:
    """The group counts as the primary one and as one of many others."""
    answers = answers_to(bench, STRANGER, gid, groups, Recover(("cam0",)))

    assert [answer["answer"] for answer in answers] == [RecoverFacts.__name__]
    assert bench.daemon.orders == [("recover", ("cam0",), None)]


@needs_root
def test_more_groups_than_we_are_told_are_none(bench: Bench) -> None:
    """Somebody in three hundred groups may look all the same."""
    groups = " ".join(str(GROUP + n) for n in range(300))

    answers = answers_to(bench, STRANGER, STRANGER, groups, Ping(), Reload())

    assert [answer["answer"] for answer in answers] == [Pong.__name__, Refused.__name__]


def test_frames_are_for_those_who_may_see() -> None:
    """Whoever may act, and the members of the group that the camera's nodes belong to; who may see may not act."""
    rights = Rights(own_uid=OWN, group=GROUP, frames_group=VIDEO)
    acting = [Peer(1, 0, 0), Peer(1, OWN, 5), Peer(1, 1000, GROUP), Peer(1, 1000, 5, (7, GROUP))]
    seeing = [Peer(1, 1000, VIDEO), Peer(1, 1000, 5, (7, VIDEO))]
    others = [Peer(1, 1000, 5), Peer(1, VIDEO, OWN, (0,))]
    refused = [rights.objection(peer, Attach("cam0")) for peer in others]

    assert [rights.objection(peer, Attach("cam0")) for peer in (*acting, *seeing)] == [None] * 6
    assert [(rights.may_see(peer), rights.may_act(peer)) for peer in (*acting, *seeing, *others)] == [
        *[(True, True)] * 4, *[(True, False)] * 2, *[(False, False)] * 2,
    ]  # fmt: skip
    assert [refusal.reason for refusal in refused if refusal] == [Reason.PERMISSION] * 2
    assert all("usermod -aG video $USER" in refusal.hint for refusal in refused if refusal)


@needs_root
@pytest.mark.parametrize(
    ("gid", "groups", "answer"),
    [(STRANGER, "", Refused), (VIDEO, "", AttachFacts), (STRANGER, f"7 {VIDEO}", AttachFacts)],
)
def test_a_stranger_gets_no_frames(bench: Bench, gid: int, groups: str, answer: type) -> None:
    """A real other user: a refusal lends nothing."""
    answers = answers_to(bench, STRANGER, gid, groups, Attach("cam0"))

    assert [found["answer"] for found in answers] == [answer.__name__]
    assert bench.daemon.readers == (answer is AttachFacts)
    assert bench.log.of("control.refused") == (
        [f"uid {STRANGER} may not see frames: it is not in the group video"] if answer is Refused else []
    )


@needs_root
def test_the_daemons_own_user_is_who_runs_it() -> None:
    """Whoever that is: run from a clone it obeys the one who started it."""
    os.seteuid(STRANGER)
    try:
        rights = Rights()
    finally:
        os.seteuid(0)

    assert rights == Rights(STRANGER, peers.group_id("camwatchd"), peers.group_id("video"))
    assert rights.may_act(Peer(1, STRANGER, 5))
    assert not rights.may_act(Peer(1, OWN, 5))
