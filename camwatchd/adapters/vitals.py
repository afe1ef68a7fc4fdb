# SPDX-License-Identifier: MIT
"""Owns how the machine itself is: load, memory, CMA, temperature, power, disk; read by a client, never by the daemon.

What cannot be read is None, never a guess: not every machine is a Pi, and not every user may ask its firmware.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 2.0  # seconds for vcgencmd
# The bits of `vcgencmd get_throttled`: now, and 16 higher: at any time since the boot.
_EVENTS = {"under_voltage": 0, "frequency_capped": 1, "throttled": 2, "soft_temperature_limit": 3}
_SINCE_BOOT = 16
# The driver of the firmware has it in kernels of Raspberry Pi OS; the bus has another name on every board.
_FIRMWARE = "sys/devices/platform/*/*firmware/get_throttled"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostVitals:
    """The machine; bytes, seconds, degrees Celsius."""

    hostname: str
    model: str  # of the board; empty: it does not say
    kernel: str
    uptime_seconds: float | None
    processors: int | None
    load: tuple[float, ...] | None  # over 1, 5 and 15 minutes
    memory_total_bytes: int | None
    memory_available_bytes: int | None
    cma_total_bytes: int | None  # contiguous memory, of which camera buffers are made on many boards
    cma_free_bytes: int | None
    temperature_celsius: float | None  # of the processor


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerVitals:
    """The supply, as the firmware sees it. A pair: now, and since the boot; None: unknown."""

    source: str  # vcgencmd, firmware (sysfs), hwmon or unknown
    under_voltage: bool | None = None
    under_voltage_since_boot: bool | None = None
    frequency_capped: bool | None = None
    frequency_capped_since_boot: bool | None = None
    throttled: bool | None = None
    throttled_since_boot: bool | None = None
    soft_temperature_limit: bool | None = None
    soft_temperature_limit_since_boot: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskVitals:
    """The file system of the state directory, where the ledger is."""

    path: str
    total_bytes: int | None
    free_bytes: int | None  # for a user who is not root
    trouble: str = ""  # why it is not known


@dataclass(frozen=True, slots=True)
class Vitals:
    """A reader of all that, below `root` (another one in tests)."""

    root: Path = Path("/")
    vcgencmd: str = "vcgencmd"

    def host(self) -> HostVitals:
        """How the machine is."""
        memory = self._memory()
        load = self._floats("proc/loadavg")
        uptime = self._floats("proc/uptime")
        return HostVitals(
            hostname=self._read("proc/sys/kernel/hostname"), kernel=self._read("proc/sys/kernel/osrelease"),
            model=self._read("proc/device-tree/model").rstrip("\0"),
            uptime_seconds=uptime[0] if uptime else None, processors=os.cpu_count(),
            load=tuple(load[:3]) if len(load) >= 3 else None,
            memory_total_bytes=memory.get("MemTotal"), memory_available_bytes=memory.get("MemAvailable"),
            cma_total_bytes=memory.get("CmaTotal"), cma_free_bytes=memory.get("CmaFree"),
            temperature_celsius=self._temperature(),
        )  # fmt: skip

    def power(self) -> PowerVitals:
        """What the firmware says; where it says nothing, what the kernel's sensor does."""
        if (told := self._told_by_firmware()) is not None:
            return _decoded("vcgencmd", told)
        for file in self.root.glob(_FIRMWARE):
            if (bits := _hexadecimal(self._read(file))) is not None:
                return _decoded("firmware", bits)
        for sensor in sorted((self.root / "sys/class/hwmon").glob("hwmon*")):
            if self._read(sensor / "name") == "rpi_volt":
                alarm = self._read(sensor / "in0_lcrit_alarm")
                return PowerVitals(source="hwmon", under_voltage=alarm == "1" if alarm else None)
        return PowerVitals(source="unknown")

    def disk(self, folder: str) -> DiskVitals:
        """The room where the ledger is written."""
        try:
            found = os.statvfs(self.root / Path(folder).absolute().relative_to("/"))
        except OSError as error:
            return DiskVitals(
                path=folder, total_bytes=None, free_bytes=None, trouble=error.strerror or str(error)
            )
        return DiskVitals(
            path=folder,
            total_bytes=found.f_blocks * found.f_frsize,
            free_bytes=found.f_bavail * found.f_frsize,
        )

    # --- inside -------------------------------------------------------------------------------------------

    def _memory(self) -> dict[str, int]:
        pairs = re.findall(r"^(\w+): +(\d+) kB$", self._read("proc/meminfo"), re.MULTILINE)
        return {name: int(kilobytes) * 1024 for name, kilobytes in pairs}

    def _temperature(self) -> float | None:
        """Of the zone that is the processor's by its name; where none is, of the first."""
        zones = sorted((self.root / "sys/class/thermal").glob("thermal_zone*"))
        zones.sort(key=lambda zone: "cpu" not in self._read(zone / "type"))
        readings = (self._read(zone / "temp") for zone in zones)
        return next((int(text) / 1000 for text in readings if re.fullmatch(r"-?\d+", text)), None)

    def _told_by_firmware(self) -> int | None:
        try:
            done = subprocess.run(  # noqa: S603  # our own words, and no shell
                [self.vcgencmd, "get_throttled"],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return None
        return _hexadecimal(done.stdout.strip().removeprefix("throttled=")) if done.returncode == 0 else None

    def _floats(self, path: str) -> list[float]:
        return [float(word) for word in self._read(path).split() if re.fullmatch(r"\d+\.\d+", word)]

    def _read(self, path: Path | str) -> str:
        try:
            return (self.root / path).read_text(errors="replace").strip()
        except OSError:
            return ""


def _hexadecimal(text: str) -> int | None:
    return int(text, 16) if re.fullmatch(r"(0x)?[0-9a-fA-F]+", text) else None


def _decoded(source: str, bits: int) -> PowerVitals:
    now = {name: bool(bits >> bit & 1) for name, bit in _EVENTS.items()}
    ever = {f"{name}_since_boot": bool(bits >> bit + _SINCE_BOOT & 1) for name, bit in _EVENTS.items()}
    return PowerVitals(source=source, **now, **ever)
