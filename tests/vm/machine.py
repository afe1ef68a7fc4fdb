# SPDX-License-Identifier: MIT
"""Owns the machine as a test sees it: fresh from the snapshot; commands, files, its camera, its logs."""

import base64
import json
import shlex
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from . import cache, snapshot
from .qemu import Qemu

Entry = dict[str, Any]  # of the journal: fields and their values

_RESUME_SECONDS = 30
_ANSWER_SECONDS = 15  # on top of what a command may take
_RIG_DEFECT = "vhci_hcd: cannot find a urb of seqnum"


class Machine:
    """A context manager: each machine runs on a copy of the snapshot, and nothing of it is left behind."""

    def __init__(self) -> None:
        base, disk = snapshot.snapshot()
        self._folder = cache.scratch()
        folder = Path(self._folder.name)
        subprocess.run(
            ["cp", "--reflink=auto", "--sparse=always", str(disk), str(folder / disk.name)], check=True
        )
        self._qemu = Qemu(base, folder / disk.name, folder / "console.log", snapshot.NAME)
        try:
            self.run("true", _RESUME_SECONDS)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._qemu.close()
        self._folder.cleanup()

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

    def _push_folder(self, local: Path, guest: str) -> None:
        packed = BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            archive.add(local, ".", filter=_without_caches)
        self.write("/run/pushed.tar.gz", packed.getvalue())
        target = shlex.quote(guest)
        self.run(f"mkdir -p {target} && tar -xzf /run/pushed.tar.gz --no-same-owner -C {target}", check=True)

    def pull(self, guest: str, local: Path) -> None:
        answer = self._qemu.ask_agent({"read": guest}, _ANSWER_SECONDS)
        local.write_bytes(base64.b64decode(answer["data"]))

    def camera(self, command: str) -> str:
        """Gives the USB camera a command, e.g. "stall" or "normal", and returns its answer."""
        return self.run(f"usb-camera -c {shlex.quote(command)}", check=True).stdout.strip()

    def journal(self, *matches: str) -> list[Entry]:
        """The entries that match, e.g. "_SYSTEMD_UNIT=camwatchd.service", oldest first."""
        words = " ".join(shlex.quote(match) for match in matches)
        lines = self.run(f"journalctl --output=json --all {words}", check=True).stdout.splitlines()
        return [json.loads(line) for line in lines]

    def await_journal(
        self, *matches: str, pattern: str = "", after: Entry | None = None, timeout: float = 60
    ) -> Entry:
        """The first entry that matches and whose JSON contains the pattern, once it is written."""
        follow = ["journalctl", "--output=json", "--all", "--follow", "--lines=all", *matches]
        if after:
            follow += ["--after-cursor", str(after["__CURSOR"])]
        # Not a pipeline: that would last until journalctl's next line.
        search = f"grep --max-count=1 -E {shlex.quote(pattern)} < <({shlex.join(follow)})"
        entry: Entry = json.loads(self.run(search, timeout, check=True).stdout)
        return entry

    def unit(self, name: str, *properties: str) -> dict[str, str]:
        """Properties of a unit, as systemctl show prints them."""
        shown = self.run(f"systemctl show {name} --property={','.join(properties)}", check=True).stdout
        return dict(line.split("=", 1) for line in shown.splitlines())

    def await_property(self, unit: str, name: str, pattern: str, timeout: float = 60) -> str:
        """A property of a unit, once it fits (a Perl regular expression).

        Asked for twice a second: systemd tells changes only to subscribers on the bus, which no shell can be.
        """
        show = f"systemctl show {unit} --property={name} --value"
        fits = f"grep --perl-regexp -e {shlex.quote(pattern)}"
        return self.run(f"until {show} | {fits}; do sleep 0.5; done", timeout, check=True).stdout.strip()

    def rig_defect(self) -> str:
        """The kernel's line that says that the rig itself lost the camera; empty if it did not."""
        lines = self.run("dmesg").stdout.splitlines()
        return next((line for line in lines if _RIG_DEFECT in line), "")


def _without_caches(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in entry.name else entry
