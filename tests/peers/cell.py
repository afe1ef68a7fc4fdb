# SPDX-License-Identifier: MIT
"""Owns one cell of the table: one program, one fault, one fresh machine; kept as a file until it is asked for anew."""

import json
import os
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.vm.cache import REPOSITORY
from tests.vm.machine import Entry, Machine
from tests.vm.scene import at

from .faults import Fault
from .programs import FOLDER, Program, message

RESULTS = REPOSITORY / "build" / "peers"
_GUEST = Path(__file__).with_name("guest")
_PYTHON = f"cd {FOLDER} && exec python3 -u -m tests.peers.guest"
_STEADY_PICTURES = 30
_STARTED = 90  # s
_LATE = 0.1  # s; three frame times: what is late earlier is not so because of the fault
_CELL_SECONDS = 240
_KEPT_LINES = 40
# By which camwatchd says that it has seen three healthy frames in a row.
_SAID_HEALTHY = ("alert.recovery", "camera.hiccup_ended", "camera.started")


@dataclass(frozen=True, slots=True)
class Line:
    """A complaint in the program's journal; seconds since the fault began."""

    after: float
    text: str
    event: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """Seconds: `noticed` since the fault began, the others since its end. None: never."""

    fault: str
    program: str
    version: str
    lasted: float
    noticed: float | None
    good: float | None
    said_healthy: float | None  # camwatchd only
    node: float | None
    lines: tuple[Line, ...]
    load: float  # of the host


class SpoiltError(Exception):
    """The rig itself lost the camera."""


def path(fault: Fault, program: Program) -> Path:
    """Where it is kept."""
    return RESULTS / f"{fault.name}-{program.name}.json"


def kept(fault: Fault, program: Program) -> Cell | None:
    """None: it has not been run."""
    file = path(fault, program)
    if not file.exists():
        return None
    facts = json.loads(file.read_text())
    return Cell(**{**facts, "lines": tuple(Line(**line) for line in facts["lines"])})


def run(built: tuple[Path, Path], fault: Fault, program: Program) -> Cell:
    """In a machine of its own; SpoiltError: to be run again."""
    with Machine(built) as machine:
        _start(machine, fault, program)
        cell = _measure(machine, fault, program)
        if defect := machine.rig_defect():
            raise SpoiltError(defect)
    if cell.node is None and "node" in fault.steps:
        raise SpoiltError("the kernel never listed the camera again")
    path(fault, program).write_text(json.dumps(asdict(cell), indent=1) + "\n")
    return cell


def _start(machine: Machine, fault: Fault, program: Program) -> None:
    for package in ("tests", "tests/peers"):  # or a package of that name elsewhere would win
        machine.write(f"{FOLDER}/{package}/__init__.py", b"")
    machine.push(_GUEST, f"{FOLDER}/tests/peers/guest")
    program.prepare(machine, fault.format)
    machine.run(f"systemctl start {program.unit}", timeout=_STARTED, check=True)
    if program.reads:
        reader = f"{_PYTHON}.reader {shlex.quote(program.reads)} {fault.format}"
        machine.run(f"systemd-run --unit=reader sh -c {shlex.quote(reader)}", check=True)
    steady = f"grep -m {_STEADY_PICTURES} -c good < <(tail -F -n +1 /run/peers.frames 2>/dev/null)"
    machine.run(steady, timeout=_STARTED, check=True)
    if program.ready:
        machine.await_journal(f"_SYSTEMD_UNIT={program.unit}", pattern=program.ready, timeout=_STARTED)


def _measure(machine: Machine, fault: Fault, program: Program) -> Cell:
    command = f"{_PYTHON}.direct {program.unit} {shlex.join(fault.steps)}"
    times = json.loads(machine.run(command, timeout=_CELL_SECONDS, check=True).stdout)
    begun, over = times["begun"], times["over"]
    entries = machine.journal(f"_SYSTEMD_UNIT={program.unit}", "+", f"UNIT={program.unit}")
    _keep_journal(fault, program, entries, begun)
    lines = [_line(entry, begun) for entry in entries if at(entry) >= begun and program.complains(entry)]
    healthy = [at(entry) for entry in entries if entry.get("EVENT") in _SAID_HEALTHY and at(entry) > over]
    noticed = [line.after for line in lines] + _served(machine, begun, fault)
    return Cell(
        fault=fault.name,
        program=program.name,
        version=_version(machine, program),
        lasted=round(over - begun, 3),
        noticed=round(min(noticed), 3) if noticed else None,
        good=_since(times["good"], over),
        said_healthy=_since(healthy[0] if healthy else None, over),
        node=_since(times["node"], over),
        lines=tuple(lines[:_KEPT_LINES]),
        load=round(os.getloadavg()[0], 1),
    )


def _keep_journal(fault: Fault, program: Program, entries: list[Entry], begun: float) -> None:
    """All of it, beside the cell: for whoever wants to know why."""
    told = [f"{at(entry) - begun:8.3f}  {entry.get('EVENT', '')}  {message(entry)}\n" for entry in entries]
    RESULTS.mkdir(parents=True, exist_ok=True)
    path(fault, program).with_suffix(".log").write_text("".join(told))


def _line(entry: Entry, begun: float) -> Line:
    return Line(round(at(entry) - begun, 3), message(entry), entry.get("EVENT", ""))


def _served(machine: Machine, begun: float, fault: Fault) -> list[float]:
    """When it told its readers that what they see is not the camera, or comes late."""
    words = "offline" if fault.frames_come else "offline|late"
    told = machine.run(f"grep -E '{words}' /run/peers.frames").stdout.splitlines()
    return [after for line in told if (after := float(line.split()[0]) - begun) >= _LATE]


def _version(machine: Machine, program: Program) -> str:
    shown = machine.run(f"dpkg-query --show --showformat='${{Version}}' {program.name}")
    return shown.stdout.strip() if shown.returncode == 0 else "picamera2 0.3.38"


def _since(when: float | None, over: float) -> float | None:
    return None if when is None else round(when - over, 3)
