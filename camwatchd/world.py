# SPDX-License-Identifier: MIT
"""Owns the list of what the supervisor works with in the world outside; filled in the composition root."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from camwatchd import __version__
from camwatchd.adapters.devices import DeviceWatch
from camwatchd.adapters.host import Host
from camwatchd.loop import Signals
from camwatchd.ports import LimitedLog, Notifier


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the supervisor works with; built in the composition root."""

    notifier: Notifier
    log: LimitedLog
    signals: Signals
    environ: Mapping[str, str]  # of the children
    runtime_dir: str
    state_dir: str
    config: tuple[str, str]  # main file and folder of the drop-ins
    version: str = __version__
    pid: int = field(default_factory=os.getpid)
    host: Host = field(default_factory=Host)
    devices: DeviceWatch = field(default_factory=DeviceWatch)
    clock: Callable[[], float] = time.monotonic
    log_level_is: Callable[[str], None] = lambda _: None  # where the command line has not fixed the level


def recorder_arguments(world: World, boot: str) -> list[str]:
    """What the recorder is told on its command line. The start's id lets it know a record that comes twice."""
    start = f"{boot}-{world.pid}-{world.clock():.3f}"
    return [
        "--link=3", f"--supervisor={world.pid}", f"--state={world.state_dir}", f"--unit={world.host.unit()}",
        f"--start={start}", *([f"--boot-id={boot}"] if boot else []),
    ]  # fmt: skip
