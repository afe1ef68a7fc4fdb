# SPDX-License-Identifier: MIT
"""What a client reads of the machine: from a fake root, with a fake vcgencmd; what is not there is unknown."""

from dataclasses import replace
from pathlib import Path

import pytest

from camwatchd.adapters.vitals import PowerVitals, Vitals

UNKNOWN = PowerVitals(source="unknown")
QUIET = PowerVitals(
    source="vcgencmd", under_voltage=False, under_voltage_since_boot=False, frequency_capped=False,
    frequency_capped_since_boot=False, throttled=False, throttled_since_boot=False,
    soft_temperature_limit=False, soft_temperature_limit_since_boot=False,
)  # fmt: skip


def write(root: Path, path: str, text: str) -> None:
    """A file of the fake root."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def vitals(root: Path, vcgencmd: str | None = None) -> Vitals:
    """A machine whose vcgencmd says this, or has none."""
    tool = root / "vcgencmd"
    if vcgencmd is not None:
        tool.write_text(f"#!/bin/sh\n{vcgencmd}\n")
        tool.chmod(0o755)
    return Vitals(root, str(tool))


def test_a_pi(tmp_path: Path) -> None:
    """Load, memory, CMA, temperature, uptime and model, each where the kernel has it."""
    write(tmp_path, "proc/loadavg", "0.52 0.58 0.59 1/389 12345\n")
    write(tmp_path, "proc/uptime", "5025.33 17000.12\n")
    write(tmp_path, "proc/meminfo", "MemTotal:  442560 kB\nMemAvailable: 212000 kB\nCmaTotal: 262144 kB\n"
          "CmaFree: 1024 kB\nHugePages_Total: 0\n")  # fmt: skip
    write(tmp_path, "proc/device-tree/model", "Raspberry Pi Zero 2 W Rev 1.0\0")
    write(tmp_path, "proc/sys/kernel/hostname", "pi-17\n")
    write(tmp_path, "proc/sys/kernel/osrelease", "6.6.31+rpt-rpi-v8\n")
    write(tmp_path, "sys/class/thermal/thermal_zone0/type", "gpu-thermal\n")
    write(tmp_path, "sys/class/thermal/thermal_zone0/temp", "20000\n")
    write(tmp_path, "sys/class/thermal/thermal_zone1/type", "cpu-thermal\n")
    write(tmp_path, "sys/class/thermal/thermal_zone1/temp", "48312\n")
    host = vitals(tmp_path).host()

    assert (host.load, host.uptime_seconds) == ((0.52, 0.58, 0.59), 5025.33)
    assert (host.memory_total_bytes, host.memory_available_bytes) == (442560 * 1024, 212000 * 1024)
    assert (host.cma_total_bytes, host.cma_free_bytes) == (262144 * 1024, 1024 * 1024)
    assert (host.temperature_celsius, host.hostname) == (48.312, "pi-17")
    assert (host.model, host.kernel) == ("Raspberry Pi Zero 2 W Rev 1.0", "6.6.31+rpt-rpi-v8")


def test_a_machine_that_says_nothing(tmp_path: Path) -> None:
    """Nothing is guessed."""
    host, disk = vitals(tmp_path).host(), vitals(tmp_path).disk("/var/lib/camwatchd/state")
    known = (
        host.load,
        host.uptime_seconds,
        host.memory_total_bytes,
        host.cma_free_bytes,
        host.temperature_celsius,
    )

    assert (known, host.model) == ((None,) * 5, "")
    assert (disk.free_bytes, disk.trouble) == (None, "No such file or directory")
    assert vitals(tmp_path).power() == UNKNOWN


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("echo throttled=0x0", QUIET),
        ("echo throttled=0x50005", replace(QUIET, under_voltage=True, under_voltage_since_boot=True,
                                           throttled=True, throttled_since_boot=True)),
        ("echo throttled=0x80002", replace(QUIET, soft_temperature_limit_since_boot=True, frequency_capped=True)),
        ("echo 'VCHI initialization failed' >&2; exit 255", UNKNOWN),
        ("echo nonsense", UNKNOWN),
    ],
)  # fmt: skip
def test_what_vcgencmd_says(told: str, expected: PowerVitals, tmp_path: Path) -> None:
    """Bits 0 to 3 are now, 16 higher since the boot; a tool that may not ask says nothing."""
    assert vitals(tmp_path, told).power() == expected


def test_what_the_kernel_says(tmp_path: Path) -> None:
    """Without vcgencmd the firmware's file in sysfs, without that the sensor for under-voltage."""
    write(tmp_path, "sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    write(tmp_path, "sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    write(tmp_path, "sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
    sensor = vitals(tmp_path).power()
    write(tmp_path, "sys/devices/platform/soc/soc:firmware/get_throttled", "10000\n")
    firmware = vitals(tmp_path).power()

    assert sensor == PowerVitals(source="hwmon", under_voltage=True)
    assert firmware == replace(QUIET, source="firmware", under_voltage_since_boot=True)


def test_the_room_of_a_real_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes of the file system that a folder is on, named as the shell names it."""
    monkeypatch.chdir(tmp_path.parent)
    disk = Vitals().disk(tmp_path.name)

    assert disk.total_bytes is not None
    assert disk.free_bytes is not None
    assert 0 <= disk.free_bytes <= disk.total_bytes
