# SPDX-License-Identifier: MIT
"""Owns what a host can do inside a running guest: commands and files, through its agent."""

import base64
import shlex
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

from .qemu import Qemu

_ANSWER_SECONDS = 15  # on top of what a command may take


class Shell:
    """root in the guest of a running QEMU."""

    def __init__(self, qemu: Qemu) -> None:
        self._qemu = qemu

    def run(
        self, command: str, timeout: float = 60, *, check: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """A bash command line as root; TimeoutExpired once it was killed for taking too long."""
        answer = self._qemu.ask_agent({"run": command, "timeout": timeout}, timeout + _ANSWER_SECONDS)
        if answer["status"] is None:
            raise subprocess.TimeoutExpired(command, timeout, answer["stdout"], answer["stderr"])
        done = subprocess.CompletedProcess(command, answer["status"], answer["stdout"], answer["stderr"])
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def push(self, local: Path, guest: str) -> None:
        """A file, or a folder with all that is in it, under exactly this name."""
        if local.is_dir():
            self._push_folder(local, guest)
        else:
            self.write(guest, local.read_bytes())

    def write(self, guest: str, content: bytes) -> None:
        data = base64.b64encode(content).decode()
        self._qemu.ask_agent({"write": guest, "data": data}, _ANSWER_SECONDS)

    def pull(self, guest: str, local: Path) -> None:
        answer = self._qemu.ask_agent({"read": guest}, _ANSWER_SECONDS)
        local.write_bytes(base64.b64decode(answer["data"]))

    def _push_folder(self, local: Path, guest: str) -> None:
        packed = BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            archive.add(local, ".", filter=_without_caches)
        self.write("/run/pushed.tar.gz", packed.getvalue())
        target = shlex.quote(guest)
        self.run(f"mkdir -p {target} && tar -xzf /run/pushed.tar.gz --no-same-owner -C {target}", check=True)


def _without_caches(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in entry.name else entry
