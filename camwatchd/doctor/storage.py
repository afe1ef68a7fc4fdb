# SPDX-License-Identifier: MIT
"""Owns the checks of what must outlive a boot: state directory, free space, journal."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from camwatchd.adapters import medium
from camwatchd.doctor import rights
from camwatchd.doctor.finding import Finding, failure, ok, unknown, warning
from camwatchd.doctor.place import NOT_INSTALLED, USER, Place

NAMES = ("state-directory", "space", "journal")

_STATE = "var/lib/camwatchd/state"  # StateDirectory= of the unit
_MADE = "sudo systemd-tmpfiles --create camwatchd.conf"
_LITTLE, _SCARCE = 200e6, 20e6  # bytes
_FEW_FILES = 100
_PERSISTENT = (
    "sudo mkdir -p /etc/systemd/journald.conf.d && printf '[Journal]\\nStorage=persistent\\nSystemMaxUse=64M\\n' | "
    "sudo tee /etc/systemd/journald.conf.d/60-persistent.conf && sudo systemctl restart systemd-journald && "
    "sudo journalctl --flush"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The state directory, the file system it is on, and where the journal is."""

    installed: bool = True
    state: os.stat_result | None = None  # None: it is not there, or not shown
    uid: int | None = None  # of the service's user
    untrusted: str = ""  # why what is kept there proves nothing
    read_only: bool = False
    free: int | None = None  # bytes for ordinary users
    files: int | None = None  # that can still be made; None: no limit
    volatile: bool = False  # there is a journal in memory ...
    persistent: bool = False  # ... or on disk


def find(place: Place) -> Iterator[Finding]:
    """All checks of this group."""
    facts = gather(place)
    yield state_directory(facts)
    yield space(facts)
    yield journal(facts)


def gather(place: Place) -> Facts:
    """The facts of this machine."""
    folder = place.root / _STATE
    there = next((path for path in (folder, *folder.parents) if place.has(path)), place.root)
    machine = place.read("etc/machine-id") or "none"
    return replace(
        room(os.statvfs(there)),
        installed=place.installed,
        state=folder.stat() if there == folder else None,
        uid=rights.users(place).get(USER, (None, None))[0],
        untrusted=medium.untrusted(Path("/", _STATE), place.root / "proc/self/mountinfo"),
        # journald removes the one in memory when it has written everything to disk.
        volatile=place.has(f"run/log/journal/{machine}"),
        persistent=place.has(f"var/log/journal/{machine}"),
    )


def room(of: os.statvfs_result) -> Facts:
    """What a file system says of itself; one without a table of files has no limit to them."""
    return Facts(
        read_only=bool(of.f_flag & os.ST_RDONLY),
        free=of.f_bavail * of.f_frsize,
        files=of.f_favail if of.f_files else None,
    )


def state_directory(facts: Facts) -> Finding:
    """Whether the ledger can be kept, and will be there after a boot: without it no reboot is granted."""
    name = "state-directory"
    if facts.state is None and not facts.installed:
        return unknown(name, NOT_INSTALLED)
    if facts.state is None:
        return failure(name, f"there is no /{_STATE}: nothing is remembered, no reboot is granted", _MADE)
    if facts.read_only:
        text = f"/{_STATE} is on a file system that is read-only now: nothing is remembered, no reboot is granted"
        return failure(
            name,
            text,
            "sudo dmesg | grep -iE 'mmc|ext4|remount'; findmnt /  # a card that fails must be replaced",
        )
    if facts.untrusted:
        text = f"{facts.untrusted}: no reboot is granted"
        return failure(
            name, text, "sudo raspi-config nonint disable_overlayfs && sudo reboot  # or mount a disk there"
        )
    if facts.uid is None:
        return unknown(name, f"without a user {USER} nobody can tell whose it must be")
    mode = stat.S_IMODE(facts.state.st_mode)
    if facts.state.st_uid != facts.uid or mode & 0o700 != 0o700:
        text = f"/{_STATE} belongs to uid {facts.state.st_uid}, mode {mode:04o}: {USER} cannot write there"
        return failure(name, text, f"sudo chown -R {USER}: /{_STATE} && sudo chmod 0750 /{_STATE}")
    return ok(name, f"/{_STATE} is there, {USER}'s own, and on a disk")


def space(facts: Facts) -> Finding:
    """What is free where the ledger is."""
    if facts.free is None:
        return unknown("space", "the file system does not say")
    text = f"{facts.free / 1e6:.0f} MB free at /{_STATE}"
    remedy = "sudo apt clean; sudo journalctl --vacuum-size=32M; du -xh / 2>/dev/null | sort -h | tail -20"
    if facts.free < _SCARCE or facts.files == 0:
        why = "; no more files can be made" if facts.files == 0 else ""
        return failure("space", f"{text}{why}: the ledger cannot be written", remedy)
    if facts.free < _LITTLE or (facts.files is not None and facts.files < _FEW_FILES):
        files = f", room for {facts.files} files" if facts.files is not None else ""
        return warning("space", f"{text}{files}", remedy)
    return ok("space", text)


def journal(facts: Facts) -> Finding:
    """Whether a reboot can be explained by more than the ledger."""
    if facts.volatile:
        text = (
            "in memory only: a reboot forgets what systemd and others said; incidents are kept in the ledger"
        )
        return warning("journal", text, _PERSISTENT)
    if facts.persistent:
        return ok("journal", "on disk, it outlives a boot")
    return unknown("journal", "no journal is found, neither in /run/log/journal nor in /var/log/journal")
