# SPDX-License-Identifier: MIT
"""Owns the JSON of `status`, which camwatchd/schemas/status.json describes: programs rely on its names."""

from typing import Any

from camwatchd.cli.absence import Absence
from camwatchd.cli.arming import Arming
from camwatchd.control.facts import CameraFacts, StatusFacts, condition, gating, is_measured
from camwatchd.core.plain import to_plain

# What speaks for the whole stands at the top, flat.
_OF_THE_WORST = ("is_initialized", "is_capturing", "health_score", "consecutive_failures")
_WITHOUT_CAMERA: dict[str, Any] = {
    "is_initialized": False,
    "is_capturing": False,
    "health_score": 0,
    "consecutive_failures": 0,
    "score_measured": False,
}


def status_document(found: StatusFacts | Absence, arming: Arming | None = None) -> dict[str, Any]:
    """The required keys of the worst required camera, the daemon, every camera by name.

    Where no daemon answers the keys are there all the same, `daemon` is null and `absence` says what is known.
    """
    if isinstance(found, Absence):
        absence = {**to_plain(found), "unit": found.unit and dict(found.unit)}
        return {
            **_WITHOUT_CAMERA,
            "should_reboot": False,
            "daemon": None,
            "reboots": to_plain(arming),
            "absence": absence,
            "cameras": {},
        }
    return {
        **camera_status(found),
        "daemon": to_plain(found.daemon),
        "reboots": to_plain(arming),
        "absence": None,
        "cameras": cameras(found),
    }


def camera_status(facts: StatusFacts) -> dict[str, Any]:
    """What one who asks for one answer gets: the worst required camera's, and whether any of them asks for a boot."""
    speakers = gating(facts.cameras)
    worst = _WITHOUT_CAMERA
    if speakers:
        worst = {key: getattr(speakers[0], key) for key in _OF_THE_WORST}
        worst["score_measured"] = is_measured(speakers[0])
    return {**worst, "should_reboot": any(camera.should_reboot for camera in speakers)}


def cameras(facts: StatusFacts) -> dict[str, Any]:
    """Every camera by its name, in the order of the configuration."""
    return {camera.name: _plain(camera) for camera in facts.cameras}


def _plain(camera: CameraFacts) -> dict[str, Any]:
    added = {"condition": condition(camera).name.lower(), "score_measured": is_measured(camera)}
    return {**added, **to_plain(camera)}
