# SPDX-License-Identifier: MIT
"""Owns how one incident reads: what happened, what was tried, how camera and machine did, what was said meanwhile."""

from collections.abc import Iterator

from camwatchd.adapters.ledger_incidents import STEPS_KEPT
from camwatchd.adapters.ledger_story import Incident, Step
from camwatchd.cli.history_text import incident as headline
from camwatchd.core.faults import FAULTS
from camwatchd.core.flight import Before, HostFacts
from camwatchd.core.ladder import Rung
from camwatchd.core.timespan import duration

_MEBIBYTE = 1 << 20
_BITS = {0: "under-voltage", 1: "processor capped", 2: "throttled", 3: "soft temperature limit"}
_SINCE_BOOT = 16  # so many bits further: since the machine booted


def text(one: Incident) -> str:
    """Blocks; lines without one at the end."""
    blocks = [
        list(_head(one)),
        _block("what was tried", list(_steps(one))),
        _block("the camera before the fault", list(_before(one.before)) if one.before else []),
        _block("the machine", list(_machines(one))),
        _block("versions", _versions(one)),
        _block("what the kernel said about cameras", [f"| {line}" for line in one.kernel]),
        _block("what the worker wrote last", [f"| {line}" for line in one.words]),
    ]
    return "\n\n".join("\n".join(map(_printable, block)) for block in blocks if block)


def step(one: Step) -> str:
    """One thing that happened: when, what, how it ended and why."""
    took = f"after {duration(one.seconds)}" if one.seconds else ""
    how = " ".join(filter(None, [*_happened(one), took]))
    return f"+{duration(one.after):<8}  {how}{f': {one.reason}' if one.reason else ''}"


def _happened(one: Step) -> tuple[str, str]:
    """What was tried and how it ended, or else what there was."""
    if one.outcome == "succeeded" and not one.rung:
        return "healthy by itself", ""
    if one.attempt:
        return f"{one.rung} {one.attempt}", one.outcome
    probed = one.rung == Rung.RESTART_WORKER and one.outcome in ("failed", "succeeded")
    return "a probe" if probed else one.rung, one.outcome


def machine(host: HostFacts) -> str:
    """How the machine did at one moment."""
    if host.trouble:
        return f"unknown: {host.trouble}"
    voltage = {True: "UNDER-VOLTAGE", False: "no under-voltage", None: ""}[host.under_voltage]
    parts = [
        "" if host.temperature is None else f"{host.temperature:.0f} degrees C",
        voltage,
        f"throttled {host.throttled}{_bits(host.throttled)}" if host.throttled else "",
        _of(host.cpu_mhz, host.cpu_mhz_most, 1, "processor at {} of {} MHz"),
        _of(host.cma_free, host.cma_total, _MEBIBYTE, "CMA {} of {} MiB free"),
        _of(host.memory_available, host.memory_total, _MEBIBYTE, "memory {} of {} MiB available"),
        "" if host.load is None else f"load {host.load:.2f}",
        f"up {duration(host.uptime)}" if host.uptime else "",
    ]
    return ", ".join(filter(None, parts))


def _steps(one: Incident) -> Iterator[str]:
    first, _ = STEPS_KEPT
    for number, line in enumerate(map(step, one.steps)):
        if number == first and one.headline.trimmed:
            yield "... what came between is not kept"
        yield line


def _head(one: Incident) -> Iterator[str]:
    head = one.headline
    fault = FAULTS.get(head.fault)
    yield f"incident {head.number}: {headline(head)}"
    if fault:
        yield f"  meaning   {fault.human}"
    yield f"  began     {head.wall}, {_when(one)}"
    if head.evidence:
        yield f"  evidence  {head.evidence}"
    if one.before and (one.before.model or one.before.camera_id):
        usb = f", USB port {one.before.usb}" if one.before.usb else ""
        yield f"  camera    {' '.join(filter(None, [one.before.model, one.before.camera_id]))}{usb}"


def _when(one: Incident) -> str:
    if not one.boot_number:
        return "in a boot that is no longer in the ledger"
    return f"{duration(one.into_boot)} into boot {one.boot_number} ({one.headline.boot})"


def _before(before: Before) -> Iterator[str]:
    if not before.captures:
        yield "no frame since the daemon took it"
        return
    yield (
        f"{before.fps:.1f} fps, the last frame {duration(before.last_frame_age)} old, number {before.sequence}, "
        f"latency {1000 * before.latency:.0f} ms (at most {1000 * before.latency_max:.0f} ms)"
    )
    outages = "outage" if before.outages == 1 else "outages"
    yield (
        f"{before.captures} captures, {before.failures} failed, {before.late} late, {before.dropped} dropped; "
        f"{before.outages} {outages}, available {100 * before.availability:.3f} %"
    )
    if before.brightness >= 0:
        yield f"brightness {before.brightness:.0f} of 255, deviation {before.deviation:.1f}"


def _machines(one: Incident) -> Iterator[str]:
    if one.host and one.host.board:
        yield one.host.board
    if one.host and (told := machine(one.host)):
        yield f"first: {told}"
    if one.host_last and (told := machine(one.host_last)):
        yield f"last:  {told}"


def _versions(one: Incident) -> list[str]:
    known = dict(one.before.versions) if one.before else {}
    if one.host and not one.host.trouble:
        known = {"camwatchd": one.host.camwatchd, "kernel": one.host.kernel, **known}
    return [", ".join(f"{name} {number}" for name, number in known.items())] if known else []


def _block(title: str, lines: list[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines)] if lines else []


def _printable(line: str) -> str:
    """A camera stack may write anything, and a device call itself anything: none of it may command the terminal."""
    return "".join(character if character.isprintable() else "?" for character in line)


def _of(part: float | None, whole: float | None, unit: int, phrase: str) -> str:
    return "" if part is None or not whole else phrase.format(f"{part / unit:.0f}", f"{whole / unit:.0f}")


def _bits(throttled: str) -> str:
    """The firmware's bits in words."""
    try:
        bits = int(throttled, 16)
    except ValueError:
        return ""
    now = [name for bit, name in _BITS.items() if bits >> bit & 1]
    ever = [f"{name} since boot" for bit, name in _BITS.items() if bits >> (bit + _SINCE_BOOT) & 1]
    return f" ({', '.join([*now, *ever])})" if now or ever else ""
