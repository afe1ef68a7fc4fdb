# SPDX-License-Identifier: MIT
"""Owns the line that Nagios, Icinga and the like read: a verdict, why, and performance data.

As the guidelines of the Monitoring Plugins want it: `label=value[unit];[warn];[crit];[min];[max]` behind a bar.
"""

from collections.abc import Iterator

from camwatchd.cli.health_facts import Health, level, remarks
from camwatchd.control.facts import CameraFacts, StatusFacts, is_measured, worst_first
from camwatchd.core.settings import Health as Bands

_BANDS = Bands()


def line(health: Health) -> str:
    """One line, whatever happens."""
    text = "; ".join(remark.text for remark in remarks(health)) or _all_is_well(health)
    clean = " ".join(text.replace("|", "/").split())
    figures = " ".join(_figures(health))
    return f"CAMWATCHD {level(health).name} - {clean}{f' | {figures}' if figures else ''}"


def _all_is_well(health: Health) -> str:
    assert isinstance(health.found, StatusFacts)  # else there is a remark
    cameras = worst_first(health.found.cameras)
    return ", ".join(f"{c.name} {c.band} {c.health_score}/100 at {c.fps:.1f} fps" for c in cameras)


def _figures(health: Health) -> Iterator[str]:
    if isinstance(health.found, StatusFacts):
        for camera in health.found.cameras:
            yield from _of_camera(camera)
    host, disk = health.host, health.disk
    if host.temperature_celsius is not None:
        yield f"temperature={host.temperature_celsius:.1f}"
    if host.load is not None:
        yield f"load1={host.load[0]:.2f};;;0"
    if host.memory_available_bytes is not None:
        yield f"memory_available={host.memory_available_bytes}B;;;0;{host.memory_total_bytes}"
    if host.cma_free_bytes is not None:
        yield f"cma_free={host.cma_free_bytes}B;;;0;{host.cma_total_bytes}"
    if disk.free_bytes is not None:
        yield f"disk_free={disk.free_bytes}B;;;0;{disk.total_bytes}"


def _of_camera(camera: CameraFacts) -> Iterator[str]:
    """The bands' own limits: what is below them is reported. U, as the guidelines have it, is no number at all."""
    name, score = camera.name, camera.health_score if is_measured(camera) else "U"
    yield f"'{name}_score'={score};{_BANDS.good_score}:;{_BANDS.warning_score}:;0;100"
    yield f"'{name}_fps'={camera.fps:.2f};;;0"
    if camera.last_frame_age is not None:
        yield f"'{name}_last_frame'={camera.last_frame_age:.3f}s;;;0"
    yield f"'{name}_failures_in_a_row'={camera.consecutive_failures};;;0"
    yield f"'{name}_captures'={camera.totals.captures}c;;;0"
    yield f"'{name}_failed_captures'={camera.totals.failures}c;;;0"
    yield f"'{name}_outages'={camera.totals.outages}c;;;0"
    yield f"'{name}_availability'={100 * camera.totals.availability:.4f}%;;;0;100"
