# SPDX-License-Identifier: MIT
"""Owns the checks of the device nodes: there, and usable by the service's user."""

from collections.abc import Iterator
from dataclasses import dataclass

from camwatchd.doctor import rights
from camwatchd.doctor.finding import Finding, failure, listed, ok, unknown
from camwatchd.doctor.nodes import Node
from camwatchd.doctor.place import USER, Place

NAMES = ("video-nodes", "media-nodes", "dma-heap")

_KINDS = {
    "video-nodes": (("video", "v4l-subdev"), "cameras"),
    "media-nodes": (("media",), "what libcamera knows cameras by"),
    "dma-heap": (("dma_heap/", "udmabuf"), "the memory that frames are captured into"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The nodes, and whom they are for."""

    nodes: tuple[Node, ...]
    uid: int | None  # of the service's user; None: there is none
    gids: frozenset[int] = frozenset()
    needed: bool = True  # some camera is a real one


def find(place: Place) -> Iterator[Finding]:
    """All checks of this group."""
    facts = gather(place)
    for name in NAMES:
        yield check(name, facts)


def gather(place: Place) -> Facts:
    """The facts of this machine."""
    known = rights.gather(place)
    uid, gids = known.ids_of_service()
    return Facts(nodes=known.nodes, uid=uid, gids=gids, needed=bool(place.real_cameras()))


def check(name: str, facts: Facts) -> Finding:
    """One kind of nodes."""
    prefixes, purpose = _KINDS[name]
    mine = [node for node in facts.nodes if node.name.startswith(prefixes)]
    if name == "dma-heap":
        mine = [node for node in mine if node.is_heap]
    if not mine:
        return _missing(name, f"/dev/{prefixes[0]}*", purpose, facts)
    if facts.uid is None:
        return unknown(name, f"{len(mine)} nodes, but no user {USER} to use them")
    closed = [node for node in mine if not node.usable(facts.uid, facts.gids)]
    # One heap is enough; of the others all belong together.
    if closed and (name != "dma-heap" or len(closed) == len(mine)):
        text = f"{USER} may not use {listed(map(_described, closed))}"
        return failure(name, text, f"sudo udevadm trigger; sleep 1; ls -ln /dev/{prefixes[0]}*")
    return ok(name, f"{_count(len(mine))} usable by {USER}: {listed(f'/dev/{node.name}' for node in mine)}")


def _missing(name: str, pattern: str, purpose: str, facts: Facts) -> Finding:
    if not facts.needed:
        return ok(name, f"no {pattern}, and none is needed: every camera is simulated")
    if not any(node.is_camera for node in facts.nodes):
        return unknown(name, f"no {pattern}: the kernel has no camera")
    return failure(
        name, f"no {pattern}: {purpose} cannot be opened", "sudo modprobe videodev; uname -a; dmesg"
    )


def _described(node: Node) -> str:
    return f"/dev/{node.name} (uid {node.uid}, gid {node.gid}, mode {node.mode:04o})"


def _count(number: int) -> str:
    return "1 node" if number == 1 else f"{number} nodes"
