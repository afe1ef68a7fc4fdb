# SPDX-License-Identifier: MIT
"""Owns the meaning of a fault script: which faults of a simulated camera are active, given its memory and the time.

Pure: time and frame numbers are arguments, what happened so far is a `Memory` that the caller keeps on disk, so
that a fault begins once in the life of the camera and not once in the life of each worker.
"""

import json
import zlib
from dataclasses import dataclass, replace

from camwatchd.core.ladder import Rung
from camwatchd.core.plain import to_plain
from camwatchd.core.settings import FaultKind, ScriptedFault

Script = tuple[ScriptedFault, ...]

# These happen at one instant. The others are a state that lasts.
CUES: frozenset[FaultKind] = frozenset({"crash", "exit", "stderr", "flood", "garbage"})


# What a reset of the simulated USB device meets.
RESETS: dict[FaultKind, str] = {"reset-hangs": "hangs", "reset-refused": "refused"}
# While one of these is active the device is not there.
ABSENT: frozenset[FaultKind] = frozenset({"gone", "missing"})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one fault of the script is: `began` is CLOCK_MONOTONIC, None before."""

    began: float | None = None
    over: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What the camera remembers over all workers of this boot."""

    boot_id: str
    script: int  # checksum: another script starts from its beginning
    first_open: float
    frames: int
    faults: tuple[Progress, ...]


def fresh(script: Script, boot_id: str, now: float) -> Memory:
    """The memory of a camera that is opened for the first time."""
    return Memory(boot_id, checksum(script), now, 0, tuple(Progress() for _ in script))


def checksum(script: Script) -> int:
    """A number that differs for different scripts."""
    return zlib.crc32(json.dumps(to_plain(script), sort_keys=True).encode())


def remembers(memory: Memory, script: Script, boot_id: str) -> bool:
    """Whether this memory is of this boot and of this script."""
    same = memory.boot_id == boot_id and memory.script == checksum(script)
    return same and len(memory.faults) == len(script)


def advance(script: Script, memory: Memory, now: float) -> Memory:
    """Begin what is due and end what has lasted its time; the same object if nothing changed."""
    faults = tuple(
        _advance(fault, progress, memory, now) for fault, progress in zip(script, memory.faults, strict=True)
    )
    return memory if faults == memory.faults else replace(memory, faults=faults)


def _advance(fault: ScriptedFault, progress: Progress, memory: Memory, now: float) -> Progress:
    if progress.over:
        return progress
    began = progress.began
    if began is None:
        began = _beginning(fault, memory, now)
    if began is None:
        return progress
    return Progress(began, over=fault.duration is not None and now >= began + fault.duration)


def _beginning(fault: ScriptedFault, memory: Memory, now: float) -> float | None:
    """When the fault began, if it is due: exactly as scripted where that is a time."""
    if fault.at_frame is not None and memory.frames >= fault.at_frame:
        return now
    if fault.at is None and fault.at_frame is not None:
        return None
    due = memory.first_open + (fault.at or 0.0)
    return due if now >= due else None


def active(script: Script, memory: Memory) -> tuple[int, ...]:
    """The positions in the script of the faults that are active, in the order of the script."""
    return tuple(
        index
        for index, (fault, progress) in enumerate(zip(script, memory.faults, strict=True))
        if progress.began is not None and not progress.over
    )


def cure(script: Script, memory: Memory, rung: Rung) -> Memory:
    """A remedy was applied: what it or a weaker one cures is over; what has not begun yet is still to come."""
    faults = tuple(
        replace(progress, over=True) if _cures(rung, fault, progress) else progress
        for fault, progress in zip(script, memory.faults, strict=True)
    )
    return memory if faults == memory.faults else replace(memory, faults=faults)


def _cures(rung: Rung, fault: ScriptedFault, progress: Progress) -> bool:
    if progress.began is None or fault.until is None:
        return False
    return rung.height >= fault.until.height


def spend(script: Script, memory: Memory, index: int) -> Memory:
    """The cue at `index` was given; with no duration and no cure it is over, else the next stream hears it again."""
    fault = script[index]
    if fault.duration is not None or fault.until is not None or stalls(fault):
        return memory
    faults = list(memory.faults)
    faults[index] = replace(faults[index], over=True)
    return replace(memory, faults=tuple(faults))


def on_usb(script: Script) -> bool:
    """Whether the camera sits on a simulated USB device: if a reset of that plays a part in the script."""
    return any(fault.until is Rung.RESET_DEVICE or fault.kind in RESETS for fault in script)


def stalls(fault: ScriptedFault) -> bool:
    """Whether no frames come while it is active: libcamera stops streaming after its front end timed out."""
    return fault.kind in ("stall", "gone") or (fault.kind == "stderr" and "timed out" in fault.message)
