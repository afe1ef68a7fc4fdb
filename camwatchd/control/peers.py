# SPDX-License-Identifier: MIT
"""Owns who is at the other end of a control connection, and what they may ask for.

The kernel notes the credentials at connect(): nobody can lie about them, and they do not change with the process.
"""

import grp
import os
import socket
import struct
from dataclasses import dataclass, field

from camwatchd.control.protocol import Attach, Ping, Reason, Refused, Request, Status

GROUP = "camwatchd"  # its members may do everything; sysusers makes it
READING = (Ping, Status)  # what everybody may ask for
FRAMES_GROUP = "video"  # its members may see what cameras see, with us as without us
_ROOT = 0
_NOBODYS = -1  # a group id that nobody has
_SO_PEERGROUPS = 59  # asm-generic/socket.h, since Linux 4.13; Python has no name for it
_UCRED = struct.Struct("3i")  # pid, uid, gid
_MOST = 1024  # bytes that Python's getsockopt() takes: 256 groups


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end."""

    pid: int
    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    @property
    def is_root(self) -> bool:
        return self.uid == _ROOT


def of(connection: socket.socket) -> Peer:
    """The credentials of whoever connected."""
    ucred = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, gid = _UCRED.unpack(ucred)
    return Peer(pid, uid, gid, _groups(connection))


def _groups(connection: socket.socket) -> tuple[int, ...]:
    try:
        groups = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MOST)
    except OSError:  # ERANGE: in more groups than we can be told; sudo remains
        return ()
    return struct.unpack(f"{len(groups) // 4}I", groups)


def group_id(name: str = GROUP) -> int:
    """The number of a group, or one that nobody has. Looks it up on disk: once, before the loop begins."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return _NOBODYS


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may do what: root, the daemon's own user and the members of one group everything."""

    own_uid: int = field(default_factory=os.geteuid)
    group: int = field(default_factory=group_id)
    frames_group: int = field(default_factory=lambda: group_id(FRAMES_GROUP))

    def may_see(self, peer: Peer) -> bool:
        """Whether it may have the frames."""
        return self.may_act(peer) or self.frames_group in (peer.gid, *peer.groups)

    def may_act(self, peer: Peer) -> bool:
        """Whether it may change anything."""
        return peer.uid in (_ROOT, self.own_uid) or self.group in (peer.gid, *peer.groups)

    def objection(self, peer: Peer, request: Request) -> Refused | None:
        """Why this peer may not ask for this, if it may not."""
        if isinstance(request, READING) or self.may_act(peer):
            return None
        if isinstance(request, Attach):
            return None if self.may_see(peer) else _blind(peer)
        text = f"uid {peer.uid} may ask for the status only, not for {type(request).__name__}"
        hint = f"use sudo, or join the group: sudo usermod -aG {GROUP} $USER, then log in again"
        return Refused(Reason.PERMISSION, text, hint)


def _blind(peer: Peer) -> Refused:
    text = f"uid {peer.uid} may not see frames: it is not in the group {FRAMES_GROUP}"
    hint = f"use sudo, or join the group: sudo usermod -aG {FRAMES_GROUP} $USER, then log in again"
    return Refused(Reason.PERMISSION, text, hint)
