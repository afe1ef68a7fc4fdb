# SPDX-License-Identifier: MIT
"""Owns the running script of a simulated camera: its memory on disk, and what is active now.

The memory outlives the worker, however that ends: the file is replaced whole, before a fault strikes.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from camwatchd.cameras import script as play
from camwatchd.cameras.simulated_usb import NOWHERE, UsbDevice
from camwatchd.core.ladder import Rung
from camwatchd.core.plain import from_plain, to_plain
from camwatchd.core.settings import ScriptedFault

SAVE_INTERVAL = 1.0  # s; the count of frames is written so often at most, edges of faults at once

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Runner:
    """A script with its memory; called by the worker's thread and by the sensor's."""

    def __init__(
        self, script: play.Script, path: Path, clock: Callable[[], float], device: UsbDevice = NOWHERE
    ) -> None:
        self.script = script
        self.clock = clock
        self._path, self._device = path, device
        self._lock = threading.Lock()
        self._memory = play.fresh(script, "", 0.0)  # nothing is active before `open`
        self._saved_at = 0.0
        self.active: Mapping[int, ScriptedFault] = {}

    def open(self, *, new_worker: bool) -> None:
        """The camera is being opened: remember, and take a new worker for the cure that it is."""
        if not self.script:
            return
        boot_id, now = _BOOT_ID.read_text().strip(), self.clock()
        with self._lock:
            known = self._load()
            if known is None or not play.remembers(known, self.script, boot_id):
                known = play.fresh(self.script, boot_id, now)
            elif new_worker:
                known = play.cure(self.script, known, Rung.RESTART_WORKER)
            if self._device.was_reset():
                known = play.cure(self.script, known, Rung.RESET_DEVICE)
            self._become(play.advance(self.script, known, now))

    def cure(self, rung: Rung) -> None:
        """A remedy of this camera was applied."""
        with self._lock:
            self._become(play.cure(self.script, self._memory, rung))

    def look(self) -> None:
        """Let time pass."""
        if not self.script:
            return
        now = self.clock()
        with self._lock:
            self._become(play.advance(self.script, self._memory, now))
            if now >= self._saved_at + SAVE_INTERVAL:
                self._save(now)

    def count_frame(self) -> int:
        """One more frame was exposed; its number, from 0 over all workers."""
        with self._lock:
            number = self._memory.frames
            self._memory = replace(self._memory, frames=number + 1)
            return number

    def spend(self, index: int) -> None:
        """A cue is about to be given; written first, because it may be the end of this process."""
        with self._lock:
            self._become(play.spend(self.script, self._memory, index))

    def find(self, *kinds: str) -> ScriptedFault | None:
        """The first active fault of one of these kinds."""
        return next((fault for fault in self.active.values() if fault.kind in kinds), None)

    def _become(self, memory: play.Memory) -> None:
        if memory is self._memory:
            return
        self._memory = memory
        self.active = {index: self.script[index] for index in play.active(self.script, memory)}
        self._device.shows(self.active.values())
        self._save(self.clock())

    def _save(self, now: float) -> None:
        """No fsync: the runtime directory is a tmpfs, and a boot begins the script anew."""
        self._saved_at = now
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(to_plain(self._memory)))
        draft.replace(self._path)

    def _load(self) -> play.Memory | None:
        try:
            return from_plain(play.Memory, json.loads(self._path.read_text()))
        except (FileNotFoundError, ValueError):
            return None  # none yet, or not ours: the script begins anew
