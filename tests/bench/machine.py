# SPDX-License-Identifier: MIT
"""Owns the cost of supervision on a real camera stack: camwatchd beside a plain picamera2 loop, in the machine.

    python -m tests.bench.machine        (as root; builds the machine of `make test-vm` if it must)

Times are those of an emulated processor: only the ratios mean something.
"""

from pathlib import Path

from tests.bench.table import Row, cpu_target, show
from tests.vm.install import configure
from tests.vm.machine import Machine

SECONDS = 20
UNIT = "camwatchd.service"
CONFIGURATION = f"""
[daemon]
standby = false
summary_interval = {SECONDS}
[camera.cam0]
backend = "picamera2"
width = 320
height = 240
format = "YUYV"
"""
# Of the unit's main process and of its worker, with the time of day of the guest's monotonic clock left out.
_CPU = "cat /proc/{pid}/task/*/schedstat | awk '{{s += $1}} END {{printf \"%.6f\", s / 1e9}}'"


def bare(machine: Machine, how: str) -> tuple[float, float]:
    """Frames a second and CPU seconds per frame of a plain loop."""
    command = f"LIBCAMERA_PIPELINES_MATCH_LIST=uvcvideo python3 /root/bare.py {SECONDS} {how} 2>/dev/null"
    frames, cpu = machine.run(command, timeout=120, check=True).stdout.split()[-2:]
    return int(frames) / SECONDS, float(cpu) / int(frames)


def supervised(machine: Machine) -> tuple[float, float, float]:
    """Frames a second, CPU seconds per frame of the worker, and the supervisor's share of a core."""
    machine.run(f"systemctl start {UNIT}", timeout=90, check=True)
    machine.await_property(UNIT, "StatusText", "cam0 EXCELLENT")
    supervisor = machine.unit(UNIT, "MainPID")["MainPID"]
    worker = machine.run(f"cat /proc/{supervisor}/task/{supervisor}/children", check=True).stdout.split()[0]
    first = machine.await_journal("EVENT=camera.summary", timeout=3 * SECONDS)
    before = [cpu(machine, pid) for pid in (worker, supervisor)]
    last = machine.await_journal("EVENT=camera.summary", after=first, timeout=3 * SECONDS)
    after = [cpu(machine, pid) for pid in (worker, supervisor)]
    frames = int(last["CAPTURES"]) - int(first["CAPTURES"])
    return frames / SECONDS, (after[0] - before[0]) / frames, (after[1] - before[1]) / SECONDS


def cpu(machine: Machine, pid: str) -> float:
    """Processor seconds of a process and its threads so far."""
    return float(machine.run(_CPU.format(pid=pid), check=True).stdout)


def main() -> None:
    """Both loops on the same camera, one after the other, and the table."""
    with Machine() as machine:
        machine.push(Path(__file__).with_name("bare_picamera2.py"), "/root/bare.py")
        request, array = bare(machine, "request"), bare(machine, "array")
        configure(machine, CONFIGURATION)
        ours = supervised(machine)
    show(
        "cost of supervision (real picamera2, kernel camera, 320x240 YUYV, emulated processor)",
        [
            Row("bare loop, frames a second", f"{array[0]:.1f}", "baseline"),
            Row(
                "supervised, frames a second",
                f"{ours[0]:.1f}",
                f"{ours[0] / array[0]:.3f} x",
                "at least 0.95 x",
            ),
            Row(
                "bare loop that only gives frames back, CPU per frame",
                f"{1e3 * request[1]:.2f} ms",
                "baseline",
            ),
            Row(
                "bare loop that copies each frame, CPU per frame",
                f"{1e3 * array[1]:.2f} ms",
                ratio(array, request),
            ),
            Row(
                "supervised worker, CPU per frame",
                f"{1e3 * ours[1]:.2f} ms",
                ratio(ours, request),
                cpu_target(ours[1] / request[1]),
            ),
            Row("supervisor", f"{100 * ours[2]:.2f} %", "of an emulated core"),
        ],
    )


def ratio(loop: tuple[float, ...], base: tuple[float, ...]) -> str:
    """CPU per frame against the baseline."""
    return f"{loop[1] / base[1]:.2f} x"


if __name__ == "__main__":
    main()
