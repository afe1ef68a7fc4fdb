# SPDX-License-Identifier: MIT
"""Owns what the flight recorder knows beside the words: how the camera did before a fault, and how the machine did.

Kept as JSON in the ledger; a field that is missing there, or unknown here, does no harm.
"""

from dataclasses import dataclass, field

WORDS_LIMIT = 12 * 1024  # characters of all that was said in an incident: the end of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A camera when its incident opened: who it is, what its worker ran, and its frames until then."""

    model: str = ""
    camera_id: str = ""
    usb: str = ""  # where on USB it is (see core.usb)
    versions: dict[str, str] = field(default_factory=dict)  # of python, numpy, picamera2, libcamera
    fps: float = 0.0  # over the last seconds in which frames came
    last_frame_age: float = 0.0  # of no meaning without captures
    sequence: int = 0  # of the last frame
    frame_duration: float = 0.0
    latency: float = 0.0  # of the last report
    latency_max: float = 0.0
    brightness: float = -1.0  # -1: not measured
    deviation: float = -1.0
    captures: int = 0  # since the daemon took the camera, as are all below
    failures: int = 0
    late: int = 0
    dropped: int = 0
    outages: int = 0
    availability: float = 1.0  # 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """The machine at one moment; None, or empty, is what it does not tell. Sizes are bytes."""

    board: str = ""
    kernel: str = ""
    camwatchd: str = ""  # our version
    uptime: float = 0.0
    temperature: float | None = None  # degrees Celsius, of the hottest zone
    under_voltage: bool | None = None  # now, or since it was last looked at
    throttled: str = ""  # as `vcgencmd get_throttled` has it, where the firmware may be asked
    cpu_mhz: float | None = None
    cpu_mhz_most: float | None = None
    load: float | None = None  # over a minute
    memory_available: int | None = None
    memory_total: int | None = None
    cma_free: int | None = None
    cma_total: int | None = None
    trouble: str = ""  # why nothing is known
