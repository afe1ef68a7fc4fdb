# SPDX-License-Identifier: MIT
"""Owns the count of how often each camera was opened in this boot, kept in the runtime directory over restarts.

The runtime directory is a tmpfs: it ends with the boot, and writing to it does not block.
"""

from pathlib import Path


class Opens:
    """The count of one camera. What cannot be read counts as none: better one open too many than a dead camera."""

    def __init__(self, runtime_dir: str, camera: str) -> None:
        self._path = Path(runtime_dir, f"opens-{camera}")

    def count(self) -> int:
        """How often it was opened in this boot."""
        try:
            return int(self._path.read_text())
        except (OSError, ValueError):
            return 0

    def add(self) -> bool:
        """It was opened once more; False if that could not be kept."""
        try:
            draft = self._path.with_suffix(".new")
            draft.write_text(f"{self.count() + 1}\n")
            draft.replace(self._path)
        except OSError:
            return False
        return True
