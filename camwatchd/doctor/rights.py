# SPDX-License-Identifier: MIT
"""Owns the checks of user and groups: the service's, and the right of whoever asks to use the control socket."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from camwatchd.control.peers import GROUP, READING
from camwatchd.doctor.finding import Finding, failure, ok, unknown, warning
from camwatchd.doctor.nodes import Node, nodes
from camwatchd.doctor.place import NOT_INSTALLED, UNIT, USER, Place

NAMES = ("user", "groups", "control")

_KERNEL_LINES = "systemd-journal"  # reads what the kernel says about cameras
_SHIPPED = f"video {_KERNEL_LINES}"  # SupplementaryGroups= of the unit
_FREE = ", ".join(request.__name__.lower() for request in READING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What /etc/passwd and /etc/group say, and who we are."""

    users: Mapping[str, tuple[int, int]]  # name: uid, gid
    installed: bool = True
    groups: Mapping[str, tuple[int, frozenset[str]]] = field(default_factory=dict)  # name: gid, members
    of_unit: frozenset[str] = frozenset()  # the groups that the unit adds
    nodes: tuple[Node, ...] = ()
    own_uid: int = 0
    own_gids: frozenset[int] = field(default_factory=frozenset)

    def of_service(self) -> frozenset[str]:
        """The names of all groups that the service runs with."""
        primary = {name for name, (gid, _) in self.groups.items() if gid == self.users.get(USER, (0, -1))[1]}
        member = {name for name, (_, members) in self.groups.items() if USER in members}
        return self.of_unit | primary | member

    def ids_of_service(self) -> tuple[int | None, frozenset[int]]:
        """Its uid (None: it has no user) and the ids of its groups."""
        uid, gid = self.users.get(USER, (None, None))
        named = {self.groups[name][0] for name in self.of_service() if name in self.groups}
        return uid, frozenset(named | ({gid} if gid is not None else set()))

    def own_name(self) -> str:
        """Ours, as a command line would have it."""
        return next((name for name, (uid, _) in self.users.items() if uid == self.own_uid), "$USER")


def find(place: Place) -> Iterator[Finding]:
    """All checks of this group."""
    facts = gather(place)
    yield user(facts)
    yield groups(facts)
    yield control(facts)


def gather(place: Place) -> Facts:
    """The facts of this machine; where no systemd answers the unit is taken for the one that is shipped."""
    said = place.show("SupplementaryGroups", unit=UNIT).get("SupplementaryGroups", _SHIPPED)
    return replace(accounts(place), of_unit=frozenset(said.split()), nodes=nodes(place))


def accounts(place: Place) -> Facts:
    """The files as they are, and who we are: asking a directory service may take its time."""
    rows = [line.split(":") for line in (place.read("etc/group") or "").splitlines()]
    return Facts(
        users=users(place),
        installed=place.installed,
        groups={
            row[0]: (int(row[2]), frozenset(row[3].split(",")) - {""})
            for row in rows
            if len(row) > 3 and row[2].isdecimal()
        },
        own_uid=os.geteuid(),
        own_gids=frozenset({os.getegid(), *os.getgroups()}),
    )


def users(place: Place) -> dict[str, tuple[int, int]]:
    """Uid and gid of each user."""
    rows = [line.split(":") for line in (place.read("etc/passwd") or "").splitlines()]
    return {row[0]: (int(row[2]), int(row[3])) for row in rows if len(row) > 3 and row[3].isdecimal()}


def user(facts: Facts) -> Finding:
    """The service's user."""
    if not facts.users:
        return unknown("user", "/etc/passwd cannot be read")
    if USER in facts.users:
        uid, gid = facts.users[USER]
        return ok("user", f"{USER} is there: uid {uid}, gid {gid}")
    if not facts.installed:
        return unknown("user", NOT_INSTALLED)
    return failure(
        "user", f"there is no user {USER}: systemd cannot start the service", "sudo systemd-sysusers"
    )


def groups(facts: Facts) -> Finding:
    """The groups that the service needs: those of the cameras' nodes, and the journal's."""
    if USER not in facts.users:
        return unknown("groups", f"without a user {USER} there is nothing to look at")
    names = {gid: name for name, (gid, _) in facts.groups.items()}
    cameras = (node for node in facts.nodes if node.is_camera and node.opens_for_group)
    needed = {names.get(node.gid, str(node.gid)) for node in cameras} - {"root"}
    has = facts.of_service()
    if lacking := sorted(needed - has):
        text = f"{USER} is not in {', '.join(lacking)}, whose the cameras' nodes are"
        return failure("groups", text, _join(lacking))
    if _KERNEL_LINES in facts.groups and _KERNEL_LINES not in has:
        text = f"{USER} is not in {_KERNEL_LINES}: what the kernel says about cameras is not heard"
        return warning("groups", text, _join([_KERNEL_LINES]))
    return ok(
        "groups",
        f"{USER} is in {', '.join(sorted(has)) or 'none'}; needed: {', '.join(sorted(needed)) or 'none'}",
    )


def _join(names: list[str]) -> str:
    return f"sudo usermod -aG {','.join(names)} {USER} && sudo systemctl restart camwatchd"


def control(facts: Facts) -> Finding:
    """Our own right to tell the daemon what to do."""
    if facts.own_uid == 0:
        return ok("control", "you are root and may do everything")
    gid, members = facts.groups.get(GROUP, (-1, frozenset()))
    name = facts.own_name()
    if gid in facts.own_gids or facts.own_uid == facts.users.get(USER, (-1, -1))[0]:
        return ok("control", f"you are in the group {GROUP} and may do everything")
    if name in members:
        text = f"{name} was added to the group {GROUP}, but after you logged in"
        return warning("control", text, f"newgrp {GROUP}  # or log out and in again")
    text = f"you are not in the group {GROUP}: you may ask ({_FREE}), but not pause, resume or recover"
    return warning("control", text, f"sudo usermod -aG {GROUP} {name}  # then log in again")
