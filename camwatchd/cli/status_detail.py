# SPDX-License-Identifier: MIT
"""Owns `status --detailed`: everything that the daemon says of each camera and of itself, a line for each."""

from collections.abc import Iterable, Iterator

from camwatchd.cli.arming import Arming
from camwatchd.cli.status_text import reboots, text
from camwatchd.control.facts import (
    CameraFacts,
    DaemonFacts,
    StatusFacts,
    Totals,
    condition,
    is_measured,
    worst_first,
)
from camwatchd.core.timespan import duration

Line = tuple[str, str]
_NO_OUTAGE = "unknown: no outage has begun after a healthy frame so far"
_NO_REPAIR = "unknown: the first recovery is still to come"


def detailed(facts: StatusFacts, arming: Arming | None = None) -> str:
    """The status as it always is, then the particulars; lines without one at the end."""
    blocks = [_block(f"camera {c.name}", _camera(c)) for c in worst_first(facts.cameras)]
    return "\n\n".join([text(facts, arming), *blocks, _block("daemon", _daemon(facts.daemon, arming))])


def _block(title: str, lines: Iterable[Line]) -> str:
    return "\n".join([title, *(f"  {name:22} {value}" for name, value in lines)])


def _camera(camera: CameraFacts) -> Iterator[Line]:
    yield "condition", condition(camera).name.lower()
    yield "phase", f"{camera.phase}{'' if camera.required else ' (optional camera)'}"
    yield "health", _health(camera)
    yield "frames", _rate(camera)
    yield "opened", "yes" if camera.is_initialized else "no"
    yield "capture process", "yes" if camera.has_worker else "none"
    yield "fault", f"{camera.fault}: {camera.fault_meaning}" if camera.fault else "none"
    yield "remedy", _remedy(camera)
    yield "next", _next(camera)
    yield "failures in a row", str(camera.consecutive_failures)
    yield "failed recoveries", str(camera.failed_recoveries)
    yield "asks for a reboot", _reboot(camera)
    yield "recoveries in 24 h", _recoveries(camera)
    yield from _totals(camera.totals)
    for sign in camera.signs:
        yield f"sign {sign.name}", f"{sign.text}; no fault, and nothing acts on it"
        yield "what to do", sign.remedy
    for stream in camera.frames.streams:
        yield f"stream {stream.name}", f"{stream.width}x{stream.height} {stream.format}"
    yield "readers of frames", str(camera.frames.readers)
    yield "model", camera.model or "not opened yet"
    yield "id", camera.camera_id or "not opened yet"


def _health(camera: CameraFacts) -> str:
    if is_measured(camera):
        return f"{camera.health_score}/100, {camera.band}"
    return f"not measured: {'paused' if camera.paused_for > 0 else 'nothing was captured yet'}"


def _rate(camera: CameraFacts) -> str:
    if camera.last_frame_age is None:
        return "none yet"
    late = ", late" if camera.late else ""
    return f"{camera.fps:.2f} fps, last one {duration(camera.last_frame_age)} ago{late}"


def _remedy(camera: CameraFacts) -> str:
    return f"{camera.rung} {camera.attempt}/{camera.attempts}" if camera.attempt else "none"


def _next(camera: CameraFacts) -> str:
    if not camera.next_action:
        if camera.paused_for > 0:
            return f"it is taken again in {duration(camera.paused_for)}; at once: camwatchctl resume"
        return "nothing: it is well" if not camera.fault else "frames are waited for"
    return f"{camera.next_action}{' (under way)' if camera.next_in is None else ''}"


def _reboot(camera: CameraFacts) -> str:
    asks = "yes" if camera.should_reboot else "no"
    if not camera.refusal:
        return asks
    again = "" if camera.asked_again_in is None else f"; asked again in {duration(camera.asked_again_in)}"
    return f"{asks}; not granted: {camera.refusal}: {camera.refusal_detail}{again}"


def _recoveries(camera: CameraFacts) -> str:
    if camera.last_recovery_age is None:
        return str(camera.recoveries_24h)
    last = f"last by {camera.last_recovery}, {duration(camera.last_recovery_age)} ago"
    return f"{camera.recoveries_24h}; {last}"


def _totals(totals: Totals) -> Iterator[Line]:
    yield "captures", f"{totals.captures}, {totals.failures} failed"
    yield "availability", f"{100 * totals.availability:.4f} %, outages: {totals.outages}"
    yield "MTBF", _NO_OUTAGE if totals.mtbf is None else duration(totals.mtbf)
    unknown = _NO_REPAIR if totals.outages else _NO_OUTAGE
    yield "MTTR", unknown if totals.mttr is None else duration(totals.mttr)


def _daemon(daemon: DaemonFacts, arming: Arming | None) -> Iterator[Line]:
    yield "version", f"{daemon.version}, pid {daemon.pid}, up {duration(daemon.uptime)}"
    yield "status line", daemon.status
    yield "reboots", reboots(daemon.reboot_mode, arming) or "unknown"
    yield (
        "at the start limit",
        f"StartLimitAction={arming.action}" if arming else "unknown: systemd was not asked",
    )
    yield "ledger", daemon.ledger_trouble or "written and trusted"
    yield "watchdog", _watchdog(daemon)
    yield "lost messages", f"{daemon.notify_failures} to systemd"
    yield "note", daemon.note or "none"


def _watchdog(daemon: DaemonFacts) -> str:
    if daemon.watchdog_interval is None:
        return "systemd does not watch this process"
    return f"{duration(daemon.watchdog_interval)}, {daemon.watchdog_pings} pings"
