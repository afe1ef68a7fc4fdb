# SPDX-License-Identifier: MIT
"""How the machine does is read where it can be, is missing where it cannot, and never holds anybody up."""

import threading
from pathlib import Path

from camwatchd.adapters.host_facts import Lookout, read
from camwatchd.core.flight import HostFacts

_MEGABYTE = 1 << 20
_PI = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/uptime": "7300.12 20000.00\n",
    "proc/loadavg": "0.42 0.30 0.20 1/200 999\n",
    "proc/meminfo": "MemTotal:  1048576 kB\nMemAvailable:   524288 kB\nCmaTotal: 262144 kB\nCmaFree: 1024 kB\nx\n",
    "sys/class/thermal/thermal_zone0/temp": "54321\n",
    "sys/class/thermal/thermal_zone1/temp": "broken\n",
    "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
    "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
    "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq": "600000\n",
    "sys/devices/system/cpu/cpufreq/policy0/cpuinfo_max_freq": "1800000\n",
}


def machine(root: Path, files: dict[str, str]) -> Path:
    """A machine with these files."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_pi_tells_all_of_it(tmp_path: Path) -> None:
    """Board, temperature, under-voltage, the processor's clock, memory and CMA."""
    facts = read(machine(tmp_path, _PI))

    assert ("Raspberry Pi 4 Model B Rev 1.4", 7300.12, 0.42) == (facts.board, facts.uptime, facts.load)
    assert (54.321, True, "") == (facts.temperature, facts.under_voltage, facts.throttled)
    assert (600.0, 1800.0) == (facts.cpu_mhz, facts.cpu_mhz_most)
    assert (512 * _MEGABYTE, 1024 * _MEGABYTE) == (facts.memory_available, facts.memory_total)
    assert (_MEGABYTE, 256 * _MEGABYTE) == (facts.cma_free, facts.cma_total)
    assert facts.kernel
    assert facts.camwatchd


def test_another_machine_tells_less(tmp_path: Path) -> None:
    """What there is no file for is None, and not a number that looks like one."""
    facts = read(tmp_path)

    assert (None, None, None, None) == (
        facts.temperature,
        facts.under_voltage,
        facts.cma_free,
        facts.cpu_mhz,
    )
    assert ("", "") == (facts.board, facts.trouble)


def test_what_hangs_holds_nobody_up() -> None:
    """A reading that does not return is trouble; it is not started again before it has, and then it works again."""
    begun, goes_on = [], threading.Event()

    def look() -> HostFacts:
        begun.append(threading.current_thread())
        goes_on.wait()
        return HostFacts(temperature=50.0)

    lookout = Lookout(look, patience=0.01)
    seen = [lookout().trouble, lookout().trouble]
    goes_on.set()
    begun[0].join()
    lookout._patience = 60.0

    assert ["not read within 0.01 s", "the last reading has not returned yet"] == seen
    assert HostFacts(temperature=50.0) == lookout()
    assert 2 == len(begun)
