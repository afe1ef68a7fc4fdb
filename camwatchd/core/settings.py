# SPDX-License-Identifier: MIT
"""Owns the settings: every key with its type, default, unit, allowed values and reason; nothing else states a default.

The nesting of the dataclasses is the nesting of the TOML file. Durations are seconds.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from camwatchd.core.ladder import LADDER, Rung, RungPolicy


@dataclass(frozen=True, slots=True)
class Key:
    """What a field's metadata holds under "key": documentation and limits of one setting."""

    doc: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()  # narrows what the type alone would allow
    rival: str = ""  # another key of the same table; only one of the two may be given
    example: str = ""  # TOML shown where the default itself cannot be shown (None) or says nothing ({})


@dataclass(frozen=True, slots=True)
class Tables:
    """What a field's metadata holds under "tables": TOML tables with names of their own, [<table>.<name>]."""

    table: str
    called: str  # what such a name is called: the attribute that holds it
    item: type[Any]  # the dataclass that has the keys of each
    names: tuple[str, ...] = ()  # the only names there are; empty: whatever NAME allows
    keyless: Mapping[str, str] = field(default_factory=dict)  # names without keys, and where to look instead


WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")  # [reboot] window
NAME = "[a-z][a-z0-9_-]{0,31}"  # of a camera: it becomes part of file names, journal fields and status lines


