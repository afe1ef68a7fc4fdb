# SPDX-License-Identifier: MIT
"""Owns the alerts: the words that operators search for, each with its journal id and syslog priority."""

from dataclasses import dataclass

from camwatchd.core.faults import Issue


@dataclass(frozen=True, slots=True)
class Alert:
    """One row: MESSAGE begins with `name`; `journalctl MESSAGE_ID=...` and the catalog find `message_id`."""

    name: str
    message_id: str  # never changes: operators' filters and the journal catalog refer to it
    priority: int  # as in syslog(3): 2 critical, 3 error, 5 notice

    @property
    def event(self) -> str:
        """The name as an event: `alert.capture_failure`, `alert.recovery`."""
        return "alert." + self.name.split(": ")[-1].removeprefix("CAMERA_").lower()


# fmt: off
_ISSUES: dict[Issue, Alert] = {
    Issue.CAPTURE_FAILURE:  Alert("CAMERA_ISSUE: capture_failure",  "e79f0191e2e546fa96dc52b652bc1b8c", 3),
    Issue.BUFFER_ERROR:     Alert("CAMERA_ISSUE: buffer_error",     "97b2b8b4b2ee4bba9e0f51998622e01a", 3),
    Issue.CONNECTION_ERROR: Alert("CAMERA_ISSUE: connection_error", "868a4c4d76b54b98b41f72cb8c86971f", 3),
}
RECOVERY = Alert("CAMERA_RECOVERY", "96577d68d6ca478eb9480bf1228ea636", 5)
CRITICAL = Alert("CAMERA_CRITICAL", "d999edef6fda4ec99229c5ded46bff0e", 2)
# fmt: on

ALERTS: tuple[Alert, ...] = (*_ISSUES.values(), RECOVERY, CRITICAL)


def of_issue(issue: Issue) -> Alert:
    """The alert that an issue raises."""
    return _ISSUES[issue]
