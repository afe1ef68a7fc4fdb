# SPDX-License-Identifier: MIT
"""Owns the tests of the alert table."""

import re

from camwatchd.core.alerts import ALERTS, CRITICAL, of_issue
from camwatchd.core.faults import Issue


def test_the_names_are_the_required_ones() -> None:
    """The names are those that operators were promised, letter by letter."""
    assert {alert.name for alert in ALERTS} == {
        "CAMERA_ISSUE: capture_failure",
        "CAMERA_ISSUE: buffer_error",
        "CAMERA_ISSUE: connection_error",
        "CAMERA_RECOVERY",
        "CAMERA_CRITICAL",
    }


def test_every_alert_can_be_told_apart() -> None:
    """Each alert has an event and a journal id of its own; an id is 32 hexadecimal digits."""
    assert (
        len(ALERTS) == len({alert.message_id for alert in ALERTS}) == len({alert.event for alert in ALERTS})
    )
    assert all(re.fullmatch("[0-9a-f]{32}", alert.message_id) for alert in ALERTS)


def test_every_issue_has_its_alert() -> None:
    """An issue raises the alert of its name, at syslog's priority for an error."""
    for issue in Issue:
        assert of_issue(issue).name == f"CAMERA_ISSUE: {issue.value}"
        assert of_issue(issue).event == f"alert.{issue.value}"
        assert of_issue(issue).priority == 3 > CRITICAL.priority
