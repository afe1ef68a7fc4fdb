# SPDX-License-Identifier: MIT
"""Owns a real daemon under soak: its simulated cameras play one script after the other, and must survive each.

A script travels to a worker in one message and so cannot be long: between two of them the daemon is told to read
its configuration again, which gives every camera a new worker. How the cameras are is asked on the control socket,
because the log keeps back what comes too often, and here everything does.
"""

import itertools
import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from camwatchd.adapters import ledger_dump
from camwatchd.control.client import Client
from camwatchd.control.facts import CameraFacts, StatusFacts
from camwatchd.control.protocol import SOCKET_NAME, Status
from camwatchd.core.ladder import Rung
from camwatchd.core.state import Phase
from tests.bench.soak.plan import FRAME_RATE, Fault
from tests.process.daemon import QUICK, Daemon, Note, camera, daemon
from tests.process.kernel_rig import Kernel

# Short times, and after a second of health each fault starts from the bottom of the ladder again.
CONFIG = (
    QUICK.replace("standby = false", "standby = true")
    .replace('log_level = "debug"', 'log_level = "info"')
    .replace("recovery_cooldown = 1", "recovery_cooldown = 1\nstable_after = 1")
    + """
[ladder.reset-device]
timeout = 2
settle = 2.5
backoff = 0.1
"""
)
# What the kernel says all the while: about these cameras, about others, and about no camera at all.
_KERNEL = (
    "usb 1-1.3: reset high-speed USB device number 4 using xhci_hcd",
    "uvcvideo 1-1.3:1.1: Non-zero status (-71) in video completion handler.",
    "usb 1-1.3: USB disconnect, device number 4",
    "usb 1-1.4: new low-speed USB device number 5 using xhci_hcd",
    "rp1-cfe 1f00110000.csi: stream on failed in subdev",
    "python3: page allocation failure: order:9",
    "EXT4-fs (mmcblk0p2): re-mounted r/w",
)
WATCHDOG = 10.0  # s; WatchdogSec= of the unit that is not there
BACK_WITHIN = 60.0  # s from the end of the last fault; a busy camera alone is probed every 20 s
_TICK = 0.25  # s between two looks at the daemon
_CALM = 1.0  # s of health before a script counts as survived

Scripts = dict[str, list[Fault]]


class SoakError(Exception):
    """An invariant is broken; the text says which."""


@dataclass
class Soak:
    """A running daemon; `play()` returns when its cameras have survived their scripts."""

    rig: Daemon
    required: tuple[str, ...]
    optional: tuple[str, ...]
    kernel: Kernel
    chatter: Iterator[str] = field(default_factory=lambda: itertools.cycle(_KERNEL))
    facts: dict[str, CameraFacts] = field(default_factory=dict)
    healthy_since: float = float("inf")  # all of them

    @property
    def cameras(self) -> tuple[str, ...]:
        return (*self.required, *self.optional)

    @property
    def recoveries(self) -> int:
        return sum(facts.recoveries_24h for facts in self.facts.values())

    @property
    def resets(self) -> Counter[str]:
        """What became of the resets of devices, by the ledger: the log keeps back what comes too often."""
        incidents = ledger_dump.read(self.rig.directory / "state")["incidents"]
        steps = [step for incident in incidents for step in incident["steps"]]
        return Counter(step["outcome"] for step in steps if step["rung"] == Rung.RESET_DEVICE)

    def play(self, scripts: Scripts, within: float, progress: Callable[[], None]) -> None:
        """Give every camera a script, and wait until all of it is over and all are healthy again."""
        before = {name: self._memory(name)[0] for name in self.cameras}
        write(self.rig.directory, self.required, self.optional, scripts)
        self.rig.signal(signal.SIGHUP)

        def over(name: str) -> bool:
            script, ended = self._memory(name)
            return script != before[name] and ended

        self._wait(lambda: all(map(over, self.cameras)), within, "not all faults struck", progress)
        self._wait(self.calm, BACK_WITHIN, "not healthy again", progress)

    def calm(self) -> bool:
        """Whether every camera has been healthy for a moment."""
        return time.monotonic() - self.healthy_since >= _CALM

    def look(self) -> None:
        """Let a moment pass, and ask how everything is."""
        self.kernel.says(next(self.chatter))
        self.let_pass()
        self.ask()

    def let_pass(self) -> None:
        """A moment, in which the daemon must not end."""
        try:
            ended = self.rig.process.wait(_TICK)
        except subprocess.TimeoutExpired:
            return
        raise SoakError(f"the daemon ended with status {ended}: {self.rig.noise[-20:]}")

    def ask(self) -> None:
        """The facts, as camwatchctl shows them."""
        now = time.monotonic()
        with Client(self.rig.directory / "run" / SOCKET_NAME) as client:
            answer = client.ask(Status())
        assert isinstance(answer, StatusFacts)
        self.facts = {facts.name: facts for facts in answer.cameras}
        healthy = all(facts.phase == Phase.HEALTHY for facts in self.facts.values())
        self.healthy_since = min(self.healthy_since, now) if healthy else float("inf")

    def _wait(
        self, done: Callable[[], bool], seconds: float, what: str, progress: Callable[[], None]
    ) -> None:
        end = time.monotonic() + seconds
        while not done():
            self.look()
            progress()
            if time.monotonic() > end:
                raise SoakError(f"{what} within {seconds:.0f} s: {list(self.facts.values())}")

    def _memory(self, name: str) -> tuple[int, bool]:
        """Which script a camera has in hand, and whether all of it is over."""
        try:
            memory = json.loads((self.rig.directory / f"run/simulated-{name}.json").read_text())
        except FileNotFoundError:
            return 0, False
        return memory["script"], all(fault["over"] for fault in memory["faults"])


@contextmanager
def soak(directory: Path, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> Iterator[Soak]:
    """A daemon with these cameras, delivering; it must go down in order at the end."""
    config = write(directory, required, optional, {})
    kernel = Kernel(directory / "kernel")
    with (
        closing(kernel),
        patch.dict(os.environ, PATH=kernel.path),
        daemon(directory, config, watchdog=WATCHDOG) as rig,
    ):
        running = Soak(rig, required, optional, kernel)
        for name in running.cameras:
            rig.event("camera.started", camera=name)
        running.look()
        rig.event("kernel.line")  # the reader hears
        yield running


def write(directory: Path, required: tuple[str, ...], optional: tuple[str, ...], scripts: Scripts) -> str:
    """The configuration with these scripts, as the daemon will find it."""
    keys = {"frame_rate": FRAME_RATE, "checks__frozen_after": 0.5}
    tables = [
        camera(name, *scripts.get(name, ()), required=name in required, **keys)
        for name in (*required, *optional)
    ]
    config = "".join([CONFIG, *tables])
    (directory / "config.toml").write_text(config)
    return config


def longest_silence(notes: list[Note], base: float = WATCHDOG) -> float:
    """Systemd's clock, told by what it was sent: the longest pause, as a share of what it would have waited for."""
    interval, last, worst = base, notes[0].at, 0.0
    for note in notes:
        if note.text.startswith(("WATCHDOG=1", "WATCHDOG_USEC=")):
            worst, last = max(worst, (note.at - last) / interval), note.at
        if note.text.startswith("WATCHDOG_USEC="):
            interval = int(note.text.removeprefix("WATCHDOG_USEC=")) / 1e6
    return worst
