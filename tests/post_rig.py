# SPDX-License-Identifier: MIT
"""Owns a camera's post without workers: what they would report, the test reports."""

from collections.abc import Callable
from pathlib import Path

from camwatchd.adapters.host import Host
from camwatchd.core import messages as msg
from camwatchd.core.ladder import Rung
from camwatchd.core.records import Record
from camwatchd.core.settings import CameraSettings, Health
from camwatchd.core.state import Policy
from camwatchd.loop import Loop
from camwatchd.ports import EventLog
from camwatchd.post import Post
from camwatchd.slot import Worker

MISSED = msg.CaptureFailed("frames-stopped", "no frame for 1.5 s", 1.5)


class NoAgency:
    """Provides no worker: what a worker would report, the test reports."""

    def hire(self, camera: CameraSettings, *, fresh: bool, background: bool) -> Worker | None:
        return None

    def vacated(self) -> None: ...

    def stuck(self, camera: CameraSettings, evidence: str) -> None: ...

    def leave(self, post: Post, rung: Rung) -> None: ...

    def adjusted(self, post: Post) -> None: ...

    def note(self, record: Record) -> None: ...


class Noting(NoAgency):
    """Keeps what would be written down."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def note(self, record: Record) -> None:
        self.records.append(record)


def lone_post(
    name: str, folder: Path, log: EventLog, clock: Callable[[], float], agency: NoAgency | None = None
) -> Post:
    """The true one, with the rules as they are shipped."""
    return Post(
        CameraSettings(name=name), Policy(), Health(), agency=agency or NoAgency(), loop=Loop(), log=log,
        host=Host(folder), clock=clock, runtime_dir=str(folder), environ={},
    )  # fmt: skip


def deliver(post: Post, count: int = 1) -> None:
    """Healthy frames arrive."""
    post.reported(msg.Frames(count, 0, 0, 1 / 30, 0.0, 0.0, 0, 0, 100.0, 20.0))
