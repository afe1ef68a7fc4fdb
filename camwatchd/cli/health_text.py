# SPDX-License-Identifier: MIT
"""Owns how the health of the whole reads: a verdict, what is wrong, then a line for each part."""

from collections.abc import Iterator

from camwatchd.adapters.vitals import DiskVitals, HostVitals, PowerVitals
from camwatchd.cli.health_facts import Health, level, remarks
from camwatchd.control.facts import StatusFacts
from camwatchd.core.plain import to_plain
from camwatchd.core.timespan import duration


def text(health: Health) -> str:
    """Lines without one at the end."""
    wrong = [f"  {remark.level.name}: {remark.text}" for remark in remarks(health)]
    parts = [f"{name:8} {words}" for name, words in _parts(health)]
    return "\n".join([level(health).name, *wrong, *parts])


def _parts(health: Health) -> Iterator[tuple[str, str]]:
    if isinstance(health.found, StatusFacts):
        yield "cameras", health.found.daemon.status
        daemon = health.found.daemon
        for camera in health.found.cameras:
            yield from (("sign", f"{camera.name}: {sign.text}") for sign in camera.signs)
        yield "daemon", f"camwatchd {daemon.version}, pid {daemon.pid}, up {duration(daemon.uptime)}"
    yield "host", ", ".join(_host(health.host))
    yield "power", _power(health.power)
    yield "disk", _disk(health.disk)


def _host(host: HostVitals) -> Iterator[str]:
    yield host.hostname
    if host.uptime_seconds is not None:
        yield f"up {duration(host.uptime_seconds)}"
    if host.load is not None:
        yield f"load {' '.join(f'{load:.2f}' for load in host.load)}"
    yield _share("memory available", host.memory_available_bytes, host.memory_total_bytes)
    yield _share("CMA free", host.cma_free_bytes, host.cma_total_bytes)
    yield "temperature unknown" if host.temperature_celsius is None else f"{host.temperature_celsius:.1f} C"


def _share(name: str, part: int | None, whole: int | None) -> str:
    if part is None or whole is None:
        return f"{name} unknown"
    return f"{name} {part >> 20} of {whole >> 20} MiB"


def _power(power: PowerVitals) -> str:
    if power.source == "unknown":
        return "unknown: neither vcgencmd nor the kernel tells"
    happened = [name.replace("_", " ") for name, value in to_plain(power).items() if value is True]
    return f"{', '.join(happened) or 'nothing wrong'} (says {power.source})"


def _disk(disk: DiskVitals) -> str:
    if disk.free_bytes is None:
        return f"{disk.path}: unknown: {disk.trouble}"
    return f"{disk.path}: {_share('free', disk.free_bytes, disk.total_bytes)}"
