# SPDX-License-Identifier: MIT
"""Owns how the status reads: of each camera what is wrong, what comes next and when, and what was; the worst first."""

from collections.abc import Iterable, Iterator

from camwatchd.cli.arming import Arming, sentence
from camwatchd.control.facts import (
    CameraFacts,
    Condition,
    DaemonFacts,
    FramesFacts,
    SignFacts,
    StatusFacts,
    Totals,
    condition,
    worst_first,
)
from camwatchd.core.health import Band
from camwatchd.core.state import Phase
from camwatchd.core.timespan import duration


def text(facts: StatusFacts, arming: Arming | None = None) -> str:
    """Blocks of at most seven lines for each camera, then the daemon; lines without one at the end."""
    cameras = worst_first(facts.cameras)
    width = max((len(_title(camera)) for camera in cameras), default=0) + 2
    blocks = [_block(_title(camera), _camera(camera), width) for camera in cameras] or [
        "no camera is configured"
    ]
    return "\n\n".join([*blocks, "\n".join(_daemon(facts.daemon, arming))])


def _title(camera: CameraFacts) -> str:
    return camera.name if camera.required else f"{camera.name} (optional)"


def _block(title: str, lines: Iterable[str], width: int) -> str:
    return f"{title:{width}}" + f"\n{'':{width}}".join(filter(None, lines))


def _camera(camera: CameraFacts) -> Iterator[str]:
    drill = f"DRILL ({camera.drill}): " if camera.drill else ""
    yield f"{drill}{word(camera)}{_present(camera)}"
    yield _next(camera)
    yield _refusal(camera)
    yield _history(camera)
    yield _signs(camera.signs)
    yield _frames(camera.frames)
    yield " ".join(filter(None, (camera.model, camera.camera_id)))


def word(camera: CameraFacts) -> str:
    """The band and the score, but nothing that sounds like praise while something is wrong."""
    if camera.paused_for > 0:
        return "PAUSED"
    state = condition(camera)
    praise = state is Condition.TROUBLE and camera.band in (Band.EXCELLENT, Band.GOOD)
    word = "RECOVERING" if praise else camera.band
    if camera.phase == Phase.PARKED:
        word = "PARKED"
    elif state is Condition.CRITICAL:  # whatever its failures in a row cost so far: a human should look
        word = "CRITICAL"
    elif praise and not camera.fault:
        if camera.phase != Phase.RETRYING:
            return "STARTING"  # in whatever phase: nothing was captured that a score could speak of
        word = "RETRYING"
    return f"{word} {camera.health_score}/100"


def _present(camera: CameraFacts) -> str:
    if camera.paused_for > 0:
        free = "its process is still ending" if camera.has_worker else "free for other programs"
        return f" for {duration(camera.paused_for)} more; {free}"
    if camera.fault:
        return f": {camera.fault}: {camera.fault_meaning}" if camera.fault_meaning else f": {camera.fault}"
    if camera.last_frame_age is None:
        return ", no frame yet"
    late = " (late)" if camera.late else ""
    return f", {camera.fps:.1f} fps, last frame {duration(camera.last_frame_age)} ago{late}"


def _next(camera: CameraFacts) -> str:
    """What is being tried or comes next; how bad it is so far."""
    counts = [
        _count(camera.consecutive_failures, "failure in a row", "failures in a row"),
        _count(camera.failed_recoveries, "failed recovery", "failed recoveries"),
    ]
    if not camera.next_action:
        return ", ".join(filter(None, counts))
    plan = f"{'now' if camera.next_in is None else 'next'}: {camera.next_action}"
    return "; ".join(filter(None, [plan, ", ".join(filter(None, counts))]))


def _refusal(camera: CameraFacts) -> str:
    if not camera.refusal:
        return ""
    again = "only frames change that"
    if camera.asked_again_in is not None:
        again = f"asked again in {duration(camera.asked_again_in)}"
    return f"not granted: {': '.join(filter(None, (camera.refusal, camera.refusal_detail)))}; {again}"


def _history(camera: CameraFacts) -> str:
    recoveries = _count(camera.recoveries_24h, "recovery in 24 h", "recoveries in 24 h")
    if recoveries and camera.last_recovery_age is not None:
        recoveries += f" (last: {camera.last_recovery}, {duration(camera.last_recovery_age)} ago)"
    return "; ".join(filter(None, [recoveries, _totals(camera.totals)]))


def _signs(signs: tuple[SignFacts, ...]) -> str:
    """One; the rest is among the particulars."""
    more = f" (and {len(signs) - 1} more: camwatchctl status --detailed)" if signs[1:] else ""
    return f"a sign of trouble to come: {signs[0].text}{more}" if signs else ""


def _frames(frames: FramesFacts) -> str:
    """What applications have, and what that takes of the memory."""
    if frames.trouble:
        return f"no frames for applications: {frames.trouble}"
    if not frames.slots:
        return ""
    readers = _count(frames.readers, "reader", "readers") or "no reader"
    memory = f"{frames.megabytes:.1f} MB of memory, at most {frames.megabytes_most:.1f} MB"
    return f"frames for applications: {readers}, {frames.slots} slots, {memory}"


def _totals(totals: Totals) -> str:
    if not totals.captures and not totals.failures:
        return ""
    parts = [
        f"{totals.captures} captures, {totals.failures} failed",
        _count(totals.outages, "outage", "outages"),
        f"available {100 * totals.availability:.3f} %",
        "" if totals.mtbf is None else f"MTBF {duration(totals.mtbf)}",
        "" if totals.mttr is None else f"MTTR {duration(totals.mttr)}",
    ]
    return ", ".join(filter(None, parts))


def reboots(mode: str, arming: Arming | None) -> str:
    """What is configured of them, and that it is not so if it is not."""
    return mode if arming is None or arming.in_effect else f"{mode}, but that is not in effect"


def _daemon(daemon: DaemonFacts, arming: Arming | None) -> Iterator[str]:
    watchdog = "no systemd watchdog"
    if daemon.watchdog_interval is not None:
        pings = _count(daemon.watchdog_pings, "ping", "pings") or "no ping yet"
        watchdog = f"watchdog {duration(daemon.watchdog_interval)}, {pings}"
    then = f"; reboots {reboots(daemon.reboot_mode, arming)}" if daemon.reboot_mode else ""
    yield f"camwatchd {daemon.version}, pid {daemon.pid}, up {duration(daemon.uptime)}; {watchdog}{then}"
    yield from sentence(arming)
    if daemon.ledger_trouble:
        yield f"ledger: {daemon.ledger_trouble}: no reboot is granted"
    if daemon.notify_failures:
        yield f"systemd did not take {_count(daemon.notify_failures, 'message', 'messages')}"
    if daemon.note:
        yield f"note: {daemon.note}"


def _count(number: int, one: str, many: str) -> str:
    """A number with its noun; nothing for none."""
    return "" if number == 0 else f"{number} {one if number == 1 else many}"
