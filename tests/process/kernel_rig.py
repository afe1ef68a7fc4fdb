# SPDX-License-Identifier: MIT
"""Owns a kernel's log for tests: a journalctl of our own, which prints what the test has the kernel say."""

import json
import os
import time
from pathlib import Path

_HEAD = "#!/bin/sh\n"
# First the lines of this boot so far, then what comes; it ends when the test hangs up.
_FOLLOWS = '[ "$1" = --dmesg ] || exit 1\ncat "$(dirname "$0")/boot"; exec cat "$(dirname "$0")/kmsg"\n'


def stamped(text: str, age: float = 0.0, *, by: str = "kernel") -> str:
    """A line as `journalctl --output=json` of systemd 252 shows it, received `age` seconds ago."""
    entry = {
        "SYSLOG_IDENTIFIER": by,
        "__CURSOR": "s=09fef0c6f94b428e8007cf4a4d93136a;i=6;b=9fc4772a6f034fedbde7a74d3a734c81;m=1312d0;x=1",
        "_BOOT_ID": "9fc4772a6f034fedbde7a74d3a734c81",
        "__REALTIME_TIMESTAMP": "1700000001250000",
        "__MONOTONIC_TIMESTAMP": str(round((time.monotonic() - age) * 1e6)),
        "MESSAGE": text,
    }
    return json.dumps(entry) + "\n"


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
