# SPDX-License-Identifier: MIT
"""Owns one QEMU process: its command line, its monitor, the channel to the agent, its console, its end."""

import contextlib
import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

MEMORY_MIB = 1024
_KERNEL_LINE = (
    "console=ttyS0 panic=-1 quiet loglevel=6 mitigations=off systemd.condition-needs-update=no "
    "systemd.show_status=no"
)
_CONSOLE_LINES = 30
_SHUTDOWN_SECONDS = 10
_MONITOR_SECONDS = 120


class MachineGoneError(Exception):
    """The machine did not answer, or ended; the text shows the last lines of its console."""


class Lines:
    """JSON objects, one a line, on a socket whose other end QEMU has inherited."""

    def __init__(self) -> None:
        self._own, self.other = socket.socketpair()
        self._received = b""

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """The next object after sending this one."""
        self._own.settimeout(timeout)
        self._own.sendall(json.dumps(request).encode() + b"\n")
        return self.next(timeout)

    def next(self, timeout: float) -> dict[str, Any]:
        self._own.settimeout(timeout)
        while b"\n" not in self._received:
            received = self._own.recv(1 << 16)
            if not received:
                raise ConnectionError("QEMU has ended")
            self._received += received
        line, _, self._received = self._received.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        self._own.close()
        self.other.close()


class Qemu:
    """Runs from construction to `close()`. A guest that reboots stays; the RESET events tell."""

    def __init__(self, image: Path, disk: Path, console: Path, snapshot: str = "") -> None:
        self._console = console
        self._monitor, self._agent = Lines(), Lines()
        self._greeted = False
        ends = (self._monitor.other, self._agent.other)
        with console.with_suffix(".qemu").open("wb") as said:
            self._process = subprocess.Popen(
                self._command(image, disk, snapshot),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                pass_fds=[end.fileno() for end in ends],
            )
        for end in ends:  # so that the end of QEMU is the end of the file
            end.close()

    def _command(self, image: Path, disk: Path, snapshot: str) -> list[str]:
        monitor, agent = (channel.other.fileno() for channel in (self._monitor, self._agent))
        return [
            # A test run that is killed must not leave a machine behind.
            *("setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults"),
            *("-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", str(MEMORY_MIB)),
            *("-kernel", str(image / "vmlinuz"), "-initrd", str(image / "initrd.img")),
            *("-append", _KERNEL_LINE, "-display", "none", "-serial", f"file:{self._console}"),
            *("-drive", f"file={disk},if=virtio,format=qcow2,cache=unsafe"),
            *("-device", "virtio-serial", "-chardev", f"socket,id=agent,fd={agent}"),
            *("-device", "virtserialport,chardev=agent,name=agent"),
            # The hardware watchdog, for an orderly reboot that hangs.
            *("-device", "i6300esb", "-action", "watchdog=reset"),
            *("-chardev", f"socket,id=monitor,fd={monitor}", "-mon", "chardev=monitor,mode=control"),
            *(("-loadvm", snapshot) if snapshot else ()),
        ]

    def ask_agent(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        try:
            answer = self._agent.ask(request, timeout)
        except OSError as error:
            self._agent.close()  # an answer that comes too late must not be taken for another request's
            raise MachineGoneError(f"no answer from the guest: {error}\n{self.console_tail()}") from error
        if "error" in answer:
            raise OSError(answer["error"])
        return answer

    def monitor(self, command: str) -> str:
        """A command of the human monitor, and what it says: nothing, if it went well."""
        self.listen()
        request = {"execute": "human-monitor-command", "arguments": {"command-line": command}}
        answer = self._monitor.ask(request, _MONITOR_SECONDS)
        while "event" in answer:
            answer = self._monitor.next(_MONITOR_SECONDS)
        return str(answer.get("return", answer)).strip()

    def await_reset(self, timeout: float) -> bool:
        """Until the guest is reset, also if it was since `listen()`; whether its hardware watchdog did it.

        The watchdog is told by an event of its own, just before: a kernel that panics resets the machine too.
        """
        end = time.monotonic() + timeout
        seen = ""
        by_watchdog = False
        try:
            self.listen()
            while seen != "RESET":
                by_watchdog = by_watchdog or seen == "WATCHDOG"
                seen = self._monitor.next(max(0.1, end - time.monotonic())).get("event", "")
        except TimeoutError as error:
            raise MachineGoneError(f"no reboot within {timeout:g} s\n{self.console_tail()}") from error
        return by_watchdog

    def listen(self) -> None:
        """From now on the monitor obeys, and tells events."""
        if not self._greeted:
            self._monitor.next(_MONITOR_SECONDS)
            self._monitor.ask({"execute": "qmp_capabilities"}, _MONITOR_SECONDS)
            self._greeted = True

    def console_tail(self) -> str:
        """The last lines of the guest's console, and whatever QEMU itself said."""
        texts = [
            file.read_text(errors="replace")
            for file in (self._console, self._console.with_suffix(".qemu"))
            if file.exists()
        ]
        return "\n".join("".join(texts).splitlines()[-_CONSOLE_LINES:])

    def close(self) -> None:
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_SHUTDOWN_SECONDS)
        self._process.kill()
        self._process.wait()
        self._monitor.close()
        self._agent.close()
