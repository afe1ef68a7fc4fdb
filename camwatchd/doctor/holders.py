# SPDX-License-Identifier: MIT
"""Owns the check of competing holders: who else has the cameras open, as far as we are shown."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from camwatchd.doctor.finding import AS_ROOT, Finding, listed, ok, unknown, warning
from camwatchd.doctor.place import Place
from camwatchd.doctor.tasks import ours

NAMES = ("holders",)

_CAMERA = re.compile(r"/dev/(video|media|v4l-subdev)\d+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Processes that are not the service's."""

    locking: tuple[str, ...] = ()  # they own a camera: libcamera lets no second program have it
    streaming: tuple[str, ...] = ()  # they have a node open that gives frames
    hidden: bool = False  # some processes were not shown to us
    shown: bool = True  # there is a /proc
    root: bool = True  # we may see all that can be seen


def find(place: Place) -> Iterator[Finding]:
    """The check."""
    yield check(gather(place))


def gather(place: Place) -> Facts:
    """The facts of this machine. Links are read, never opened: that could disturb a camera, or hang."""
    service = ours(place)
    streaming, hidden = [], False
    for folder in place.files("proc/[0-9]*"):
        try:
            links = list((folder / "fd").iterdir())
        except PermissionError:
            hidden = True
            continue
        except OSError:  # it is gone meanwhile
            continue
        nodes = sorted({node for link in links for node in _node(link)})
        videos = [node for node in nodes if node.startswith("/dev/video")]
        if videos and int(folder.name) not in service:
            # They come first, for only the first few are told.
            told = listed(dict.fromkeys([*videos, *nodes]))
            streaming.append(f"{place.read(folder / 'comm') or '?'} (pid {folder.name}): {told}")
    locking = [text for text in place.host.camera_holders() if _pid(text) not in service]
    return Facts(
        locking=tuple(locking),
        streaming=tuple(streaming),
        hidden=hidden,
        shown=place.has("proc"),
        root=os.geteuid() == 0,
    )


def _node(link: Path) -> Iterator[str]:
    """The camera's node that a descriptor is of, if it is of one."""
    with suppress(OSError):  # closed meanwhile
        if _CAMERA.match(node := str(link.readlink())):
            yield node


def _pid(text: str) -> int:
    found = re.search(r"\(pid (\d+)\)", text)
    return int(found[1]) if found else 0


def check(facts: Facts) -> Finding:
    """Whether somebody has what the service needs."""
    if not facts.shown:
        return unknown("holders", "there is no /proc to look at")
    if facts.locking:
        text = f"a camera belongs to {listed(facts.locking)}: nobody else can open it"
        return warning("holders", text, _end(facts.locking[0]))
    # Programs that speak V4L2 themselves lock nothing, but nobody can stream what they stream.
    if facts.streaming:
        text = f"opened by {listed(facts.streaming, 2)}: if it captures, that camera is busy"
        return warning("holders", text, _end(facts.streaming[0]))
    if facts.hidden and not facts.root:
        text = "nobody else owns a camera, and none of your processes has one open; others were not shown"
        return unknown("holders", text, AS_ROOT)
    limit = "; some processes were not shown" if facts.hidden else ""
    return ok("holders", f"nobody else has a camera{limit}")


def _end(holder: str) -> str:
    return f"sudo kill {_pid(holder)}  # or lend it the camera: camwatchctl pause"
