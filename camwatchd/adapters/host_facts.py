# SPDX-License-Identifier: MIT
"""Owns reading how the machine does: temperature, power, memory, clocks; for the recorder, which may block.

Not from /sys/devices/platform/soc/soc:firmware/get_throttled: the driver answers the first reading in a boot with a
stack trace in the kernel's log ("deprecated, use hwmon sysfs instead"). What hwmon does not tell (that the processor
is throttled) shows in its clock; `vcgencmd` is asked where the sandbox leaves it the firmware's node.
"""

import math
import os
import platform
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from camwatchd import __version__
from camwatchd.core.flight import HostFacts

PATIENCE = 1.5  # seconds for all of it; the supervisor waits 10 s for an acknowledgement
_FIRMWARE = "dev/vcio"
_ASK_FIRMWARE = ("vcgencmd", "get_throttled")  # answers "throttled=0x50005"


def read(root: Path = Path("/")) -> HostFacts:
    """As it is now."""
    memory = _memory(root)
    cpu = root / "sys/devices/system/cpu/cpufreq/policy0"
    return HostFacts(
        board=_text(root / "proc/device-tree/model").strip("\0"),
        kernel=platform.release(),
        camwatchd=__version__,
        uptime=_number(root / "proc/uptime") or 0.0,
        temperature=_temperature(root),
        under_voltage=_under_voltage(root),
        throttled=_throttled(root),
        cpu_mhz=_scaled(cpu / "scaling_cur_freq", 1000),
        cpu_mhz_most=_scaled(cpu / "cpuinfo_max_freq", 1000),
        load=_number(root / "proc/loadavg"),
        memory_available=memory.get("MemAvailable"),
        memory_total=memory.get("MemTotal"),
        cma_free=memory.get("CmaFree"),
        cma_total=memory.get("CmaTotal"),
    )


class Lookout:
    """Looks, and never waits longer than `patience`: what hangs in the kernel is not asked again before it returns."""

    def __init__(self, look: Callable[[], HostFacts] = read, patience: float = PATIENCE) -> None:
        self._look, self._patience = look, patience
        self._busy: threading.Thread | None = None

    def __call__(self) -> HostFacts:
        """How the machine does; what could not be read in time is `trouble`."""
        if self._busy is not None and self._busy.is_alive():
            return HostFacts(trouble="the last reading has not returned yet")
        found: list[HostFacts] = []
        # A daemon thread: an end of the recorder does not wait for it.
        self._busy = threading.Thread(target=lambda: found.append(self._look()), name="lookout", daemon=True)
        try:
            self._busy.start()
        except RuntimeError as error:  # no memory for a thread
            self._busy = None
            return HostFacts(trouble=str(error))
        self._busy.join(self._patience)
        return found[0] if found else HostFacts(trouble=f"not read within {self._patience:g} s")


def _temperature(root: Path) -> float | None:
    zones = (_scaled(path, 1000) for path in sorted(root.glob("sys/class/thermal/thermal_zone*/temp")))
    return max((zone for zone in zones if zone is not None), default=None)


def _under_voltage(root: Path) -> bool | None:
    """What the kernel's own poll of the firmware, every 2 s, has found; reading it asks nobody."""
    for folder in sorted(root.glob("sys/class/hwmon/hwmon*")):
        if _text(folder / "name") == "rpi_volt":
            alarm = _number(folder / "in0_lcrit_alarm")
            return None if alarm is None else alarm != 0
    return None


def _throttled(root: Path) -> str:
    if not os.access(root / _FIRMWARE, os.R_OK | os.W_OK):
        return ""
    try:
        done = subprocess.run(  # noqa: S603  # our own words, and no shell
            _ASK_FIRMWARE, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("ascii", "replace").strip().rpartition("=")[2][:20]


def _memory(root: Path) -> dict[str, int]:
    """/proc/meminfo in bytes."""
    found = {}
    for line in _text(root / "proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        number = value.split()[:1]
        if number and number[0].isdigit():
            found[name] = int(number[0]) * 1024
    return found


def _scaled(path: Path, divisor: float) -> float | None:
    number = _number(path)
    return None if number is None else number / divisor


def _number(path: Path) -> float | None:
    """The first number of a file. One that JSON does not know is none."""
    try:
        number = float(_text(path).split()[0])
    except (IndexError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
