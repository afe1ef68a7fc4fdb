# SPDX-License-Identifier: MIT
"""Owns the machine as a test sees it: fresh from the snapshot; its camera, its logs, its units, its reboots."""

import json
import shlex
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from . import cache, snapshot
from .qemu import Qemu
from .shell import Shell

Entry = dict[str, Any]  # of the journal: fields and their values

STATE = "/var/lib/camwatchd/state"
_RESUME_SECONDS = 30
_BOOT_SECONDS = 240
_LAST_WORDS = "reboot: Restarting system"
_RIG_DEFECT = "vhci_hcd: cannot find a urb of seqnum"


class Machine(Shell):
    """A context manager: each machine runs on a copy of the snapshot, and nothing of it is left behind.

    The package under test is installed in it, but not started. Only one runs at a time: with two of them on two
    cores the times would be those of the host.
    """

    def __init__(self, built: tuple[Path, Path] | None = None) -> None:
        base, disk = built or snapshot.installed()
        self._turn = cache.turn()
        self._folder = cache.scratch()
        folder = Path(self._folder.name)
        subprocess.run(
            ["cp", "--reflink=auto", "--sparse=always", str(disk), str(folder / disk.name)], check=True
        )
        super().__init__(Qemu(base, folder / disk.name, folder / "console.log", snapshot.INSTALLED))
        try:
            self.run("true", _RESUME_SECONDS)
            self._qemu.listen()
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
        self._turn.close()

    # --- the camera ---------------------------------------------------------------------------------------

    def camera(self, command: str, port: int = 0) -> str:
        """Gives a USB camera a command, e.g. "stall" or "normal", and returns its answer."""
        return self.run(camera_order(command, port), check=True).stdout.strip()

    def plug_in_another(self, port: int = 1) -> None:
        """A second USB camera."""
        node = f"/dev/video{2 * port}"  # each has one for pictures and one for metadata
        options = f"-p {port} -s {camera_socket(port)} -j /usr/local/share/usb-camera"
        self.run(f"systemd-run --property=Nice=-10 usb-camera {options}", check=True)
        self.run(f"udevadm wait --timeout=20 {node} && udevadm settle", check=True)

    # --- its logs -----------------------------------------------------------------------------------------

    def journal(self, *matches: str) -> list[Entry]:
        """The entries that match, e.g. "_SYSTEMD_UNIT=camwatchd.service", oldest first."""
        words = " ".join(shlex.quote(match) for match in matches)
        lines = self.run(f"journalctl --output=json --all {words}", check=True).stdout.splitlines()
        return [json.loads(line) for line in lines]

    def await_journal(
        self,
        *matches: str,
        pattern: str = "",
        after: Entry | None = None,
        timeout: float = 60,
        then: str = "true",
    ) -> Entry:
        """The first entry that matches and whose JSON contains the pattern, once it is written.

        `then`: a command that the guest itself runs at that moment, without the way to us and back.
        """
        follow = ["journalctl", "--output=json", "--all", "--follow", "--lines=all", *matches]
        if after:
            follow += ["--after-cursor", str(after["__CURSOR"])]
        # Not a pipeline: that would last until journalctl's next line.
        search = f"grep --max-count=1 -E {shlex.quote(pattern)} < <({shlex.join(follow)})"
        found = self.run(f"{search} && {then}", timeout, check=True).stdout
        entry: Entry = json.loads(found.splitlines()[0])
        return entry

    def ledger(self) -> dict[str, Any]:
        """What the ledger holds: marks, boots, incidents with their steps."""
        dump = self.run(f"python3 -m camwatchd.adapters.ledger_dump {STATE} --json", check=True).stdout
        content: dict[str, Any] = json.loads(dump)
        return content

    def rig_defect(self) -> str:
        """The kernel's line that says that the rig itself lost the camera; empty if it did not.

        From the journal, not the kernel's own buffer: that has only this boot, and new lines push out old ones.
        """
        search = f"grep --fixed-strings {shlex.quote(_RIG_DEFECT)} || true"
        kernel_log = "set -o pipefail; journalctl --output=cat _TRANSPORT=kernel"
        return self.run(f"{kernel_log} | {{ {search}; }}", check=True).stdout.partition("\n")[0]

    # --- systemd ------------------------------------------------------------------------------------------

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

    def boot_id(self) -> str:
        return self.run("cat /proc/sys/kernel/random/boot_id", check=True).stdout.strip()

    def await_reboot(self, timeout: float = 120) -> bool:
        """Until it was rebooted, by whomever, and is up again; whether the hardware watchdog did it.

        MachineGoneError: it never was within `timeout`.
        """
        by_watchdog = self._qemu.await_reset(timeout)
        self._qemu.ask_agent({"run": "true", "timeout": 10}, _BOOT_SECONDS)
        return by_watchdog

    def rebooted_orderly(self) -> bool:
        """Whether the kernel did it, which says so with its last words; nobody does when the watchdog cuts in."""
        return _LAST_WORDS in (Path(self._folder.name) / "console.log").read_text(errors="replace")


def camera_order(command: str, port: int = 0) -> str:
    """The guest's command line that gives a USB camera a command."""
    return shlex.join(["usb-camera", "-s", camera_socket(port), "-c", command])


def camera_socket(port: int = 0) -> str:
    """Where the camera on a port of the virtual host controller takes commands."""
    return "/run/usb-camera.sock" if port == 0 else f"/run/usb-camera-{port}.sock"