def _key(default: Any, doc: str, unit: str = "", **limits: Any) -> Any:
    return field(default=default, metadata={"key": Key(doc, unit, **limits)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """[daemon]: the process as a whole."""

    standby: Literal["auto"] | bool = _key(
        "auto", "Keep one worker with its imports done, so that a re-initialisation costs only the camera's own "
        'open time. "auto": from 850 MiB of memory.')  # fmt: skip
    log_format: Literal["auto", "text", "json", "journal"] = _key(
        "auto", "auto: the journal's native protocol under systemd, readable text elsewhere.")  # fmt: skip
    log_level: Literal["debug", "info", "warning", "error"] = _key(
        "info", "What is less than this is not logged."
    )
    summary_interval: float = _key(
        3600.0, "Pause between the lines that sum up each camera.", "s", low=1, high=86400)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """[supervision]: when a camera counts as failed."""

    max_consecutive_failures: int = _key(
        3, "So many missed or unhealthy captures in a row are a fault; only three healthy ones in a row end the row, "
        "or camwatchctl recover without a rung, or a pause: both have the camera taken anew.", "captures", low=1, high=100)  # fmt: skip
    frame_timeout: float = _key(
        5.0, "Longest wait for one frame. The wait adapts: 10 x frame duration, at least 1.5 s, at most this, "
        "but never below 6 x frame duration.", "s", low=0.1, high=600)  # fmt: skip
    no_frame_timeout: float = _key(
        30.0, "Without a healthy frame for so long it is a fault, whatever was counted; never below 6 x frame duration.", "s", low=1, high=3600)  # fmt: skip
    first_frame_timeout: float = _key(
        15.0, "Longest wait for the first frame after a start; never below 6 x frame duration.", "s", low=1, high=600)  # fmt: skip
    import_timeout: float = _key(
        60.0, "Longest time for a worker to import its packages; numpy and picamera2 take 2 to 6 s on a Pi.", "s", low=1, high=600)  # fmt: skip
    max_recovery_attempts: int = _key(
        5, "A reboot needs at least so many failed recoveries.", "recoveries", low=1, high=100)  # fmt: skip
    recovery_cooldown: float = _key(
        30.0, "Longest backoff between attempts, and the pause between attempts once the ladder is spent.",
        "s", low=0.1, high=3600)  # fmt: skip
    system_reboot_threshold: int = _key(
        10, "A reboot needs at least so many failures in a row.", "captures", low=1, high=1000)  # fmt: skip
    stable_after: float = _key(
        300.0, "After so much unbroken health the ladder starts from the bottom again.", "s", low=1, high=86400)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """[health]: where the bands of the score (100 - 10 x consecutive failures) begin. They inform; they never act."""

    excellent_score: int = _key(90, "From here on: EXCELLENT.", low=0, high=100)
    good_score: int = _key(70, "From here on: GOOD.", low=0, high=100)
    warning_score: int = _key(30, "From here on: WARNING.", low=0, high=100)
    critical_score: int = _key(0, "From here on: CRITICAL.", low=0, high=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reboot:
    """[reboot]: when the machine may be rebooted for a camera. Days and weeks are powered-on time, never the clock."""

    mode: Literal["armed", "observe", "off"] = _key(
        "armed", "armed: systemd reboots the machine as the last resort. observe: the log says when it would. "
        "off: never.")  # fmt: skip
    max_reboots_per_day: int = _key(
        4, "For all cameras together, in 24 powered-on hours.", "reboots", low=0, high=100)  # fmt: skip
    max_reboots_per_week: int = _key(
        10, "For all cameras together, in 7 powered-on days.", "reboots", low=0, high=500)  # fmt: skip
    min_uptime_before_reboot: float = _key(
        300.0, "No reboot before the machine has been up for so long.", "s", low=0, high=86400)  # fmt: skip
    max_boots_without_health: int = _key(
        2, "After so many boots in a row that ended in a failure and saw no healthy frame, systemd's start limit "
        "no longer reboots; the guard that sees to it needs no Python.", "boots", low=1, high=10)  # fmt: skip
    wait_for_others: float = _key(
        900.0, "Longest wait for a package operation or a block inhibitor to end.", "s", low=0, high=86400)  # fmt: skip
    window: str = _key(
        "", 'Reboots only between these times of day, e.g. "02:00-04:30"; empty: at any time. It binds only while '
        "the clock is synchronised.", example='"02:00-04:30"')  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """[ledger]: how much the flight recorder keeps. What the budget of reboots counts is kept whatever stands here."""

    keep_incidents: int = _key(
        500, "The newest so many. An incident takes 2 KB, at most some 30 KB.", "incidents", low=10, high=5000)  # fmt: skip
    keep_days: float = _key(
        400.0, "Nothing older than so many powered-on days; an incident that is open stays.", "days", low=1, high=4000)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RungSettings:
    """[ladder.<rung>]: the numbers of one rung; what is left out keeps that rung's default. The order is fixed."""

    enabled: bool | None = _key(None, "Whether the rung is climbed at all.")
    attempts: int | None = _key(None, "How often it is tried in one incident.", "attempts", low=1, high=100)
    timeout: float | None = _key(None, "The action must have ended by then.", "s", low=0.1, high=600)
    settle: float | None = _key(
        None, "Three healthy frames in a row must arrive within this time after the action.", "s", low=0.1, high=600)  # fmt: skip
    backoff: float | None = _key(
        None, "Pause before the first attempt, if another rung was tried before it or the camera was unplugged: "
        "where a fault enters the ladder nothing is waited for. Doubles, at most recovery_cooldown.", "s", low=0, high=600)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """[camera.<name>.checks]: what makes a frame that did arrive unhealthy."""

    frozen_after: float = _key(
        10.0, "Identical frames for so long are a frozen picture; 0 turns the check off.", "s", low=0, high=3600)  # fmt: skip
    frozen_min_deviation: float = _key(
        2.0, "... if the picture has at least this deviation (0 to 127); less is a night, not a fault.",
        "grey levels", low=0, high=127)  # fmt: skip
    black_below: float = _key(
        3.0, "A mean brightness (0 to 255) below this is a black picture.", "grey levels", low=0, high=255)  # fmt: skip
    saturated_above: float = _key(
        252.0, "A mean brightness above this is a saturated picture.", "grey levels", low=0, high=255)  # fmt: skip
    content_after: float = _key(
        30.0, "Black or saturated for so long before it is said or acted on.", "s", low=0, high=3600)  # fmt: skip
    on_black: Literal["ignore", "warn", "recover"] = _key(
        "warn", "What a black picture means: nights are black, so by default it only warns.")  # fmt: skip
    on_saturated: Literal["ignore", "warn", "recover"] = _key("warn", "What a saturated picture means.")


_CURES = tuple(rung.value for rung in Rung if rung.height < Rung.RESTART_SERVICE.height)
_SIGNALS = ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGKILL", "SIGSEGV", "SIGTERM")

FaultKind = Literal[
    "stall", "slow", "drop", "frozen", "black", "saturated", "truncated", "out-of-order", "error", "stderr", "crash",
    "exit", "hang", "missing", "busy", "slow-open", "gone", "flood", "garbage", "reset-hangs", "reset-refused",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedFault:
    """[[camera.<name>.fault]]: one line of the simulated camera's script. Without at and at_frame: at = 0."""

    kind: FaultKind = _key(
        "stall", "What happens. To frames: stall (none come), slow, drop, frozen, black, saturated, truncated, "
        "out-of-order, error (a capture raises). To the device: missing or busy when it is opened, slow-open, gone "
        "(unplugged); reset-hangs or reset-refused when it is to be reset. To the worker: stderr (libcamera complains), "
        "crash, exit, hang, flood (of stderr), garbage (no message).")  # fmt: skip
    at: float | None = _key(
        None, "When it begins, counted from the first opening of the camera.", "s", low=0, example="20")  # fmt: skip
    at_frame: int | None = _key(
        None, "Instead of at: the number of the frame, counted over all restarts.", low=0, rival="at", example="600")  # fmt: skip
    duration: float | None = _key(
        None, "How long it lasts; without it and without `until`, for ever (a crash: once).", "s", low=0, example="8")  # fmt: skip
    until: Rung | None = _key(
        None, "The rung that cures it (a higher one does too). reset-device: the camera sits on a simulated USB device.",
        choices=_CURES, example='"restart-stream"')  # fmt: skip
    message: str = _key(
        "", "error, stderr, flood: the text that picamera2 or libcamera would say. hang: a file to open; if it never "
        "answers, the worker cannot be killed.")  # fmt: skip
    signal: str = _key("SIGSEGV", "crash: the signal that ends the worker.", choices=_SIGNALS)
    refuse_signals: bool = _key(False, "hang: SIGTERM and SIGABRT are ignored too, only SIGKILL works.")
    amount: float = _key(
        0.0, "slow: seconds a frame; drop: frames lost of every 10; slow-open: seconds; flood: megabytes; "
        "truncated: percent left; exit: the status.", low=0, high=10000)  # fmt: skip

    def __post_init__(self) -> None:
        if self.at is None and self.at_frame is None:
            object.__setattr__(self, "at", 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSettings:
    """[camera.<name>]: one camera."""

    name: str = field(default="cam0")  # from the table's own name
    backend: Literal["picamera2", "simulated"] = _key("picamera2", "What delivers the frames.")
    required: bool = _key(
        True, "A required camera gates the systemd watchdog; an optional one can never cause a restart or a reboot.")  # fmt: skip
    id: str | None = _key(
        None, "Select by libcamera's id (stable over reboots).", example='"/base/soc/i2c0mux/i2c@1/imx708@1a"')  # fmt: skip
    model: str | None = _key(None, "Select by sensor model.", example='"imx708"')
    index: int | None = _key(
        None, "Select by position in libcamera's list; 0 if neither id nor model is given.", low=0, high=63, example="0")  # fmt: skip
    width: int = _key(640, "Width of the main stream.", "pixels", low=2, high=16384)
    height: int = _key(480, "Height of the main stream.", "pixels", low=2, high=16384)
    format: str = _key(
        "auto", 'Pixel format of the main stream as picamera2 names it, e.g. "RGB888", "YUV420", "MJPEG", "YUYV".')  # fmt: skip
    frame_rate: float | None = _key(
        None, "Without it the camera's own default.", "frames/s", low=0.001, high=1000, example="30")  # fmt: skip
    buffer_count: int | None = _key(
        None, "Buffers of the stream; fewer cost less CMA memory.", low=1, high=32, example="4")  # fmt: skip
    hflip: bool = _key(False, "Mirror left to right.")
    vflip: bool = _key(False, "Mirror top to bottom.")
    slots: int | None = _key(
        None, "Frames of each stream that are kept in memory for applications: 2, 4, 8 or 16, in at most a quarter of "
        "the memory. Without it 4, or 2 where 4 would take more than an eighth. While nobody reads, nothing is taken.",
        "frames", low=2, high=16, example="4")  # fmt: skip
    lores: bool = _key(
        True, "Check pictures on a small second stream where the camera has one (cheaper).")  # fmt: skip
    controls: dict[str, Any] = field(
        default_factory=dict,
        metadata={
            "key": Key(
                "libcamera controls set at start.", example="{ ExposureTime = 10000, AnalogueGain = 2.0 }"
            )
        },
    )
    checks: Checks = field(default_factory=Checks)
    fault: tuple[ScriptedFault, ...] = ()

    @property
    def choice(self) -> tuple[str | None, str | None, int | None]:
        """Which camera is meant: the first in libcamera's list that fits all that is given."""
        first = 0 if self.id is None and self.model is None else None
        return self.id, self.model, first if self.index is None else self.index

    def may_be(self, other: "CameraSettings") -> bool:
        """Whether both may mean the same camera: nothing that both give tells them apart."""
        pairs = zip(self.choice, other.choice, strict=True)
        return self.backend == other.backend and all(None in pair or pair[0] == pair[1] for pair in pairs)


_KEYLESS: dict[str, str] = {
    Rung.RETRY: "the rung retry has no keys: it captures again until max_consecutive_failures in [supervision]",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration, validated."""

    daemon: Daemon = field(default_factory=Daemon)
    supervision: Supervision = field(default_factory=Supervision)
    health: Health = field(default_factory=Health)
    ladder: tuple[RungPolicy, ...] = field(
        default=LADDER, metadata={"tables": Tables("ladder", "rung", RungSettings, tuple(Rung), _KEYLESS)})  # fmt: skip
    reboot: Reboot = field(default_factory=Reboot)
    ledger: Ledger = field(default_factory=Ledger)
    cameras: tuple[CameraSettings, ...] = field(
        default=(CameraSettings(),), metadata={"tables": Tables("camera", "name", CameraSettings)})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Keys (by path) that do not go together, what would, and what to do about it."""

    keys: tuple[str, ...]
    expected: str
    hint: str


def contradictions(settings: Settings) -> list[Contradiction]:
    """Rules that no single key can break alone."""
    return [problem for rule in _RULES for problem in rule(settings)]


def _bands_descend(settings: Settings) -> list[Contradiction]:
    names = [f.name for f in fields(Health)]
    scores = [getattr(settings.health, name) for name in names]
    if scores == sorted(scores, reverse=True):
        return []
    found = ", ".join(f"{name} = {score}" for name, score in zip(names, scores, strict=True))
    return [Contradiction(tuple(f"health.{name}" for name in names),
                          f"scores that descend from excellent to critical; together they are: {found}",
                          "no band may begin above the next better one")]  # fmt: skip


def _detection_fits(settings: Settings) -> list[Contradiction]:
    rules = settings.supervision
    if rules.no_frame_timeout >= rules.frame_timeout:
        return []
    return [Contradiction(("supervision.no_frame_timeout", "supervision.frame_timeout"),
                          f"no_frame_timeout ({rules.no_frame_timeout:g} s) not shorter than "
                          f"frame_timeout ({rules.frame_timeout:g} s)",
                          "one frame may take frame_timeout; raise no_frame_timeout or lower frame_timeout")]  # fmt: skip


def _some_rung_restarts(settings: Settings) -> list[Contradiction]:
    if any(row.enabled and row.rung is Rung.RESTART_WORKER for row in settings.ladder):
        return []
    return [Contradiction((f"ladder.{Rung.RESTART_WORKER}.enabled",), "true",
                          "this rung is what an exhausted ladder repeats; it cannot be disabled")]  # fmt: skip


def _cameras_differ(settings: Settings) -> list[Contradiction]:
    seen: dict[object, str] = {}
    found: list[Contradiction] = []
    for camera in settings.cameras:
        if camera.backend == "simulated":
            continue
        choice = camera.id or camera.choice  # an id is one camera, whatever else is given
        if choice in seen:
            found.append(Contradiction((f"camera.{camera.name}", f"camera.{seen[choice]}"),
                                       f"another camera than [camera.{seen[choice]}]",
                                       "give each of them its own id, model or index"))  # fmt: skip
        seen[choice] = camera.name
    return found


def _slots_are_a_power_of_two(settings: Settings) -> list[Contradiction]:
    return [
        Contradiction(
            (f"camera.{camera.name}.slots",),
            "2, 4, 8 or 16",
            "frames are found by the last bits of their number",
        )
        for camera in settings.cameras
        if camera.slots is not None and camera.slots & (camera.slots - 1)
    ]


def _scripts_have_their_place(settings: Settings) -> list[Contradiction]:
    return [
        Contradiction(
            (f"camera.{camera.name}.fault", f"camera.{camera.name}.backend"),
            "a fault script only where the camera is simulated",
            'set backend = "simulated" for this camera, or remove its script',
        )
        for camera in settings.cameras
        if camera.fault and camera.backend != "simulated"
    ]


def _window_is_one(settings: Settings) -> list[Contradiction]:
    if not settings.reboot.window or WINDOW.fullmatch(settings.reboot.window):
        return []
    return [Contradiction(("reboot.window",), 'two times of day, "HH:MM-HH:MM"',
                          'for example "02:00-04:30"; it may run over midnight; leave it empty for any time')]  # fmt: skip


def _start_limit_is_reached(settings: Settings) -> list[Contradiction]:
    from camwatchd.core import arithmetic  # it computes with leases, which are computed from these settings

    return arithmetic.contradictions(settings)


_RULES: tuple[Callable[[Settings], list[Contradiction]], ...] = (
    _bands_descend,
    _detection_fits,
    _some_rung_restarts,
    _cameras_differ,
    _slots_are_a_power_of_two,
    _scripts_have_their_place,
    _window_is_one,
    _start_limit_is_reached,
)
