# SPDX-License-Identifier: MIT
"""Owns the table of metrics for Prometheus: names by its conventions, base units, totals for counters.

https://prometheus.io/docs/practices/naming/
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from camwatchd.cli.health_facts import Health
from camwatchd.control.facts import CameraFacts, Condition, DaemonFacts, StatusFacts, condition, is_measured
from camwatchd.core.circumstances import Circumstance
from camwatchd.core.plain import to_plain
from camwatchd.core.signs import Sign
from camwatchd.core.state import Phase

Labels = Mapping[str, str]
Sample = tuple[Labels, float]
_NONE: Labels = {}


@dataclass(frozen=True, slots=True)
class Metric:
    """One row; `samples` has none where nothing is known."""

    name: str
    kind: str  # gauge or counter
    help: str
    samples: Callable[[Health], Iterable[Sample]]


def _one(value: Callable[[Health], float | None]) -> Callable[[Health], Iterable[Sample]]:
    """A metric without labels."""

    def samples(health: Health) -> Iterator[Sample]:
        if (found := value(health)) is not None:
            yield _NONE, found

    return samples


def _daemon(value: Callable[[DaemonFacts], float | None]) -> Callable[[Health], Iterable[Sample]]:
    return _one(lambda h: value(h.found.daemon) if isinstance(h.found, StatusFacts) else None)


def _each(value: Callable[[CameraFacts], float | None]) -> Callable[[Health], Iterable[Sample]]:
    """A metric of every camera."""

    def samples(health: Health) -> Iterator[Sample]:
        for camera in health.found.cameras if isinstance(health.found, StatusFacts) else ():
            if (found := value(camera)) is not None:
                yield {"camera": camera.name}, found

    return samples


def _labelled(
    rows: Callable[[CameraFacts], Iterable[tuple[Labels, float]]],
) -> Callable[[Health], Iterable[Sample]]:
    """A metric of every camera that has further labels."""

    def samples(health: Health) -> Iterator[Sample]:
        for camera in health.found.cameras if isinstance(health.found, StatusFacts) else ():
            for labels, value in rows(camera):
                yield {"camera": camera.name, **labels}, value

    return samples


def _about(camera: CameraFacts) -> Iterator[Sample]:
    yield {"model": camera.model, "id": camera.camera_id, "required": str(camera.required).lower()}, 1


def _conditions(camera: CameraFacts) -> Iterator[Sample]:
    for each in Condition:
        yield {"condition": each.name.lower()}, condition(camera) is each


def _phases(camera: CameraFacts) -> Iterator[Sample]:
    for phase in Phase:
        yield {"phase": phase.value}, camera.phase == phase


def _fault(camera: CameraFacts) -> Iterator[Sample]:
    if camera.fault:
        yield {"fault": camera.fault, "rung": camera.rung}, 1


def _signs(camera: CameraFacts) -> Iterator[Sample]:
    told = {sign.name for sign in camera.signs}
    for name in (*Sign, *Circumstance):
        yield {"sign": name.value}, name.value in told


def _version(health: Health) -> Iterator[Sample]:
    if isinstance(health.found, StatusFacts):
        yield {"version": health.found.daemon.version}, 1


def _power(health: Health) -> Iterator[Sample]:
    for name, value in to_plain(health.power).items():
        if isinstance(value, bool):
            since_boot = name.endswith("_since_boot")
            yield (
                {"event": name.removesuffix("_since_boot"), "when": "since_boot" if since_boot else "now"},
                value,
            )


def _loads(health: Health) -> Iterator[Sample]:
    for minutes, load in zip(("1", "5", "15"), health.host.load or (), strict=False):
        yield {"minutes": minutes}, load


# fmt: off
METRICS: tuple[Metric, ...] = (
    Metric("camwatchd_up",                              "gauge",   "Whether the daemon answers.", _one(lambda h: isinstance(h.found, StatusFacts))),
    Metric("camwatchd_build_info",                      "gauge",   "The version that runs; always 1.", _version),
    Metric("camwatchd_uptime_seconds",                  "gauge",   "How long the daemon has run.", _daemon(lambda d: d.uptime)),
    Metric("camwatchd_watchdog_interval_seconds",       "gauge",   "The interval of systemd's watchdog; missing where it does not watch.", _daemon(lambda d: d.watchdog_interval)),
    Metric("camwatchd_watchdog_pings_total",            "counter", "Pings to systemd's watchdog, each paid for by healthy frames.", _daemon(lambda d: d.watchdog_pings)),
    Metric("camwatchd_notify_failures_total",           "counter", "Messages that systemd did not take.", _daemon(lambda d: d.notify_failures)),
    Metric("camwatchd_ledger_trusted",                  "gauge",   "Whether the ledger is written; 0: no reboot is granted.", _daemon(lambda d: not d.ledger_trouble)),
    Metric("camwatchd_reboots_armed",                   "gauge",   "Whether a reboot can come as the last resort: configured, and in effect by systemd; missing where it does not tell.", _one(lambda h: h.arming.armed if h.arming else None)),
    Metric("camwatchd_camera_info",                     "gauge",   "What a camera is; always 1.", _labelled(_about)),
    Metric("camwatchd_camera_condition",                "gauge",   "How a camera is: 1 for the one that it is.", _labelled(_conditions)),
    Metric("camwatchd_camera_phase",                    "gauge",   "Where a camera is on the ladder: 1 for the phase that it is in.", _labelled(_phases)),
    Metric("camwatchd_camera_fault",                    "gauge",   "The fault of an open incident and the remedy for it; missing while there is none.", _labelled(_fault)),
    Metric("camwatchd_camera_health_score",             "gauge",   "100 less 10 for each failure in a row; informs only. Missing in a pause and before the first capture.", _each(lambda c: c.health_score if is_measured(c) else None)),
    Metric("camwatchd_camera_initialized",              "gauge",   "Whether it is open, configured and started.", _each(lambda c: c.is_initialized)),
    Metric("camwatchd_camera_capturing",                "gauge",   "Whether healthy frames arrive.", _each(lambda c: c.is_capturing)),
    Metric("camwatchd_camera_drill",                    "gauge",   "Whether what is told of it is an alarm drill.", _each(lambda c: bool(c.drill))),
    Metric("camwatchd_camera_should_reboot",            "gauge",   "Whether a reboot is asked for.", _each(lambda c: c.should_reboot)),
    Metric("camwatchd_camera_frames_per_second",        "gauge",   "Healthy frames a second, over the last seconds.", _each(lambda c: c.fps)),
    Metric("camwatchd_camera_last_frame_age_seconds",   "gauge",   "Since the last healthy frame; missing before the first.", _each(lambda c: c.last_frame_age)),
    Metric("camwatchd_camera_late",                     "gauge",   "Whether a frame is late.", _each(lambda c: c.late)),
    Metric("camwatchd_camera_consecutive_failures",     "gauge",   "Captures in a row that failed.", _each(lambda c: c.consecutive_failures)),
    Metric("camwatchd_camera_failed_recoveries",        "gauge",   "Attempts of the open incident that did not end in health.", _each(lambda c: c.failed_recoveries)),
    Metric("camwatchd_camera_sign",                     "gauge",   "Whether it is a sign of trouble to come; no fault, and nothing acts on it.", _labelled(_signs)),
    Metric("camwatchd_camera_recoveries_last_day",      "gauge",   "Recoveries of the last 24 hours.", _each(lambda c: c.recoveries_24h)),
    Metric("camwatchd_camera_paused_seconds",           "gauge",   "What is left of the operator's pause.", _each(lambda c: c.paused_for)),
    Metric("camwatchd_camera_captures_total",           "counter", "Healthy captures since the daemon took the camera.", _each(lambda c: c.totals.captures)),
    Metric("camwatchd_camera_capture_failures_total",   "counter", "Failed captures since then.", _each(lambda c: c.totals.failures)),
    Metric("camwatchd_camera_outages_total",            "counter", "Outages since then.", _each(lambda c: c.totals.outages)),
    Metric("camwatchd_camera_recoveries_total",         "counter", "Outages since then that ended.", _each(lambda c: c.totals.recoveries)),
    Metric("camwatchd_camera_observed_seconds_total",   "counter", "Time since then.", _each(lambda c: c.totals.observed)),
    Metric("camwatchd_camera_downtime_seconds_total",   "counter", "Time since then without health.", _each(lambda c: c.totals.downtime)),
    Metric("camwatchd_camera_repair_seconds_total",     "counter", "Time that outages which ended have taken.", _each(lambda c: c.totals.repairs)),
    Metric("camwatchd_camera_availability_ratio",       "gauge",   "The healthy share of the time since then.", _each(lambda c: c.totals.availability)),
    Metric("camwatchd_camera_time_between_failures_seconds", "gauge", "Mean healthy time between outages; missing before the first.", _each(lambda c: c.totals.mtbf)),
    Metric("camwatchd_camera_time_to_recovery_seconds", "gauge",   "Mean time from the last frame before an outage to the first after it; missing before the first.", _each(lambda c: c.totals.mttr)),
    Metric("camwatchd_camera_readers",                  "gauge",   "Applications that read its frames.", _each(lambda c: c.frames.readers)),
    Metric("camwatchd_camera_frames_memory_bytes",      "gauge",   "Memory that frames for applications take.", _each(lambda c: c.frames.megabytes * 1e6)),
    Metric("camwatchd_host_uptime_seconds",             "gauge",   "How long the machine is up.", _one(lambda h: h.host.uptime_seconds)),
    Metric("camwatchd_host_load",                       "gauge",   "Load average over so many minutes.", _loads),
    Metric("camwatchd_host_memory_bytes",               "gauge",   "Memory of the machine.", _one(lambda h: h.host.memory_total_bytes)),
    Metric("camwatchd_host_memory_available_bytes",     "gauge",   "Memory that is available.", _one(lambda h: h.host.memory_available_bytes)),
    Metric("camwatchd_host_cma_bytes",                  "gauge",   "Contiguous memory, of which many boards make camera buffers.", _one(lambda h: h.host.cma_total_bytes)),
    Metric("camwatchd_host_cma_free_bytes",             "gauge",   "Contiguous memory that is free.", _one(lambda h: h.host.cma_free_bytes)),
    Metric("camwatchd_host_temperature_celsius",        "gauge",   "Of the processor.", _one(lambda h: h.host.temperature_celsius)),
    Metric("camwatchd_host_power_event",                "gauge",   "Under-voltage, throttling and the like, now or since the boot; missing where the firmware does not tell.", _power),
    Metric("camwatchd_state_directory_bytes",           "gauge",   "Size of the file system with the ledger.", _one(lambda h: h.disk.total_bytes)),
    Metric("camwatchd_state_directory_free_bytes",      "gauge",   "What is free of it.", _one(lambda h: h.disk.free_bytes)),
)
# fmt: on
