# SPDX-License-Identifier: MIT
"""Owns small files that a power cut leaves whole: either the old content or the new one, never half of it."""

import os
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Replace the content; on return it is on the disk."""
    new = path.with_name(f"{path.name}.new")
    with new.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """A new name or a changed one is only on the disk when its folder is."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class HealthMark:
    """The file that tells the guard, which knows no SQL, in which boot a required camera was last healthy."""

    def __init__(self, folder: Path, boot: str) -> None:
        self._path, self._boot = folder / "healthy", boot
        self._is_set = False

    def set(self) -> None:
        """This boot is a healthy one; costs nothing from the second time on. OSError: it could not be written."""
        if not self._is_set and self._read() != self._boot:
            write(self._path, f"{self._boot}\n")
        self._is_set = True

    def _read(self) -> str:
        try:
            return self._path.read_text().strip()
        except (OSError, UnicodeDecodeError):
            return ""
