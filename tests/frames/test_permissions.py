# SPDX-License-Identifier: MIT
"""Proves who may see frames, and that whoever sees them can change nothing: tried by another user's process."""

import grp
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from camwatchd.control.peers import FRAMES_GROUP
from tests.control.rig import STRANGER, open_folder
from tests.process.daemon import QUICK, Daemon, camera, daemon

try:
    VIDEO = grp.getgrnam(FRAMES_GROUP).gr_gid
except KeyError:
    VIDEO = -1
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user: needs root"),
    pytest.mark.skipif(VIDEO < 0, reason=f"there is no group {FRAMES_GROUP} here"),
]

# Asks for a ring, and tries whatever could change it; prints the answer, and what came of each try.
_OTHER_USER = """
import ctypes, fcntl, json, mmap, os, socket, sys
path, uid, groups, request = sys.argv[1:]
os.setgroups([int(group) for group in groups.split()])
os.setgid(int(uid))
os.setuid(int(uid))
client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
client.settimeout(30)
client.connect(path)
client.send(request.encode())
answer, descriptors, _, _ = socket.recv_fds(client, 1 << 20, 1)
tries = {}

def attempt(name, function, *arguments):
    try:
        tries[name] = str(function(*arguments) or "done")
    except (OSError, ValueError) as error:
        tries[name] = type(error).__name__

if descriptors:
    [fd] = descriptors
    size = os.fstat(fd).st_size
    attempt("map for reading", lambda: mmap.mmap(fd, size, prot=mmap.PROT_READ)[:8].decode())
    attempt("map for writing", lambda: mmap.mmap(fd, size, prot=mmap.PROT_READ | mmap.PROT_WRITE).close())
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    address = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
    attempt("mprotect", lambda: libc.mprotect(address, size, mmap.PROT_READ | mmap.PROT_WRITE))
    attempt("write", os.write, fd, b"x")
    attempt("pwrite", os.pwrite, fd, b"x", 64)
    attempt("reopen for writing", os.open, f"/proc/self/fd/{fd}", os.O_RDWR)
    attempt("reopen for reading", os.open, f"/proc/self/fd/{fd}", os.O_RDONLY)
    attempt("truncate", os.ftruncate, fd, 0)
    attempt("fallocate", os.posix_fallocate, fd, 0, size + 4096)
    attempt("chmod", os.fchmod, fd, 0o666)
    attempt("seal", fcntl.fcntl, fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
print(json.dumps([json.loads(answer), tries]))
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Daemon]:
    with open_folder() as folder, daemon(folder, QUICK + camera("cam0")) as running:
        running.event("camera.started")
        (folder / "run").chmod(0o755)
        yield running


def asked(daemon: Daemon, uid: int, groups: str, **request: object) -> tuple[dict[str, Any], dict[str, str]]:
    """What another user is answered, and what it can do with what came along."""
    path = Path(daemon.directory, "run", "control.sock")
    text = json.dumps({"version": 1, "serial": 1, "camera": "cam0", **request})
    command = [sys.executable, "-I", "-c", _OTHER_USER, str(path), str(uid), groups, text]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    answer, tries = json.loads(done.stdout)
    return answer, tries


def test_a_stranger_is_refused_in_words(running: Daemon) -> None:
    """Nothing comes along, and the refusal says which group it takes."""
    answer, tries = asked(running, STRANGER, "", request="Attach")

    assert ("Refused", "permission", {}) == (answer["answer"], answer["reason"], tries)
    assert f"uid {STRANGER} may not see frames: it is not in the group video" == answer["message"]
    assert "usermod -aG video" in answer["hint"]


def test_the_group_video_sees_and_changes_nothing(running: Daemon) -> None:
    """Reading works; every way to write, to resize, to seal or to open the ring anew is refused by the kernel."""
    answer, tries = asked(running, STRANGER, f"{VIDEO}", request="Attach")

    assert "AttachFacts" == answer["answer"]
    assert {
        "map for reading": "camframe",
        "map for writing": "PermissionError",
        "mprotect": "-1",
        "write": "OSError",
        "pwrite": "OSError",
        "reopen for writing": "PermissionError",
        "reopen for reading": "PermissionError",
        "truncate": "OSError",
        "fallocate": "OSError",
        "chmod": "PermissionError",
        "seal": "PermissionError",
    } == tries


def test_the_group_video_sets_no_controls(running: Daemon) -> None:
    """To see is one thing; to change what others see takes the group camwatchd."""
    answer, _ = asked(running, STRANGER, f"{VIDEO}", request="Adjust", controls={"ExposureTime": 5000})

    assert ("Refused", "permission") == (answer["answer"], answer["reason"])
    assert "usermod -aG camwatchd" in answer["hint"]


def test_not_even_root_writes_through_what_it_was_given(running: Daemon) -> None:
    """A reader by mistake: only who opens the file anew, which root may, can change it; and nobody its size."""
    answer, tries = asked(running, 0, "", request="Attach")

    assert "AttachFacts" == answer["answer"]
    assert ("PermissionError", "-1", "OSError") == (
        tries["map for writing"],
        tries["mprotect"],
        tries["write"],
    )
    assert "OSError" == tries["truncate"]
