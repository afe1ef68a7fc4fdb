# SPDX-License-Identifier: MIT
"""Owns the USB device that a simulated camera sits on: two files, by which a reset of it goes the real one's way."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from camwatchd.cameras.script import ABSENT, RESETS, Script, on_usb
from camwatchd.core.settings import ScriptedFault
from camwatchd.core.usb import device_file, reset_mark


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """One camera's; nothing at all where no reset plays a part in the script."""

    camera: str
    folder: Path
    script: Script

    def shows(self, faults: Iterable[ScriptedFault]) -> None:
        """From now on it meets a reset as these active faults say."""
        if not on_usb(self.script):
            return
        kinds = {fault.kind for fault in faults}
        path = self.folder / device_file(self.camera)
        if kinds & ABSENT:
            path.unlink(missing_ok=True)
        else:
            path.write_text(next((how for kind, how in RESETS.items() if kind in kinds), "answers"))

    def was_reset(self) -> bool:
        """Whether it was reset since it was asked last."""
        mark = self.folder / reset_mark(self.camera)
        try:
            mark.unlink()
        except FileNotFoundError:
            return False
        return True


NOWHERE = UsbDevice("", Path(), ())
