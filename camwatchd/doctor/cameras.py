# SPDX-License-Identifier: MIT
"""Owns the checks of the cameras: what the kernel has, whether it is configured, and the table to paste for each."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from camwatchd.core.settings import CameraSettings
from camwatchd.doctor.finding import Finding, Result, failure, listed, ok, unknown, warning
from camwatchd.doctor.place import Place
from camwatchd.doctor.sensors import Sensor, media_models, sensors, unprobed

NAMES = ("cameras", "camera", "configured-cameras")

_LOOK = (
    "rpicam-hello --list-cameras; grep camera_auto_detect /boot/firmware/config.txt"
    "  # first reseat the cable, with the power off"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The kernel's cameras and ours."""

    sensors: tuple[Sensor, ...] = ()
    unprobed: tuple[str, ...] = ()
    media: tuple[str, ...] = ()  # media controllers: node and model
    configured: tuple[CameraSettings, ...] = ()  # those that are real
    readable: bool = True  # there is a /sys to look at


def find(place: Place) -> Iterator[Finding]:
    """All checks of this group."""
    yield from check(gather(place))


def gather(place: Place) -> Facts:
    """The facts of this machine."""
    return Facts(
        sensors=sensors(place),
        unprobed=tuple(unprobed(place)),
        media=tuple(f"{node} {model}" for node, model in media_models(place).items()),
        configured=place.real_cameras(),
        readable=place.has("sys/class"),
    )


def check(facts: Facts) -> Iterator[Finding]:
    """What the kernel has, one finding for each camera, and what is configured and is not there."""
    yield _kernels(facts)
    for position, sensor in enumerate(facts.sensors):
        yield _one(facts, position, sensor)
    yield _configured(facts)


def _kernels(facts: Facts) -> Finding:
    media = f"; media controllers: {listed(facts.media, 8)}" if facts.media else ""
    if not facts.readable:
        return unknown("cameras", "there is no /sys to look at")
    if facts.unprobed:
        text = f"no answer from {listed(facts.unprobed)}, which the device tree has: cable, power or overlay{media}"
        return failure("cameras", text, _LOOK)
    if facts.sensors:
        count = "1 camera" if len(facts.sensors) == 1 else f"{len(facts.sensors)} cameras"
        return ok("cameras", f"the kernel has {count}{media}")
    if not facts.configured:
        return ok("cameras", f"the kernel has none, and none is needed: every camera is simulated{media}")
    return failure("cameras", f"the kernel has no camera{media}", _LOOK)


def _one(facts: Facts, position: int, sensor: Sensor) -> Finding:
    named = [camera.name for camera in facts.configured if _means(camera, position, sensor)]
    use = f"configured as {', '.join(named)}" if named else "not configured"
    return Finding(
        name="camera",
        subject=sensor.model,
        result=Result.OK,
        reason=f"{sensor.bus} {sensor.place}, {listed(f'/dev/{node}' for node in sensor.nodes)}; {use}",
        paste=table(named[0] if named else f"cam{position}", sensor),
    )


def table(name: str, sensor: Sensor) -> str:
    """The lines for the configuration; JSON's texts are TOML's too."""
    key, value = ("id", sensor.id) if sensor.id else ("model", sensor.model)
    return f"[camera.{name}]\n{key} = {json.dumps(value)}"


def _configured(facts: Facts) -> Finding:
    absent = [
        camera
        for camera in facts.configured
        if not any(_means(camera, number, sensor) for number, sensor in enumerate(facts.sensors))
    ]
    if absent and not facts.sensors:
        return unknown(
            "configured-cameras", f"the kernel has none of {listed(camera.name for camera in absent)}"
        )
    if not absent:
        names = ", ".join(camera.name for camera in facts.configured)
        return ok("configured-cameras", f"all there: {names}" if names else "every camera is simulated")
    text = f"not there: {listed(f'{camera.name} ({_wanted(camera)})' for camera in absent)}"
    remedy = (
        "sudoedit /etc/camwatchd/config.toml  # paste a table from above, or reseat the camera"
        if facts.sensors
        else _LOOK
    )
    judge = failure if any(camera.required for camera in absent) else warning
    return judge("configured-cameras", text, remedy)


def _means(camera: CameraSettings, position: int, sensor: Sensor) -> bool:
    """As cameras.choice does it, on what the kernel says."""
    wanted_id, model, index = camera.choice
    return index in (None, position) and wanted_id in (None, sensor.id) and model in (None, sensor.model)


def _wanted(camera: CameraSettings) -> str:
    names = ("id", "model", "index")
    pairs = zip(names, camera.choice, strict=True)
    return ", ".join(f"{name} = {json.dumps(value)}" for name, value in pairs if value is not None)
