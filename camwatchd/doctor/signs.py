# SPDX-License-Identifier: MIT
"""Owns the check for signs of trouble to come, which the daemon tells: what gets worse before anything fails."""

from collections.abc import Iterator

from camwatchd.control.client import Client, ControlError
from camwatchd.control.facts import CameraFacts, StatusFacts
from camwatchd.control.protocol import Status
from camwatchd.doctor.finding import Finding, Result, ok, unknown
from camwatchd.doctor.place import Place

NAMES = ("signs",)

_PATIENCE = 2.0  # seconds for the daemon


def find(place: Place) -> Iterator[Finding]:
    """The check."""
    yield from signs(gather(place))


def gather(place: Place) -> tuple[CameraFacts, ...] | None:
    """The cameras; None: no daemon tells of any."""
    try:
        with Client(place.socket) as client:
            answer = client.ask(Status(), _PATIENCE)
    except ControlError:  # said by the check of the version
        return None
    assert isinstance(answer, StatusFacts)
    return answer.cameras


def signs(cameras: tuple[CameraFacts, ...] | None) -> Iterator[Finding]:
    """One for each."""
    if cameras is None:
        yield unknown("signs", "no daemon answers: only that knows what is usual of its cameras")
        return
    found = [(camera.name, sign) for camera in cameras for sign in camera.signs]
    for name, sign in found:
        yield Finding(
            name="signs", result=Result.WARNING, subject=name, reason=sign.text, remedy=sign.remedy
        )
    if not found:
        yield ok("signs", "none: no number of a camera rises from week to week")
