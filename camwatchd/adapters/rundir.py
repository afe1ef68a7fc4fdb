# SPDX-License-Identifier: MIT
"""Owns what a restart of the service must find again in this boot: starts, an intent, incidents, pauses, controls.

One small JSON file in the runtime directory, which is memory: writing it blocks nobody, and a boot wipes it. It
names its boot all the same, for runtime directories that lie elsewhere.
"""

import json
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from camwatchd.core.plain import PlainError, from_plain, to_plain
from camwatchd.core.state import State

NAME = "kept.json"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MOST = 100  # starts remembered; systemd's limit is far below


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What applications have set of one camera, and what its table had said when they did."""

    table: dict[str, Any]
    kept: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The file's content; points in time are monotonic seconds of this boot."""

    boot: str
    starts: tuple[float, ...] = ()
    restarts: tuple[float, ...] = ()  # of them those that were asked for
    intent: str = ""  # why the machine is to be rebooted: each start leaves at once until systemd does it
    incidents: dict[str, State] = field(default_factory=dict)  # by camera: where restart-service left them
    paused: dict[str, float] = field(default_factory=dict)  # by camera: the end of the operator's pause
    controls: dict[str, Controls] = field(default_factory=dict)  # by camera

    def started(self, now: float) -> "Kept":
        """With this start."""
        return replace(self, starts=(*self.starts, now))

    def recent(self, now: float, interval: float) -> "Kept":
        """Without the starts that no longer count; this one always does, as the window opens with a start."""
        starts = tuple(at for at in self.starts if now - at < interval) or self.starts[-1:]
        restarts = tuple(at for at in self.restarts if now - at < interval)
        return replace(self, starts=starts[-_MOST:], restarts=restarts[-_MOST:])


def boot_id(path: Path = _BOOT_ID, environ: Mapping[str, str] = os.environ) -> str:
    """The kernel's name of this boot; empty where it has none.

    As the unit hands it on (%b) if it does: in a container a sandbox with a /proc of its own shows the host's.
    """
    if re.fullmatch(r"[0-9a-f]{32}", given := environ.get("CAMWATCHD_BOOT_ID", "")):
        return str(uuid.UUID(given))
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def load(folder: str, boot: str) -> Kept:
    """What was kept in this boot. A file that is missing, damaged or of another boot keeps nothing."""
    try:
        kept = from_plain(Kept, json.loads(Path(folder, NAME).read_text()))
    except (OSError, ValueError, PlainError, RecursionError):
        return Kept(boot=boot)
    return kept if kept.boot == boot else Kept(boot=boot)


def save(folder: str, kept: Kept) -> str:
    """Keep it, whole or not at all; the reason if it could not be."""
    path = Path(folder, NAME)
    try:
        path.with_suffix(".new").write_text(json.dumps(to_plain(kept)))
        path.with_suffix(".new").replace(path)
    except OSError as error:
        return f"{path} cannot be written: {error.strerror}"
    return ""
