# SPDX-License-Identifier: MIT
"""Owns a kernel's log for tests: a journalctl of our own, which prints what the test has the kernel say."""

import os
import time
from pathlib import Path

_HEAD = "#!/bin/sh\n"
# First the lines of this boot so far, then what comes; it ends when the test hangs up.
_FOLLOWS = '[ "$1" = --dmesg ] || exit 1\ncat "$(dirname "$0")/boot"; exec cat "$(dirname "$0")/kmsg"\n'


def stamped(text: str, age: float = 0.0) -> str:
    """A line as the journal shows it, written `age` seconds ago."""
    return f"[{time.monotonic() - age:12.6f}] kernel: {text}\n"


class Kernel:
    """A folder for the PATH with a journalctl in it."""

    def __init__(self, folder: Path, *boot: str) -> None:
        folder.mkdir()
        self.folder = folder
        (folder / "boot").write_text("".join(boot))
        os.mkfifo(folder / "kmsg")
        # Open for reading as well, so that neither end has to wait for the other.
        self._kmsg = os.open(folder / "kmsg", os.O_RDWR)
        self.journalctl(_FOLLOWS)

    def journalctl(self, script: str) -> None:
        """What the command does."""
        (self.folder / "journalctl").write_text(_HEAD + script)
        (self.folder / "journalctl").chmod(0o755)

    @property
    def path(self) -> str:
        """The PATH on which it is found."""
        return f"{self.folder}:{os.environ['PATH']}"

    def says(self, *texts: str, age: float = 0.0) -> None:
        """New lines."""
        os.write(self._kmsg, "".join(stamped(text, age) for text in texts).encode())

    def close(self) -> None:
        """Hang up."""
        os.close(self._kmsg)
