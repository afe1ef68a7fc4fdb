# SPDX-License-Identifier: MIT
"""Owns what a camera's post asks of the supervisor: workers, leave, and a place in the ledger."""

from typing import TYPE_CHECKING, Protocol

from camwatchd.core.ladder import Rung
from camwatchd.core.records import Record
from camwatchd.core.settings import CameraSettings
from camwatchd.slot import Worker

if TYPE_CHECKING:
    from camwatchd.post import Post


class Agency(Protocol):
    """Who provides workers."""

    def hire(self, camera: CameraSettings, *, fresh: bool, background: bool) -> Worker | None:
        """A worker for a camera: the standby, or one just executed; None: none may open it yet."""

    def vacated(self) -> None:
        """A worker was reaped: whoever waited for its camera may hire now."""

    def stuck(self, camera: CameraSettings, evidence: str) -> None:
        """A worker from before a change of the configuration cannot be killed, and holds this camera."""

    def leave(self, post: "Post", rung: Rung) -> None:
        """May this camera restart the service, or reboot the machine? The answer is `LeaveRefused`, or our end."""

    def adjusted(self, post: "Post") -> None:
        """Applications have set other controls: the next start of a service that is restarted finds them."""

    def note(self, record: Record) -> None:
        """Have it written into the ledger."""
